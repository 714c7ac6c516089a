// Runs a bundle of the shop, whose error nobody catches, under the real posthog-node.
import { pathToFileURL } from 'node:url'
import { PostHog } from 'posthog-node'

const [host, token, bundle] = process.argv.slice(2)
new PostHog(token, { host, enableExceptionAutocapture: true })
await import(pathToFileURL(bundle))

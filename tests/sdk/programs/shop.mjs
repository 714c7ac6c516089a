// The shop of shop.py in JavaScript. Line numbers matter to the tests.
import { PostHog } from 'posthog-node'

function priceOf(article) {
  return { tea: 3 }[article].toFixed(2)
}

function total(order) {
  try {
    return order.articles.map(priceOf)
  } catch (error) {
    throw new RangeError(`no price in order ${order.number}`, { cause: error })
  }
}

function checkout(order) {
  try {
    return total(order)
  } catch (error) {
    throw new Error(`checkout of order ${order.number} failed`, { cause: error })
  }
}

const [host, token, option] = process.argv.slice(2)
const posthog = new PostHog(token, { host, enableExceptionAutocapture: option === 'unhandled' })
const order = { number: 1234, articles: ['tea', 'coffee'] }
if (option === 'unhandled') {
  setTimeout(() => Promise.reject(new TypeError('nobody waits for this')), 10)
  await new Promise((resolve) => setTimeout(resolve, 500))
} else if (option === 'text') {
  posthog.captureException('only a text', 'user-0')
} else {
  try {
    checkout(order)
  } catch (error) {
    posthog.captureException(error, 'user-0', { cart: 1 })
  }
}
posthog.capture({ distinctId: 'user-0', event: 'order_failed' })
await posthog.shutdown()

// Gives scripts chunk ids as posthog-cli does: an own injector, since the program itself is on no package index.
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** The namespace in which posthog-cli derives a chunk's id from its minified script. */
const NAMESPACE = '0e9b3c7a-5d1f-42a8-b6c4-e2d0f8a17593'

/** The names of the scripts in a folder. */
export function scriptsOf(folder) {
  return readdirSync(folder).filter((name) => /\.c?js$/.test(name))
}

/** Injects into every script of a folder that has a map beside it. */
export function inject(folder) {
  for (const name of scriptsOf(folder)) {
    const script = path.join(folder, name)
    const source = readFileSync(script, 'utf8')
    const map = JSON.parse(readFileSync(`${script}.map`, 'utf8'))
    const id = uuid5(NAMESPACE, source)
    writeFileSync(script, `${registration(id)}\n${source}\n//# chunkId=${id}\n`)
    // One line was added in front, and a semicolon is how a map says that a line holds nothing of interest.
    writeFileSync(`${script}.map`, JSON.stringify({ ...map, mappings: `;${map.mappings}`, chunk_id: id }))
  }
}

/** A statement that tells the SDK which script this is: the id under the text of a stack whose last frame is here. */
function registration(id) {
  const table = '(globalThis._posthogChunkIds??={})'
  return `(()=>{try{${table}[new Error().stack]=${JSON.stringify(id)}}catch{}})();`
}

/** The UUID of version 5 (RFC 9562) of a text. */
function uuid5(namespace, text) {
  const hash = createHash('sha1').update(Buffer.from(namespace.replaceAll('-', ''), 'hex')).update(text)
  const bytes = hash.digest().subarray(0, 16)
  bytes[6] = (bytes[6] & 0x0f) | 0x50
  bytes[8] = (bytes[8] & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

// Holds the maps that were made against the TypeScript sources, by another library than the server's.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { SourceMapConsumer } from 'source-map'
import { scriptsOf } from './inject.mjs'

const shop = path.join(path.dirname(fileURLToPath(import.meta.url)), 'shop')

/** What stands once in the minified scripts | the file it comes from, its line there | the text of that line. */
const PLACES = [
  ['new RangeError(', 'prices.ts', 10, 'throw new RangeError(`no price for ${article}`)'],
  ['.trim()', 'checkout.ts', 9, 'const prices = order.articles.map((article) => priceOf(article.trim()))'],
  ['.articles.map(', 'checkout.ts', 9, 'const prices = order.articles.map((article) => priceOf(article.trim()))'],
  ['this.taken+=', 'checkout.ts', 21, 'this.taken += totalOf(order, this.pricing)'],
  ['new Error(`order ', 'checkout.ts', 23, 'throw new Error(`order ${order.number} was not paid`, { cause: error })'],
  ['.pay(', 'main.ts', 15, 'till.pay(order)'],
]

/** Fails unless the scripts of a folder have all the places, and their maps lead each to its line. */
export async function check(folder) {
  const found = []
  for (const name of scriptsOf(folder)) {
    const script = readFileSync(path.join(folder, name), 'utf8')
    const map = JSON.parse(readFileSync(path.join(folder, `${name}.map`), 'utf8'))
    await SourceMapConsumer.with(map, null, (consumer) => {
      for (const place of PLACES.filter(([minified]) => script.includes(minified))) {
        checkPlace(place, script, consumer)
        found.push(place[0])
      }
    })
  }
  assert.deepEqual(found.sort(), PLACES.map(([minified]) => minified).sort(), folder)
}

function checkPlace([minified, file, line, text], script, consumer) {
  const source = readFileSync(path.join(shop, file), 'utf8')
  assert.equal(source.split('\n')[line - 1].trim(), text)
  assert.equal(script.split(minified).length, 2, `${minified} stands there more than once`)
  const before = script.slice(0, script.indexOf(minified)).split('\n')
  const original = consumer.originalPositionFor({ line: before.length, column: before.at(-1).length })
  assert.ok(original.source?.endsWith(`/shop/${file}`), `${minified}: ${JSON.stringify(original)}`)
  assert.equal(original.line, line)
  assert.equal(consumer.sourceContentFor(original.source), source)
}

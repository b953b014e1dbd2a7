/** Profiles of a node name the files that people know, not those that it runs. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { nameSources } from '../../src/actor/meter/source-places.js'

const MAIN = import.meta.resolve('#main')
const SOURCE = fileURLToPath(new URL('../../src/main.js', import.meta.url))
const FUNCTION = 'function refuse('

/** Line and column of the text, both from 0. */
function placeOf(path: string, text: string): { readonly lineNumber: number; readonly columnNumber: number } {
  const lines = readFileSync(path, 'utf8').split('\n')
  const lineNumber = lines.findIndex((line) => line.includes(text))
  return { lineNumber, columnNumber: (lines[lineNumber] as string).indexOf(text) }
}

function frames(): { url: string; lineNumber: number; columnNumber: number }[] {
  return [
    { url: MAIN, ...placeOf(fileURLToPath(MAIN), FUNCTION) },
    { url: 'node:net', lineNumber: 3, columnNumber: 5 },
    { url: '', lineNumber: -1, columnNumber: -1 },
    { url: import.meta.url.replace('.js', '.none.js'), lineNumber: 3, columnNumber: 5 },
  ]
}

const expected = [{ url: 'src/main.js', ...placeOf(SOURCE, FUNCTION) }, ...frames().slice(1)]

test('frames of a CPU profile are named by the files that were bundled; those without a map stay as they are', () => {
  const found = frames()
  const nodes = found.map((callFrame, id) => ({ id, callFrame, children: [id + 1] }))
  nameSources([{ nodes }])
  assert.deepEqual(found, expected)
})

test('so are those of a sampled heap, at any depth', () => {
  const found = frames()
  const head = found.reduceRight<{ callFrame: object; children: object[] } | null>(
    (below, callFrame) => ({ callFrame, children: below === null ? [] : [below] }), null,
  )
  nameSources([{ head }])
  assert.deepEqual(found, expected)
})

/** Every known bug still has its place in what is built. Whether the simulator finds it: `npm run sim:mutants`. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { mutate } from './mutant.js'
import { MUTANTS } from './mutants.js'

test('there are at least 25 mutants, each with a name of its own', () => {
  assert.ok(MUTANTS.length >= 25, `${MUTANTS.length} mutants`)
  assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length)
})

for (const mutant of MUTANTS) {
  test(`the place of mutant ${mutant.name} is there once`, () => {
    const text = readFileSync(new URL(`../../../src/${mutant.file}`, import.meta.url), 'utf8')
    assert.notEqual(mutate(mutant, text), text)
  })
}

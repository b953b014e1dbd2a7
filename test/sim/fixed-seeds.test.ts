/** Whole runs of the simulator: a few seeds, each the same every time. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulate, type RunOptions } from '../../src/sim/run.js'

const BASE: RunOptions = { seed: 1, members: 3, seconds: 10, keepsTrace: false, onLmdb: false }

function outcomeOf(options: Partial<RunOptions>): string {
  const { failure, operations, watched } = simulate({ ...BASE, ...options })
  if (failure !== null) return `${failure.kind}: ${failure.message}`
  return operations > 0 && watched > 0 ? 'all is well' : 'nothing happened'
}

for (const seed of [11, 12, 13]) {
  test(`three members keep their word with seed ${seed}`, () => {
    assert.equal(outcomeOf({ seed }), 'all is well')
  })
}

test('five members keep their word', () => {
  assert.equal(outcomeOf({ seed: 21, members: 5 }), 'all is well')
})

test('a member alone keeps its word', () => {
  assert.equal(outcomeOf({ seed: 31, members: 1 }), 'all is well')
})

test('three members keep their word on lmdb', () => {
  assert.equal(outcomeOf({ seed: 50, onLmdb: true }), 'all is well')
})

test('a healthy cluster answers everything', () => {
  const { failure, operations, faults } = simulate({ ...BASE, isCalm: true })
  assert.equal(failure, null)
  assert.equal(faults, 0)
  assert.ok(operations > 100, `${operations} operations`)
})

test('a seed is the same run every time, with its lines or without', () => {
  const first = simulate({ ...BASE, seed: 77, keepsTrace: true })
  const second = simulate({ ...BASE, seed: 77, keepsTrace: true })
  const third = simulate({ ...BASE, seed: 77 })
  assert.deepEqual(second.lines, first.lines)
  assert.equal(second.hash, first.hash)
  assert.equal(third.hash, first.hash)
  assert.ok(first.lines.length > 100)
})

test('another seed is another run', () => {
  assert.notEqual(simulate({ ...BASE, seed: 78 }).hash, simulate({ ...BASE, seed: 79 }).hash)
})

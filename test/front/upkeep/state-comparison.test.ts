/** Who is named when members' stores differ. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOBODY_KNOWS, StateComparison, type HeardMark } from '../../../src/front/upkeep/state-comparison.js'

const SELF = 1n

function marks(...agrees: (boolean | null)[]): HeardMark[] {
  return agrees.map((one, i) => ({ member: BigInt(i + 2), agrees: one }))
}

test('as long as nobody differs nobody is named', () => {
  const comparison = new StateComparison()
  assert.deepEqual(comparison.look(SELF, marks(true, null), 0), [])
  assert.deepEqual(comparison.look(SELF, marks(true, true), 100_000), [])
})

test('the one who differs from most is named, again and again', () => {
  const comparison = new StateComparison()
  assert.deepEqual(comparison.look(SELF, marks(true, false), 0), [3n])
  assert.deepEqual(comparison.look(SELF, marks(true, null), 1000), [3n])
})

test('before all are heard nobody is named, but not for ever', () => {
  const comparison = new StateComparison()
  assert.deepEqual(comparison.look(SELF, marks(null, null, true, false), 0), [])
  assert.deepEqual(comparison.look(SELF, marks(null, true, true, false), 500), [])
  assert.deepEqual(comparison.look(SELF, marks(null, true, true, false), 10_500), [5n])
})

test('a leader from whom all differ names itself', () => {
  const comparison = new StateComparison()
  assert.deepEqual(comparison.look(SELF, marks(false, null), 0), [])
  assert.deepEqual(comparison.look(SELF, marks(false, false), 500), [SELF])
})

test('without a majority nobody knows who is right', () => {
  assert.deepEqual(new StateComparison().look(SELF, marks(false), 0), [NOBODY_KNOWS])
  assert.deepEqual(new StateComparison().look(SELF, marks(true, false, false), 0), [NOBODY_KNOWS])
})

test('a member that is gone is forgotten', () => {
  const comparison = new StateComparison()
  assert.deepEqual(comparison.look(SELF, marks(true, false), 0), [3n])
  assert.deepEqual(comparison.look(SELF, marks(true), 1000), [])
})

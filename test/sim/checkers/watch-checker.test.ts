/** Watches that are told everything once and in order, and each way in which they are not. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Truth, type Change } from '../../../src/sim/checkers/truth.js'
import { WatchChecker } from '../../../src/sim/checkers/watch-checker.js'

function put(key: string, modRevision: number): Change {
  return { key, value: `v${modRevision}`, modRevision, createRevision: modRevision, version: 1, leaseId: 0n }
}

/** a at 2, b at 3, c and d at 4, e at 5. */
const HISTORY: readonly (readonly Change[])[] = [
  [put('a', 2)], [put('b', 3)], [put('c', 4), put('d', 4)], [put('e', 5)],
]

function watch(from: number, range = { key: 'a', end: 'z' }): WatchChecker {
  const truth = new Truth()
  for (const changes of HISTORY) {
    assert.equal(truth.onRevision('m1', (changes[0] as Change).modRevision, changes, 0), null)
  }
  return new WatchChecker(truth, { name: 'w', range, from })
}

test('everything from the first revision on, in whole revisions, is right', () => {
  const it = watch(2)
  assert.equal(it.onEvents([put('a', 2), put('b', 3)], false), null)
  assert.equal(it.onEvents([put('c', 4), put('d', 4)], false), null)
  assert.equal(it.owed()?.key, 'e')
  assert.equal(it.onEvents([put('e', 5)], false), null)
  assert.equal(it.owed(), null)
})

test('a watch from now on begins behind the revision that it was created at', () => {
  const it = watch(0)
  it.onCreated(4)
  assert.equal(it.onEvents([put('e', 5)], false), null)
})

test('a skipped event is found', () => {
  assert.match(watch(2).onEvents([put('b', 3)], false) ?? 'nothing', /b=v3.* where a=v2/)
})

test('an event told twice is found', () => {
  const it = watch(2)
  assert.equal(it.onEvents([put('a', 2)], false), null)
  assert.match(it.onEvents([put('a', 2)], false) ?? 'nothing', /nothing is due/)
})

test('half a revision is found', () => {
  assert.match(watch(4).onEvents([put('c', 4)], false) ?? 'nothing', /nothing, where d=v4/)
})

test('a wrong order is found', () => {
  assert.notEqual(watch(2).onEvents([put('b', 3), put('a', 2)], false), null)
})

test('events of another range or other contents are found', () => {
  assert.notEqual(watch(2, { key: 'b', end: '' }).onEvents([put('a', 2)], false), null)
  assert.notEqual(watch(2).onEvents([{ ...put('a', 2), value: 'other' }], false), null)
})

test('progress that hides an event is found', () => {
  assert.match(watch(2).onProgress(3) ?? 'nothing', /without a=v2/)
  const it = watch(3)
  assert.equal(it.onProgress(2), null)
  assert.match(it.onProgress(3) ?? 'nothing', /without b=v3/)
})

test('a compaction ends only a watch that needs what is gone', () => {
  assert.equal(watch(2).onCompacted(4, 4), null)
  assert.match(watch(4).onCompacted(3, 4) ?? 'nothing', /is ended at 4/)
  assert.match(watch(2).onCompacted(5, 4) ?? 'nothing', /told of a compaction to 5/)
})

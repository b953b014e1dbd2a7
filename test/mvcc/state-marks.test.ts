/** State marks: equal where the log is equal, however it was batched and whatever was restarted meanwhile. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Word } from '../../src/messages/shared-words.js'
import { STATE_MARK_ENTRIES, agrees, newestMark } from '../../src/messages/state-marks.js'
import { MvccRig } from './support/mvcc-rig.js'
import type { RequestSpec } from './support/requests.js'

const ENTRIES = 2 * STATE_MARK_ENTRIES + 10

function requestOf(i: number): RequestSpec {
  if (i % 7 === 3) return { kind: 'delete', range: { key: `key ${i % 50}` } }
  return { kind: 'put', put: { key: `key ${i % 50}`, value: `${i}` } }
}

/** The same entries, so many at a time. */
function rigOf(atOnce: number, change: (i: number) => RequestSpec = requestOf): MvccRig {
  const rig = new MvccRig()
  for (let i = 1; i <= ENTRIES; i++) {
    rig.send(change(i))
    if (i % atOnce !== 0) continue
    rig.run()
    rig.node.fronts[0]?.take()
  }
  rig.run()
  return rig
}

function markAt(rig: MvccRig): number {
  return newestMark(rig.words, rig.words.load(Word.appliedIndex))
}

test('batches make no difference', () => {
  const [one, other] = [rigOf(1), rigOf(400)]
  assert.notEqual(markAt(one), 0)
  assert.equal(markAt(one), markAt(other))
  assert.equal(agrees(other.words, markAt(one)), true)
  one.close()
  other.close()
})

test('one entry that did something else is in every mark behind it', () => {
  const [one, other] = [rigOf(100), rigOf(100, (i) => requestOf(i === 500 ? 3 : i))]
  assert.equal(agrees(other.words, markAt(one)), false)
  one.close()
  other.close()
})

test('what a restart replays comes to the same', () => {
  const [one, other] = [rigOf(100), rigOf(300)]
  other.crash()
  const first = markAt(one)
  assert.equal(markAt(other), first)
  one.close()
  other.close()
})

test('a mark that is not known says nothing', () => {
  const rig = rigOf(100)
  assert.equal(agrees(rig.words, 0), null)
  const fresh = new MvccRig()
  assert.equal(newestMark(fresh.words, 0), 0)
  assert.equal(agrees(fresh.words, markAt(rig)), null)
  rig.close()
  fresh.close()
})

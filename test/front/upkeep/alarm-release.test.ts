/** When the alarm for space goes by itself. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AlarmRelease, alarmsToRelease } from '../../../src/front/upkeep/alarm-release.js'
import { AlarmType } from '../../../src/proto/generated/etcdserverpb.js'

const QUOTA = 1000

/** Looks whenever it is due; the share in use follows from the second. Returns the seconds at which it let go. */
function releases(seconds: number, usedAt: (second: number) => number, isActive = true): number[] {
  const release = new AlarmRelease(QUOTA)
  const seen: number[] = []
  for (let nowMs = 0; nowMs <= seconds * 1000; nowMs = release.dueAtMs) {
    if (release.look(nowMs, isActive, usedAt(nowMs / 1000))) seen.push(nowMs / 1000)
  }
  return seen
}

test('ten seconds under nine tenths of the quota', () => {
  assert.deepEqual(releases(12, () => 899), [10])
  assert.deepEqual(releases(60, () => 900), [])
})

test('the ten seconds begin again when the store grows meanwhile', () => {
  assert.deepEqual(releases(20, (second) => (second === 6 ? 950 : 100)), [16.5])
})

test('an alarm that stays is asked about again', () => {
  assert.deepEqual(releases(21, () => 0), [10, 20])
})

test('without an alarm nobody looks', () => {
  const release = new AlarmRelease(QUOTA)
  assert.equal(release.look(0, false, 0), false)
  assert.equal(release.dueAtMs, Infinity)
})

test('a member ends its own alarms for space, and those of members that are not there', () => {
  const own = { memberID: 1n, alarm: AlarmType.NOSPACE }
  const other = { memberID: 2n, alarm: AlarmType.NOSPACE }
  const gone = { memberID: 3n, alarm: AlarmType.NOSPACE }
  const corrupt = { memberID: 1n, alarm: AlarmType.CORRUPT }
  assert.deepEqual(alarmsToRelease([own, other, gone, corrupt], 1n, new Set([1n, 2n])), [own, gone])
})

/** Compaction by the clock, with time and revisions that the test moves. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AutoCompaction } from '../../../src/config/sections/space-config.js'
import { compactionTimer, type CompactionTimer } from '../../../src/front/upkeep/auto-compaction.js'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** A revision a minute from 1 on. Answers each compaction at once with what `isDone` says. */
function compactions(
  config: AutoCompaction,
  minutes: number,
  options: { isDone?: (minute: number) => boolean; isLeader?: (minute: number) => boolean; writes?: boolean } = {},
): [minute: number, revision: number][] {
  const { isDone = () => true, isLeader = () => true, writes = true } = options
  const timer = compactionTimer(config, 0, 1) as CompactionTimer
  const seen: [number, number][] = []
  while (timer.dueAtMs <= minutes * MINUTE_MS) {
    const nowMs = timer.dueAtMs
    const minute = nowMs / MINUTE_MS
    const revision = timer.tick(nowMs, writes ? 1 + Math.floor(minute) : 1, isLeader(minute))
    if (revision === 0) continue
    seen.push([minute, revision])
    assert.equal(timer.dueAtMs, Infinity)
    timer.onResult(isDone(minute), nowMs)
  }
  return seen
}

test('without a retention there is no timer', () => {
  assert.equal(compactionTimer({ mode: 'off' }, 0, 1), null)
})

// As in etcd the oldest sample is one tick older than the period.
test('a period of an hour or less: compacts once per period, to what was current a period before', () => {
  assert.deepEqual(compactions({ mode: 'periodic', periodMs: 10 * MINUTE_MS }, 41), [
    [10, 1], [20, 10], [30, 20], [40, 30],
  ])
})

test('a longer period: the first compaction after the period, then one an hour', () => {
  assert.deepEqual(compactions({ mode: 'periodic', periodMs: 24 * HOUR_MS }, 27 * 60 + 1), [
    [24 * 60, 1], [25 * 60, 55], [26 * 60, 115], [27 * 60, 175],
  ])
})

test('a revision that did not change is not compacted again', () => {
  const config = { mode: 'periodic', periodMs: 10 * MINUTE_MS } as const
  assert.deepEqual(compactions(config, 60, { writes: false }), [[10, 1]])
})

test('a compaction that failed is tried again a tenth of the interval later', () => {
  const config = { mode: 'periodic', periodMs: 10 * MINUTE_MS } as const
  assert.deepEqual(compactions(config, 24, { isDone: (minute) => minute > 11 }), [
    [10, 1], [11, 1], [12, 2], [22, 12],
  ])
})

test('a member that does not lead waits, and goes on when it leads', () => {
  const config = { mode: 'periodic', periodMs: 10 * MINUTE_MS } as const
  assert.deepEqual(compactions(config, 30, { isLeader: (minute) => minute > 15 }), [[16, 6], [26, 16]])
})

test('by revision: every five minutes, so many behind the current one', () => {
  assert.deepEqual(compactions({ mode: 'revision', revisions: 8 }, 20), [[10, 3], [15, 8], [20, 13]])
})

test('by revision: what failed is tried at the next look, what did not change is left alone', () => {
  const config = { mode: 'revision', revisions: 3 } as const
  assert.deepEqual(compactions(config, 15, { isDone: (minute) => minute > 5 }), [[5, 3], [10, 8], [15, 13]])
  assert.deepEqual(compactions({ mode: 'revision', revisions: 1 }, 30, { writes: false }), [])
  assert.deepEqual(compactions(config, 15, { isLeader: (minute) => minute > 12 }), [[15, 13]])
})

/** What a thread measures of itself comes to its page, whether it has an event loop or parks. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ThreadMeter } from '../../src/actor/meter/thread-meter.js'
import { systemClock } from '../../src/base/system-clock.js'
import { Counters } from '../../src/metrics/counters.js'
import { allocateThreadPage, threadCounters, threadId } from '../../src/metrics/thread-catalogue.js'

/** Enough garbage for several collections. */
const GARBAGE_ROUNDS = 100
const LOOP_TURNS_MAX = 1_000_000

function rig() {
  const page = allocateThreadPage()
  return { meter: new ThreadMeter(page, 'test', 'raftring-profiles-meter-test'), counters: new Counters(page) }
}

/** Kept until the next one, so that the engine has to look at it. */
let kept: unknown = null

function makeGarbage(): void {
  for (let round = 0; round < GARBAGE_ROUNDS; round++) kept = Array.from({ length: 10_000 }, (_, i) => ({ i }))
  assert.ok(kept !== null)
}

test('collections of a thread that parks are counted for a fifth of a second every ten seconds', () => {
  const { meter, counters } = rig()
  const pauses = counters.histogram(threadCounters.gcPause)
  meter.startBlocking()
  makeGarbage()
  meter.betweenTurns(1000)
  assert.equal(pauses.count, 0)
  makeGarbage()
  meter.betweenTurns(1199)
  assert.equal(pauses.count, 0)
  meter.betweenTurns(1200)
  const first = pauses.count
  assert.ok(first > 0)
  makeGarbage()
  meter.betweenTurns(10_999)
  meter.betweenTurns(11_000)
  assert.equal(pauses.count, first)
  makeGarbage()
  meter.betweenTurns(11_200)
  assert.ok(pauses.count > first)
  assert.ok(counters.get(threadCounters.heapUsed) > 0 && counters.get(threadId) > 0)
  meter.stop()
})

test('an event loop counts collections and how late it is by itself', async () => {
  const { meter, counters } = rig()
  const pauses = counters.histogram(threadCounters.gcPause)
  const delays = counters.histogram(threadCounters.loopDelay)
  meter.startEventLoop(systemClock)
  makeGarbage()
  for (let turn = 0; turn < LOOP_TURNS_MAX && (pauses.count === 0 || delays.count === 0); turn++) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.ok(pauses.count > 0 && delays.count > 0)
  meter.stop()
})

test('turns are counted, and timed when they did something', () => {
  const { meter, counters } = rig()
  meter.onTurn(0, 5, 1)
  meter.onTurn(3, 5, 2)
  assert.equal(counters.get(threadCounters.turns), 2)
  assert.equal(counters.histogram(threadCounters.turnDuration).count, 1)
})

/** The lease clock: runs with its leader, stands without one, never goes back, never runs away from the log. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LeaseClock } from '../../src/lease/lease-clock.js'

const STEP_MS = 1000

test('the clock stands until it is started, and goes on from the highest value known or on its way', () => {
  const clock = new LeaseClock(STEP_MS)
  clock.onReplicated(1000, 0)
  assert.equal(clock.now(50_000), 1000)
  clock.start(50_000)
  assert.equal(clock.now(50_250), 1250)
  assert.equal(clock.stamp(50_300.7), 1300)
  clock.stop()
  assert.equal(clock.now(60_000), 1000)
  clock.start(60_000)
  assert.equal(clock.now(60_000), 1300)
})

test('the clock of another leader moves this one forward only', () => {
  const clock = new LeaseClock(STEP_MS)
  clock.onReplicated(1000, 0)
  clock.onReplicated(900, 0)
  assert.equal(clock.replicatedMs, 1000)
  clock.stamp(0)
  clock.forgetProposed()
  clock.start(0)
  clock.onReplicated(1500, 10)
  assert.equal(clock.now(100), 1590)
})

test('a stamp is never 0 and never has a fraction', () => {
  const clock = new LeaseClock(STEP_MS)
  assert.equal(clock.stamp(0), 1)
  clock.start(0.5)
  assert.equal(clock.stamp(10.9), 11)
})

test('the clock waits for a log that stands still, and does not make up for it', () => {
  const clock = new LeaseClock(STEP_MS)
  clock.onReplicated(5000, 0)
  clock.start(0)
  assert.equal(clock.now(900), 5900)
  assert.equal(clock.now(30_000), 6000)
  clock.onReplicated(5900, 40_000)
  assert.equal(clock.now(40_000), 6000)
  assert.equal(clock.now(40_500), 6500)
})

test('no clock runs faster than time, nor further ahead of the log than its step', () => {
  const event = fc.record({ passMs: fc.integer({ min: 0, max: 3000 }), hears: fc.boolean() })
  fc.assert(fc.property(fc.array(event, { maxLength: 50 }), (events) => {
    const clock = new LeaseClock(STEP_MS)
    clock.start(0)
    let nowMs = 0
    let stamp = clock.stamp(nowMs)
    for (const { passMs, hears } of events) {
      const before = clock.now(nowMs)
      nowMs += passMs
      if (hears) {
        clock.onReplicated(stamp, nowMs)
        stamp = clock.stamp(nowMs)
      }
      const after = clock.now(nowMs)
      assert.ok(after >= before && after - before <= passMs + 1, `${after - before} ms in ${passMs}`)
      assert.ok(after <= clock.replicatedMs + STEP_MS)
    }
  }))
})

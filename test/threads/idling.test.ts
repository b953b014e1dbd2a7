/** How long a thread looks around before it sleeps. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Idling } from '../../src/actor/idling.js'

class SteppingClock {
  ms = 0
  reads = 0

  nowMs(): number {
    this.reads++
    this.ms += 0.005
    return this.ms
  }

  wallMs(): number {
    return 0
  }
}

function looks(strategy: 'park' | 'yield' | 'spin', cameAt = Infinity): readonly [found: boolean, looks: number] {
  const idling = new Idling(strategy, new SteppingClock())
  let count = 0
  idling.onWork(0)
  const found = idling.lookAround(() => ++count >= cameAt)
  return [found, count]
}

test('a thread that parks does not look', () => {
  assert.deepEqual(looks('park'), [false, 0])
})

test('one that yields looks for 20 us, one that spins a hundred times as long, and both see what comes', () => {
  const [found, yields] = looks('yield')
  assert.ok(!found && yields > 0)
  const [, spins] = looks('spin')
  assert.ok(spins > 50 * yields, `${spins} and ${yields} looks`)
  assert.deepEqual(looks('spin', 5), [true, 5])
})

test('the time counts from the last work, not from the first look', () => {
  const clock = new SteppingClock()
  const idling = new Idling('spin', clock)
  assert.equal(idling.isLooking, false)
  idling.onWork(clock.nowMs())
  assert.equal(idling.isLooking, true)
  clock.ms += 3
  assert.equal(idling.isLooking, false)
  assert.equal(idling.lookAround(() => true), false)
})

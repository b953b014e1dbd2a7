/** Simulated time: the order of what happens, and the end of a run in which nothing goes on. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STEPS_PER_MS_MAX, SimTime } from '../../../src/sim/world/sim-time.js'
import { World } from '../../../src/sim/world/world.js'

const never = (): boolean => false

function timeThatMovesOn(): SimTime {
  return new SimTime((message) => assert.fail(message))
}

test('plans are carried out in the order of their times, and of being made where those are the same', () => {
  const time = timeThatMovesOn()
  const said: string[] = []
  time.at(2, () => said.push('c'))
  time.at(1, () => said.push('a'))
  time.at(1, () => said.push('b'))
  time.at(9, () => said.push('too late'))
  time.runUntil(5, never)
  assert.deepEqual(said, ['a', 'b', 'c'])
  assert.equal(time.nowMs, 5)
})

test('what goes round without time going on ends the run, and says so', () => {
  const world = new World(1, false)
  const again = (): void => void world.time.after(0, again)
  world.time.at(7, again)
  world.time.runUntil(1000, () => world.failure !== null)
  assert.equal(world.failure?.kind, 'liveness')
  assert.match(world.failure?.message ?? '', /^100001 steps, and time is still at 7\.000000 ms$/)
  assert.equal(world.nowMs, 7)
})

test('pauses that become ever shorter are no progress either', () => {
  const world = new World(1, false)
  let pauseMs = 0.5
  const again = (): void => {
    pauseMs /= 2
    world.time.after(pauseMs, again)
  }
  world.time.at(0, again)
  world.time.runUntil(1000, () => world.failure !== null)
  assert.equal(world.failure?.kind, 'liveness')
})

test('as many steps as there may be in each millisecond are no reason to end', () => {
  const time = timeThatMovesOn()
  const stepMs = 1 / (STEPS_PER_MS_MAX / 2)
  const again = (): void => void time.after(stepMs, again)
  time.at(0, again)
  time.runUntil(3, never)
  assert.ok(time.steps > STEPS_PER_MS_MAX, `${time.steps} steps`)
})

/** A thread of the simulator that neither works nor sleeps would burn a core of a real machine, and is found. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Actor } from '../../../src/actor/actor.js'
import { Turn } from '../../../src/actor/turn.js'
import { Doorbell, allocateDoorbell } from '../../../src/ring/doorbell.js'
import { SimThread } from '../../../src/sim/world/sim-thread.js'
import { World } from '../../../src/sim/world/world.js'

interface Habit {
  /** What a turn says it did. */
  work(nowMs: number): number
  hasWork(nowMs: number): boolean
  wakeAtMs(nowMs: number): number
}

function secondOf(habit: Habit): { spins: number; turns: number } {
  const world = new World(1, false)
  const nowMs = (): number => world.nowMs
  const actor: Actor = {
    name: 'front',
    onStart: () => undefined,
    onFrame: () => undefined,
    isBlocked: () => false,
    awaitedWordCame: () => habit.hasWork(nowMs()),
    doWork: () => habit.work(nowMs()),
    wakeAtMs: () => habit.wakeAtMs(nowMs()),
    isIdle: () => true,
    onClose: () => undefined,
  }
  const turn = new Turn({ nowMs, wallMs: nowMs })
  turn.add(actor)
  let spins = 0
  const thread = new SimThread(world, {
    name: 'front-0',
    number: 0,
    turn,
    doorbell: new Doorbell(allocateDoorbell()),
    originMs: 0,
    heldUntilMs: () => 0,
    slowness: () => 1,
    deviceMs: () => 0,
    afterTurn: () => undefined,
    onThrow: (error) => assert.fail(String(error)),
    onSpin: () => {
      spins++
    },
  })
  thread.start()
  world.time.runUntil(1000, () => spins > 0)
  return { spins, turns: turn.turns }
}

test('a thread that says it has work and never does any is found', () => {
  assert.equal(secondOf({ work: () => 0, hasWork: () => true, wakeAtMs: () => Infinity }).spins, 1)
})

test('a thread whose deadline has passed for ever is found', () => {
  assert.equal(secondOf({ work: () => 0, hasWork: () => false, wakeAtMs: () => 0 }).spins, 1)
})

test('a thread that works all the time is none', () => {
  const { spins, turns } = secondOf({ work: () => 1, hasWork: () => true, wakeAtMs: () => Infinity })
  assert.equal(spins, 0)
  assert.ok(turns > 1000, `${turns} turns`)
})

test('a thread that waits for its next millisecond is none', () => {
  const { spins, turns } = secondOf({ work: () => 0, hasWork: () => false, wakeAtMs: (nowMs) => nowMs + 1 })
  assert.equal(spins, 0)
  assert.ok(turns > 300, `${turns} turns`)
})

/** Doorbells between real threads: no wake-up is lost however the sides sleep, and one bell serves many rings. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allocateDoorbell } from '../../src/ring/doorbell.js'
import { allocateRing } from '../../src/ring/ring-layout.js'
import type { DoorbellRole, Side } from './doorbell.worker.js'
import { inWorker } from './in-worker.js'

function side(): Side {
  return { ring: allocateRing(1024), doorbell: allocateDoorbell() }
}

function run(role: DoorbellRole): Promise<number> {
  return inWorker<number>('doorbell', role)
}

type Sleep = 'blocking' | 'event-loop'

async function pingPong(first: Sleep, second: Sleep, rounds: number): Promise<void> {
  const [a, b] = [side(), side()]
  const heard = await Promise.all([
    run({ role: 'player', sleeps: first, serves: true, own: a, other: b, rounds }),
    run({ role: 'player', sleeps: second, serves: false, own: b, other: a, rounds }),
  ])
  assert.deepEqual(heard, [rounds, rounds])
}

test('two sleeping threads wake one another fifty thousand times', () => pingPong('blocking', 'blocking', 50_000))

test('a sleeping thread and an event loop wake one another twenty thousand times', () =>
  pingPong('blocking', 'event-loop', 20_000))

test('two event loops wake one another twenty thousand times', () => pingPong('event-loop', 'event-loop', 20_000))

/** Small rings and tiny batches, so that the sink falls asleep and is woken all the time. */
test('one doorbell serves the rings of four threads', async () => {
  const rings = [1024, 1024, 4096, 65_536].map((capacity) => allocateRing(capacity))
  const doorbell = allocateDoorbell()
  const records = 100_000
  const [, ...sent] = await Promise.all([
    run({ role: 'sink', rings, doorbell, records }),
    ...rings.map((ring, index) => run({ role: 'source', ring, doorbell, records, batch: 1 + index * 3 })),
  ])
  assert.deepEqual(sent, [records, records, records, records])
})

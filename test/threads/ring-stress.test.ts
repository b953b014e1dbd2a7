/** Millions of records between two real threads: none lost, none doubled, none torn, order kept. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allocateDoorbell } from '../../src/ring/doorbell.js'
import { readRingCounters } from '../../src/ring/ring-counters.js'
import { allocateRing } from '../../src/ring/ring-layout.js'
import { inWorker } from './in-worker.js'
import type { StreamPlan } from './record-stream.js'

async function stream(capacity: number, records: number): Promise<void> {
  const plan: StreamPlan = {
    ring: allocateRing(capacity),
    readerDoorbell: allocateDoorbell(),
    writerDoorbell: allocateDoorbell(),
    seed: 20_261,
    records,
  }
  const [, read] = await Promise.all([
    inWorker<{ parks: number }>('ring-stress', { role: 'write', plan }),
    inWorker<{ parks: number; bytes: number }>('ring-stress', { role: 'read', plan }),
  ])
  const counters = readRingCounters(plan.ring)
  assert.equal(counters.recordsIn, records)
  assert.equal(counters.recordsOut, records)
  assert.equal(counters.bytesIn, read.bytes)
  assert.equal(counters.bytesOut, read.bytes)
  assert.equal(counters.depthBytes, 0)
}

test('ten million records of varied lengths cross a large ring unharmed', () => stream(1024 * 1024, 10_000_000))

test('a million records cross a ring that is nearly always full', () => stream(4096, 1_000_000))

/** Runs one-way transports in turn and prints medians of records and bytes per second. */

import { once } from 'node:events'
import { MessageChannel, Worker } from 'node:worker_threads'
import { RingBuffer } from 'ringbuf.js'
import { allocateDoorbell } from '../../src/ring/doorbell.js'
import { allocateRing } from '../../src/ring/ring-layout.js'
import { machineFacts } from './machine-facts.js'
import type { OneWayPlan } from './one-way.js'

const ROUNDS = 3
const CAPACITY_BYTES = 1024 * 1024

export interface Shape {
  readonly recordBytes: number
  readonly batch: number
  readonly records: number
}

/** Prints one line for each shape and way. The ways take turns, so that a slow moment of the machine hits all. */
export async function contest(ways: readonly OneWayPlan['way'][], shapes: readonly Shape[]): Promise<void> {
  console.log(machineFacts())
  console.log(`${'bytes'.padStart(6)} ${'batch'.padStart(6)}   records/s      MB/s  ns each`)
  for (const shape of shapes) {
    const seconds = new Map<string, number[]>(ways.map((way) => [way, []]))
    for (let round = 0; round < ROUNDS; round++) {
      for (const way of ways) seconds.get(way)?.push(await once1(way, shape))
    }
    for (const way of ways) console.log(lineOf(way, shape, median(seconds.get(way) ?? [])))
  }
}

async function once1(way: OneWayPlan['way'], shape: Shape): Promise<number> {
  const { port1, port2 } = new MessageChannel()
  const memory = way === 'ringbuf.js'
    ? RingBuffer.getStorageForCapacity(CAPACITY_BYTES, Uint8Array) as SharedArrayBuffer
    : allocateRing(CAPACITY_BYTES)
  const shared = { ...shape, way, memory, takerBell: allocateDoorbell(), senderBell: allocateDoorbell() }
  const ends = [start({ ...shared, role: 'take', port: port1 }), start({ ...shared, role: 'send', port: port2 })]
  await Promise.all(ends.map((worker) => once(worker, 'message')))
  const results = ends.map((worker) => once(worker, 'message') as Promise<[number]>)
  for (const worker of ends) worker.postMessage('go')
  const [[endedMs], [startedMs]] = await Promise.all(results) as [[number], [number]]
  await Promise.all(ends.map((worker) => worker.terminate()))
  return (endedMs - startedMs) / 1000
}

function start(plan: OneWayPlan): Worker {
  const transferList = plan.port === null ? [] : [plan.port]
  return new Worker(new URL('./one-way.worker.js', import.meta.url), { workerData: plan, transferList })
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}

function lineOf(way: string, shape: Shape, seconds: number): string {
  const perSecond = shape.records / seconds
  const megabytes = (perSecond * shape.recordBytes) / 1e6
  const columns = [
    String(shape.recordBytes).padStart(6),
    String(shape.batch).padStart(6),
    Math.round(perSecond).toLocaleString('en').padStart(11),
    megabytes.toFixed(0).padStart(9),
    (1e9 / perSecond).toFixed(0).padStart(8),
  ]
  return `${columns.join(' ')}  ${way}`
}

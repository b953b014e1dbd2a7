/** Reads a ring's counters from any thread, without stopping writer or reader. */

import {
  HEADER_BYTES,
  HEAD_WORD,
  READER_COUNTERS,
  ReaderCounter,
  TAIL_WORD,
  WRITER_COUNTERS,
  WriterCounter,
} from './ring-layout.js'

export interface RingCounters {
  readonly capacityBytes: number
  /** Bytes published and not yet released, padding included. */
  readonly depthBytes: number
  readonly recordsIn: number
  readonly bytesIn: number
  readonly recordsOut: number
  readonly bytesOut: number
  readonly batchesOut: number
  /** Claims refused for lack of room. */
  readonly full: number
  readonly highWaterBytes: number
  readonly publishes: number
  /** Publications that found the reader asleep and woke it. */
  readonly wakes: number
}

/** A snapshot whose fields may be a few records apart from one another. */
export function readRingCounters(memory: SharedArrayBuffer): RingCounters {
  const words = new Int32Array(memory, 0, HEADER_BYTES / 4)
  const counters = new Float64Array(memory, 0, HEADER_BYTES / 8)
  // Head before tail: the other order could see a head that has passed the tail.
  const head = Atomics.load(words, HEAD_WORD) >>> 0
  const tail = Atomics.load(words, TAIL_WORD) >>> 0
  const writer = (index: number): number => counters[WRITER_COUNTERS + index] ?? 0
  const reader = (index: number): number => counters[READER_COUNTERS + index] ?? 0
  return {
    capacityBytes: memory.byteLength - HEADER_BYTES,
    depthBytes: (tail - head) >>> 0,
    recordsIn: writer(WriterCounter.records),
    bytesIn: writer(WriterCounter.bytes),
    recordsOut: reader(ReaderCounter.records),
    bytesOut: reader(ReaderCounter.bytes),
    batchesOut: reader(ReaderCounter.batches),
    full: writer(WriterCounter.full),
    highWaterBytes: writer(WriterCounter.highWaterBytes),
    publishes: writer(WriterCounter.publishes),
    wakes: writer(WriterCounter.wakes),
  }
}

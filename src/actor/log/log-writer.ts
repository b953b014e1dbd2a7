/** Moves log lines from the threads' rings to the log's outputs. A reader that has stopped blocks this thread alone. */

import { Doorbell } from '../../ring/doorbell.js'
import { RingReader } from '../../ring/ring-reader.js'
import { makeSink, type LogSinkStart } from './log-outputs.js'

export interface LogWriterStart {
  readonly rings: readonly SharedArrayBuffer[]
  readonly doorbell: SharedArrayBuffer
  /** Word 0: set to 1 to end after what waits; word 1: set to 1 by this thread once it has ended. */
  readonly control: SharedArrayBuffer
  readonly sinks: readonly LogSinkStart[]
}

const PARK_MS_MAX = 1000
const BATCH_BYTES_MAX = 64 * 1024
const NEWLINE = 10

export function runLogWriter(start: LogWriterStart): void {
  const readers = start.rings.map((memory) => new RingReader(memory))
  const doorbell = new Doorbell(start.doorbell)
  const control = new Int32Array(start.control)
  const sinks = start.sinks.map(makeSink)
  const batch = Buffer.alloc(2 * BATCH_BYTES_MAX)
  const stopping = (): boolean => Atomics.load(control, 0) === 1
  const waiting = (): boolean => stopping() || readers.some((reader) => reader.hasNext())
  for (;;) {
    const last = stopping()
    const length = gather(readers, batch)
    for (const sink of sinks) if (length > 0) sink.write(batch, length)
    if (last && length === 0) break
    let tidied = false
    for (const sink of sinks) tidied = (!last && sink.tidy()) || tidied
    if (length === 0 && !tidied) doorbell.park(PARK_MS_MAX, waiting)
  }
  Atomics.store(control, 1, 1)
  Atomics.notify(control, 1)
}

function gather(readers: readonly RingReader[], batch: Buffer): number {
  let length = 0
  for (const reader of readers) {
    while (length < BATCH_BYTES_MAX && reader.next()) {
      batch.set(reader.bytes.subarray(reader.start, reader.end), length)
      length += reader.end - reader.start
      if (batch[length - 1] !== NEWLINE) batch[length++] = NEWLINE
    }
    reader.release()
  }
  return length
}

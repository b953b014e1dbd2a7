/**
 * The event log: what the store committed, in revision order, in shared memory, for every watch worker at once. One
 * writer (mvcc), any number of readers, each with a cursor of its own that costs the writer nothing.
 *
 * A position counts bytes ever written. The byte at position p lies at p mod capacity, and it is gone once the writer
 * has come to p + capacity. A record never wraps: padding fills the end of the memory when the next record would.
 *
 * ```
 * 0          8          16        20        24       28        32
 * | position | main     | sub     | length  | kind   | flags   | payload ... | padding to 32 |
 * | float64  | float64  | uint32  | uint32  | uint32 | uint32  |
 * ```
 *
 * The writer stores Word.eventLogFloor before it overwrites anything below that position, and Word.eventLogTail after
 * its records are whole. A reader copies bytes first and looks at the floor afterwards: if the floor has passed the
 * start of the copy, the copy may be torn and is thrown away (`overrun`), and the reader catches up from the store.
 */

import { assert } from '../base/assert.js'

export const EVENT_HEADER_BYTES = 32

export const EventField = Object.freeze({
  position: 0,
  main: 8,
  sub: 16,
  length: 20,
  kind: 24,
  flags: 28,
})

export const EventKind = Object.freeze({
  /** One change of one key; the payload is its revision record as the store keeps it. */
  change: 1,
  /** Changes up to and including revision `main` are missing here: read them from the store. No payload. */
  gap: 2,
  /** Nothing; the rest of the memory up to its end. */
  padding: 3,
})
export type EventKindValue = (typeof EventKind)[keyof typeof EventKind]

/** Flag of the last change of a revision: what a watcher has to send with it in one response is complete. */
export const LAST_OF_REVISION = 1

/** The smallest log; a record may take a quarter of it. */
export const EVENT_LOG_BYTES_MIN = 4096

export function allocateEventLog(bytes: number): SharedArrayBuffer {
  checkEventLogBytes(bytes)
  return new SharedArrayBuffer(bytes)
}

export function checkEventLogBytes(bytes: number): void {
  const isPowerOfTwo = Number.isInteger(Math.log2(bytes))
  assert(isPowerOfTwo && bytes >= EVENT_LOG_BYTES_MIN, `an event log cannot have ${bytes} bytes`)
}

/** What a record with `payloadBytes` takes; a multiple of the header, so that a header always fits before the end. */
export function eventSpan(payloadBytes: number): number {
  return EVENT_HEADER_BYTES * (1 + Math.ceil(payloadBytes / EVENT_HEADER_BYTES))
}

/** The longest record that is kept; longer changes leave a gap. */
export function eventSpanMax(logBytes: number): number {
  return logBytes / 4
}

/** The longest batch that is kept between two publications; a longer one leaves a gap. */
export function eventBatchBytesMax(logBytes: number): number {
  return logBytes / 2
}

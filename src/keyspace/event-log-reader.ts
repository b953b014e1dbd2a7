/** A cursor into the event log. Each reader has its own copy buffer; nothing it does is seen by the writer. */

import { assert, assertEqual } from '../base/assert.js'
import type { Bytes } from '../base/bytes.js'
import { Word, type SharedWords } from '../messages/shared-words.js'
import {
  EVENT_HEADER_BYTES,
  EventField,
  EventKind,
  LAST_OF_REVISION,
  checkEventLogBytes,
  eventSpan,
} from './event-log-layout.js'

/** How much is copied at once; one look at the floor is paid per copy. */
const COPY_BYTES = 128 * 1024

/** `overrun`: the cursor's bytes are gone; catch up from the store and seek. */
export type EventLogState = 'records' | 'nothing' | 'overrun'

/**
 *     switch (reader.fill()) {
 *       case 'records': while (reader.next()) handle(reader) ...
 *     }
 *
 * To begin, or after an overrun or a gap: `seekToTail()`, then open a store snapshot, then read from the log and skip
 * what the snapshot already held (records with `main` at or below its revision). Nothing is lost between the two,
 * because the writer publishes only what the store has committed.
 */
export class EventLogReader {
  /** The current record: a change with its payload at bytes[start, end), or a gap up to `main`. */
  isGap = false
  main = 0
  sub = 0
  isLastOfRevision = false
  bytes: Bytes = new Uint8Array(COPY_BYTES)
  start = 0
  end = 0

  readonly #log: Uint8Array
  readonly #words: SharedWords
  readonly #capacity: number
  #view: DataView = new DataView(this.bytes.buffer)
  /** Position of the next record to hand out. */
  #position: number
  /** The copy holds positions [#copyStart, #copyEnd). */
  #copyStart: number
  #copyEnd: number

  constructor(memory: SharedArrayBuffer, words: SharedWords) {
    checkEventLogBytes(memory.byteLength)
    this.#log = new Uint8Array(memory)
    this.#words = words
    this.#capacity = memory.byteLength
    this.#position = words.load(Word.eventLogTail)
    this.#copyStart = this.#position
    this.#copyEnd = this.#position
  }

  /** Position of the next record. */
  get position(): number {
    return this.#position
  }

  /** Skips everything published so far. */
  seekToTail(): void {
    this.#position = this.#words.load(Word.eventLogTail)
    this.#copyStart = this.#position
    this.#copyEnd = this.#position
  }

  /** True if something is published that this reader has not seen. */
  hasNew(): boolean {
    return this.#words.load(Word.eventLogTail) !== this.#position
  }

  /** Copies the next published bytes, at most one copy buffer of them. */
  fill(): EventLogState {
    for (;;) {
      const waiting = this.#words.load(Word.eventLogTail) - this.#position
      if (waiting === 0) return 'nothing'
      if (!this.#copy(Math.min(waiting, this.bytes.length))) return 'overrun'
      const span = this.#spanAt(0)
      if (this.#isPaddingAt(0)) {
        this.#position += span
      } else if (span <= this.#copyEnd - this.#copyStart) {
        return 'records'
      } else {
        // Longer than the buffer: it grows, to a quarter of the log at most, and the copy is made again.
        this.bytes = new Uint8Array(span)
        this.#view = new DataView(this.bytes.buffer)
      }
    }
  }

  /** Moves to the next whole record of the copy; false when it has no more, and `fill` should be called again. */
  next(): boolean {
    const at = this.#position - this.#copyStart
    const available = this.#copyEnd - this.#position
    if (available < EVENT_HEADER_BYTES) return false
    const span = this.#spanAt(at)
    if (span > available) return false
    this.#position += span
    if (this.#isPaddingAt(at)) return this.next()
    this.#take(at, span)
    return true
  }

  #take(at: number, span: number): void {
    const view = this.#view
    const position = view.getFloat64(at + EventField.position, true)
    const kind = view.getUint32(at + EventField.kind, true)
    assertEqual(position, this.#position - span, 'position of an event')
    assert(kind === EventKind.change || kind === EventKind.gap, 'an event is a change or a gap')
    this.isGap = kind === EventKind.gap
    this.main = view.getFloat64(at + EventField.main, true)
    this.sub = view.getUint32(at + EventField.sub, true)
    this.isLastOfRevision = (view.getUint32(at + EventField.flags, true) & LAST_OF_REVISION) !== 0
    this.start = at + EVENT_HEADER_BYTES
    this.end = this.start + view.getUint32(at + EventField.length, true)
  }

  #spanAt(at: number): number {
    return eventSpan(this.#view.getUint32(at + EventField.length, true))
  }

  #isPaddingAt(at: number): boolean {
    return this.#view.getUint32(at + EventField.kind, true) === EventKind.padding
  }

  /**
   * Copies first and looks at the floor afterwards: only then is it known that the copy is whole. False: it is not.
   */
  #copy(length: number): boolean {
    this.#copyStart = this.#position
    this.#copyEnd = this.#position
    if (this.#words.load(Word.eventLogFloor) > this.#position) return false
    const offset = this.#position % this.#capacity
    const first = Math.min(length, this.#capacity - offset)
    this.bytes.set(this.#log.subarray(offset, offset + first))
    if (first < length) this.bytes.set(this.#log.subarray(0, length - first), first)
    if (this.#words.load(Word.eventLogFloor) > this.#position) return false
    this.#copyEnd = this.#position + length
    return true
  }
}

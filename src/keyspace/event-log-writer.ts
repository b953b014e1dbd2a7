/**
 * The writing end of the event log. mvcc fills it while it applies a batch and publishes after the store's commit.
 */

import { assert } from '../base/assert.js'
import type { Bytes } from '../base/bytes.js'
import { copyRange } from '../base/copy-into.js'
import { Word, type SharedWords } from '../messages/shared-words.js'
import {
  EVENT_HEADER_BYTES,
  EventField,
  EventKind,
  LAST_OF_REVISION,
  checkEventLogBytes,
  eventBatchBytesMax,
  eventSpan,
  eventSpanMax,
  type EventKindValue,
} from './event-log-layout.js'

/** The floor moves in steps, so that most records need no shared store of their own. */
const FLOOR_STEPS = 64

export class EventLogWriter {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #words: SharedWords
  readonly #capacity: number
  /** Records below this position are published. */
  #published: number
  /** Where the next record goes. Between `#published` and here lies what the open batch has written. */
  #at: number
  /** Stored in the shared word already: `#at` never passes `#floor + #capacity`. */
  #floor: number
  /** True once the open batch has outgrown the log: it ends as a gap. */
  #tooLarge = false
  #lastMain = 0
  #lastRecordAt = -1
  #gaps = 0

  constructor(memory: SharedArrayBuffer, words: SharedWords) {
    checkEventLogBytes(memory.byteLength)
    this.#bytes = new Uint8Array(memory)
    this.#view = new DataView(memory)
    this.#words = words
    this.#capacity = memory.byteLength
    this.#published = words.load(Word.eventLogTail)
    this.#at = this.#published
    this.#floor = words.load(Word.eventLogFloor)
  }

  /** Gaps written since the start. */
  get gaps(): number {
    return this.#gaps
  }

  /** True if the open batch holds anything. */
  get hasUnpublished(): boolean {
    return this.#lastMain !== 0
  }

  /**
   * Said before each batch: without a watcher anywhere its events are not copied, and it ends as a gap. Who comes
   * meanwhile reads them from the store.
   */
  expectReaders(isRead: boolean): void {
    assert(this.#lastMain === 0, 'readers are counted between batches')
    this.#tooLarge = !isRead
  }

  /** Adds one change to the open batch. Nobody sees it before `publish`. */
  append(main: number, sub: number, record: Bytes, start: number, end: number): void {
    assert(main >= this.#lastMain, 'events come in the order of their revisions')
    this.#endRevisionBefore(main)
    this.#lastMain = main
    const span = eventSpan(end - start)
    const batchBytes = this.#at + span - this.#published
    if (
      this.#tooLarge || span > eventSpanMax(this.#capacity) ||
      batchBytes > eventBatchBytesMax(this.#capacity)
    ) {
      this.#tooLarge = true
      return
    }
    const offset = this.#claim(span)
    this.#lastRecordAt = offset
    this.#writeHeader(offset, main, sub, end - start, EventKind.change)
    copyRange(this.#bytes, offset + EVENT_HEADER_BYTES, record, start, end)
    this.#at += span
  }

  /** Makes the batch visible. Call after the store's commit and before the applied index is stored. */
  publish(): void {
    if (this.#lastMain === 0) return
    this.#endRevisionBefore(Infinity)
    if (this.#tooLarge) this.#writeGap()
    this.#words.store(Word.eventLogTail, this.#at)
    this.#published = this.#at
    this.#startBatch()
  }

  /** Forgets the batch, for a commit that failed. */
  abort(): void {
    this.#at = this.#published
    this.#startBatch()
  }

  /** Tells readers that everything up to `main` must come from the store: after a start or a new store generation. */
  publishGap(main: number): void {
    assert(this.#lastMain === 0, 'a gap inside an open batch')
    this.#lastMain = main
    this.#tooLarge = true
    this.publish()
  }

  #startBatch(): void {
    this.#lastMain = 0
    this.#lastRecordAt = -1
    this.#tooLarge = false
  }

  #writeGap(): void {
    this.#gaps++
    this.#at = this.#published
    const offset = this.#claim(EVENT_HEADER_BYTES)
    this.#writeHeader(offset, this.#lastMain, 0, 0, EventKind.gap)
    this.#view.setUint32(offset + EventField.flags, LAST_OF_REVISION, true)
    this.#at += EVENT_HEADER_BYTES
  }

  /** The last record's flag is known only when a change of another revision, or the batch's end, comes. */
  #endRevisionBefore(main: number): void {
    if (this.#lastRecordAt < 0 || main === this.#lastMain) return
    this.#view.setUint32(this.#lastRecordAt + EventField.flags, LAST_OF_REVISION, true)
  }

  /** Offset of `span` bytes in one piece, whose old content has been announced as gone. */
  #claim(span: number): number {
    const capacity = this.#capacity
    let offset = this.#at % capacity
    const room = capacity - offset
    if (room < span) {
      this.#announce(this.#at + room + span)
      this.#writeHeader(offset, 0, 0, room - EVENT_HEADER_BYTES, EventKind.padding)
      this.#at += room
      offset = 0
    } else {
      this.#announce(this.#at + span)
    }
    return offset
  }

  #announce(end: number): void {
    if (end - this.#capacity <= this.#floor) return
    const step = this.#capacity / FLOOR_STEPS
    this.#floor = Math.min(Math.ceil((end - this.#capacity) / step) * step, this.#published)
    // A batch with its padding may pass the published tail of a full log only if the bounds above are wrong.
    assert(this.#floor >= end - this.#capacity, 'an event batch overwrites itself')
    this.#words.store(Word.eventLogFloor, this.#floor)
  }

  #writeHeader(
    offset: number, main: number, sub: number, length: number, kind: EventKindValue,
  ): void {
    const view = this.#view
    view.setFloat64(offset + EventField.position, this.#at, true)
    view.setFloat64(offset + EventField.main, main, true)
    view.setUint32(offset + EventField.sub, sub, true)
    view.setUint32(offset + EventField.length, length, true)
    view.setUint32(offset + EventField.kind, kind, true)
    view.setUint32(offset + EventField.flags, 0, true)
  }
}

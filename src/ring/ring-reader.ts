/** The consuming end of a ring. Exactly one per ring, on one thread. */

import {
  HEADER_BYTES,
  HEAD_WORD,
  PADDING_TYPE,
  READER_COUNTERS,
  RECORD_HEADER_BYTES,
  ReaderCounter,
  TAIL_WORD,
  recordSpan,
} from './ring-layout.js'

/**
 * Reads records where they lie. `next` moves to a record and `type`, `start` and `end` describe it until `release`,
 * which gives all records read so far back to the writer:
 *
 *     while (reader.next()) handle(reader.type, reader.bytes, reader.start, reader.end)
 *     reader.release()
 */
export class RingReader {
  /** The ring's data area; `start` and `end` are offsets into it. */
  readonly bytes: Uint8Array
  readonly view: DataView
  type = 0
  start = 0
  end = 0

  readonly #words: Int32Array
  readonly #headers: Uint32Array
  readonly #counters: Float64Array
  readonly #mask: number
  #head: number
  #releasedHead: number
  #tailSeen: number
  #batchRecords = 0
  #batchBytes = 0

  constructor(memory: SharedArrayBuffer) {
    const capacityBytes = memory.byteLength - HEADER_BYTES
    this.bytes = new Uint8Array(memory, HEADER_BYTES, capacityBytes)
    this.view = new DataView(memory, HEADER_BYTES, capacityBytes)
    this.#headers = new Uint32Array(memory, HEADER_BYTES, capacityBytes / 4)
    this.#words = new Int32Array(memory, 0, HEADER_BYTES / 4)
    this.#counters = new Float64Array(memory, 0, HEADER_BYTES / 8)
    this.#mask = capacityBytes - 1
    this.#head = Atomics.load(this.#words, HEAD_WORD) >>> 0
    this.#releasedHead = this.#head
    this.#tailSeen = this.#head
  }

  /** Moves to the next published record; false when there is none. */
  next(): boolean {
    for (;;) {
      if (this.#head === this.#tailSeen) {
        this.#tailSeen = Atomics.load(this.#words, TAIL_WORD) >>> 0
        if (this.#head === this.#tailSeen) return false
      }
      const offset = this.#head & this.#mask
      const length = this.#headers[offset >>> 2] as number
      const type = this.#headers[(offset >>> 2) + 1] as number
      this.#head = (this.#head + recordSpan(length)) >>> 0
      if (type === PADDING_TYPE) continue
      this.type = type
      this.start = offset + RECORD_HEADER_BYTES
      this.end = this.start + length
      this.#batchRecords++
      this.#batchBytes += length
      return true
    }
  }

  /**
   * True if a published record waits. Looks at the shared tail, so it is the right question to ask before parking.
   * After it `next` takes that record, and nothing that was published since.
   */
  hasNext(): boolean {
    for (;;) {
      if (this.#head === this.#tailSeen) {
        this.#tailSeen = Atomics.load(this.#words, TAIL_WORD) >>> 0
        if (this.#head === this.#tailSeen) return false
      }
      const slot = (this.#head & this.#mask) >>> 2
      if ((this.#headers[slot + 1] as number) !== PADDING_TYPE) return true
      this.#head = (this.#head + recordSpan(this.#headers[slot] as number)) >>> 0
    }
  }

  /** Returns the memory of all records read so far. Whatever showed them is dead from here on. */
  release(): void {
    if (this.#head === this.#releasedHead) return
    Atomics.store(this.#words, HEAD_WORD, this.#head | 0)
    this.#releasedHead = this.#head
    const base = READER_COUNTERS
    const counters = this.#counters
    counters[base + ReaderCounter.records] =
      (counters[base + ReaderCounter.records] as number) + this.#batchRecords
    counters[base + ReaderCounter.bytes] =
      (counters[base + ReaderCounter.bytes] as number) + this.#batchBytes
    counters[base + ReaderCounter.batches] = (counters[base + ReaderCounter.batches] as number) + 1
    this.#batchRecords = 0
    this.#batchBytes = 0
  }
}

/** The producing end of a ring. Exactly one per ring, on one thread. */

import {
  HEADER_BYTES,
  HEAD_WORD,
  PADDING_TYPE,
  RECORD_HEADER_BYTES,
  TAIL_WORD,
  WRITER_COUNTERS,
  WriterCounter,
  recordBytesMax,
  recordSpan,
} from './ring-layout.js'

/**
 * Claim, fill, commit, publish. A claimed record is invisible until `publish`, so a batch costs one atomic store:
 *
 *     const at = writer.claim(type, length)
 *     if (at < 0) ... the ring is full; nothing changed
 *     writer.bytes.set(payload, at)
 *     writer.commit(length)
 *     writer.publish()
 */
export class RingWriter {
  /** The ring's data area; claims are offsets into it. */
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly capacityBytes: number
  readonly recordBytesMax: number

  readonly #words: Int32Array
  readonly #headers: Uint32Array
  readonly #counters: Float64Array
  readonly #mask: number
  /** Where the next record starts. Runs ahead of the shared tail between commit and publish. */
  #tail: number
  #publishedTail: number
  /** The reader's head as last seen: never ahead of the truth, so space computed from it is really free. */
  #headSeen: number
  #claimOffset = -1
  #claimBytesMax = 0

  constructor(memory: SharedArrayBuffer) {
    this.capacityBytes = memory.byteLength - HEADER_BYTES
    this.recordBytesMax = recordBytesMax(this.capacityBytes)
    this.bytes = new Uint8Array(memory, HEADER_BYTES, this.capacityBytes)
    this.view = new DataView(memory, HEADER_BYTES, this.capacityBytes)
    this.#headers = new Uint32Array(memory, HEADER_BYTES, this.capacityBytes / 4)
    this.#words = new Int32Array(memory, 0, HEADER_BYTES / 4)
    this.#counters = new Float64Array(memory, 0, HEADER_BYTES / 8)
    this.#mask = this.capacityBytes - 1
    this.#tail = Atomics.load(this.#words, TAIL_WORD) >>> 0
    this.#publishedTail = this.#tail
    this.#headSeen = Atomics.load(this.#words, HEAD_WORD) >>> 0
  }

  /**
   * Reserves room for a payload of at most `payloadBytes` and returns its offset in `bytes`, or -1 when the ring is
   * full. An earlier claim that was not committed is dropped. Throws RangeError above `recordBytesMax`.
   */
  claim(type: number, payloadBytes: number): number {
    if (payloadBytes > this.recordBytesMax || payloadBytes < 0) {
      throw new RangeError(`record of ${payloadBytes} bytes in a ring that takes ${this.recordBytesMax}`)
    }
    const span = recordSpan(payloadBytes)
    let offset = this.#tail & this.#mask
    const untilEnd = this.capacityBytes - offset
    const padding = untilEnd < span ? untilEnd : 0
    if (!this.#hasRoom(padding + span)) {
      this.#bump(WriterCounter.full, 1)
      return -1
    }
    if (padding > 0) {
      this.#headers[offset >>> 2] = padding - RECORD_HEADER_BYTES
      this.#headers[(offset >>> 2) + 1] = PADDING_TYPE
      this.#tail = (this.#tail + padding) >>> 0
      offset = 0
    }
    this.#headers[(offset >>> 2) + 1] = type
    this.#claimOffset = offset
    this.#claimBytesMax = payloadBytes
    return offset + RECORD_HEADER_BYTES
  }

  /** Ends the record claimed last with its true length, at most what was claimed. Throws RangeError otherwise. */
  commit(payloadBytes: number): void {
    if (this.#claimOffset < 0 || payloadBytes > this.#claimBytesMax || payloadBytes < 0) {
      throw new RangeError(`commit of ${payloadBytes} bytes for a claim of ${this.#claimBytesMax}`)
    }
    this.#headers[this.#claimOffset >>> 2] = payloadBytes
    this.#tail = (this.#tail + recordSpan(payloadBytes)) >>> 0
    this.#claimOffset = -1
    this.#bump(WriterCounter.records, 1)
    this.#bump(WriterCounter.bytes, payloadBytes)
  }

  /** Makes all committed records visible. Returns true if there were any, which is when a doorbell should be rung. */
  publish(): boolean {
    if (this.#tail === this.#publishedTail) return false
    Atomics.store(this.#words, TAIL_WORD, this.#tail | 0)
    this.#publishedTail = this.#tail
    this.#bump(WriterCounter.publishes, 1)
    const used = (this.#tail - this.#headSeen) >>> 0
    const high = WRITER_COUNTERS + WriterCounter.highWaterBytes
    if (used > (this.#counters[high] as number)) this.#refreshHighWater(high)
    return true
  }

  /** The reader slept and was woken for what this ring published. */
  countWake(): void {
    this.#bump(WriterCounter.wakes, 1)
  }

  /** Where the next record starts, for `hasReleased`. It wraps around. */
  get position(): number {
    return this.#tail
  }

  /** True when the reader has given back every record before that position. */
  hasReleased(position: number): boolean {
    this.#headSeen = Atomics.load(this.#words, HEAD_WORD) >>> 0
    return ((this.#headSeen - position) | 0) >= 0
  }

  /** Bytes committed and not yet published. */
  get pendingBytes(): number {
    return (this.#tail - this.#publishedTail) >>> 0
  }

  /** Bytes that a claim could use now, header and padding included. */
  get freeBytes(): number {
    this.#headSeen = Atomics.load(this.#words, HEAD_WORD) >>> 0
    return this.capacityBytes - ((this.#tail - this.#headSeen) >>> 0)
  }

  #hasRoom(span: number): boolean {
    const used = (this.#tail - this.#headSeen) >>> 0
    return this.capacityBytes - used >= span || this.freeBytes >= span
  }

  #refreshHighWater(high: number): void {
    this.#headSeen = Atomics.load(this.#words, HEAD_WORD) >>> 0
    const used = (this.#tail - this.#headSeen) >>> 0
    if (used > (this.#counters[high] as number)) this.#counters[high] = used
  }

  #bump(counter: number, by: number): void {
    const at = WRITER_COUNTERS + counter
    this.#counters[at] = (this.#counters[at] as number) + by
  }
}

/** A stream's bytes that could not be sent at once, in order, and the trailers behind them. */

import { assert } from '../../../base/assert.js'
import { copyRange } from '../../../base/copy-into.js'
import { PIECE_BYTES, type OutputPool } from './output-pool.js'

const SHARED_CHUNK_BYTES = 4096

export class SendQueue {
  bytes = 0
  /** Sent after the last byte; its frame carries END_STREAM. */
  trailers: Uint8Array | null = null
  readonly #pool: OutputPool
  readonly #chunks: Buffer[] = []
  #head = 0
  #headOffset = 0
  /** Bytes used of the last chunk. */
  #tailLength = 0

  constructor(pool: OutputPool) {
    this.#pool = pool
  }

  /** Copies source[start, end). Small pieces share a chunk, so that a long queue of them costs what it holds. */
  push(source: Uint8Array, start: number, end: number): void {
    let from = start
    const tail = this.#chunks[this.#chunks.length - 1]
    if (tail !== undefined && this.#tailLength < tail.length) {
      const part = Math.min(end - from, tail.length - this.#tailLength)
      copyRange(tail, this.#tailLength, source, from, from + part)
      this.#tailLength += part
      from += part
    }
    while (end - from > PIECE_BYTES / 2) {
      const chunk = this.#pool.take(PIECE_BYTES)
      const part = Math.min(end - from, PIECE_BYTES)
      copyRange(chunk, 0, source, from, from + part)
      this.#chunks.push(chunk)
      this.#tailLength = part
      from += part
    }
    if (from < end) {
      // Most queues hold one answer that waits for the client: only the second piece is worth spare room.
      const room = this.#chunks.length === 0 ? end - from : Math.max(end - from, SHARED_CHUNK_BYTES)
      const chunk = Buffer.allocUnsafe(room)
      copyRange(chunk, 0, source, from, end)
      this.#chunks.push(chunk)
      this.#tailLength = end - from
    }
    this.bytes += end - start
  }

  /** Moves the first `count` bytes to `target`. */
  moveTo(target: Buffer, at: number, count: number): void {
    assert(count <= this.bytes, 'a queue gives no more than it holds')
    let to = at
    let left = count
    while (left > 0) {
      const chunk = this.#chunks[this.#head] as Buffer
      const isTail = this.#head === this.#chunks.length - 1
      const chunkEnd = isTail ? this.#tailLength : chunk.length
      const part = Math.min(left, chunkEnd - this.#headOffset)
      copyRange(target, to, chunk, this.#headOffset, this.#headOffset + part)
      to += part
      left -= part
      this.#headOffset += part
      if (this.#headOffset === chunkEnd) this.#dropHead()
    }
    this.bytes -= count
  }

  /** Nothing of it is sent any more. */
  drop(): void {
    for (let at = this.#head; at < this.#chunks.length; at++) this.#pool.give(this.#chunks[at] as Buffer)
    this.#chunks.length = 0
    this.#head = 0
    this.bytes = 0
  }

  #dropHead(): void {
    // Only pieces of the pool's sizes are taken back.
    this.#pool.give(this.#chunks[this.#head] as Buffer)
    this.#headOffset = 0
    this.#head++
    // Spent chunks are cut off in strides, so that a long queue is not shifted for every chunk.
    if (this.#head === this.#chunks.length || this.#head >= 64) {
      this.#chunks.splice(0, this.#head)
      this.#head = 0
    }
  }
}

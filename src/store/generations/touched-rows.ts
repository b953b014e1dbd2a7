/**
 * Keys of rows that were touched, in one buffer: the list is long, lives for moments, and must make no garbage.
 *
 * ```
 * table (1 byte) | key length (2, little-endian) | key, and so on
 * ```
 */

import type { Bytes } from '../../base/bytes.js'
import { copyRange } from '../../base/copy-into.js'
import type { Table } from '../store.js'

const HEAD_BYTES = 3
const BYTES_AT_FIRST = 64 * 1024

export class TouchedRows {
  /** The row that `take` took: a window on the list, until the next `add`. */
  table: Table = 0
  keyStart = 0
  keyEnd = 0
  #bytes: Bytes = new Uint8Array(BYTES_AT_FIRST)
  #from = 0
  #to = 0

  get bytes(): Bytes {
    return this.#bytes
  }

  get isEmpty(): boolean {
    return this.#from === this.#to
  }

  /** Bytes that wait to be taken. */
  get length(): number {
    return this.#to - this.#from
  }

  /** Where the next row is taken from, for `returnTo`. */
  get mark(): number {
    return this.#from
  }

  /** What was taken since that mark waits again. Nothing may have been added meanwhile. */
  returnTo(mark: number): void {
    this.#from = mark
  }

  add(table: Table, key: Bytes, start: number, end: number): void {
    const size = HEAD_BYTES + end - start
    if (this.#to + size > this.#bytes.length) this.#makeRoom(size)
    const bytes = this.#bytes
    bytes[this.#to] = table
    bytes[this.#to + 1] = end - start
    bytes[this.#to + 2] = (end - start) >>> 8
    this.#to = copyRange(bytes, this.#to + HEAD_BYTES, key, start, end)
  }

  /** Takes the oldest row out; false when there is none. */
  take(): boolean {
    if (this.isEmpty) return false
    const bytes = this.#bytes
    const at = this.#from
    this.table = bytes[at] as Table
    this.keyStart = at + HEAD_BYTES
    this.keyEnd = this.keyStart + ((bytes[at + 1] as number) | ((bytes[at + 2] as number) << 8))
    this.#from = this.keyEnd
    return true
  }

  #makeRoom(size: number): void {
    const waiting = this.length
    const isHalfEmpty = waiting + size <= this.#bytes.length / 2
    const target = isHalfEmpty ? this.#bytes : new Uint8Array(2 * Math.max(this.#bytes.length, size))
    target.set(this.#bytes.subarray(this.#from, this.#to))
    this.#bytes = target
    this.#from = 0
    this.#to = waiting
  }
}

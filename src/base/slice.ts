/**
 * A reusable window on bytes: what a decoded message holds instead of a fresh Uint8Array, because making a typed
 * array view costs more than the field it would show. A slice over a ring is dead when the turn that read it ends.
 */

import { EMPTY_BYTES, copyBytes, type Bytes } from './bytes.js'

export class Slice {
  bytes: Bytes = EMPTY_BYTES
  start = 0
  end = 0

  /** Points this slice somewhere else and returns it. */
  at(bytes: Bytes, start: number, end: number): this {
    this.bytes = bytes
    this.start = start
    this.end = end
    return this
  }

  get length(): number {
    return this.end - this.start
  }

  /** A copy that may be kept. */
  copy(): Bytes {
    return copyBytes(this.bytes, this.start, this.end)
  }

  /** A view that shares the memory, as short-lived as the slice. */
  view(): Bytes {
    return this.bytes.subarray(this.start, this.end)
  }
}

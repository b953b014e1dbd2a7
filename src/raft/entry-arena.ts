/**
 * Memory for the bytes of entries. A typed array of its own for each entry would cost a call to the allocator and a
 * finalizer; entries of the same moment share a chunk and go together when the log is compacted.
 */

import { copyRange } from '../base/copy-into.js'
import type { Bytes } from '../base/bytes.js'
import type { Slice } from '../base/slice.js'

const CHUNK_BYTES = 256 * 1024
/** Larger ones get memory of their own, so that one small neighbour does not keep much alive. */
const SHARED_BYTES_MAX = 16 * 1024

export class EntryArena {
  #chunk: Uint8Array = new Uint8Array(0)
  #at = 0

  /** A copy that may be kept. */
  copy(data: Slice): Bytes {
    const { length } = data
    if (length > SHARED_BYTES_MAX) return data.copy()
    if (this.#at + length > this.#chunk.length) {
      this.#chunk = new Uint8Array(CHUNK_BYTES)
      this.#at = 0
    }
    const start = this.#at
    this.#at = copyRange(this.#chunk, start, data.bytes, data.start, data.end)
    return this.#chunk.subarray(start, this.#at)
  }
}

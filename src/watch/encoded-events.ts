/** Events as they stand in a WatchResponse (repeated field 11, tags included), one behind the other. */

import { copyRange } from '../base/copy-into.js'
import type { Bytes } from '../base/bytes.js'
import type { Slice } from '../base/slice.js'
import { sizeOfUint32, writeUint32 } from '../proto/proto-writer.js'

const TAG_EVENT = 0x5a
const TAG_TYPE = 0x08
const TYPE_DELETE = 1
const TAG_KV = 0x12
const TAG_PREVIOUS = 0x1a

const BYTES_MIN = 64 * 1024
/** A larger buffer is given back once the block that needed it is sent. */
const BYTES_KEPT_MAX = 4 * 1024 * 1024

export class EncodedEvents {
  bytes: Bytes = new Uint8Array(BYTES_MIN)
  length = 0
  /** Where each event starts; one more for the end of the last. */
  readonly #starts: number[] = [0]
  #count = 0

  get count(): number {
    return this.#count
  }

  clear(): void {
    this.length = 0
    this.#count = 0
    if (this.bytes.length > BYTES_KEPT_MAX) this.bytes = new Uint8Array(BYTES_MIN)
  }

  startOf(position: number): number {
    return this.#starts[position] as number
  }

  endOf(position: number): number {
    return this.#starts[position + 1] as number
  }

  /** Adds an event and returns its position. */
  append(isDelete: boolean, kv: Slice, previous: Slice | null): number {
    const kvBytes = kv.length
    let size = 1 + sizeOfUint32(kvBytes) + kvBytes
    if (isDelete) size += 2
    if (previous !== null) size += 1 + sizeOfUint32(previous.length) + previous.length
    this.#reserve(1 + sizeOfUint32(size) + size)
    const out = this.bytes
    let at = this.length
    out[at++] = TAG_EVENT
    at = writeUint32(out, at, size)
    if (isDelete) {
      out[at++] = TAG_TYPE
      out[at++] = TYPE_DELETE
    }
    out[at++] = TAG_KV
    at = writeUint32(out, at, kvBytes)
    at = copyRange(out, at, kv.bytes, kv.start, kv.end)
    if (previous !== null) {
      out[at++] = TAG_PREVIOUS
      at = writeUint32(out, at, previous.length)
      at = copyRange(out, at, previous.bytes, previous.start, previous.end)
    }
    this.length = at
    this.#count++
    this.#starts[this.#count] = at
    return this.#count - 1
  }

  #reserve(bytes: number): void {
    const needed = this.length + bytes
    if (needed <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(needed, 2 * this.bytes.length))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }
}

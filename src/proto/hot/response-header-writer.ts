/**
 * etcdserverpb.ResponseHeader, field 1 of nearly every response: the ids of cluster and member never change, and many
 * answers in a row have the same revision and term, so the encoding is kept.
 */

import type { Bytes } from '../../base/bytes.js'
import { sizeOfUint32, writeId, writeInt64, writeUint32, writeUint64 } from '../proto-writer.js'

/** Four fields of a tag and at most ten bytes. */
const HEADER_BYTES_MAX = 44
const TAG_HEADER = 0x0a

export class ResponseHeaderWriter {
  /** The encoded header is bytes[0, length) from one `set` to the next. */
  readonly bytes: Bytes = new Uint8Array(HEADER_BYTES_MAX)
  readonly #idLength: number
  #length: number
  #revision = 0
  #raftTerm = 0

  constructor(clusterId: bigint, memberId: bigint) {
    let at = 0
    if (clusterId !== 0n) {
      this.bytes[at++] = 0x08
      at = writeId(this.bytes, at, clusterId)
    }
    if (memberId !== 0n) {
      this.bytes[at++] = 0x10
      at = writeId(this.bytes, at, memberId)
    }
    this.#idLength = this.#length = at
  }

  get length(): number {
    return this.#length
  }

  /** Bytes of the header as field 1 of a response, tag and length included. */
  get fieldLength(): number {
    return 1 + sizeOfUint32(this.#length) + this.#length
  }

  /** Makes this the header of `revision` and `raftTerm`. A revision of 0 stays off the wire. */
  set(revision: number, raftTerm: number): void {
    if (revision === this.#revision && raftTerm === this.#raftTerm) return
    this.#revision = revision
    this.#raftTerm = raftTerm
    const bytes = this.bytes
    let at = this.#idLength
    if (revision !== 0) {
      bytes[at++] = 0x18
      at = writeInt64(bytes, at, revision)
    }
    if (raftTerm !== 0) {
      bytes[at++] = 0x20
      at = writeUint64(bytes, at, raftTerm)
    }
    this.#length = at
  }

  /** Writes the header as field 1 of a response and returns the offset after it. */
  writeField(out: Bytes, at: number): number {
    const { bytes } = this
    const length = this.#length
    out[at++] = TAG_HEADER
    at = writeUint32(out, at, length)
    for (let i = 0; i < length; i++) out[at + i] = bytes[i] as number
    return at + length
  }
}

/**
 * WAL records as etcd writes them, encoded straight into one reusable buffer: a frame is
 *
 * ```
 * | length field, 8 bytes little-endian        | walpb.Record         | zeros to a multiple of 8 |
 * | low 56 bits length, top byte 0x80|padding  | 08 type 10 crc 1a .. |                          |
 * ```
 *
 * with a top byte of 0 when no padding is needed. A length field of 0 ends the data of a preallocated segment. `crc`
 * is the running CRC-32C over the data of all records so far, in this segment and those before; chain records carry
 * it on.
 */

import { assert } from '../base/assert.js'
import { EMPTY_BYTES, type Bytes } from '../base/bytes.js'
import { copyRange } from '../base/copy-into.js'
import { Crc32cMemory } from '../base/crc32c-memory.js'

export const RecordType = Object.freeze({ metadata: 1, entry: 2, state: 3, chain: 4, snapshot: 5 })

/** Frames start at multiples of this. */
export const FRAME_ALIGNMENT_BYTES = 8
export const LENGTH_FIELD_BYTES = 8

/**
 * Length of the salt in chain records. A chain record that is not a segment's first begins the first write after a
 * sync, so whoever finds one knows that all bytes before it were on disk. The salt, random for each segment, keeps a
 * client's value from posing as one. etcd ignores the data of chain records.
 */
export const SALT_BYTES = 8

/** Type, crc and the tag and length of the data, at their longest. */
const RECORD_HEAD_BYTES_MAX = 2 + 6 + 6
/** Type, term and index of an entry and the tag and length of its data, at their longest. */
const ENTRY_HEAD_BYTES_MAX = 2 + 9 + 9 + 6
/** What a frame is longer than the entry's bytes, at most. */
export const FRAME_OVERHEAD_BYTES_MAX
  = LENGTH_FIELD_BYTES + RECORD_HEAD_BYTES_MAX + ENTRY_HEAD_BYTES_MAX + FRAME_ALIGNMENT_BYTES
const CRC_VARINT_BYTES_MAX = 5
const UINT64_VARINT_BYTES_MAX = 10

export class RecordEncoder {
  /** Bytes encoded since `clear`. */
  length = 0
  /** The running CRC after the last record. */
  crc: number

  readonly #memory: Crc32cMemory
  #bytes: Bytes
  /** Where the data of the open record starts; the record is closed by `#close`. */
  #dataStart = 0

  constructor(bufferBytes: number, crc: number) {
    this.#memory = new Crc32cMemory(bufferBytes)
    this.#bytes = this.#memory.bytes
    this.crc = crc
  }

  /** The encoded frames are bytes[0, length). Valid until the next record is encoded. */
  get bytes(): Bytes {
    return this.#bytes
  }

  /** Forgets the frames, which are written, and keeps the CRC. */
  clear(): void {
    this.length = 0
  }

  /** An entry whose data is source[start, end). */
  entry(type: number, term: number, index: number, source: Bytes, start: number, end: number): void {
    const dataLength = end - start
    let length = 3 + varintBytes(type) + varintBytes(term) + varintBytes(index)
    if (dataLength > 0) length += 1 + varintBytes(dataLength) + dataLength
    let at = this.#open(length)
    const bytes = this.#bytes
    bytes[at] = 0x08
    at = putVarint(bytes, at + 1, type)
    bytes[at] = 0x10
    at = putVarint(bytes, at + 1, term)
    bytes[at] = 0x18
    at = putVarint(bytes, at + 1, index)
    if (dataLength > 0) {
      bytes[at] = 0x22
      at = putVarint(bytes, at + 1, dataLength)
      at = copyRange(bytes, at, source, start, end)
    }
    this.#close(RecordType.entry, at)
  }

  /** A raftpb.HardState. */
  state(term: number, vote: bigint, commit: number): void {
    let at = this.#open(2 + varintBytes(term) + 1 + bigVarintBytes(vote) + varintBytes(commit))
    const bytes = this.#bytes
    bytes[at] = 0x08
    at = putVarint(bytes, at + 1, term)
    bytes[at] = 0x10
    at = putBigVarint(bytes, at + 1, vote)
    bytes[at] = 0x18
    at = putVarint(bytes, at + 1, commit)
    this.#close(RecordType.state, at)
  }

  /** A walpb.Snapshot; `confState` is an encoded raftpb.ConfState in source[start, end), left out when empty. */
  snapshot(index: number, term: number, source: Bytes, start: number, end: number): void {
    const stateLength = end - start
    let length = 2 + varintBytes(index) + varintBytes(term)
    if (stateLength > 0) length += 1 + varintBytes(stateLength) + stateLength
    let at = this.#open(length)
    const bytes = this.#bytes
    bytes[at] = 0x08
    at = putVarint(bytes, at + 1, index)
    bytes[at] = 0x10
    at = putVarint(bytes, at + 1, term)
    if (stateLength > 0) {
      bytes[at] = 0x1a
      at = putVarint(bytes, at + 1, stateLength)
      at = copyRange(bytes, at, source, start, end)
    }
    this.#close(RecordType.snapshot, at)
  }

  /** The etcdserverpb.Metadata that heads every segment. */
  metadata(nodeId: bigint, clusterId: bigint): void {
    let at = this.#open(2 + bigVarintBytes(nodeId) + bigVarintBytes(clusterId))
    const bytes = this.#bytes
    bytes[at] = 0x08
    at = putBigVarint(bytes, at + 1, nodeId)
    bytes[at] = 0x10
    at = putBigVarint(bytes, at + 1, clusterId)
    this.#close(RecordType.metadata, at)
  }

  /** A chain record: the running CRC, and the segment's salt unless this one heads the segment. */
  chain(salt: Bytes): void {
    const at = this.#open(salt.length)
    const end = copyRange(this.#bytes, at, salt, 0, salt.length)
    this.#close(RecordType.chain, end)
  }

  /** A whole segment head in a fresh encoder. The trailing chain record tells the salt. */
  segmentHead(head: SegmentHead): void {
    this.chain(EMPTY_BYTES)
    this.metadata(head.nodeId, head.clusterId)
    if (head.isFirst) this.snapshot(0, 0, EMPTY_BYTES, 0, 0)
    if (head.term !== 0 || head.vote !== 0n || head.commit !== 0) this.state(head.term, head.vote, head.commit)
    this.chain(head.salt)
  }

  /** Makes room for a record with `dataLength` bytes of data and returns where they go. */
  #open(dataLength: number): number {
    const needed = this.length + dataLength + FRAME_OVERHEAD_BYTES_MAX
    if (needed > this.#bytes.length) this.#grow(needed)
    const head = 2 + 1 + CRC_VARINT_BYTES_MAX + (dataLength > 0 ? 1 + varintBytes(dataLength) : 0)
    this.#dataStart = this.length + LENGTH_FIELD_BYTES + head
    return this.#dataStart
  }

  /**
   * Closes the record whose data ends at `dataEnd`. The data moves down if the CRC needs fewer bytes than were kept.
   */
  #close(type: number, dataEnd: number): void {
    const bytes = this.#bytes
    const dataLength = dataEnd - this.#dataStart
    if (type !== RecordType.chain) this.crc = this.#memory.update(this.crc, this.#dataStart, dataEnd)
    const frameStart = this.length
    let at = frameStart + LENGTH_FIELD_BYTES
    bytes[at] = 0x08
    bytes[at + 1] = type
    bytes[at + 2] = 0x10
    at = putVarint(bytes, at + 3, this.crc)
    if (dataLength > 0) {
      bytes[at] = 0x1a
      at = putVarint(bytes, at + 1, dataLength)
      if (at !== this.#dataStart) bytes.copyWithin(at, this.#dataStart, dataEnd)
      at += dataLength
    }
    const recordLength = at - frameStart - LENGTH_FIELD_BYTES
    const padding = -recordLength & (FRAME_ALIGNMENT_BYTES - 1)
    for (let i = 0; i < padding; i++) bytes[at + i] = 0
    putLengthField(bytes, frameStart, recordLength, padding)
    this.length = at + padding
  }

  /** Cold: the buffer is sized for the batch bound, and only an entry near the request limit comes on top. */
  #grow(needed: number): void {
    this.#memory.grow(Math.max(needed, 2 * this.#bytes.length))
    this.#bytes = this.#memory.bytes
  }
}

/** What every segment starts with. */
export interface SegmentHead {
  readonly nodeId: bigint
  readonly clusterId: bigint
  readonly isFirst: boolean
  /** The last hard state saved; left out of the head when all zero. */
  readonly term: number
  readonly vote: bigint
  readonly commit: number
  readonly salt: Bytes
}

function putLengthField(bytes: Bytes, at: number, length: number, padding: number): void {
  assert(length < 0x8000_0000, 'a record is shorter than 2 GiB')
  bytes[at] = length & 255
  bytes[at + 1] = (length >>> 8) & 255
  bytes[at + 2] = (length >>> 16) & 255
  bytes[at + 3] = length >>> 24
  bytes[at + 4] = 0
  bytes[at + 5] = 0
  bytes[at + 6] = 0
  bytes[at + 7] = padding === 0 ? 0 : 0x80 | padding
}

function varintBytes(value: number): number {
  if (value < 0x80) return 1
  let count = 2
  for (let rest = Math.floor(value / 0x4000); rest >= 1; rest = Math.floor(rest / 128)) count++
  return count
}

function putVarint(bytes: Bytes, at: number, value: number): number {
  let to = at
  let rest = value
  while (rest >= 0x8000_0000) {
    bytes[to++] = (rest & 127) | 128
    rest = Math.floor(rest / 128)
  }
  while (rest >= 0x80) {
    bytes[to++] = (rest & 127) | 128
    rest >>>= 7
  }
  bytes[to] = rest
  return to + 1
}

function bigVarintBytes(value: bigint): number {
  let count = 1
  for (let rest = BigInt.asUintN(64, value) >> 7n; rest > 0n; rest >>= 7n) count++
  assert(count <= UINT64_VARINT_BYTES_MAX, '64 bits take at most ten bytes')
  return count
}

function putBigVarint(bytes: Bytes, at: number, value: bigint): number {
  let to = at
  let rest = BigInt.asUintN(64, value)
  for (; rest > 127n; rest >>= 7n) bytes[to++] = Number(rest & 127n) | 128
  bytes[to] = Number(rest)
  return to + 1
}

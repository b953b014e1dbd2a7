/**
 * Reads what `wal-record.ts` writes. A frame is looked at in a window of the segment; whether its data is right is the
 * caller's question, because the CRC runs over everything before it.
 */

import { EMPTY_BYTES, type Bytes } from '../base/bytes.js'
import { ProtoError } from '../proto/proto-error.js'
import { ProtoReader } from '../proto/proto-reader.js'
import { LENGTH_FIELD_BYTES } from './wal-record.js'

/** Records longer than this are taken for damage; etcd refuses them too. */
export const RECORD_BYTES_MAX = 1024 * 1024 * 1024

export interface FrameLength {
  /** Bytes of the record, padding not included. 0 ends the data, -1 is no length that a writer writes. */
  recordBytes: number
  paddingBytes: number
}

/** Reads the length field at `at`, all of whose 8 bytes must be in the window. */
export function readFrameLength(bytes: Bytes, at: number, out: FrameLength): void {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16)
  const length = low + (bytes[at + 3] as number) * 0x100_0000
  const middle = (bytes[at + 4] as number) | (bytes[at + 5] as number) | (bytes[at + 6] as number)
  const top = bytes[at + 7] as number
  const padding = -length & 7
  const isWritten = middle === 0 && length <= RECORD_BYTES_MAX && top === (padding === 0 ? 0 : 0x80 | padding)
  out.recordBytes = isWritten ? length : -1
  out.paddingBytes = isWritten ? padding : 0
}

/** A decoded walpb.Record; its data is bytes[dataStart, dataEnd) of the window it was read from. */
export class RecordView {
  type = 0
  crc = 0
  bytes: Bytes = EMPTY_BYTES
  dataStart = 0
  dataEnd = 0
  readonly #reader = new ProtoReader()

  /** False when bytes[start, end) is not a walpb.Record. */
  read(bytes: Bytes, start: number, end: number): boolean {
    this.type = 0
    this.crc = 0
    this.bytes = bytes
    this.dataStart = start
    this.dataEnd = start
    return isReadable(() => this.#readFields(bytes, start, end))
  }

  #readFields(bytes: Bytes, start: number, end: number): void {
    const reader = this.#reader
    reader.open(bytes, start, end)
    while (reader.at < end) {
      const tag = reader.tag()
      if (tag === 0x08) {
        this.type = reader.int64()
      } else if (tag === 0x10) {
        this.crc = reader.uint32()
      } else if (tag === 0x1a) {
        this.dataEnd = reader.fieldEnd(end)
        this.dataStart = reader.at
        reader.at = this.dataEnd
      } else {
        reader.skipUnknown(tag, end, [1, 2, 3])
      }
    }
    reader.expectEnd(end)
  }
}

/** A decoded raftpb.Entry; its data is a part of the record's window. */
export class EntryView {
  type = 0
  term = 0
  index = 0
  dataStart = 0
  dataEnd = 0
  readonly #reader = new ProtoReader()

  /** False when bytes[start, end) is not an entry. */
  read(bytes: Bytes, start: number, end: number): boolean {
    this.type = 0
    this.term = 0
    this.index = 0
    this.dataStart = start
    this.dataEnd = start
    const isEntry = isReadable(() => this.#readFields(bytes, start, end))
    return isEntry && Number.isSafeInteger(this.term) && Number.isSafeInteger(this.index)
  }

  #readFields(bytes: Bytes, start: number, end: number): void {
    const reader = this.#reader
    reader.open(bytes, start, end)
    while (reader.at < end) {
      const tag = reader.tag()
      if (tag === 0x08) {
        this.type = reader.uint32()
      } else if (tag === 0x10) {
        this.term = reader.uint64()
      } else if (tag === 0x18) {
        this.index = reader.uint64()
      } else if (tag === 0x22) {
        this.dataEnd = reader.fieldEnd(end)
        this.dataStart = reader.at
        reader.at = this.dataEnd
      } else {
        reader.skipUnknown(tag, end, [1, 2, 3, 4])
      }
    }
    reader.expectEnd(end)
  }
}

export interface HardStateRecord {
  readonly term: number
  readonly vote: bigint
  readonly commit: number
}

export function readHardState(bytes: Bytes, start: number, end: number): HardStateRecord | null {
  const reader = new ProtoReader()
  let term = 0
  let vote = 0n
  let commit = 0
  const isState = isReadable(() => {
    reader.open(bytes, start, end)
    while (reader.at < end) {
      const tag = reader.tag()
      if (tag === 0x08) term = reader.uint64()
      else if (tag === 0x10) vote = reader.uint64Id()
      else if (tag === 0x18) commit = reader.uint64()
      else reader.skipUnknown(tag, end, [1, 2, 3])
    }
    reader.expectEnd(end)
  })
  if (!isState || !Number.isSafeInteger(term) || !Number.isSafeInteger(commit)) return null
  return { term, vote, commit }
}

export interface SnapshotRecord {
  readonly index: number
  readonly term: number
  /** Encoded raftpb.ConfState, empty when there is none. */
  readonly confState: Bytes
}

export function readSnapshot(bytes: Bytes, start: number, end: number): SnapshotRecord | null {
  const reader = new ProtoReader()
  let index = 0
  let term = 0
  let confState: Bytes = EMPTY_BYTES
  const isSnapshot = isReadable(() => {
    reader.open(bytes, start, end)
    while (reader.at < end) {
      const tag = reader.tag()
      if (tag === 0x08) index = reader.uint64()
      else if (tag === 0x10) term = reader.uint64()
      else if (tag === 0x1a) confState = takeBytes(reader, end)
      else reader.skipUnknown(tag, end, [1, 2, 3])
    }
    reader.expectEnd(end)
  })
  if (!isSnapshot || !Number.isSafeInteger(index) || !Number.isSafeInteger(term)) return null
  return { index, term, confState }
}

function takeBytes(reader: ProtoReader, end: number): Bytes {
  const fieldEnd = reader.fieldEnd(end)
  const bytes = reader.bytes.slice(reader.at, fieldEnd)
  reader.at = fieldEnd
  return bytes
}

export interface WalMetadata {
  readonly nodeId: bigint
  readonly clusterId: bigint
}

export function readMetadata(bytes: Bytes, start: number, end: number): WalMetadata | null {
  const reader = new ProtoReader()
  let nodeId = 0n
  let clusterId = 0n
  const isMetadata = isReadable(() => {
    reader.open(bytes, start, end)
    while (reader.at < end) {
      const tag = reader.tag()
      if (tag === 0x08) nodeId = reader.uint64Id()
      else if (tag === 0x10) clusterId = reader.uint64Id()
      else reader.skipUnknown(tag, end, [1, 2])
    }
    reader.expectEnd(end)
  })
  return isMetadata ? { nodeId, clusterId } : null
}

/** Runs a decoder; false when it finds bytes that are not its message. Anything else that it throws is a bug. */
function isReadable(decode: () => void): boolean {
  try {
    decode()
    return true
  } catch (error) {
    if (error instanceof ProtoError) return false
    throw error
  }
}

/** Where the frame of a record with these lengths ends. */
export function frameBytes(length: FrameLength): number {
  return LENGTH_FIELD_BYTES + length.recordBytes + length.paddingBytes
}

/**
 * Core messages between members as raftpb.Message: written straight into memory that the caller has claimed, read with
 * one copy of each entry's data. Fields are etcd's; what its core keeps in `context` as opaque bytes is ours:
 *
 * ```
 * vote, preVote of a transfer      "CampaignTransfer", as etcd's
 * heartbeat and response           | read round, u64 |
 * readIndex and response           | ticket, u64 | epoch, u64 |      all big-endian
 * ```
 */

import type { Bytes } from '../base/bytes.js'
import { copyInto } from '../base/copy-into.js'
import { Slice } from '../base/slice.js'
import { highHalf, lowHalf } from '../base/varint.js'
import { decodeSnapshot, encodeSnapshot } from '../proto/generated/raftpb.js'
import { malformed } from '../proto/hot/decode-guard.js'
import { ProtoError } from '../proto/proto-error.js'
import { ProtoReader } from '../proto/proto-reader.js'
import {
  sizeOfDelimited,
  sizeOfId,
  sizeOfUint64,
  writeId,
  writeUint32,
  writeUint64,
} from '../proto/proto-writer.js'
import { confStateFrom, confStateToWire } from './conf-codec.js'
import { EntryType, placedEntry, type LogEntry } from './core/raft-log.js'
import { MessageType, RaftMessage, type SnapshotMeta } from './core/raft-message.js'
import type { EntryArena } from './entry-arena.js'

const TAG = Object.freeze({
  type: 0x08, to: 0x10, from: 0x18, term: 0x20, logTerm: 0x28, index: 0x30, entries: 0x3a, commit: 0x40,
  snapshot: 0x4a, reject: 0x50, rejectHint: 0x58, context: 0x62,
})
const ENTRY_TAG = Object.freeze({ type: 0x08, term: 0x10, index: 0x18, data: 0x22 })

const TRANSFER = Buffer.from('CampaignTransfer')
const ROUND_BYTES = 8
const TICKET_BYTES = 16

const TWO_32 = 0x1_0000_0000

const KNOWN_TYPES: ReadonlySet<number> = new Set(Object.values(MessageType))

/** Bytes that `writeMessage` takes. */
export function messageSize(message: RaftMessage): number {
  let size = 1 + sizeOfUint64(message.type)
    + 1 + sizeOfId(message.to)
    + 1 + sizeOfId(message.from)
    + sizeOfField(message.term)
    + sizeOfField(message.logTerm)
    + sizeOfField(message.index)
    + sizeOfField(message.commit)
    + sizeOfField(message.rejectHint)
    + (message.reject ? 2 : 0)
  const { entries } = message
  for (let i = 0; i < entries.length; i++) size += 1 + sizeOfDelimited(entrySize(entries[i] as LogEntry))
  const context = contextSize(message)
  if (context > 0) size += 1 + sizeOfDelimited(context)
  if (message.snapshot !== null) size += 1 + sizeOfDelimited(encodeMeta(message.snapshot).length)
  return size
}

/** Writes the message at `at`, where `messageSize` bytes are free; returns the offset after it. */
export function writeMessage(out: Bytes, at: number, message: RaftMessage): number {
  out[at++] = TAG.type
  at = writeUint64(out, at, message.type)
  out[at++] = TAG.to
  at = writeId(out, at, message.to)
  out[at++] = TAG.from
  at = writeId(out, at, message.from)
  at = writeField(out, at, TAG.term, message.term)
  at = writeField(out, at, TAG.logTerm, message.logTerm)
  at = writeField(out, at, TAG.index, message.index)
  const { entries } = message
  for (let i = 0; i < entries.length; i++) at = writeEntry(out, at, entries[i] as LogEntry)
  at = writeField(out, at, TAG.commit, message.commit)
  if (message.snapshot !== null) at = writeDelimited(out, at, TAG.snapshot, encodeMeta(message.snapshot))
  if (message.reject) at = writeField(out, at, TAG.reject, 1)
  at = writeField(out, at, TAG.rejectHint, message.rejectHint)
  return writeContext(out, at, message)
}

export class MessageReader {
  readonly #reader = new ProtoReader()
  readonly #data = new Slice()
  readonly #arena: EntryArena
  /** When the entries that are read now arrived. */
  receivedUs = 0

  constructor(arena: EntryArena) {
    this.#arena = arena
  }

  /** Null when the bytes are not a message that the core could take. What it holds is in memory of its own. */
  read(bytes: Bytes, start: number, end: number): RaftMessage | null {
    try {
      this.#reader.open(bytes, start, end)
      const message = this.#message(this.#reader, end)
      return message !== null && isSound(message) ? message : null
    } catch (error) {
      malformed(error)
      return null
    }
  }

  #message(r: ProtoReader, end: number): RaftMessage | null {
    let type = 0
    let to = 0n
    let from = 0n
    let term = 0
    let message: RaftMessage | null = null
    const entries: LogEntry[] = []
    // The four that make a message come first, in our own writing and in etcd's.
    while (r.at < end) {
      const tag = r.tag()
      if (tag === TAG.type) type = r.uint32()
      else if (tag === TAG.to) to = r.uint64Id()
      else if (tag === TAG.from) from = r.uint64Id()
      else if (tag === TAG.term) term = safe(r)
      else {
        message ??= new RaftMessage(type as MessageType, to, from, term)
        this.#field(r, tag, end, message, entries)
      }
    }
    r.leave(end)
    message ??= new RaftMessage(type as MessageType, to, from, term)
    if (entries.length > 0) message.entries = entries
    const isWhole = message.type === type && message.to === to && message.from === from && message.term === term
    return isWhole ? message : null
  }

  #field(r: ProtoReader, tag: number, end: number, message: RaftMessage, entries: LogEntry[]): void {
    switch (tag) {
      case TAG.logTerm:
        message.logTerm = safe(r)
        return
      case TAG.index:
        message.index = safe(r)
        return
      case TAG.entries:
        entries.push(this.#entry(r, r.enter(end)))
        return
      case TAG.commit:
        message.commit = safe(r)
        return
      case TAG.snapshot: {
        const fieldEnd = r.skipDelimited(end)
        message.snapshot = decodeMeta(r.bytes, r.skippedFrom, fieldEnd)
        return
      }
      case TAG.reject:
        message.reject = r.bool()
        return
      case TAG.rejectHint:
        message.rejectHint = safe(r)
        return
      case TAG.context: {
        const fieldEnd = r.skipDelimited(end)
        readContext(message, r.bytes, r.skippedFrom, fieldEnd)
        return
      }
      default:
        r.skip(tag, end)
    }
  }

  #entry(r: ProtoReader, end: number): LogEntry {
    let type = 0
    let term = 0
    let index = 0
    const data = this.#data.at(r.bytes, r.at, r.at)
    while (r.at < end) {
      const tag = r.tag()
      if (tag === ENTRY_TAG.type) type = r.uint32()
      else if (tag === ENTRY_TAG.term) term = safe(r)
      else if (tag === ENTRY_TAG.index) index = safe(r)
      else if (tag === ENTRY_TAG.data) {
        data.end = r.skipDelimited(end)
        data.start = r.skippedFrom
      } else r.skip(tag, end)
    }
    r.leave(end)
    const entry = placedEntry(term, index, type as EntryType, this.#arena.copy(data))
    entry.receivedUs = this.receivedUs
    return entry
  }
}

/** What the core takes for granted of what it is given. */
function isSound(message: RaftMessage): boolean {
  const { type, entries, term } = message
  if (!KNOWN_TYPES.has(type)) return false
  if ((type === MessageType.snapshot) !== (message.snapshot !== null)) return false
  if (type !== MessageType.append && type !== MessageType.propose) return entries.length === 0
  let index = message.index
  let lastTerm = message.logTerm
  for (const entry of entries) {
    if (entry.type > EntryType.confChangeV2) return false
    if (type === MessageType.propose) continue
    if (entry.index !== ++index || entry.term < lastTerm || entry.term > term) return false
    lastTerm = entry.term
  }
  return true
}

function sizeOfField(value: number): number {
  return value === 0 ? 0 : 1 + sizeOfUint64(value)
}

function writeField(out: Bytes, at: number, tag: number, value: number): number {
  if (value === 0) return at
  out[at++] = tag
  return writeUint64(out, at, value)
}

function writeDelimited(out: Bytes, at: number, tag: number, bytes: Bytes): number {
  out[at++] = tag
  at = writeUint32(out, at, bytes.length)
  return copyInto(out, at, bytes)
}

function entrySize({ type, term, index, data }: LogEntry): number {
  const { length } = data
  return sizeOfField(type) + sizeOfField(term) + sizeOfField(index) + (length === 0 ? 0 : 1 + sizeOfDelimited(length))
}

function writeEntry(out: Bytes, at: number, entry: LogEntry): number {
  out[at++] = TAG.entries
  at = writeUint32(out, at, entrySize(entry))
  at = writeField(out, at, ENTRY_TAG.type, entry.type)
  at = writeField(out, at, ENTRY_TAG.term, entry.term)
  at = writeField(out, at, ENTRY_TAG.index, entry.index)
  return entry.data.length === 0 ? at : writeDelimited(out, at, ENTRY_TAG.data, entry.data)
}

function contextSize({ transfer, epoch, context }: RaftMessage): number {
  if (transfer) return TRANSFER.length
  if (epoch !== 0) return TICKET_BYTES
  return context === 0 ? 0 : ROUND_BYTES
}

function writeContext(out: Bytes, at: number, message: RaftMessage): number {
  const size = contextSize(message)
  if (size === 0) return at
  if (message.transfer) return writeDelimited(out, at, TAG.context, TRANSFER)
  out[at++] = TAG.context
  at = writeUint32(out, at, size)
  at = writeNumber(out, at, message.context)
  return size === TICKET_BYTES ? writeNumber(out, at, message.epoch) : at
}

function readContext(message: RaftMessage, bytes: Bytes, start: number, end: number): void {
  const size = end - start
  if (message.type === MessageType.vote || message.type === MessageType.preVote) {
    message.transfer = TRANSFER.equals(bytes.subarray(start, end))
  } else if (size === ROUND_BYTES || size === TICKET_BYTES) {
    message.context = readNumber(bytes, start)
    if (size === TICKET_BYTES) message.epoch = readNumber(bytes, start + ROUND_BYTES)
  }
}

function writeNumber(out: Bytes, at: number, value: number): number {
  at = writeBig32(out, at, highHalf(value))
  return writeBig32(out, at, lowHalf(value))
}

function writeBig32(out: Bytes, at: number, value: number): number {
  for (let shift = 24; shift >= 0; shift -= 8) out[at++] = value >>> shift
  return at
}

function readNumber(bytes: Bytes, at: number): number {
  return join(readBig32(bytes, at), readBig32(bytes, at + 4))
}

function readBig32(bytes: Bytes, at: number): number {
  let value = 0
  for (let i = 0; i < 4; i++) value = (value << 8) | (bytes[at + i] as number)
  return value >>> 0
}

/** A term or an index. */
function safe(r: ProtoReader): number {
  r.varint()
  return join(r.high, r.low)
}

/** No log reaches 2^53. */
function join(high: number, low: number): number {
  if (high > 0x1f_ffff) throw new ProtoError('varintTooLong', 'a term or index above 2^53')
  return high * TWO_32 + low
}

function encodeMeta({ index, term, confState }: SnapshotMeta): Bytes {
  return encodeSnapshot({ metadata: { conf_state: confStateToWire(confState), index, term } })
}

function decodeMeta(bytes: Bytes, start: number, end: number): SnapshotMeta {
  const { metadata } = decodeSnapshot(bytes, start, end)
  const { conf_state: confState, index = 0, term = 0 } = metadata ?? {}
  return { index, term, confState: confStateFrom(confState) }
}

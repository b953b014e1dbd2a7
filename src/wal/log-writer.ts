/**
 * The writing end of the log: encodes records into one buffer, writes the buffer with one call, and moves on to the
 * next segment. What it has in memory is what the next write puts on disk, nothing else.
 */

import { assert } from '../base/assert.js'
import type { Bytes } from '../base/bytes.js'
import { RecordEncoder, SALT_BYTES } from './wal-record.js'
import type { HardStateRecord, WalMetadata } from './wal-record-decoder.js'
import type { SegmentSupply, WalDevice, WalFile } from './wal-device.js'
import type { RecoveredLog } from './wal-recovery.js'
import {
  SUPPLY_NAMES, installSegment, neededFrom, segmentLimit, segmentOf, writeZeros, type Segment,
} from './wal-segment.js'

/** Grows when one turn's records need more, up to what the ring from raft can hold. */
const BUFFER_BYTES = 256 * 1024
const HEAD_BYTES_MAX = 512
/**
 * At this part of a segment the next one is asked for: early enough under load, and never on a node that stays
 * small.
 */
const PREPARE_AT = 0.25

export interface LogWriterOptions {
  readonly device: WalDevice
  readonly supply: SegmentSupply
  readonly segmentBytes: number
  /** Segments kept at most once they are not needed; 0 keeps all. */
  readonly segmentsMax: number
  readonly noFsync: boolean
  /** For salts. */
  readonly random: () => number
}

/** Makes the first segment of a new log. Null when the disk is full. */
export function createLog(
  options: Pick<LogWriterOptions, 'device' | 'segmentBytes' | 'random'>,
  metadata: WalMetadata,
): RecoveredLog | null {
  const { device, segmentBytes, random } = options
  const temporary = SUPPLY_NAMES[0]
  const file = device.create(temporary)
  if (file === null) return null
  const salt = newSalt(random)
  const hardState = { term: 0, vote: 0n, commit: 0 }
  const encoder = new RecordEncoder(HEAD_BYTES_MAX, 0)
  encoder.segmentHead({ ...metadata, ...hardState, isFirst: true, salt })
  const head = encoder.bytes.subarray(0, encoder.length)
  const segment = segmentOf(0, 0)
  const names = { temporary, final: segment.name }
  const isFilled = writeZeros(file, 0, segmentLimit(segment, segmentBytes))
  if (isFilled) file.truncate(segmentBytes)
  if (!isFilled || !installSegment(device, file, names, head)) {
    file.close()
    device.remove(temporary)
    return null
  }
  const snapshot = { index: 0, term: 0, confState: new Uint8Array(0) }
  const end = { tail: file, offset: head.length, crc: encoder.crc, salt }
  const empty = { lastIndex: 0, entryBytesMax: 0, restart: null, torn: null }
  return { metadata, hardState, snapshot, segments: [segment], ...empty, ...end }
}

export class LogWriter {
  /** The last entry written or about to be. */
  lastIndex: number
  hardState: HardStateRecord
  readonly #options: LogWriterOptions
  readonly #metadata: WalMetadata
  readonly #encoder: RecordEncoder
  readonly #segments: Segment[]
  #file: WalFile
  /** Where the next write goes; all before it is written. */
  #offset: number
  #salt: Bytes
  /** The next record is the first behind a sync, so a mark goes before it. */
  #markOwed: boolean
  #supplyTurn = 0
  #snapshotIndex: number

  constructor(log: RecoveredLog, options: LogWriterOptions) {
    this.#options = options
    this.#metadata = log.metadata
    this.#encoder = new RecordEncoder(BUFFER_BYTES, log.crc)
    this.#segments = [...log.segments]
    this.#file = log.tail
    this.#offset = log.offset
    this.#salt = log.salt ?? newSalt(options.random)
    this.#markOwed = !options.noFsync
    this.lastIndex = Math.max(log.lastIndex, log.snapshot.index)
    this.hardState = log.hardState
    this.#snapshotIndex = log.snapshot.index
  }

  get pendingBytes(): number {
    return this.#encoder.length
  }

  get segmentCount(): number {
    return this.#segments.length
  }

  /** True once the segment has its size; `cut` moves on when the next one is ready, and until then this one grows. */
  get isFull(): boolean {
    return this.#offset >= this.#limit
  }

  /** True if it is time to have the next segment made ready, and nobody has asked for it yet. */
  get wantsNext(): boolean {
    return this.#offset >= this.#limit * PREPARE_AT && this.#options.supply.status() === 'idle'
  }

  get #limit(): number {
    return segmentLimit(this.#segments.at(-1) as Segment, this.#options.segmentBytes)
  }

  entry(type: number, term: number, index: number, source: Bytes, start: number, end: number): void {
    assert(index <= this.lastIndex + 1, `entry ${index} after entry ${this.lastIndex}`)
    this.#mark()
    this.#encoder.entry(type, term, index, source, start, end)
    this.lastIndex = index
  }

  /** A commit index on disk never names an entry that is not there, and never goes back. */
  state(term: number, vote: bigint, commit: number): void {
    assert(term >= this.hardState.term, `hard state of term ${term} after ${this.hardState.term}`)
    this.#mark()
    const hardState = { term, vote, commit: Math.max(Math.min(commit, this.lastIndex), this.hardState.commit) }
    this.#encoder.state(hardState.term, hardState.vote, hardState.commit)
    this.hardState = hardState
  }

  /** A start takes the newest snapshot that the commit index covers, so the commit index is brought up to it first. */
  snapshot(index: number, term: number, source: Bytes, start: number, end: number): void {
    assert(index >= this.#snapshotIndex, `snapshot record ${index} after ${this.#snapshotIndex}`)
    this.#snapshotIndex = index
    this.lastIndex = Math.max(this.lastIndex, index)
    const state = this.hardState
    if (state.commit < index) this.state(Math.max(state.term, term), state.vote, index)
    this.#mark()
    this.#encoder.snapshot(index, term, source, start, end)
  }

  /**
   * The log begins anew behind `index`: the leader's store holds what came before. This record comes before the state
   * that covers it, which tells it from the snapshot records of the log as it goes on, and a start takes it for nothing
   * if a crash came in between.
   */
  restart(index: number, term: number, source: Bytes, start: number, end: number): void {
    assert(index > this.hardState.commit, `the log restarts at ${index}, committed is ${this.hardState.commit}`)
    this.#snapshotIndex = index
    this.lastIndex = index
    this.#mark()
    this.#encoder.snapshot(index, term, source, start, end)
    const known = this.hardState
    this.state(Math.max(known.term, term), term > known.term ? 0n : known.vote, index)
  }

  /** Writes what is pending. False when the disk is full: nothing is lost, and the same write can be tried again. */
  write(): boolean {
    const encoder = this.#encoder
    if (encoder.length === 0) return true
    if (!this.#file.write(encoder.bytes, 0, encoder.length, this.#offset)) {
      // A part of a record must not stay: after a crash it would look like damage.
      this.#file.truncate(this.#offset)
      return false
    }
    this.#offset += encoder.length
    encoder.clear()
    return true
  }

  sync(): void {
    this.#file.sync()
    this.#markOwed = !this.#options.noFsync
  }

  /** Moves on to the next segment if one is ready. Everything pending must be written. */
  cut(): boolean {
    const { device, supply } = this.#options
    if (supply.status() !== 'ready') return false
    const encoder = this.#encoder
    assert(encoder.length === 0, 'a segment ends with a whole write')
    this.#file.truncate(this.#offset)
    this.#file.sync()
    const temporary = this.#supplyName()
    supply.take()
    this.#supplyTurn++
    const segment = segmentOf((this.#segments.at(-1) as Segment).sequence + 1, this.lastIndex + 1)
    const salt = newSalt(this.#options.random)
    const { crc } = encoder
    encoder.segmentHead({ ...this.#metadata, ...this.hardState, isFirst: false, salt })
    const head = encoder.bytes.subarray(0, encoder.length)
    encoder.clear()
    const file = device.open(temporary, 'write')
    if (!installSegment(device, file, { temporary, final: segment.name }, head)) {
      encoder.crc = crc
      file.close()
      supply.discard(temporary)
      return false
    }
    this.#file.close()
    this.#file = file
    this.#offset = head.length
    this.#salt = salt
    this.#markOwed = !this.#options.noFsync
    this.#segments.push(segment)
    return true
  }

  /** Has the next segment made ready. */
  prepareNext(): void {
    this.#options.supply.prepare(this.#supplyName())
  }

  /** Removes segments that a start from a snapshot at `index` does not need, beyond the number to keep. */
  purge(index: number): number {
    const { supply, segmentsMax } = this.#options
    if (segmentsMax === 0) return 0
    const removable = Math.min(neededFrom(this.#segments, index), this.#segments.length - segmentsMax)
    // Oldest first, so that a crash in between leaves no gap.
    for (let i = 0; i < removable; i++) supply.discard((this.#segments.shift() as Segment).name)
    return Math.max(0, removable)
  }

  close(): void {
    this.#options.supply.close()
    this.#file.close()
  }

  #mark(): void {
    if (!this.#markOwed) return
    this.#encoder.chain(this.#salt)
    this.#markOwed = false
  }

  #supplyName(): string {
    return SUPPLY_NAMES[this.#supplyTurn % SUPPLY_NAMES.length] as string
  }
}

function newSalt(random: () => number): Bytes {
  const salt = new Uint8Array(SALT_BYTES)
  for (let i = 0; i < SALT_BYTES; i++) salt[i] = Math.floor(random() * 256)
  // Never all zeros, which is what an empty sector holds.
  salt[0] = (salt[0] as number) | 1
  return salt
}

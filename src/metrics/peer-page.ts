/**
 * What a member knows of each other member, in shared memory that the peer actor alone writes: whether it is reached,
 * since when, and what has gone to and fro. One slot per member, found by its id; fronts read them for metrics, status
 * and to see who is connected.
 */

import { exponential } from './metric-family.js'

/** Members with a slot, those removed lately included. */
export const PEER_SLOTS_MAX = 64

export const ROUND_TRIP_BOUNDS = exponential(0.0001, 2, 16)
export const SNAPSHOT_TIME_BOUNDS = exponential(0.1, 2, 10)

/** Words of a slot. A histogram is its buckets, the infinite one included, and the sum. */
export const PeerWord = Object.freeze({
  idHigh: 0,
  idLow: 1,
  /** 1 for a member of the cluster, 0 once it is removed. */
  isKnown: 2,
  /** Monotonic ms since when it is reached; 0 while it is not. */
  activeSinceMs: 3,
  disconnects: 4,
  sentBytes: 5,
  receivedBytes: 6,
  sentFailures: 7,
  receivedFailures: 8,
  /** How far its wall clock is ahead of ours, in ms. */
  clockAheadMs: 9,
  snapshotsSent: 10,
  snapshotSendFailures: 11,
  snapshotsBeingSent: 12,
  snapshotsReceived: 13,
  snapshotReceiveFailures: 14,
  snapshotsBeingReceived: 15,
  /** 3.7.1 as 3_007_001; 0 before it has said it. */
  serverVersion: 16,
  /** Its newest state mark that was heard, 0 for none. */
  stateMark: 17,
})
export type PeerWord = (typeof PeerWord)[keyof typeof PeerWord]

const ROUND_TRIP_AT = 18
const SNAPSHOT_SEND_AT = ROUND_TRIP_AT + ROUND_TRIP_BOUNDS.length + 2
const SNAPSHOT_RECEIVE_AT = SNAPSHOT_SEND_AT + SNAPSHOT_TIME_BOUNDS.length + 2
const SLOT_WORDS = SNAPSHOT_RECEIVE_AT + SNAPSHOT_TIME_BOUNDS.length + 2

/** Of the parts of a packed version. */
const VERSION_STEP = 1000
const TWO_32 = 0x1_0000_0000

export function allocatePeerPage(): SharedArrayBuffer {
  return new SharedArrayBuffer(PEER_SLOTS_MAX * SLOT_WORDS * 8)
}

/** One member's numbers. */
export class PeerSlot {
  readonly id: bigint
  readonly #values: Float64Array
  readonly #at: number

  constructor(id: bigint, values: Float64Array, at: number) {
    this.id = id
    this.#values = values
    this.#at = at
  }

  /** For a member that has found no room in the page: what is counted here nobody sees. */
  static unseen(id: bigint): PeerSlot {
    return new PeerSlot(id, new Float64Array(SLOT_WORDS), 0)
  }

  /** Such as 3.7.1; null before it is known. */
  get serverVersion(): string | null {
    const packed = this.get(PeerWord.serverVersion)
    if (packed === 0) return null
    return [packed / VERSION_STEP ** 2, (packed / VERSION_STEP) % VERSION_STEP, packed % VERSION_STEP]
      .map(Math.floor).join('.')
  }

  setServerVersion(version: string): void {
    const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})/.exec(version)
    if (match === null) return
    const packed = match.slice(1).reduce((sum, part) => sum * VERSION_STEP + Number(part), 0)
    this.set(PeerWord.serverVersion, packed)
  }

  get(word: PeerWord): number {
    return this.#values[this.#at + word] as number
  }

  set(word: PeerWord, value: number): void {
    this.#values[this.#at + word] = value
  }

  add(word: PeerWord, amount = 1): void {
    this.set(word, this.get(word) + amount)
  }

  observeRoundTrip(seconds: number): void {
    this.#observe(ROUND_TRIP_AT, ROUND_TRIP_BOUNDS, seconds)
  }

  observeSnapshotSend(seconds: number): void {
    this.#observe(SNAPSHOT_SEND_AT, SNAPSHOT_TIME_BOUNDS, seconds)
  }

  observeSnapshotReceive(seconds: number): void {
    this.#observe(SNAPSHOT_RECEIVE_AT, SNAPSHOT_TIME_BOUNDS, seconds)
  }

  /** Counts by bucket, then the sum. */
  roundTrips(): number[] {
    return this.#histogram(ROUND_TRIP_AT, ROUND_TRIP_BOUNDS)
  }

  snapshotSends(): number[] {
    return this.#histogram(SNAPSHOT_SEND_AT, SNAPSHOT_TIME_BOUNDS)
  }

  snapshotReceives(): number[] {
    return this.#histogram(SNAPSHOT_RECEIVE_AT, SNAPSHOT_TIME_BOUNDS)
  }

  #observe(at: number, bounds: readonly number[], value: number): void {
    let bucket = 0
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++
    const values = this.#values
    const counted = this.#at + at + bucket
    const sum = this.#at + at + bounds.length + 1
    values[counted] = (values[counted] as number) + 1
    values[sum] = (values[sum] as number) + value
  }

  #histogram(at: number, bounds: readonly number[]): number[] {
    const start = this.#at + at
    return [...this.#values.subarray(start, start + bounds.length + 2)]
  }
}

export class PeerPage {
  readonly #values: Float64Array

  constructor(memory: SharedArrayBuffer) {
    this.#values = new Float64Array(memory)
  }

  /** The slots in use. */
  slots(): PeerSlot[] {
    const slots: PeerSlot[] = []
    for (let at = 0; at < this.#values.length; at += SLOT_WORDS) {
      const id = this.#idAt(at)
      if (id !== 0n) slots.push(new PeerSlot(id, this.#values, at))
    }
    return slots
  }

  find(id: bigint): PeerSlot | null {
    return this.slots().find((slot) => slot.id === id) ?? null
  }

  /** Writer: this member's slot. A new one may be that of a member that is gone. Null when there is none left. */
  claim(id: bigint): PeerSlot | null {
    const known = this.find(id)
    if (known !== null) return known
    const at = this.#freeAt()
    if (at === null) return null
    this.#values.fill(0, at, at + SLOT_WORDS)
    this.#values[at + PeerWord.idHigh] = Number(id >> 32n)
    this.#values[at + PeerWord.idLow] = Number(id & 0xffff_ffffn)
    return new PeerSlot(id, this.#values, at)
  }

  /** Members that are reached now and have been for so long. */
  activeFor(leastMs: number, nowMs: number): bigint[] {
    return this.slots()
      .filter((slot) => {
        const sinceMs = slot.get(PeerWord.activeSinceMs)
        return sinceMs > 0 && nowMs - sinceMs >= leastMs
      })
      .map(({ id }) => id)
  }

  #freeAt(): number | null {
    let gone: number | null = null
    for (let at = 0; at < this.#values.length; at += SLOT_WORDS) {
      if (this.#idAt(at) === 0n) return at
      if (gone === null && this.#values[at + PeerWord.isKnown] === 0) gone = at
    }
    return gone
  }

  #idAt(at: number): bigint {
    const high = this.#values[at + PeerWord.idHigh] as number
    const low = this.#values[at + PeerWord.idLow] as number
    return BigInt(high) * BigInt(TWO_32) + BigInt(low)
  }
}

/**
 * The replicated log in memory: a ring of entries with O(1) append, truncate and compact, and the
 * five positions that tell how far each entry has travelled.
 *
 *   compacted <= applied <= applying <= committed <= lastIndex
 *   stable <= offered <= lastIndex
 */

import { assert, assertAtLeast } from '../../base/assert.js'
import { EMPTY_BYTES, type Bytes } from '../../base/bytes.js'

/** raftpb.EntryType. */
export const EntryType = Object.freeze({ normal: 0, confChange: 1, confChangeV2: 2 })
export type EntryType = (typeof EntryType)[keyof typeof EntryType]

/** What an entry is counted as beside its data: headers in the WAL, on the wire and in apply. */
export const ENTRY_OVERHEAD_BYTES = 64

/**
 * One log entry, allocated once. The core sets term and index; origin and the clocks it carries
 * untouched.
 */
export class LogEntry {
  readonly type: EntryType
  readonly data: Bytes
  term = 0
  index = 0
  /** Who asked, in the caller's own numbering; 0 when nobody on this member did. */
  origin = 0
  receivedUs = 0
  proposedUs = 0
  durableUs = 0
  committedUs = 0

  constructor(type: EntryType, data: Bytes, origin = 0) {
    this.type = type
    this.data = data
    this.origin = origin
  }

  get sizeBytes(): number {
    return this.data.length + ENTRY_OVERHEAD_BYTES
  }
}

/** An entry that already has its place: read from the WAL or received from a leader. */
export function placedEntry(
  term: number, index: number, type: EntryType = EntryType.normal, data: Bytes = EMPTY_BYTES,
): LogEntry {
  const entry = new LogEntry(type, data)
  entry.term = term
  entry.index = index
  return entry
}

const SLOTS_MIN = 1024

export class RaftLog {
  #slots: (LogEntry | undefined)[] = emptySlots(SLOTS_MIN)
  /**
   * Power of two minus one. `index & mask` is exact for every safe integer: only the low 32
   * bits matter.
   */
  #mask = SLOTS_MIN - 1
  #compactedIndex: number
  #compactedTerm: number
  #lastIndex: number
  #lastTerm: number
  #committed: number
  #applying: number
  #applied: number
  #stable: number
  #offered: number
  #bytes = 0

  constructor(compactedIndex: number, compactedTerm: number) {
    assert(Number.isSafeInteger(compactedIndex), `bad index ${compactedIndex}`)
    this.#compactedIndex = this.#lastIndex = compactedIndex
    this.#compactedTerm = this.#lastTerm = compactedTerm
    this.#committed = this.#applying = this.#applied = compactedIndex
    this.#stable = this.#offered = compactedIndex
  }

  get firstIndex(): number { return this.#compactedIndex + 1 }
  get compactedIndex(): number { return this.#compactedIndex }
  get lastIndex(): number { return this.#lastIndex }
  get lastTerm(): number { return this.#lastTerm }
  /** Highest index known to be held by a quorum. Never goes back. */
  get committed(): number { return this.#committed }
  /** Highest index handed out to be applied. */
  get applying(): number { return this.#applying }
  /** Highest index reported as applied. */
  get applied(): number { return this.#applied }
  /** Highest index known to be on this member's own disk. Goes back only when the tail is cut. */
  get stable(): number { return this.#stable }
  /** Highest index handed to storage. Goes back only when the tail is cut. */
  get offered(): number { return this.#offered }
  get count(): number { return this.#lastIndex - this.#compactedIndex }
  get bytes(): number { return this.#bytes }

  /** The entry at an index that the log must hold. */
  entry(index: number): LogEntry {
    assert(index > this.#compactedIndex && index <= this.#lastIndex,
      `entry ${index} outside (${this.#compactedIndex}, ${this.#lastIndex}]`)
    return this.#slots[index & this.#mask] as LogEntry
  }

  /** The term at `index`, or -1 when the log cannot know it. */
  termAt(index: number): number {
    if (index === this.#lastIndex) return this.#lastTerm
    if (index === this.#compactedIndex) return this.#compactedTerm
    if (index < this.#compactedIndex || index > this.#lastIndex) return -1
    return (this.#slots[index & this.#mask] as LogEntry).term
  }

  append(entry: LogEntry): void {
    assert(entry.index === this.#lastIndex + 1,
      `append of ${entry.index} after ${this.#lastIndex}`)
    assertAtLeast(entry.term, this.#lastTerm, 'term of the next entry')
    assert(Number.isSafeInteger(entry.index), 'the index of an entry is not safe')
    if (this.count > this.#mask) this.#resize((this.#mask + 1) * 2)
    this.#slots[entry.index & this.#mask] = entry
    this.#lastIndex = entry.index
    this.#lastTerm = entry.term
    this.#bytes += entry.sizeBytes
  }

  /**
   * Drops `index` and all after it. Committed entries are never dropped (Raft 5.4, Leader
   * Completeness).
   */
  truncateFrom(index: number): void {
    assert(index > this.#committed, `truncate from ${index} at commit ${this.#committed}`)
    assert(index <= this.#lastIndex + 1, `truncate from ${index} after ${this.#lastIndex}`)
    for (let i = index; i <= this.#lastIndex; i++) this.#drop(i)
    // lastTerm must be read through the slots: termAt trusts it for the last index.
    this.#lastTerm = index - 1 === this.#compactedIndex ? this.#compactedTerm
      : (this.#slots[(index - 1) & this.#mask] as LogEntry).term
    this.#lastIndex = index - 1
    if (this.#stable > this.#lastIndex) this.#stable = this.#lastIndex
    if (this.#offered > this.#lastIndex) this.#offered = this.#lastIndex
  }

  /**
   * Forgets entries up to `index`, which must be applied and durable: nobody here needs them
   * again.
   */
  compactTo(index: number): void {
    if (index <= this.#compactedIndex) return
    assert(index <= this.#applied, `compact to ${index} past applied ${this.#applied}`)
    assert(index <= this.#stable, `compact to ${index} past stable ${this.#stable}`)
    const term = this.termAt(index)
    for (let i = this.#compactedIndex + 1; i <= index; i++) this.#drop(i)
    this.#compactedIndex = index
    this.#compactedTerm = term
    const slots = this.#mask + 1
    if (slots > SLOTS_MIN && this.count < slots / 8) this.#resize(Math.max(SLOTS_MIN, slots / 4))
  }

  /**
   * Becomes the empty log after a snapshot: everything up to `index` is in the store that was
   * installed.
   */
  resetTo(index: number, term: number): void {
    assert(index > this.#committed, `snapshot at ${index} is behind commit ${this.#committed}`)
    // The snapshot is not installed and not durable yet: applied and stable follow when those are
    // reported. What was stored past the commit index is not what the snapshot stands for.
    this.#stable = Math.min(this.#stable, this.#committed)
    this.#slots = emptySlots(SLOTS_MIN)
    this.#mask = SLOTS_MIN - 1
    this.#bytes = 0
    this.#compactedIndex = this.#lastIndex = this.#committed = this.#applying = index
    this.#compactedTerm = this.#lastTerm = term
    this.#offered = index
  }

  /** Raft 5.3: does the log hold an entry with this index and term? */
  matches(index: number, term: number): boolean {
    return this.termAt(index) === term
  }

  /** Raft 5.4.1: is a log that ends in (index, term) at least as up to date as this one? */
  isUpToDate(index: number, term: number): boolean {
    return term > this.#lastTerm || (term === this.#lastTerm && index >= this.#lastIndex)
  }

  /**
   * The first position in `entries` that this log lacks or contradicts; `entries.length` when
   * it holds them all. Those before `from` are known to be here.
   */
  conflictPosition(entries: readonly LogEntry[], from = 0): number {
    for (let i = from; i < entries.length; i++) {
      const entry = entries[i] as LogEntry
      if (!this.matches(entry.index, entry.term)) return i
    }
    return entries.length
  }

  /**
   * The highest index at or below `index` whose term is at or below `term`: the furthest point
   * where two logs can agree, which lets a probe skip a whole term per message (Raft 5.3, end).
   * Below the log the term is unknown (-1).
   */
  agreementGuess(index: number, term: number): number {
    let guess = Math.min(index, this.#lastIndex)
    while (guess > this.#compactedIndex && this.termAt(guess) > term) guess--
    return guess
  }

  commitTo(index: number): void {
    if (index <= this.#committed) return
    assertAtLeast(this.#lastIndex, index, 'last index at a commit')
    this.#committed = index
  }

  offeredTo(index: number): void {
    assert(index >= this.#offered && index <= this.#lastIndex,
      `offer ${index} outside [${this.#offered}, ${this.#lastIndex}]`)
    this.#offered = index
  }

  stableTo(index: number): void {
    assertAtLeast(this.#offered, index, 'last index offered when one is durable')
    if (index > this.#stable) this.#stable = index
  }

  applyingTo(index: number): void {
    assert(index >= this.#applying && index <= this.#committed,
      `apply ${index} outside [${this.#applying}, ${this.#committed}]`)
    this.#applying = index
  }

  appliedTo(index: number): void {
    assertAtLeast(this.#applying, index, 'last index handed out when one is applied')
    if (index > this.#applied) this.#applied = index
  }

  /** The entries from `first` on, at least one if there is one, up to `bytesMax`. */
  slice(first: number, bytesMax: number): LogEntry[] {
    const out: LogEntry[] = []
    let bytes = 0
    for (let i = first; i <= this.#lastIndex; i++) {
      const entry = this.entry(i)
      bytes += entry.sizeBytes
      if (out.length > 0 && bytes > bytesMax) break
      out.push(entry)
    }
    return out
  }

  #drop(index: number): void {
    const slot = index & this.#mask
    this.#bytes -= (this.#slots[slot] as LogEntry).sizeBytes
    this.#slots[slot] = undefined
  }

  #resize(slots: number): void {
    const old = this.#slots
    const oldMask = this.#mask
    const grown = emptySlots(slots)
    for (let i = this.#compactedIndex + 1; i <= this.#lastIndex; i++) {
      grown[i & (slots - 1)] = old[i & oldMask]
    }
    this.#slots = grown
    this.#mask = slots - 1
  }
}

function emptySlots(count: number): (LogEntry | undefined)[] {
  return new Array<LogEntry | undefined>(count).fill(undefined)
}

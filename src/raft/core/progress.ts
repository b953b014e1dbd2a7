/** What a leader knows about one member, and how much it dares to send it (dissertation 10.2.1). */

import { assert } from '../../base/assert.js'

/**
 * probe: the match is unknown, so one message at a time. replicate: optimistic pipeline.
 * snapshot: wait until the member has what the log no longer holds.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot'

export class Progress {
  readonly id: bigint
  isLearner = false
  state: ProgressState = 'probe'
  /** Highest index known to be durable on the member. Goes up only, within a term. */
  match = 0
  /** Next index to send; always above match. */
  next = 1
  /**
   * The commit index last sent, so that an empty append is sent only when it tells something
   * new.
   */
  sentCommit = 0
  pendingSnapshot = 0
  /**
   * What follows the snapshot that the member was last sent is kept from here on until it replicates again, or it
   * would need the next snapshot by the time it has this one. 0: nothing is kept for it.
   */
  heldIndex = 0
  /** Heard from since the last check-quorum. */
  recentActive = false
  /** A probe is out; the next one waits for an answer or for a heartbeat's answer. */
  probeSent = false
  /** An append must go out even when it carries no entry, because an answer to it is wanted. */
  appendWanted = false
  /** Highest read round that the member has confirmed (dissertation 6.4). */
  readRound = 0
  /** Its answer in the running election: 0 none, 1 granted, -1 rejected. */
  vote = 0
  readonly inflights: Inflights

  constructor(id: bigint, inflightCountMax: number) {
    this.id = id
    this.inflights = new Inflights(inflightCountMax)
  }

  /** Forgets everything, at the start of a term (Raft Figure 2, volatile state on leaders). */
  reset(next: number): void {
    this.match = 0
    this.next = next
    this.sentCommit = 0
    this.readRound = 0
    this.recentActive = false
    this.heldIndex = 0
    this.#enter('probe')
  }

  becomeProbe(): void {
    // After a snapshot the member is at least where the snapshot ends, if it took it.
    const next = Math.max(this.match, this.pendingSnapshot) + 1
    this.#enter('probe')
    this.next = next
    this.sentCommit = Math.min(this.sentCommit, next - 1)
  }

  becomeReplicate(): void {
    this.#enter('replicate')
    this.heldIndex = 0
    this.next = this.match + 1
  }

  becomeSnapshot(index: number): void {
    this.#enter('snapshot')
    this.pendingSnapshot = index
    this.heldIndex = index
    this.next = index + 1
    this.sentCommit = index
  }

  isPaused(): boolean {
    switch (this.state) {
      case 'probe': return this.probeSent
      case 'replicate': return this.inflights.isFull()
      case 'snapshot': return true
    }
  }

  /** Notes an append of `count` entries that start at `next`. */
  sent(count: number): void {
    if (this.state === 'replicate') {
      if (count === 0) return
      this.next += count
      this.inflights.add(this.next - 1)
      return
    }
    assert(this.state === 'probe', `append sent to a member in state ${this.state}`)
    this.probeSent = true
  }

  /** The member holds everything up to `index`. False when that is old news. */
  acknowledged(index: number): boolean {
    if (index <= this.match) return false
    this.match = index
    if (this.next <= index) this.next = index + 1
    this.probeSent = false
    return true
  }

  /**
   * The append after `rejected` did not fit; the logs may agree at `guess`. False when the
   * answer is stale.
   */
  rejectedAt(rejected: number, guess: number): boolean {
    if (this.state === 'replicate') {
      if (rejected <= this.match) return false
      this.next = this.match + 1
      return true
    }
    if (this.next - 1 !== rejected) return false
    this.next = Math.max(Math.min(rejected, guess + 1), this.match + 1)
    this.sentCommit = Math.min(this.sentCommit, this.next - 1)
    this.probeSent = false
    return true
  }

  #enter(state: ProgressState): void {
    this.state = state
    this.pendingSnapshot = 0
    this.probeSent = false
    this.appendWanted = false
    this.inflights.clear()
  }
}

/**
 * The last indexes of the appends under way, oldest first; a ring that is allocated when first
 * needed.
 */
class Inflights {
  readonly #countMax: number
  #lasts: Float64Array | null = null
  #start = 0
  #count = 0

  constructor(countMax: number) {
    assert(countMax > 0, `inflight count max ${countMax}`)
    this.#countMax = countMax
  }

  get count(): number {
    return this.#count
  }

  isFull(): boolean {
    return this.#count === this.#countMax
  }

  add(lastIndex: number): void {
    assert(!this.isFull(), `more than ${this.#countMax} appends under way`)
    this.#lasts ??= new Float64Array(this.#countMax)
    this.#lasts[(this.#start + this.#count) % this.#countMax] = lastIndex
    this.#count++
  }

  /** Frees every append that ends at or below `index`. */
  freeTo(index: number): void {
    const lasts = this.#lasts
    if (lasts === null) return
    while (this.#count > 0 && (lasts[this.#start] as number) <= index) {
      this.#start = (this.#start + 1) % this.#countMax
      this.#count--
    }
  }

  /**
   * Frees one, so that a full window is tried again at every heartbeat's answer even if
   * messages were lost.
   */
  freeFirst(): void {
    if (this.#count > 0 && this.#lasts !== null) this.freeTo(this.#lasts[this.#start] as number)
  }

  clear(): void {
    this.#start = 0
    this.#count = 0
  }
}

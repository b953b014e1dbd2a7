/**
 * The lease actor's own proposals: entries with nothing but our extension in them. Each has exactly one outcome:
 * applied, refused, or lost when neither is heard for long. All of them may be repeated without harm.
 */

import { EMPTY_BYTES, type Bytes } from '../base/bytes.js'
import type { RaftMessages } from '../messages/raft-messages.js'
import type { Sender } from '../messages/protocol.js'
import { LEASE_ORIGIN, memberPrefix, nextSequence, requestHigh, requestLow } from '../messages/request-id.js'
import { encodeExtension, type ExtensionInput } from '../proto/generated/raftringpb.js'
import { NO_EXTRAS, RaftBody, raftRequestSize, writeRaftRequest } from '../proto/hot/raft-request.js'
import type { RenewalBatch } from './renewals.js'
import type { RevokeBatch } from './revocations.js'

/** Moves the clock and nothing else. */
export interface ClockTick {
  readonly kind: 'tick'
}

export const CLOCK_TICK: ClockTick = Object.freeze({ kind: 'tick' })

export type LeaseWork = ClockTick | RenewalBatch | RevokeBatch

export interface Proposal {
  readonly work: LeaseWork
  /** The term that this member led when it proposed, 0 when it led none. */
  readonly epoch: number
  /** The term that this member knew when it proposed. */
  readonly term: number
  readonly proposedAtMs: number
  readonly lostAtMs: number
}

export interface ProposedAt {
  readonly epoch: number
  readonly term: number
  readonly nowMs: number
}

export interface LeaseProposalsOptions {
  readonly raft: Sender<RaftMessages>
  readonly memberId: bigint
  readonly firstSequence: number
  /** A proposal without an outcome after this is lost. */
  readonly patienceMs: number
  /** The same for what another member leads to the log: it may be lost on the way there. */
  readonly forwardPatienceMs: number
}

/**
 * After a refusal nothing is proposed for a while: this long at first, then twice as long each time, up to the maximum.
 */
const BACKOFF_MS_MIN = 1
const BACKOFF_MS_MAX = 500

export class LeaseProposals {
  readonly #raft: Sender<RaftMessages>
  readonly #prefix: number
  readonly #patienceMs: number
  readonly #forwardPatienceMs: number
  #sequence: number
  /** By the low half of the request id, oldest first; the owners bound how many there are. */
  readonly #outstanding = new Map<number, Proposal>()
  #backoffMs = 0
  #notBeforeMs = 0
  #entry: Bytes = EMPTY_BYTES

  constructor(options: LeaseProposalsOptions) {
    this.#raft = options.raft
    this.#prefix = memberPrefix(options.memberId)
    this.#patienceMs = options.patienceMs
    this.#forwardPatienceMs = options.forwardPatienceMs
    this.#sequence = options.firstSequence
  }

  get outstanding(): number {
    return this.#outstanding.size
  }

  /** True if an entry that this member proposed as leader of `epoch` is under way. */
  hasEpoch(epoch: number): boolean {
    for (const proposal of this.#outstanding.values()) if (proposal.epoch === epoch) return true
    return false
  }

  /** Before this time nothing should be proposed. */
  get notBeforeMs(): number {
    return this.#notBeforeMs
  }

  mayPropose(nowMs: number): boolean {
    return nowMs >= this.#notBeforeMs
  }

  /** False if the ring to raft is full: nothing was proposed, and it should be tried again after `notBeforeMs`. */
  propose(work: LeaseWork, extension: ExtensionInput, { epoch, term, nowMs }: ProposedAt): boolean {
    const sequence = nextSequence(this.#sequence)
    const high = requestHigh(this.#prefix, LEASE_ORIGIN, sequence)
    const low = requestLow(sequence)
    const data = this.#encode(high, low, encodeExtension(extension))
    if (!this.#raft.propose({ requestHigh: high, requestLow: low, data })) {
      this.backOff(nowMs)
      return false
    }
    this.#sequence = sequence
    const lostAtMs = nowMs + (epoch === 0 ? this.#forwardPatienceMs : this.#patienceMs)
    this.#outstanding.set(low, { work, epoch, term, proposedAtMs: nowMs, lostAtMs })
    return true
  }

  /** Ends a proposal that has its outcome. Undefined when it was given up before. */
  end(low: number): Proposal | undefined {
    const proposal = this.#outstanding.get(low)
    this.#outstanding.delete(low)
    return proposal
  }

  /** A proposal whose outcome has not come in time, taken out; undefined when there is none. */
  endLost(nowMs: number): Proposal | undefined {
    return this.#endFirst((proposal) => proposal.lostAtMs <= nowMs)
  }

  /**
   * A proposal made before `term`, taken out; undefined when there is none. Whether it comes to something is the new
   * leader's business.
   */
  endOvertaken(term: number): Proposal | undefined {
    return this.#endFirst((proposal) => proposal.term < term)
  }

  nextLossAtMs(): number {
    for (const proposal of this.#outstanding.values()) return proposal.lostAtMs
    return Infinity
  }

  backOff(nowMs: number): void {
    this.#backoffMs = Math.min(BACKOFF_MS_MAX, Math.max(BACKOFF_MS_MIN, this.#backoffMs * 2))
    this.#notBeforeMs = nowMs + this.#backoffMs
  }

  onAccepted(): void {
    this.#backoffMs = 0
    this.#notBeforeMs = 0
  }

  #endFirst(isOver: (oldest: Proposal) => boolean): Proposal | undefined {
    for (const [low, proposal] of this.#outstanding) {
      if (!isOver(proposal)) return undefined
      this.#outstanding.delete(low)
      return proposal
    }
    return undefined
  }

  #encode(high: number, low: number, extension: Bytes): Bytes {
    const extras = { ...NO_EXTRAS, extension }
    const size = raftRequestSize(high, low, RaftBody.none, 0, extras)
    if (size > this.#entry.length) this.#entry = new Uint8Array(2 * size)
    const end = writeRaftRequest(this.#entry, 0, high, low, RaftBody.none, EMPTY_BYTES, 0, 0, extras)
    return this.#entry.subarray(0, end)
  }
}

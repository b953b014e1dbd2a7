/**
 * Renewals on their way: questions gather here and go into the log together, one entry for all that came while those
 * before were under way. The answer is given only when the entry is applied, so a leader that has been replaced cannot
 * give it. Questions about leases that are unknown here go the same way: when the entry is applied, everything before
 * it is known.
 */

import { assert } from '../base/assert.js'
import type { Lease } from './lease.js'
import { QuestionKind, type Question } from './question.js'

/** Renewals in one entry. */
export const RENEWAL_BATCH_MAX = 4096
/** Entries with renewals that may be under way at once. */
const BATCHES_IN_FLIGHT_MAX = 8
/** While fewer are, the next goes at once: one is applied while the other is written. */
const BATCHES_AT_ONCE = 2
/** How long a renewal waits for company otherwise. */
const GATHER_MS = 50

export interface Renewal {
  readonly question: Question
  /** Null while the lease is unknown here, and for questions that renew nothing. Its `renewals` counts this one. */
  lease: Lease | null
  /** The question has been answered, though the outcome is open. */
  isGivenUp: boolean
}

export interface RenewalBatch {
  readonly kind: 'renewal'
  readonly renewals: readonly Renewal[]
  /** The earliest time at which one of its questions has waited too long. */
  giveUpAtMs: number
  /** Each once. */
  readonly ids: readonly bigint[]
}

export class Renewals {
  readonly #find: (leaseId: bigint) => Lease | undefined
  #waiting: Renewal[] = []
  #waitingSinceMs = Infinity
  readonly #inFlight = new Set<RenewalBatch>()
  #batchNumber = 0

  constructor(find: (leaseId: bigint) => Lease | undefined) {
    this.#find = find
  }

  get waiting(): number {
    return this.#waiting.length
  }

  get inFlight(): number {
    return this.#inFlight.size
  }

  ask(question: Question, nowMs: number): void {
    const renewal = { question, lease: null, isGivenUp: false }
    this.#recognise(renewal)
    if (this.#waiting.length === 0) this.#waitingSinceMs = nowMs
    this.#waiting.push(renewal)
  }

  /** When a batch should go, if a proposal is possible then. */
  dueAtMs(): number {
    if (this.#waiting.length === 0 || this.#inFlight.size >= BATCHES_IN_FLIGHT_MAX) return Infinity
    if (this.#inFlight.size < BATCHES_AT_ONCE || this.#waiting.length >= RENEWAL_BATCH_MAX) return this.#waitingSinceMs
    return this.#waitingSinceMs + GATHER_MS
  }

  /** What should go into the log next; it counts as under way only after `started`. */
  nextBatch(): RenewalBatch {
    this.#batchNumber++
    const renewals = this.#waiting.slice(0, RENEWAL_BATCH_MAX)
    const ids: bigint[] = []
    for (const renewal of renewals) {
      this.#recognise(renewal)
      const { lease, question } = renewal
      if (lease !== null) {
        if (lease.batchNumber === this.#batchNumber) continue
        lease.batchNumber = this.#batchNumber
        ids.push(lease.id)
      } else if (question.kind === QuestionKind.keepAlive) {
        ids.push(question.leaseId)
      }
    }
    return { kind: 'renewal', renewals, giveUpAtMs: giveUpAtMs(renewals), ids }
  }

  started(batch: RenewalBatch, nowMs: number): void {
    this.#waiting.splice(0, batch.renewals.length)
    this.#waitingSinceMs = nowMs
    this.#inFlight.add(batch)
  }

  /** The batch has its outcome: its leases may expire again. */
  ended(batch: RenewalBatch): void {
    assert(this.#inFlight.delete(batch), 'a batch of renewals ended twice')
    for (const renewal of batch.renewals) letGo(renewal)
  }

  /** Every renewal whose question has waited too long, each told once; those that have not left are taken out. */
  takeOverdue(nowMs: number): Renewal[] {
    const isOverdue = ({ question }: Renewal): boolean => question.giveUpAtMs <= nowMs
    const overdue = this.#waiting.filter(isOverdue)
    if (overdue.length > 0) this.#waiting = this.#waiting.filter((renewal) => !isOverdue(renewal))
    for (const renewal of overdue) letGo(renewal)
    for (const batch of this.#inFlight) if (batch.giveUpAtMs <= nowMs) giveUp(batch, nowMs, overdue)
    return overdue
  }

  #recognise(renewal: Renewal): void {
    if (renewal.lease !== null || renewal.question.kind === QuestionKind.timeToLive) return
    const lease = this.#find(renewal.question.leaseId)
    if (lease === undefined) return
    lease.renewals++
    renewal.lease = lease
  }
}

function giveUpAtMs(renewals: readonly Renewal[]): number {
  let atMs = Infinity
  for (const { question, isGivenUp } of renewals) if (!isGivenUp) atMs = Math.min(atMs, question.giveUpAtMs)
  return atMs
}

function giveUp(batch: RenewalBatch, nowMs: number, overdue: Renewal[]): void {
  for (const renewal of batch.renewals) {
    if (renewal.isGivenUp || renewal.question.giveUpAtMs > nowMs) continue
    renewal.isGivenUp = true
    overdue.push(renewal)
  }
  batch.giveUpAtMs = giveUpAtMs(batch.renewals)
}

function letGo(renewal: Renewal): void {
  if (renewal.lease === null) return
  assert(renewal.lease.renewals > 0, `lease ${renewal.lease.id} lost count of its renewals`)
  renewal.lease.renewals--
}

/**
 * What goes into the log and when: renewals on every member that is asked for them, on the leader also revokes of what
 * is over and the clock; and what follows from each outcome.
 */

import { ERROR_ID_OK, etcdErrors } from '../proto/etcd-errors.js'
import type { LeaseAnswers } from './lease-answers.js'
import { CLOCK_TICK, type LeaseProposals, type LeaseWork, type Proposal } from './lease-proposals.js'
import { TICK_MS, type Lessor } from './lessor.js'
import { QuestionKind, type Question } from './question.js'
import { Renewals, type Renewal, type RenewalBatch } from './renewals.js'
import { Revocations, type RevokeBatch } from './revocations.js'

/** While something waits, what may have become of it is looked at this often. */
const SCAN_MS = 100

/** Refusals after which asking again soon makes sense. The others are told to whoever asked. */
const WORTH_A_RETRY: ReadonlySet<number> = new Set([
  etcdErrors.requestTooManyRequests.id,
  etcdErrors.proposalDropped.id,
  etcdErrors.noLeader.id,
])

/** What this member knows of the cluster's leader. */
export interface Leadership {
  readonly term: number
  readonly hasLeader: boolean
}

export class LeaseSchedule {
  readonly #lessor: Lessor
  readonly #proposals: LeaseProposals
  readonly #answers: LeaseAnswers
  readonly #leadership: Leadership
  readonly #renewals: Renewals
  readonly #revocations: Revocations
  /** The epoch of the tick that is under way, 0 when there is none. One of an earlier epoch is not waited for. */
  #tickingEpoch = 0
  /** When the log was last given the clock. */
  #stampedAtMs = -Infinity
  #nextScanMs = Infinity

  constructor(lessor: Lessor, proposals: LeaseProposals, answers: LeaseAnswers, leadership: Leadership) {
    this.#lessor = lessor
    this.#proposals = proposals
    this.#answers = answers
    this.#leadership = leadership
    this.#renewals = new Renewals(lessor.find)
    this.#revocations = new Revocations(lessor.queue)
  }

  /** Leases that ended because their time was over. */
  get expired(): number {
    return this.#revocations.expired
  }

  keepAlive(question: Question, nowMs: number): void {
    const lease = this.#lessor.find(question.leaseId)
    if (lease !== undefined && lease.revoking !== null) lease.revoking.waiting.push(question)
    else this.ask(question, nowMs)
  }

  /** Answers the question behind an entry of our own. */
  ask(question: Question, nowMs: number): void {
    this.#renewals.ask(question, nowMs)
    this.#nextScanMs = Math.min(this.#nextScanMs, nowMs + SCAN_MS)
  }

  /** What the entry did shows in the facts before it. An `error` says that it came under another leader. */
  onApplied(requestLow: number, error: number, nowMs: number): void {
    const proposal = this.#proposals.end(requestLow)
    if (proposal === undefined) return
    if (error === ERROR_ID_OK) {
      this.#proposals.onAccepted()
      // The log hears at once of the time that the change of leader took, should this leader not last.
      if (this.#lessor.confirm(proposal.epoch, nowMs)) this.#stampedAtMs = -Infinity
    } else {
      // Raft will say who leads.
      this.#proposals.backOff(nowMs)
    }
    if (proposal.work.kind !== 'revoke' && !this.#revocations.isUnderWay) {
      this.#revocations.pace.onLight(nowMs - proposal.proposedAtMs)
    }
    this.#end(proposal, { failure: ERROR_ID_OK, nowMs })
  }

  onRefused(requestLow: number, error: number, nowMs: number): void {
    const proposal = this.#proposals.end(requestLow)
    if (proposal === undefined) return
    this.#proposals.backOff(nowMs)
    this.#end(proposal, { failure: error, nowMs })
  }

  doWork(nowMs: number): number {
    let work = this.#endLost(nowMs) + this.#scan(nowMs)
    while (this.#mayPropose(nowMs) && this.#proposeNext(nowMs)) work++
    return work
  }

  wakeAtMs(): number {
    let dueAtMs = Infinity
    if (this.#lessor.isRestored) {
      // Without a leader nothing can be proposed; the next scan looks for one.
      if (this.#hasLeader()) dueAtMs = this.#renewals.dueAtMs()
      if (this.#isLeading()) dueAtMs = Math.min(dueAtMs, this.#tickDueAtMs(), this.#expiryDueAtMs())
      dueAtMs = Math.max(dueAtMs, this.#proposals.notBeforeMs)
    }
    return Math.min(dueAtMs, this.#nextScanMs, this.#proposals.nextLossAtMs())
  }

  #isLeading(): boolean {
    return this.#lessor.epoch !== 0
  }

  #hasLeader(): boolean {
    return this.#isLeading() || (this.#renewals.waiting > 0 && this.#leadership.hasLeader)
  }

  #mayPropose(nowMs: number): boolean {
    return this.#lessor.isRestored && this.#proposals.mayPropose(nowMs) && this.#hasLeader()
  }

  /** Renewals go before revokes, so that what is renewed in this turn is not revoked in it. */
  #proposeNext(nowMs: number): boolean {
    if (this.#renewals.dueAtMs() <= nowMs) return this.#proposeRenewals(nowMs)
    if (!this.#isLeading()) return false
    if (this.#expiryDueAtMs() <= nowMs && this.#revocations.dueAtMs() <= this.#lessor.clock.now(nowMs)) {
      return this.#proposeRevokes(nowMs)
    }
    if (this.#tickDueAtMs() > nowMs || !this.#propose(CLOCK_TICK, nowMs)) return false
    this.#tickingEpoch = this.#lessor.epoch
    return true
  }

  #proposeRenewals(nowMs: number): boolean {
    const batch = this.#renewals.nextBatch()
    if (!this.#propose(batch, nowMs)) return false
    this.#renewals.started(batch, nowMs)
    return true
  }

  #proposeRevokes(nowMs: number): boolean {
    const batch = this.#revocations.takeDue(this.#lessor.clock.now(nowMs))
    if (batch === null) return false
    if (this.#propose(batch, nowMs)) {
      this.#revocations.started()
      return true
    }
    this.#revocations.putBack(batch)
    return false
  }

  /** When the first lease is to be revoked, on the monotonic clock. */
  #expiryDueAtMs(): number {
    const { clock, isConfirmed } = this.#lessor
    if (!isConfirmed || !clock.isRunning) return Infinity
    const { pace } = this.#revocations
    return Math.max(clock.monotonic(this.#revocations.dueAtMs()), pace.restUntilMs)
  }

  /** Every entry of a leader carries its clock; renewals of other members happen at whatever time the log has. */
  #propose(work: LeaseWork, nowMs: number): boolean {
    const { epoch } = this.#lessor
    const renew = work.kind === 'renewal' ? { ids: work.ids } : undefined
    const extension = epoch === 0 ? { renew } : {
      lease_clock_ms: this.#lessor.clock.stamp(nowMs),
      clock_epoch: epoch,
      renew,
      revoke: work.kind === 'revoke' ? { ids: work.leases.map((lease) => lease.id), epoch } : undefined,
    }
    const term = epoch === 0 ? this.#leadership.term : epoch
    if (!this.#proposals.propose(work, extension, { epoch, term, nowMs })) return false
    if (epoch !== 0) this.#stampedAtMs = nowMs
    return true
  }

  /** A new leader's first tick shows it the past, so it is due at once, unless another entry does that already. */
  #tickDueAtMs(): number {
    if (this.#tickingEpoch === this.#lessor.epoch || this.#lessor.size === 0) return Infinity
    if (this.#lessor.isConfirmed) return this.#stampedAtMs + TICK_MS
    return this.#proposals.hasEpoch(this.#lessor.epoch) ? Infinity : -Infinity
  }

  /** What was proposed in an earlier term, or has been without an outcome for long. */
  #endLost(nowMs: number): number {
    if (this.#proposals.outstanding === 0) return 0
    let lost = 0
    const { term } = this.#leadership
    for (;;) {
      const proposal = this.#proposals.endOvertaken(term) ?? this.#proposals.endLost(nowMs)
      if (proposal === undefined) return lost
      const isForwarded = proposal.epoch === 0 || proposal.term < term
      const { proposalDropped, timeout } = etcdErrors
      this.#end(proposal, { failure: isForwarded ? proposalDropped.id : timeout.id, nowMs })
      lost++
    }
  }

  #end(proposal: Proposal, outcome: Outcome): void {
    const { work } = proposal
    switch (work.kind) {
      case 'tick':
        if (proposal.epoch === this.#tickingEpoch) this.#tickingEpoch = 0
        break
      case 'renewal':
        this.#endRenewals(work, outcome)
        break
      case 'revoke':
        this.#revocations.pace.onRevoked(work.leases.length, outcome.nowMs - proposal.proposedAtMs, outcome.nowMs)
        this.#endRevokes(work, outcome.nowMs)
        break
    }
  }

  #endRenewals(batch: RenewalBatch, outcome: Outcome): void {
    this.#renewals.ended(batch)
    for (const renewal of batch.renewals) {
      if (renewal.lease !== null) this.#lessor.rearm(renewal.lease)
      if (!renewal.isGivenUp) this.#conclude(renewal.question, outcome)
    }
  }

  #conclude(question: Question, { failure, nowMs }: Outcome): void {
    const isRefused = failure !== ERROR_ID_OK
    if (question.giveUpAtMs <= nowMs) {
      const isOutOfTime = !isRefused || failure === etcdErrors.proposalDropped.id
      this.#answers.failed(question, isOutOfTime ? this.#outOfTime() : failure)
      return
    }
    if (isRefused && !WORTH_A_RETRY.has(failure)) {
      this.#answers.failed(question, failure)
      return
    }
    const lease = this.#lessor.find(question.leaseId)
    if (isRefused) {
      this.ask(question, nowMs)
    } else if (question.kind === QuestionKind.timeToLive) {
      this.tellTimes(question, nowMs)
    } else if (lease === undefined) {
      this.#answers.kept(question, 0)
    } else if (lease.revoking !== null) {
      lease.revoking.waiting.push(question)
    } else {
      this.#answers.kept(question, lease.ttlSeconds)
    }
  }

  tellTimes(question: Question, nowMs: number): void {
    const lease = this.#lessor.find(question.leaseId)
    if (lease === undefined) this.#answers.times(question, -1, 0)
    else this.#answers.times(question, this.#lessor.remainingSeconds(lease, nowMs), lease.ttlSeconds)
  }

  #endRevokes(batch: RevokeBatch, nowMs: number): void {
    const { clock } = this.#lessor
    this.#revocations.ended(batch, clock.now(nowMs), (lease) => this.#lessor.isThere(lease))
    for (const question of batch.waiting) {
      if (this.#lessor.find(question.leaseId) === undefined) this.#answers.kept(question, 0)
      else this.keepAlive(question, nowMs)
    }
  }

  #scan(nowMs: number): number {
    if (nowMs < this.#nextScanMs) return 0
    const overdue = this.#renewals.takeOverdue(nowMs)
    for (const renewal of overdue) this.#fail(renewal, this.#outOfTime())
    const isIdle = this.#renewals.waiting + this.#renewals.inFlight === 0
    this.#nextScanMs = isIdle ? Infinity : nowMs + SCAN_MS
    return overdue.length
  }

  #outOfTime(): number {
    const hasLeader = this.#isLeading() || this.#leadership.hasLeader
    return hasLeader ? etcdErrors.timeout.id : etcdErrors.noLeader.id
  }

  #fail({ lease, question }: Renewal, error: number): void {
    if (lease !== null) this.#lessor.rearm(lease)
    this.#answers.failed(question, error)
  }
}

interface Outcome {
  /** Error id of a proposal that was refused or lost, 0 for one that is applied. */
  readonly failure: number
  readonly nowMs: number
}

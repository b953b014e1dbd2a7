/**
 * Leases forget: keeps the deadline of every lease that mvcc tells of, renews what clients keep alive and proposes to
 * revoke what is over. It never deletes anything itself: a lease is gone when mvcc says so.
 */

import type { Actor } from '../actor/actor.js'
import { INBOX_BATCH_MAX } from '../actor/inbox.js'
import type { FrontMessages } from '../messages/front-messages.js'
import { leaseMessages, type LeaseMessages } from '../messages/lease-messages.js'
import { dispatcherOf, type Dispatch } from '../messages/message-codec.js'
import type { Handler, Message, Sender } from '../messages/protocol.js'
import type { RaftMessages } from '../messages/raft-messages.js'
import { Word, type SharedWords } from '../messages/shared-words.js'
import { counters } from '../metrics/counter-catalogue.js'
import type { Counters } from '../metrics/counters.js'
import type { Logger } from '../metrics/logger.js'
import type { RingReader } from '../ring/ring-reader.js'
import { LeaseAnswers } from './lease-answers.js'
import { LeaseProposals } from './lease-proposals.js'
import { LeaseQuestions } from './lease-questions.js'
import { LeaseSchedule, type Leadership } from './lease-schedule.js'
import { Lessor } from './lessor.js'
import { QuestionKind, type QuestionKindValue } from './question.js'

export interface LeaseContext {
  readonly words: SharedWords
  readonly raft: Sender<RaftMessages>
  readonly fronts: readonly Sender<FrontMessages>[]
  readonly memberId: bigint
  /** `firstSequence` of the wall clock at the start. */
  readonly firstSequence: number
  readonly electionMs: number
  /** How long a question or a proposal may be without its outcome: etcd's request timeout. */
  readonly requestTimeoutMs: number
  readonly counters: Counters
  readonly logger: Logger
}

const ID_BYTES = 8

interface Asked {
  readonly front: number
  readonly requestHigh: number
  readonly requestLow: number
  readonly appliedIndex: number
}

export class LeaseActor implements Actor, Handler<LeaseMessages> {
  readonly name = 'lease' as const
  readonly #context: LeaseContext
  readonly #dispatch: Dispatch
  readonly #lessor: Lessor
  readonly #answers: LeaseAnswers
  readonly #questions: LeaseQuestions
  readonly #schedule: LeaseSchedule
  #nowMs = 0
  /** Facts of mvcc heard in this turn; fewer than an inbox batch means that all there were are taken. */
  #factsHeard = 0
  #offsetPublished = 0

  constructor(context: LeaseContext) {
    this.#context = context
    this.#dispatch = dispatcherOf(leaseMessages, this)
    this.#lessor = new Lessor(context.electionMs)
    this.#answers = new LeaseAnswers(context.fronts, () => this.#lessor.idsByExpiry())
    const { raft, memberId, firstSequence, requestTimeoutMs, electionMs } = context
    const proposals = new LeaseProposals({
      raft,
      memberId,
      firstSequence,
      patienceMs: requestTimeoutMs,
      forwardPatienceMs: 2 * electionMs,
    })
    this.#schedule = new LeaseSchedule(this.#lessor, proposals, this.#answers, new KnownLeadership(context.words))
    this.#questions = new LeaseQuestions(this.#lessor, this.#schedule, this.#answers)
  }

  onStart(nowMs: number): void {
    this.#nowMs = nowMs
  }

  onFrame(reader: RingReader, nowMs: number): void {
    this.#nowMs = nowMs
    this.#dispatch(reader)
  }

  isBlocked(): boolean {
    return false
  }

  onGranted(message: Message<LeaseMessages, 'granted'>): void {
    this.#factsHeard++
    this.#lessor.grant(message.leaseId, message.ttlSeconds, message.clockMs, this.#nowMs)
  }

  onRevoked(message: Message<LeaseMessages, 'revoked'>): void {
    this.#factsHeard++
    this.#lessor.revoke(message.leaseId)
  }

  onRenewed(message: Message<LeaseMessages, 'renewed'>): void {
    this.#factsHeard++
    const { clockMs, leases } = message
    this.#lessor.hearClock(clockMs, this.#nowMs)
    const view = new DataView(leases.bytes.buffer, leases.bytes.byteOffset, leases.bytes.byteLength)
    for (let at = leases.start; at < leases.end; at += ID_BYTES) {
      this.#lessor.renew(view.getBigInt64(at, true), clockMs, this.#nowMs)
    }
  }

  onRestored(message: Message<LeaseMessages, 'restored'>): void {
    this.#factsHeard++
    this.#lessor.restored(message.clockMs, this.#nowMs)
    this.#context.logger.info('lease', 'leases restored', { leases: this.#lessor.size, clockMs: message.clockMs })
  }

  onApplied(message: Message<LeaseMessages, 'applied'>): void {
    this.#factsHeard++
    this.#lessor.hearClock(message.clockMs, this.#nowMs)
    this.#schedule.onApplied(message.requestLow, message.error, this.#nowMs)
  }

  onTicked(message: Message<LeaseMessages, 'ticked'>): void {
    this.#factsHeard++
    this.#lessor.hearClock(message.clockMs, this.#nowMs)
  }

  onReplaced(): void {
    this.#factsHeard++
    this.#lessor.replaced()
  }

  onRefused(message: Message<LeaseMessages, 'refused'>): void {
    this.#schedule.onRefused(message.requestLow, message.error, this.#nowMs)
  }

  onLeading(message: Message<LeaseMessages, 'leading'>): void {
    if (message.leads === 1) this.#lessor.lead(message.term)
    else this.#lessor.follow()
  }

  onKeepAlive(message: Message<LeaseMessages, 'keepAlive'>): void {
    this.#ask(QuestionKind.keepAlive, message.leaseId, message)
  }

  onTimeToLive(message: Message<LeaseMessages, 'timeToLive'>): void {
    this.#ask(QuestionKind.timeToLive, message.leaseId, message)
  }

  onList(message: Message<LeaseMessages, 'list'>): void {
    this.#ask(QuestionKind.list, 0n, message)
  }

  /** A fact like the others: nothing waits for its index, as mvcc publishes facts before the applied word. */
  onToldUpTo(): void {
    this.#factsHeard++
  }

  doWork(nowMs: number): number {
    this.#nowMs = nowMs
    const areFactsTaken = this.#factsHeard < INBOX_BATCH_MAX
    this.#factsHeard = 0
    const work = this.#questions.doWork(nowMs, areFactsTaken) + this.#schedule.doWork(nowMs)
    this.#publishClock()
    this.#count()
    return work + this.#answers.flush()
  }

  wakeAtMs(): number {
    const wakeAtMs = this.#schedule.wakeAtMs()
    return this.#answers.hasUnsent ? Math.min(wakeAtMs, this.#nowMs + 1) : wakeAtMs
  }

  isIdle(): boolean {
    return this.#answers.owed === 0
  }

  onClose(): void {
    // Nothing is held that outlives the process: what leases have left is in the log.
  }

  #ask(kind: QuestionKindValue, leaseId: bigint, asked: Asked): void {
    const { front, requestHigh, requestLow, appliedIndex } = asked
    const giveUpAtMs = this.#nowMs + this.#context.requestTimeoutMs
    const question = { kind, front, requestHigh, requestLow, leaseId, appliedIndex, giveUpAtMs }
    this.#questions.hear(question, this.#nowMs)
  }

  #count(): void {
    const page = this.#context.counters
    page.set(counters.leases, this.#lessor.size)
    page.set(counters.leaseRenewed, this.#answers.renewed)
    page.set(counters.leaseExpired, this.#schedule.expired)
  }

  #publishClock(): void {
    const { clock } = this.#lessor
    const offset = clock.isRunning ? Math.floor(clock.offsetMs) : 0
    if (offset === this.#offsetPublished) return
    this.#offsetPublished = offset
    this.#context.words.store(Word.leaseClockOffsetMs, offset)
  }
}

/** As raft publishes it. */
class KnownLeadership implements Leadership {
  readonly #words: SharedWords

  constructor(words: SharedWords) {
    this.#words = words
  }

  get term(): number {
    return this.#words.load(Word.term)
  }

  get hasLeader(): boolean {
    return this.#words.loadId(Word.leaderId) !== 0n
  }
}

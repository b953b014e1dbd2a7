/**
 * MemberPromote: only the leader knows how far a learner is, so only it begins a promotion. Another member has the
 * leader do it, and passes on what it answers. Without a leader the call waits for one, for as long as a request may.
 */

import type { FrontMessages } from '../../messages/front-messages.js'
import type { Message } from '../../messages/protocol.js'
import { Word } from '../../messages/shared-words.js'
import { counters, PROMOTE_FAILURES } from '../../metrics/counter-catalogue.js'
import { errorByMessage, etcdErrors } from '../../proto/etcd-errors.js'
import {
  decodeMemberPromoteResponse,
  encodeMemberPromoteRequest,
  encodeMemberPromoteResponse,
} from '../../proto/generated/etcdserverpb.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import type { FrontContext } from '../front-context.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import type { ReadPath } from '../kv/read-path.js'
import { RequestKind, type PendingRequest } from '../requests/pending-request.js'
import { isEnded, type Proposer } from '../requests/proposer.js'
import { isFromMember, type MemberAnswer, type MemberCalls } from './member-calls.js'

/** Promotions that may wait for a leader, or for its answer, at the same time. */
const WAITING_MAX = 64
const RETRY_MS = 200
/** A learner that has less of the leader's log than this is not ready. */
const READY_SHARE = 0.9
const METHOD = '/etcdserverpb.Cluster/MemberPromote'

interface Promotion {
  readonly call: GrpcCall
  readonly id: bigint
  readonly giveUpAtMs: number
  /** Tries again then; Infinity while somebody is asked. */
  retryAtMs: number
}

export class Promotions {
  readonly #context: FrontContext
  readonly #proposer: Proposer
  readonly #reads: ReadPath
  readonly #calls: MemberCalls
  /** The learner is ready: propose the change. */
  readonly #propose: (call: GrpcCall, id: bigint) => void
  #waiting: Promotion[] = []

  constructor(options: {
    readonly context: FrontContext
    readonly proposer: Proposer
    readonly reads: ReadPath
    readonly calls: MemberCalls
    readonly propose: (call: GrpcCall, id: bigint) => void
  }) {
    this.#context = options.context
    this.#proposer = options.proposer
    this.#reads = options.reads
    this.#calls = options.calls
    this.#propose = options.propose
  }

  promote(call: GrpcCall, id: bigint): void {
    const { heardMs, patienceMs } = this.#proposer
    if (this.#waiting.length >= WAITING_MAX || this.#reads.isFull) {
      this.#proposer.fail(call, etcdErrors.requestTooManyRequests.id)
      return
    }
    const promotion = { call, id, giveUpAtMs: heardMs + patienceMs, retryAtMs: Infinity }
    this.#waiting.push(promotion)
    this.#try(promotion, heardMs)
  }

  /** Tries again what waits. Returns how much. */
  work(nowMs: number): number {
    if (this.#waiting.length === 0) return 0
    this.#waiting = this.#waiting.filter(({ call }) => !isEnded(call))
    let tried = 0
    for (const promotion of this.#waiting) {
      if (nowMs >= promotion.giveUpAtMs) this.#giveUp(promotion)
      else if (nowMs >= promotion.retryAtMs) this.#try(promotion, nowMs)
      else continue
      tried++
    }
    return tried
  }

  wakeAtMs(): number {
    let wakeAtMs = Infinity
    for (const { retryAtMs, giveUpAtMs } of this.#waiting) wakeAtMs = Math.min(wakeAtMs, retryAtMs, giveUpAtMs)
    return wakeAtMs
  }

  /** Raft's answer to a question about a learner. */
  onProgress(pending: PendingRequest, message: Message<FrontMessages, 'memberProgress'>, nowMs: number): void {
    const promotion = this.#waiting.find(({ call }) => call === pending.call)
    if (promotion === undefined) return
    const { call, id } = promotion
    if (message.leads === 0) {
      promotion.retryAtMs = nowMs + RETRY_MS
      return
    }
    this.#drop(promotion)
    if (message.known === 0) this.#fail(call, etcdErrors.memberNotFound.id)
    else if (message.match < READY_SHARE * message.leaderMatch) this.#fail(call, etcdErrors.learnerNotReady.id)
    else this.#propose(call, id)
  }

  /** A promotion that this member began has ended: 0, or the id of an error. */
  count(error: number): void {
    const page = this.#context.counters
    if (error === 0) page.add(counters.promotions)
    const reason = PROMOTE_FAILURES.findIndex(({ id }) => id === error)
    if (reason >= 0) page.addTo(counters.promotionFailures, reason)
  }

  #try(promotion: Promotion, nowMs: number): void {
    const { call, id } = promotion
    const { words, memberId } = this.#context
    const leader = words.loadId(Word.leaderId)
    promotion.retryAtMs = nowMs + RETRY_MS
    if (leader === memberId) this.#askRaft(promotion)
    else if (isFromMember(call)) this.#end(promotion, etcdErrors.notLeader.id)
    else if (leader !== 0n) {
      const request = encodeMemberPromoteRequest({ ID: id })
      const isAsked = this.#calls.ask({ to: leader, method: METHOD, behalf: call, request }, (answer) => {
        this.#onAnswer(promotion, answer)
      })
      if (isAsked) promotion.retryAtMs = Infinity
    }
  }

  #askRaft(promotion: Promotion): void {
    const { call, id } = promotion
    const pending = this.#proposer.admit(call, RequestKind.memberProgress)
    if (pending === null) return
    const member = BigInt.asIntN(64, id)
    const fields = { requestHigh: pending.high, requestLow: pending.low, member }
    if (this.#context.raft.tellProgress(fields)) promotion.retryAtMs = Infinity
    else this.#proposer.table.release(pending)
  }

  #onAnswer(promotion: Promotion, answer: MemberAnswer | null): void {
    if (isEnded(promotion.call)) return
    const error = answer === null ? null : errorByMessage(answer.message)
    // Nobody could be asked, or somebody who leads no more.
    if (answer === null || error === etcdErrors.notLeader) {
      promotion.retryAtMs = this.#context.clock.nowMs() + RETRY_MS
      return
    }
    this.#drop(promotion)
    if (answer.status === grpcStatus.ok) {
      const { members } = decodeMemberPromoteResponse(answer.data)
      const header = this.#proposer.headers.fields(0)
      this.#proposer.answer(promotion.call, encodeMemberPromoteResponse({ header, members }))
    } else if (error !== null) this.#proposer.fail(promotion.call, error.id)
    else promotion.call.finish(answer.status, answer.message)
  }

  #giveUp(promotion: Promotion): void {
    const hasLeader = this.#context.words.loadId(Word.leaderId) !== 0n
    this.#end(promotion, hasLeader ? etcdErrors.timeout.id : etcdErrors.noLeader.id)
  }

  #end(promotion: Promotion, error: number): void {
    this.#drop(promotion)
    this.#proposer.fail(promotion.call, error)
  }

  #fail(call: GrpcCall, error: number): void {
    this.count(error)
    this.#proposer.fail(call, error)
  }

  #drop(promotion: Promotion): void {
    this.#waiting = this.#waiting.filter((one) => one !== promotion)
  }
}

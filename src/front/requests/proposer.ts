/**
 * The way of a request into the log: admission, the entry's bytes, the proposal to raft; and the way of its answer to
 * the client. Shared by all services of a front.
 */

import { assert, assertEqual } from '../../base/assert.js'
import { Slice } from '../../base/slice.js'
import { entryRecordBytesMax, MIB, PENDING_REQUESTS_MAX, requestTimeoutMs } from '../../config/limits.js'
import { counters } from '../../metrics/counter-catalogue.js'
import { firstSequence, memberPrefix } from '../../messages/request-id.js'
import { errorById, etcdErrors } from '../../proto/etcd-errors.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import {
  NO_EXTRAS,
  RaftBody,
  raftRequestSize,
  writeRaftRequest,
  type RaftBodyField,
  type RaftRequestExtras,
} from '../../proto/hot/raft-request.js'
import type { FrontContext } from '../front-context.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import { NO_FLOOR, RequestKind, type PendingRequest, type RequestKindValue } from './pending-request.js'
import type { LeaderWatch } from './leader-watch.js'
import { ProposalBacklog } from './proposal-backlog.js'
import { RequestTable } from './request-table.js'
import { ResponseHeaders } from './response-headers.js'

const DEADLINE_SCAN_MS = 100
/** Proposals of one front that may wait for room in the ring to raft. */
const BACKLOG_BYTES_MAX = 256 * MIB

const BODY_FIELDS: Readonly<Partial<Record<RequestKindValue, RaftBodyField>>> = {
  [RequestKind.put]: RaftBody.put,
  [RequestKind.deleteRange]: RaftBody.deleteRange,
  [RequestKind.txn]: RaftBody.txn,
  [RequestKind.compaction]: RaftBody.compaction,
  [RequestKind.leaseGrant]: RaftBody.leaseGrant,
  [RequestKind.leaseRevoke]: RaftBody.leaseRevoke,
  [RequestKind.authenticate]: RaftBody.authenticate,
  [RequestKind.alarm]: RaftBody.alarm,
  [RequestKind.quotaAlarm]: RaftBody.alarm,
  [RequestKind.downgrade]: RaftBody.downgradeInfoSet,
}

export interface ProposalOptions {
  readonly floor?: number
  readonly wantsMore?: boolean
  readonly request?: unknown
  /** For kinds that stand for several. */
  readonly field?: RaftBodyField
}

/** Says on whose behalf entries are proposed, while auth is enabled. */
export interface ProposalGuard {
  readonly isOn: boolean
  /** An error id, or 0: `extras` are for this entry then. `call` null: the member itself proposes. */
  prepare(call: GrpcCall | null, field: RaftBodyField, bytes: Uint8Array, start: number, end: number): number
  readonly extras: RaftRequestExtras
}

const NO_OPTIONS: ProposalOptions = Object.freeze({})

export class Proposer {
  readonly table: RequestTable
  readonly headers: ResponseHeaders
  /** When the bytes that are being looked at were heard. */
  heardMs = 0
  /** How long before that its message had come, when it had to wait for its judgement. */
  heldMs = 0
  /** How long the judgement took, waiting included. */
  authMs = 0
  guard: ProposalGuard | null = null
  /** Hears of every call that `fail` has ended: the transport tells services only of ends that it made itself. */
  onFailed: (call: GrpcCall) => void = () => undefined
  /** Asked when a change of members has had no outcome for long: true to go on waiting, as its client does. */
  onOverdueChange: (pending: PendingRequest) => boolean = () => false
  readonly #context: FrontContext
  readonly patienceMs: number
  readonly #leader: LeaderWatch
  readonly #entry: Slice
  readonly #backlog: ProposalBacklog
  readonly #isWanted = (high: number, low: number): boolean => this.table.find(high, low) !== null
  #scratch: Uint8Array
  #nextScanMs = Infinity
  /** Admitted since the last turn; they leave this thread when the turn that stamps them ends. */
  readonly #unsent: PendingRequest[] = []

  constructor(context: FrontContext, leader: LeaderWatch) {
    this.#context = context
    this.#leader = leader
    this.patienceMs = requestTimeoutMs(context.config.electionMs)
    this.#scratch = new Uint8Array(64 * 1024)
    this.#entry = new Slice()
    this.#backlog = new ProposalBacklog(
      context.raft,
      Math.max(BACKLOG_BYTES_MAX, 2 * entryRecordBytesMax(context.config.requestBytesMax)),
    )
    this.headers = new ResponseHeaders(context.clusterId, context.memberId, context.words)
    this.table = new RequestTable({
      capacity: PENDING_REQUESTS_MAX,
      prefix: memberPrefix(context.memberId),
      origin: context.index,
      firstSequence: firstSequence(context.clock.wallMs()),
    })
  }

  /** When the message had come that is being looked at. */
  get receivedMs(): number {
    return this.heardMs - this.heldMs
  }

  /** A table slot for the call, or null after the call was refused. */
  admit(call: GrpcCall | null, kind: RequestKindValue, floor = NO_FLOOR): PendingRequest | null {
    if (this.table.isFull) {
      if (call !== null) this.fail(call, etcdErrors.requestTooManyRequests.id)
      return null
    }
    const pending = this.table.admit(floor)
    pending.kind = kind
    pending.call = call
    pending.receivedMs = this.receivedMs
    pending.authMs = this.authMs
    this.#unsent.push(pending)
    pending.wantsMore = false
    pending.request = null
    // A client's own deadline is the transport's business.
    pending.deadlineMs = this.heardMs + this.patienceMs
    if (pending.deadlineMs < this.#nextScanMs) this.#nextScanMs = pending.deadlineMs
    return pending
  }

  /** Proposes the client's own bytes as the entry's body. Every way out but success has failed the call. */
  propose(
    call: GrpcCall,
    kind: RequestKindValue,
    bytes: Uint8Array,
    start: number,
    end: number,
    options: ProposalOptions = NO_OPTIONS,
  ): void {
    const field = options.field ?? BODY_FIELDS[kind]
    assert(field !== undefined, 'requests of this kind are not proposed')
    const pending = this.admit(call, kind, options.floor)
    if (pending === null) return
    const error = this.proposeBody(pending, field, bytes, start, end)
    if (error !== 0) {
      this.table.release(pending)
      this.fail(call, error)
      return
    }
    if (options.wantsMore === true) pending.wantsMore = true
    if (options.request !== undefined) pending.request = options.request
  }

  /** Sends what the ring to raft had no room for. Returns how many went. */
  retryBacklog(): number {
    return this.#backlog.isEmpty ? 0 : this.#backlog.retry(this.#isWanted)
  }

  get hasUnsent(): boolean {
    return this.#unsent.length > 0
  }

  /** A turn begins whose end publishes what was proposed: reading the clock for each request would cost more. */
  stampSent(nowMs: number): void {
    for (const pending of this.#unsent) pending.proposedMs = nowMs
    this.#unsent.length = 0
  }

  /** Sends an admitted request to raft. Returns an error id, 0 when it is on its way. */
  proposeBody(
    pending: PendingRequest,
    field: RaftBodyField,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    let extras = NO_EXTRAS
    const { guard } = this
    if (guard !== null && guard.isOn) {
      const { clock } = this.#context
      const startedMs = clock.nowMs()
      const error = guard.prepare(pending.call, field, bytes, start, end)
      pending.authMs += clock.nowMs() - startedMs
      if (error !== 0) return error
      extras = guard.extras
    }
    const size = raftRequestSize(pending.high, pending.low, field, end - start, extras)
    if (size > this.#context.config.requestBytesMax) return etcdErrors.requestTooLarge.id
    if (size > this.#scratch.length) this.#scratch = new Uint8Array(2 * size)
    const written = writeRaftRequest(this.#scratch, 0, pending.high, pending.low, field, bytes, start, end, extras)
    assertEqual(written, size, 'bytes of an entry')
    const data = this.#entry.at(this.#scratch, 0, size)
    return this.#backlog.send(pending.high, pending.low, data) ? 0 : etcdErrors.requestTooManyRequests.id
  }

  /** One message and a good end. */
  answer(call: GrpcCall, message: Uint8Array): void {
    if (isEnded(call)) return
    call.sendMessage(message)
    call.finish(grpcStatus.ok, '')
  }

  fail(call: GrpcCall, errorId: number): void {
    if (isEnded(call)) return
    finishWith(call, errorId)
    this.onFailed(call)
  }

  wakeAtMs(nowMs: number): number {
    return Math.min(this.#nextScanMs, this.#backlog.retryAtMs(nowMs))
  }

  /** Answers requests whose time is up. What comes for them later finds no request and is dropped. */
  expire(nowMs: number): number {
    this.#context.counters.set(counters.proposalsPending, this.table.count)
    if (nowMs < this.#nextScanMs) return 0
    let expired = 0
    let next = Infinity
    this.table.forEach((pending) => {
      if (pending.deadlineMs > nowMs) {
        if (pending.deadlineMs < next) next = pending.deadlineMs
        return
      }
      if (pending.kind === RequestKind.memberChange && this.onOverdueChange(pending)) {
        pending.deadlineMs = nowMs + this.patienceMs
        if (pending.deadlineMs < next) next = pending.deadlineMs
        return
      }
      const { call, kind, receivedMs } = pending
      // What is asked of the leader is no proposal.
      const isForLeader = kind === RequestKind.leaseKeepAlive || kind === RequestKind.leaseTimeToLive
      if (!isForLeader) expired++
      this.table.release(pending)
      if (call === null) return
      this.fail(call, isForLeader ? this.#leader.questionTimeoutError() : this.#leader.timeoutError(receivedMs))
    })
    this.#context.counters.add(counters.proposalsFailed, expired)
    this.#nextScanMs = next === Infinity ? Infinity : Math.max(next, nowMs + DEADLINE_SCAN_MS)
    return expired
  }
}

/** Ends a call that no service has seen; others are ended by `fail`. */
export function finishWith(call: GrpcCall, errorId: number): void {
  const error = errorById(errorId)
  assert(error !== undefined, `error ${errorId} is not in the catalogue`)
  call.finish(error.code, error.message)
}

/** Nothing can be sent on the call any more. */
export function isEnded(call: GrpcCall): boolean {
  return call.isOver || call.isLocalClosed
}

/**
 * etcdserverpb.Lease. Grant and revoke go through the log; renewals and questions about time go to the lease actor,
 * which alone knows deadlines.
 */

import { assert } from '../base/assert.js'
import { MIN_LEASE_TTL_TICKS } from '../config/limits.js'
import type { FrontMessages } from '../messages/front-messages.js'
import type { Message } from '../messages/protocol.js'
import { Word } from '../messages/shared-words.js'
import { toldRevision } from '../messages/told-early.js'
import { etcdErrors } from '../proto/etcd-errors.js'
import {
  decodeLeaseGrantRequest,
  decodeLeaseKeepAliveRequest,
  decodeLeaseRevokeRequest,
  decodeLeaseTimeToLiveRequest,
  encodeLeaseGrantRequest,
  encodeLeaseGrantResponse,
  encodeLeaseKeepAliveResponse,
  encodeLeaseLeasesResponse,
  encodeLeaseRevokeResponse,
  encodeLeaseTimeToLiveResponse,
} from '../proto/generated/etcdserverpb.js'
import { grpcStatus } from '../proto/grpc-status.js'
import type { AuthGate } from './auth/auth-gate.js'
import type { FrontContext } from './front-context.js'
import type { GrpcCall } from './grpc/grpc-call.js'
import { RequestKind, type PendingRequest } from './requests/pending-request.js'
import { isEnded, type Proposer } from './requests/proposer.js'
import type { KvNeighbours } from './kv/kv-neighbours.js'
import type { QuotaGate } from './maintenance/quota-gate.js'
import { LEASE_COST_BYTES } from '../keyspace/quota-cost.js'
import type { ReadPath } from './kv/read-path.js'

const TTL_SECONDS_MAX = 9_000_000_000
const POSITIVE_INT63 = (1n << 63n) - 1n
/** Renewals of one stream that may wait for their answers; a client that sends more is ended. */
const KEEP_ALIVES_WAITING_MAX = 65_536

/** One renewal of a stream, answered in the order they came. */
interface KeepAlive {
  readonly leaseId: bigint
  /** The header's revision, as it was before the renewal. */
  readonly revision: number
  /** Seconds; -1 while unanswered. */
  ttl: number
}

interface KeepAliveStream {
  readonly call: GrpcCall
  readonly waiting: KeepAlive[]
  isHalfClosed: boolean
}

export class LeaseService {
  readonly #context: FrontContext
  readonly #proposer: Proposer
  readonly #reads: ReadPath
  readonly #gate: AuthGate
  readonly #quota: QuotaGate
  readonly #minTtlSeconds: number
  readonly #streams = new Set<KeepAliveStream>()
  /** Parts of a `leaseList` answer that has not ended yet. */
  #listed: bigint[] = []

  constructor(context: FrontContext, { proposer, reads, gate, quota }: Omit<KvNeighbours, 'jobs'>) {
    this.#context = context
    this.#proposer = proposer
    this.#reads = reads
    this.#gate = gate
    this.#quota = quota
    const { electionMs, heartbeatMs } = context.config
    const electionTicks = Math.floor(electionMs / heartbeatMs)
    const ticks = Math.floor((MIN_LEASE_TTL_TICKS.numerator * electionTicks) / MIN_LEASE_TTL_TICKS.denominator)
    this.#minTtlSeconds = Math.ceil((ticks * heartbeatMs) / 1000)
  }

  grant(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const request = decodeLeaseGrantRequest(bytes, start, end)
    if (request.TTL > TTL_SECONDS_MAX) {
      this.#proposer.fail(call, etcdErrors.leaseTTLTooLarge.id)
      return
    }
    if (!this.#quota.admits(call, LEASE_COST_BYTES)) return
    const id = request.ID === 0n ? this.#freshId() : request.ID
    const ttl = Math.max(request.TTL, this.#minTtlSeconds)
    const body = encodeLeaseGrantRequest({ ID: id, TTL: ttl })
    this.#proposer.propose(call, RequestKind.leaseGrant, body, 0, body.length, { request: { id, ttl } })
  }

  revoke(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    decodeLeaseRevokeRequest(bytes, start, end)
    this.#proposer.propose(call, RequestKind.leaseRevoke, bytes, start, end)
  }

  onGranted(pending: PendingRequest, revision: number): void {
    const { id, ttl } = pending.request as { id: bigint; ttl: number }
    const header = this.#proposer.headers.fields(revision)
    this.#proposer.answer(pending.call as GrpcCall, encodeLeaseGrantResponse({ header, ID: id, TTL: ttl }))
  }

  onRevoked(pending: PendingRequest, revision: number): void {
    const header = this.#proposer.headers.fields(revision)
    this.#proposer.answer(pending.call as GrpcCall, encodeLeaseRevokeResponse({ header }))
  }

  openKeepAlive(call: GrpcCall): void {
    const stream: KeepAliveStream = { call, waiting: [], isHalfClosed: false }
    call.context = stream
    this.#streams.add(stream)
    call.sendHeaders()
  }

  keepAlive(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const stream = call.context as KeepAliveStream
    const { ID } = decodeLeaseKeepAliveRequest(bytes, start, end)
    if (stream.waiting.length >= KEEP_ALIVES_WAITING_MAX) {
      this.#proposer.fail(call, etcdErrors.requestTooManyRequests.id)
      return
    }
    const pending = this.#proposer.admit(call, RequestKind.leaseKeepAlive)
    if (pending === null) return
    const renewal: KeepAlive = { leaseId: ID, revision: toldRevision(this.#context.words), ttl: -1 }
    pending.request = renewal
    stream.waiting.push(renewal)
    if (this.#gate.isOn) this.#keepIfPermitted(stream, pending, ID)
    else this.#ask(pending, ID, 'keepAlive')
  }

  /** Who renews a lease keeps all that hangs on it. */
  #keepIfPermitted(stream: KeepAliveStream, pending: PendingRequest, leaseId: bigint): void {
    const { call } = stream
    const { sequence, high, low } = pending
    const run = (): void => {
      // The stream may have ended, and the slot be another's, since.
      if (this.#proposer.table.find(high, low)?.sequence !== sequence || isEnded(call)) return
      const error = this.#gate.checkRead(call, { kind: 'leaseKeepAlive', leaseId })
      if (error === 0) {
        this.#ask(pending, leaseId, 'keepAlive')
        return
      }
      this.#proposer.table.release(pending)
      this.#proposer.fail(call, error)
    }
    this.#reads.whenFresh({ call, run })
  }

  onKeepAliveClosed(call: GrpcCall): void {
    this.#streams.delete(call.context as KeepAliveStream)
  }

  /** The server is going down. */
  closeAll(): void {
    for (const { call } of this.#streams) {
      if (!isEnded(call)) call.abort(etcdErrors.stopped.code, etcdErrors.stopped.message)
    }
    this.#streams.clear()
  }

  onKeepAliveHalfClose(call: GrpcCall): void {
    const stream = call.context as KeepAliveStream
    stream.isHalfClosed = true
    this.#endIfDone(stream)
  }

  onLeaseKept(message: Message<FrontMessages, 'leaseKept'>): void {
    const pending = this.#proposer.table.find(message.requestHigh, message.requestLow)
    if (pending === null) return
    const { call } = pending
    const renewal = pending.request as KeepAlive
    this.#proposer.table.release(pending)
    if (call === null || isEnded(call)) return
    const stream = call.context as KeepAliveStream
    if (message.error !== 0) {
      this.#proposer.fail(call, message.error)
      return
    }
    renewal.ttl = message.ttlSeconds
    while (stream.waiting.length > 0 && (stream.waiting[0] as KeepAlive).ttl >= 0) {
      const { leaseId, revision, ttl } = stream.waiting.shift() as KeepAlive
      const header = this.#proposer.headers.fields(revision)
      call.sendMessage(encodeLeaseKeepAliveResponse({ header, ID: leaseId, TTL: ttl }))
    }
    this.#endIfDone(stream)
  }

  timeToLive(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const request = decodeLeaseTimeToLiveRequest(bytes, start, end)
    const pending = this.#proposer.admit(call, RequestKind.leaseTimeToLive)
    if (pending === null) return
    pending.request = request.ID
    pending.wantsMore = request.keys
    this.#ask(pending, request.ID, 'timeToLive')
  }

  onLeaseTimes(message: Message<FrontMessages, 'leaseTimes'>): void {
    const pending = this.#proposer.table.find(message.requestHigh, message.requestLow)
    if (pending === null) return
    const { call, wantsMore } = pending
    const leaseId = pending.request as bigint
    this.#proposer.table.release(pending)
    if (call === null || isEnded(call)) return
    if (message.error !== 0) {
      this.#proposer.fail(call, message.error)
      return
    }
    const { remainingSeconds, grantedSeconds } = message
    const isKnown = grantedSeconds > 0
    if (isKnown && wantsMore) {
      this.#reads.whenFresh({
        call,
        run: () => this.#answerTimes(call, leaseId, remainingSeconds, grantedSeconds),
      })
      return
    }
    const header = this.#proposer.headers.fields(toldRevision(this.#context.words))
    this.#proposer.answer(
      call,
      encodeLeaseTimeToLiveResponse({
        header,
        ID: leaseId,
        TTL: isKnown ? remainingSeconds : -1,
        grantedTTL: grantedSeconds,
      }),
    )
  }

  leases(call: GrpcCall): void {
    const pending = this.#proposer.admit(call, RequestKind.leaseLeases)
    if (pending === null) return
    const sent = this.#context.lease.list({
      front: this.#context.index,
      requestHigh: pending.high,
      requestLow: pending.low,
      appliedIndex: this.#context.words.load(Word.appliedIndex),
    })
    if (!sent) this.#refuse(pending)
  }

  onLeaseList(message: Message<FrontMessages, 'leaseList'>): void {
    const { bytes, start, end } = message.leases
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (let at = start; at < end; at += 8) this.#listed.push(view.getBigInt64(at, true))
    if (message.more === 1) return
    const leases = this.#listed.map((ID) => ({ ID }))
    this.#listed = []
    const pending = this.#proposer.table.find(message.requestHigh, message.requestLow)
    if (pending === null) return
    const { call } = pending
    this.#proposer.table.release(pending)
    if (call === null || isEnded(call)) return
    if (!this.#gate.isOn) {
      this.#answerLeases(call, leases)
      return
    }
    const run = (): void => {
      if (isEnded(call)) return
      const error = this.#gate.checkRead(call, { kind: 'leaseList', leaseIds: leases.map(({ ID }) => ID) })
      if (error === 0) this.#answerLeases(call, leases)
      else this.#proposer.fail(call, error)
    }
    this.#reads.whenFresh({ call, run })
  }

  #answerLeases(call: GrpcCall, leases: readonly { ID: bigint }[]): void {
    const header = this.#proposer.headers.fields(toldRevision(this.#context.words))
    this.#proposer.answer(call, encodeLeaseLeasesResponse({ header, leases }))
  }

  #answerTimes(call: GrpcCall, leaseId: bigint, remainingSeconds: number, grantedSeconds: number): void {
    if (isEnded(call)) return
    const error = this.#gate.checkRead(call, { kind: 'leaseKeys', leaseId })
    if (error !== 0) {
      this.#proposer.fail(call, error)
      return
    }
    const view = this.#reads.view()
    const keys: Uint8Array[] = []
    view.leaseKeys(leaseId, (key) => keys.push(key.copy()) > 0)
    const header = this.#proposer.headers.fields(view.currentRevision)
    this.#proposer.answer(
      call,
      encodeLeaseTimeToLiveResponse({
        header,
        ID: leaseId,
        TTL: remainingSeconds,
        grantedTTL: grantedSeconds,
        keys,
      }),
    )
  }

  #ask(pending: PendingRequest, leaseId: bigint, question: 'keepAlive' | 'timeToLive'): void {
    const sent = this.#context.lease[question]({
      front: this.#context.index,
      requestHigh: pending.high,
      requestLow: pending.low,
      leaseId,
      appliedIndex: this.#context.words.load(Word.appliedIndex),
    })
    if (!sent) this.#refuse(pending)
  }

  #refuse(pending: PendingRequest): void {
    const { call } = pending
    this.#proposer.table.release(pending)
    assert(call !== null, 'a request just admitted has its call')
    this.#proposer.fail(call, etcdErrors.requestTooManyRequests.id)
  }

  #endIfDone(stream: KeepAliveStream): void {
    if (!stream.isHalfClosed || stream.waiting.length > 0 || isEnded(stream.call)) return
    this.#streams.delete(stream)
    stream.call.finish(grpcStatus.ok, '')
  }

  #freshId(): bigint {
    for (;;) {
      const id = this.#context.randomId() & POSITIVE_INT63
      if (id !== 0n) return id
    }
  }
}

/**
 * etcdserverpb.KV. Writes are checked, proposed with the client's own bytes, and answered when mvcc says at which
 * revision they took effect; reads are answered on this thread.
 */

import { KEY_BYTES_MAX } from '../../keyspace/key-range.js'
import { putCost, txnCost } from '../../keyspace/quota-cost.js'
import { LATEST } from '../../keyspace/keyspace-view.js'
import { checkDeleteRangeRequest, checkRangeRequest, checkTxnRequest } from '../../keyspace/txn-checks.js'
import { checkPath, choosePath } from '../../keyspace/txn-path.js'
import { TxnSnapshotView } from '../../keyspace/txn-snapshot-view.js'
import type { FrontMessages } from '../../messages/front-messages.js'
import type { Message } from '../../messages/protocol.js'
import { NOTHING_WANTED, Word } from '../../messages/shared-words.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import {
  decodeCompactionRequest,
  decodeDeleteRangeRequest,
  decodeRangeRequest,
  decodeTxnRequest,
  encodeCompactionResponse,
  encodeDeleteRangeResponse,
  type RangeRequest,
  type TxnRequest,
} from '../../proto/generated/etcdserverpb.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import { PutRequestView } from '../../proto/hot/put-request-view.js'
import type { AuthGate } from '../auth/auth-gate.js'
import type { FrontContext } from '../front-context.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import type { QuotaGate } from '../maintenance/quota-gate.js'
import { NO_FLOOR, RequestKind, type PendingRequest } from '../requests/pending-request.js'
import { isEnded, type Proposer } from '../requests/proposer.js'
import type { KvNeighbours } from './kv-neighbours.js'
import { RangeJob } from './range-job.js'
import type { RangeJobs } from './range-jobs.js'
import { RangeStreamJob } from './range-stream-job.js'
import {
  checkRevision,
  hasRevisionFilters,
  isDefaultOrder,
  LAST_SUB,
  RANGE_BUFFER_BYTES_MAX,
  RangeWriter,
} from './range-writer.js'
import type { ReadPath, ReadTask } from './read-path.js'
import { isReadOnly, isSerializable, lowestRevisionNamed } from './txn-request.js'
import { WriteAnswers } from './write-answers.js'

const FLAG_CHANGED = 1

interface PhysicalCompaction {
  readonly call: GrpcCall
  readonly revision: number
  readonly headerRevision: number
}

export class KvService {
  readonly #context: FrontContext
  readonly #proposer: Proposer
  readonly #reads: ReadPath
  readonly #jobs: RangeJobs
  readonly #gate: AuthGate
  readonly #quota: QuotaGate
  readonly #ranges: RangeWriter
  readonly #put = new PutRequestView()
  readonly #answers: WriteAnswers
  #compactions: PhysicalCompaction[] = []

  constructor(context: FrontContext, { proposer, reads, jobs, gate, quota }: KvNeighbours) {
    this.#context = context
    this.#proposer = proposer
    this.#reads = reads
    this.#jobs = jobs
    this.#gate = gate
    this.#quota = quota
    this.#ranges = new RangeWriter(proposer.headers)
    this.#answers = new WriteAnswers(proposer, reads, this.#ranges)
  }

  put(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const put = this.#put
    if (!put.decode(bytes, start, end)) {
      call.finish(grpcStatus.internal, 'grpc: error unmarshalling request: not a PutRequest')
      return
    }
    const error = checkPut(put)
    if (error !== 0) {
      this.#proposer.fail(call, error)
      return
    }
    if (!this.#quota.admits(call, putCost(put.keyEnd - put.keyStart, put.valueEnd - put.valueStart))) return
    if (!put.prevKv) this.#proposer.propose(call, RequestKind.put, bytes, start, end)
    else this.#proposer.propose(call, RequestKind.put, bytes, start, end, { wantsMore: true, floor: this.#floorNow() })
  }

  onPutApplied(pending: PendingRequest, message: Message<FrontMessages, 'applied'>): void {
    const call = pending.call as GrpcCall
    const { revision } = message
    if (pending.wantsMore) {
      this.#reads.answer({ call, run: () => this.#answers.put(call, revision) })
      return
    }
    const { headers } = this.#proposer
    headers.encode(revision)
    const at = call.reserveMessage(headers.fieldLength)
    if (at >= 0) {
      headers.writeField(call.output, at)
      call.finish(grpcStatus.ok, '')
      return
    }
    const message_ = new Uint8Array(headers.fieldLength)
    headers.writeField(message_, 0)
    this.#proposer.answer(call, message_)
  }

  deleteRange(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const request = decodeDeleteRangeRequest(bytes, start, end)
    const error = checkDeleteRangeRequest(request)
    if (error !== 0) {
      this.#proposer.fail(call, error)
      return
    }
    const floor = request.prev_kv ? this.#floorNow() : NO_FLOOR
    this.#proposer.propose(call, RequestKind.deleteRange, bytes, start, end, {
      floor,
      wantsMore: request.prev_kv,
      request,
    })
  }

  onDeleteRangeApplied(pending: PendingRequest, message: Message<FrontMessages, 'applied'>): void {
    const call = pending.call as GrpcCall
    const { revision, count } = message
    if (pending.wantsMore && count > 0) {
      this.#reads.answer({ call, run: () => this.#answers.deleteRange(call, revision, count) })
      return
    }
    const header = this.#proposer.headers.fields(revision)
    this.#proposer.answer(call, encodeDeleteRangeResponse({ header, deleted: count }))
  }

  txn(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const request = decodeTxnRequest(bytes, start, end)
    const error = checkTxnRequest(request, this.#context.config.txnOpsMax)
    if (error !== 0) {
      this.#proposer.fail(call, error)
      return
    }
    if (isReadOnly(request)) {
      if (call.meter !== null) call.meter = call.meter.readonlyMeter
      this.#read(call, { call, run: () => this.#answerReadOnlyTxn(call, request) }, isSerializable(request))
      return
    }
    const cost = txnCost(request)
    if (cost > 0 && !this.#quota.admits(call, cost)) return
    const floor = Math.min(this.#floorNow(), lowestRevisionNamed(request))
    this.#proposer.propose(call, RequestKind.txn, bytes, start, end, { floor, request })
  }

  onTxnApplied(pending: PendingRequest, message: Message<FrontMessages, 'applied'>): void {
    const call = pending.call as GrpcCall
    const request = pending.request as TxnRequest
    const { revision, flags, outcomeLow, outcomeHigh } = message
    const applied = { revision, changed: (flags & FLAG_CHANGED) !== 0, outcomeLow, outcomeHigh }
    this.#reads.answer({ call, run: () => this.#answers.txn(call, request, applied) })
  }

  compact(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const request = decodeCompactionRequest(bytes, start, end)
    this.#proposer.propose(call, RequestKind.compaction, bytes, start, end, {
      wantsMore: request.physical,
      request: request.revision,
    })
  }

  onCompactionApplied(pending: PendingRequest, message: Message<FrontMessages, 'applied'>): void {
    const call = pending.call as GrpcCall
    if (!pending.wantsMore) {
      this.#answerCompaction(call, message.revision)
      return
    }
    const revision = pending.request as number
    this.#compactions = this.#compactions.filter((waiting) => !isEnded(waiting.call))
    this.#compactions.push({ call, revision, headerRevision: message.revision })
    this.#announceCompactionWanted()
  }

  /** True if a compaction that a client waits for has been carried out. */
  compactionCame(): boolean {
    if (this.#compactions.length === 0) return false
    const done = this.#context.words.load(Word.compactedPhysically)
    return this.#compactions.some(({ revision }) => revision <= done)
  }

  answerCompactions(): number {
    if (!this.compactionCame()) return 0
    const done = this.#context.words.load(Word.compactedPhysically)
    const due = this.#compactions.filter(({ revision }) => revision <= done)
    this.#compactions = this.#compactions.filter(({ revision }) => revision > done)
    for (const { call, headerRevision } of due) this.#answerCompaction(call, headerRevision)
    this.#announceCompactionWanted()
    return due.length
  }

  range(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const request = decodeRangeRequest(bytes, start, end)
    const error = checkRangeRequest(request)
    if (error !== 0) {
      this.#proposer.fail(call, error)
      return
    }
    this.#read(call, new RangeTask(this, call, request), request.serializable)
  }

  rangeStream(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const request = decodeRangeRequest(bytes, start, end)
    const error = checkRangeRequest(request)
    if (error !== 0) this.#proposer.fail(call, error)
    else if (!isDefaultOrder(request) && request.sort_order !== 0) {
      call.finish(grpcStatus.unimplemented, 'RangeStream does not support custom sort orders')
    } else if (hasRevisionFilters(request)) {
      call.finish(grpcStatus.unimplemented, 'RangeStream does not support revision filters')
    } else {
      this.#read(call, { call, run: () => this.#startRangeStream(call, request) }, request.serializable)
    }
  }

  answerRange(call: GrpcCall, request: RangeRequest): void {
    if (isEnded(call)) return
    const view = this.#reads.view()
    const error = this.#checkRange(call, request) || checkRevision(request, view)
    this.#reads.ranges.answered(error === 0)
    if (error !== 0) {
      this.#proposer.fail(call, error)
      return
    }
    const main = request.revision > 0 && request.revision < view.currentRevision ? request.revision : LATEST
    const ranges = this.#ranges
    ranges.bytesMax = RANGE_BUFFER_BYTES_MAX
    if (ranges.write(request, view, { main, sub: LAST_SUB }, view.currentRevision) === 'tooLarge') {
      this.#startJob(call, new RangeJob(call, request, view, this.#jobOptions()))
      return
    }
    call.sendMessage(ranges.bytes, 0, ranges.length)
    call.finish(grpcStatus.ok, '')
    ranges.shrink()
  }

  #startRangeStream(call: GrpcCall, request: RangeRequest): void {
    if (isEnded(call)) return
    const view = this.#reads.view()
    const error = this.#checkRange(call, request) || checkRevision(request, view)
    this.#reads.ranges.answered(error === 0)
    if (error !== 0) this.#proposer.fail(call, error)
    else this.#startJob(call, new RangeStreamJob(call, request, view, this.#jobOptions()))
  }

  #checkRange(call: GrpcCall, request: RangeRequest): number {
    return this.#reads.refusal || (this.#gate.isOn ? this.#gate.checkRead(call, { kind: 'range', request }) : 0)
  }

  #startJob(call: GrpcCall, job: RangeJob | RangeStreamJob): void {
    if (this.#jobs.isFull) this.#proposer.fail(call, etcdErrors.requestTooManyRequests.id)
    else this.#jobs.add(job)
  }

  #jobOptions() {
    const { requestBytesMax } = this.#context.config
    const { headers, heardMs } = this.#proposer
    const usersStamp = (): number => this.#gate.usersStamp
    return { headers, slice: this.#jobs.slice, nowMs: heardMs, requestBytesMax, usersStamp }
  }

  #read(call: GrpcCall, task: ReadTask, serializable: boolean): void {
    if (this.#reads.isFull) return this.#proposer.fail(call, etcdErrors.requestTooManyRequests.id)
    this.#reads.measureNext(serializable, this.#proposer.receivedMs, this.#proposer.authMs)
    if (serializable) this.#reads.whenFresh(task)
    else this.#reads.linearizable(task, this.#proposer.heardMs)
  }

  #answerReadOnlyTxn(call: GrpcCall, request: TxnRequest): void {
    if (isEnded(call)) return
    const view = this.#reads.view()
    const revision = view.currentRevision
    const txnView = new TxnSnapshotView(view, revision)
    const path = choosePath(txnView, request)
    const denied = this.#gate.isOn ? this.#gate.checkRead(call, { kind: 'txn', request }) : 0
    const error = this.#reads.refusal || denied || checkPath(txnView, request, path)
    const before = this.#ranges.writes
    if (error !== 0) this.#proposer.fail(call, error)
    else this.#answers.sendTxn(call, request, { path, revision, changed: false }, view)
    this.#reads.ranges.answeredTxn(this.#ranges.writes - before)
  }

  #answerCompaction(call: GrpcCall, revision: number): void {
    this.#proposer.answer(call, encodeCompactionResponse({ header: this.#proposer.headers.fields(revision) }))
  }

  #announceCompactionWanted(): void {
    let wanted = NOTHING_WANTED
    for (const { revision } of this.#compactions) wanted = Math.min(wanted, revision)
    this.#context.words.store(Word.compactedWanted + this.#context.index, Math.max(0, wanted))
  }

  /** No later answer reads below the revision that is current before the request is ordered. */
  #floorNow(): number {
    return this.#context.words.load(Word.currentRevision)
  }
}

/** One object for each range, in place of a closure: ranges are the hot read. */
class RangeTask implements ReadTask {
  readonly call: GrpcCall
  readonly #service: KvService
  readonly #request: RangeRequest

  constructor(service: KvService, call: GrpcCall, request: RangeRequest) {
    this.#service = service
    this.call = call
    this.#request = request
  }

  run(): void {
    this.#service.answerRange(this.call, this.#request)
  }
}

function checkPut(put: PutRequestView): number {
  if (put.keyStart === put.keyEnd) return etcdErrors.emptyKey.id
  if (put.keyEnd - put.keyStart > KEY_BYTES_MAX) return etcdErrors.requestTooLarge.id
  if (put.ignoreValue && put.valueStart !== put.valueEnd) return etcdErrors.valueProvided.id
  return put.ignoreLease && (put.leaseHigh | put.leaseLow) !== 0 ? etcdErrors.leaseProvided.id : 0
}

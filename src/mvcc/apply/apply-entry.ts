/**
 * Applies one committed entry inside the open transaction, the same on every member. An entry that asks for something
 * unknown changes nothing and is answered with an error: the log goes on.
 */

import type { Bytes } from '../../base/bytes.js'
import type { LogFields } from '../../metrics/logger.js'
import { LEASE_ORIGIN, originOf, prefixOf } from '../../messages/request-id.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import {
  decodeAlarmRequest,
  decodeCompactionRequest,
  decodeLeaseGrantRequest,
  decodeLeaseRevokeRequest,
  decodeTxnRequest,
  type TxnRequest,
} from '../../proto/generated/etcdserverpb.js'
import { EntryType } from '../../proto/generated/raftpb.js'
import { decodeExtension } from '../../proto/generated/raftringpb.js'
import { DeleteRangeRequestView } from '../../proto/hot/delete-range-request-view.js'
import { PutRequestView } from '../../proto/hot/put-request-view.js'
import { RaftBody, RaftRequestView } from '../../proto/hot/raft-request.js'
import { ProtoError } from '../../proto/proto-error.js'
import { AuthApplier } from './apply-auth.js'
import { EntryGuard } from './entry-guard.js'
import { LEASE_COST_BYTES, putCost, txnCost } from '../../keyspace/quota-cost.js'
import type { QuotaGauge } from '../quota-gauge.js'
import { AlarmApplier } from './apply-alarm.js'
import { KvApplier } from './apply-kv.js'
import { LeaseApplier } from './apply-lease.js'
import { MembershipApplier } from '../members/apply-membership.js'
import type { ApplyMeter } from './apply-meter.js'
import type { ApplyTransaction } from './apply-transaction.js'
import { TxnApplier } from './apply-txn.js'
import { QUOTA_CROSSED, STORE_CHANGED, type BatchEntry } from './entry-batch.js'

export interface EntryApplierOptions {
  readonly transaction: ApplyTransaction
  readonly meter: ApplyMeter
  readonly memberId: bigint
  /** The low 16 bits of this member's id: requests with another prefix were made elsewhere. */
  readonly memberPrefix: number
  readonly frontCount: number
  /** As every member of the cluster has it. */
  readonly learnersMax: number
  readonly quota: QuotaGauge
  readonly warn: (message: string, fields: LogFields) => void
}

export class EntryApplier {
  readonly #options: EntryApplierOptions
  readonly #transaction: ApplyTransaction
  readonly #kv: KvApplier
  readonly #txn: TxnApplier
  readonly #lease: LeaseApplier
  readonly #membership: MembershipApplier
  readonly #auth: AuthApplier
  readonly #guard: EntryGuard
  readonly #alarms: AlarmApplier
  readonly #request = new RaftRequestView()
  readonly #put = new PutRequestView()
  readonly #deleteRange = new DeleteRangeRequestView()

  constructor(options: EntryApplierOptions) {
    const { transaction } = options
    this.#options = options
    this.#transaction = transaction
    this.#kv = new KvApplier(transaction)
    this.#txn = new TxnApplier(transaction, this.#kv)
    this.#lease = new LeaseApplier(transaction, this.#kv)
    this.#auth = new AuthApplier(transaction)
    this.#guard = new EntryGuard(transaction)
    this.#membership = new MembershipApplier(transaction, options.learnersMax, options.warn)
    this.#alarms = new AlarmApplier(transaction, options.memberId)
  }

  /** Of AlarmBit: the alarms that are active after what was applied so far. */
  get alarmBits(): number {
    return this.#alarms.bits
  }

  /** A transaction has begun. */
  begin(): void {
    this.#alarms.begin()
  }

  /** The transaction could not commit. */
  abort(): void {
    this.#alarms.forget()
  }

  /** Leaves the outcome in the entry. */
  apply(entry: BatchEntry): void {
    const transaction = this.#transaction
    entry.resetOutcome()
    // The no-op of a new leader has no data; an order to leave a joint configuration has none either.
    if (entry.end > entry.start || entry.type !== EntryType.EntryNormal) {
      const before = transaction.revision
      this.#request.bodyField = RaftBody.none
      entry.error = this.#applyData(entry)
      this.#options.meter.applied(this.#request.bodyField, entry.error)
      transaction.endRevision()
      if (transaction.revision !== before) entry.flags |= STORE_CHANGED
    }
    entry.revision = transaction.revision
    transaction.endEntry(entry.index)
    this.#address(entry)
  }

  #applyData(entry: BatchEntry): number {
    try {
      if (entry.type === EntryType.EntryNormal) return this.#applyRequest(entry)
      this.#options.meter.startOther()
      return this.#membership.applyConfChange(entry)
    } catch (error) {
      if (!(error instanceof ProtoError)) throw error
      // Decoding comes before any change, so that nothing of the request is in the transaction.
      this.#options.warn('entry is malformed', { index: entry.index, cause: error.message })
      return etcdErrors.unknownMethod.id
    }
  }

  #applyRequest(entry: BatchEntry): number {
    const request = this.#request
    if (!request.decode(entry.bytes, entry.start, entry.end)) {
      throw new ProtoError('truncated', 'not an InternalRaftRequest')
    }
    if (request.bodyField !== RaftBody.put) this.#options.meter.startOther()
    entry.requestHigh = request.idHigh
    entry.requestLow = request.idLow
    if (request.hasExtension) {
      const extension = decodeExtension(entry.bytes, request.extensionStart, request.extensionEnd)
      const clockMs = this.#transaction.leaseClockMs
      const error = this.#lease.applyExtension(extension, entry.term)
      const hasTicked = this.#transaction.leaseClockMs !== clockMs
      if (hasTicked && !this.#isAwaited(entry)) this.#transaction.facts.ticked(this.#transaction.leaseClockMs)
      if (error !== 0) return error
    }
    // Alarms first: who has no right hears of them as well.
    if (this.#alarms.bits !== 0) {
      const refusal = this.#alarms.refusalOf(request.bodyField)
      if (refusal !== 0) return refusal
    }
    if (this.#transaction.auth.access.enabled) {
      const error = this.#guard.check(request)
      if (error !== 0) return error
    }
    return this.#applyBody(entry, request.bytes, request.bodyStart, request.bodyEnd)
  }

  #applyBody(entry: BatchEntry, bytes: Bytes, start: number, end: number): number {
    switch (this.#request.bodyField) {
      case RaftBody.put:
        if (!this.#put.decode(bytes, start, end)) throw new ProtoError('truncated', 'not a PutRequest')
        entry.isReadBack = this.#put.prevKv
        return this.#kv.put(this.#put) || this.#charge(entry, costOfPut(this.#put))
      case RaftBody.deleteRange:
        if (!this.#deleteRange.decode(bytes, start, end)) throw new ProtoError('truncated', 'not a DeleteRangeRequest')
        entry.count = this.#kv.deleteRange(this.#deleteRange)
        entry.isReadBack = this.#deleteRange.prevKv
        return 0
      case RaftBody.txn:
        return this.#applyTxn(entry, decodeTxnRequest(bytes, start, end))
      case RaftBody.compaction:
        return this.#kv.compact(decodeCompactionRequest(bytes, start, end).revision)
      case RaftBody.leaseGrant: {
        const grant = decodeLeaseGrantRequest(bytes, start, end)
        const error = this.#lease.grant(grant)
        if (error === 0) entry.count = grant.TTL
        return error || this.#charge(entry, LEASE_COST_BYTES)
      }
      case RaftBody.leaseRevoke:
        return this.#lease.revoke(decodeLeaseRevokeRequest(bytes, start, end).ID)
      case RaftBody.alarm:
        entry.count = this.#alarms.apply(decodeAlarmRequest(bytes, start, end))
        return 0
      case RaftBody.clusterMemberAttrSet:
        return this.#membership.setAttributes(bytes, start, end)
      case RaftBody.clusterVersionSet:
        return this.#membership.setClusterVersion(bytes, start, end)
      case RaftBody.downgradeInfoSet:
        return this.#membership.setDowngradeInfo(bytes, start, end)
      case RaftBody.none:
        return 0
      default:
        return this.#auth.apply(this.#request.bodyField, bytes, start, end, entry) ?? this.#refuse(entry)
    }
  }

  #refuse({ index }: BatchEntry): number {
    this.#options.warn('entry asks for what this version does not do', { index, field: this.#request.bodyField })
    return etcdErrors.unknownMethod.id
  }

  #applyTxn(entry: BatchEntry, txn: TxnRequest): number {
    entry.isReadBack = true
    const cost = txnCost(txn)
    if (cost > 0 && this.#alarms.isOutOfSpace) return etcdErrors.noSpace.id
    const error = this.#txn.apply(txn, entry)
    return error || (cost > 0 ? this.#charge(entry, cost) : 0)
  }

  /** What goes over the quota is applied nevertheless: the log goes on. */
  #charge(entry: BatchEntry, cost: number): number {
    if (this.#options.quota.take(cost)) return 0
    entry.flags |= QUOTA_CROSSED
    return etcdErrors.noSpace.id
  }

  #tellLease({ requestHigh, requestLow, error }: BatchEntry): void {
    const { facts, leaseClockMs } = this.#transaction
    facts.applied(requestHigh, requestLow, error, leaseClockMs)
  }

  /** What another member proposed, or an earlier life of this one, nobody here waits for. */
  #isAwaited({ answer, requestHigh, requestLow }: BatchEntry): boolean {
    if (answer === 0 || (requestHigh | requestLow) === 0) return false
    return prefixOf(requestHigh) === this.#options.memberPrefix
  }

  /** Who waits for the outcome. */
  #address(entry: BatchEntry): void {
    if (!this.#isAwaited(entry)) return
    const origin = originOf(entry.requestHigh)
    if (origin < this.#options.frontCount) entry.front = origin
    else if (origin === LEASE_ORIGIN) this.#tellLease(entry)
  }
}

function costOfPut({ keyStart, keyEnd, valueStart, valueEnd }: PutRequestView): number {
  return putCost(keyEnd - keyStart, valueEnd - valueStart)
}

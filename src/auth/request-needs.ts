/**
 * What a request needs before it may be answered: one function for every decoded request, used by fronts and by apply
 * alike, so that both decide the same.
 */

import { EMPTY_BYTES, type Bytes } from '../base/bytes.js'
import type {
  Compare,
  DeleteRangeRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from '../proto/generated/etcdserverpb.js'

export interface RangeNeed {
  readonly key: Bytes
  readonly rangeEnd: Bytes
  readonly write: boolean
}

/** The right to every key that hangs on the lease. */
export interface LeaseNeed {
  readonly leaseId: bigint
  readonly write: boolean
}

export interface RequestNeeds {
  /** Who may ask at all. 'keys': whoever has the keys; without any key, anybody. */
  readonly from: 'anybody' | 'user' | 'root' | 'keys' | 'known user'
  readonly ranges: readonly RangeNeed[]
  readonly leases: readonly LeaseNeed[]
}

/** The fields of a put that matter; its value does not. */
export interface AskedPut {
  readonly key: Bytes
  readonly lease: bigint
  readonly prev_kv: boolean
}

export type AskedRequest =
  | { readonly kind: 'range'; readonly request: Pick<RangeRequest, 'key' | 'range_end'> }
  | { readonly kind: 'put'; readonly request: AskedPut }
  | { readonly kind: 'deleteRange'; readonly request: DeleteRangeRequest }
  | { readonly kind: 'txn'; readonly request: TxnRequest }
  | { readonly kind: 'watch'; readonly request: { readonly key: Bytes; readonly range_end: Bytes } }
  | { readonly kind: 'leaseRevoke' | 'leaseKeepAlive' | 'leaseKeys'; readonly leaseId: bigint }
  | { readonly kind: 'leaseList'; readonly leaseIds: readonly bigint[] }
  | { readonly kind: 'anybody' | 'user' | 'root' }

const NOTHING: readonly never[] = Object.freeze([])
const ANYBODY: RequestNeeds = Object.freeze({ from: 'anybody', ranges: NOTHING, leases: NOTHING })
const USER: RequestNeeds = Object.freeze({ from: 'user', ranges: NOTHING, leases: NOTHING })
const ROOT: RequestNeeds = Object.freeze({ from: 'root', ranges: NOTHING, leases: NOTHING })

export function requestNeeds(asked: AskedRequest): RequestNeeds {
  switch (asked.kind) {
    case 'range':
    case 'watch':
      return keys([read(asked.request)])
    case 'put':
      return needsOf((needs) => needs.put(asked.request))
    case 'deleteRange':
      return needsOf((needs) => needs.deleteRange(asked.request))
    case 'txn':
      return needsOf((needs) => needs.txn(asked.request))
    case 'leaseRevoke':
    case 'leaseKeepAlive':
      return keysOfLeases([asked.leaseId], true)
    case 'leaseKeys':
      return keysOfLeases([asked.leaseId], false)
    case 'leaseList':
      return keysOfLeases(asked.leaseIds, false)
    case 'anybody':
      return ANYBODY
    case 'user':
      return USER
    case 'root':
      return ROOT
  }
}

function keys(ranges: readonly RangeNeed[]): RequestNeeds {
  return { from: 'keys', ranges, leases: NOTHING }
}

function keysOfLeases(ids: readonly bigint[], write: boolean): RequestNeeds {
  return { from: 'known user', ranges: NOTHING, leases: ids.map((leaseId) => ({ leaseId, write })) }
}

function read({ key, range_end }: { readonly key: Bytes; readonly range_end: Bytes }): RangeNeed {
  return { key, rangeEnd: range_end, write: false }
}

function needsOf(collect: (needs: NeedsCollector) => void): RequestNeeds {
  const needs = new NeedsCollector()
  collect(needs)
  return { from: 'keys', ranges: needs.ranges, leases: needs.leases }
}

class NeedsCollector {
  readonly ranges: RangeNeed[] = []
  readonly leases: LeaseNeed[] = []

  /**
   * Who may not write all that hangs on a lease may not revoke it either, and so must not make the lease hold more.
   * The value that was there before is read.
   */
  put({ key, lease, prev_kv }: AskedPut): void {
    this.ranges.push({ key, rangeEnd: EMPTY_BYTES, write: true })
    if (lease !== 0n) this.leases.push({ leaseId: lease, write: true })
    if (prev_kv) this.ranges.push({ key, rangeEnd: EMPTY_BYTES, write: false })
  }

  deleteRange(request: DeleteRangeRequest): void {
    this.ranges.push({ ...read(request), write: true })
    if (request.prev_kv) this.ranges.push(read(request))
  }

  /** Both branches, whichever is taken: which one that is would tell about keys that are compared. */
  txn({ compare, success, failure }: TxnRequest): void {
    for (const one of compare) this.#compare(one)
    for (const op of success) this.#operation(op)
    for (const op of failure) this.#operation(op)
  }

  #compare(compare: Compare): void {
    this.ranges.push(read(compare))
  }

  #operation(op: RequestOp): void {
    if (op.request_range !== undefined) this.ranges.push(read(op.request_range))
    else if (op.request_put !== undefined) this.put(op.request_put)
    else if (op.request_delete_range !== undefined) this.deleteRange(op.request_delete_range)
    else if (op.request_txn !== undefined) this.txn(op.request_txn)
  }
}

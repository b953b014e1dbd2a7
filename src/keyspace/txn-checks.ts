/**
 * What is wrong with a KV request that can be seen without looking at the store. A front refuses such requests; they
 * never enter the log. Each function returns an id of etcd-errors.ts, 0 when all is well.
 */

import {
  RangeRequestSortOrder,
  RangeRequestSortTarget,
  type Compare,
  type DeleteRangeRequest,
  type PutRequest,
  type RangeRequest,
  type RequestOp,
  type TxnRequest,
} from '../proto/generated/etcdserverpb.js'
import { etcdErrors } from '../proto/etcd-errors.js'
import { KEY_BYTES_MAX } from './key-range.js'
import { writesTwice } from './txn-intervals.js'

export function checkRangeRequest(request: RangeRequest): number {
  if (request.key.length === 0) return etcdErrors.emptyKey.id
  const knownOrder = request.sort_order >= RangeRequestSortOrder.NONE &&
    request.sort_order <= RangeRequestSortOrder.DESCEND
  const knownTarget = request.sort_target >= RangeRequestSortTarget.KEY &&
    request.sort_target <= RangeRequestSortTarget.VALUE
  return knownOrder && knownTarget ? 0 : etcdErrors.invalidSortOption.id
}

export function checkPutRequest(request: PutRequest): number {
  if (request.key.length === 0) return etcdErrors.emptyKey.id
  if (request.key.length > KEY_BYTES_MAX) return etcdErrors.requestTooLarge.id
  if (request.ignore_value && request.value.length > 0) return etcdErrors.valueProvided.id
  if (request.ignore_lease && request.lease !== 0n) return etcdErrors.leaseProvided.id
  return 0
}

export function checkDeleteRangeRequest(request: DeleteRangeRequest): number {
  return request.key.length === 0 ? etcdErrors.emptyKey.id : 0
}

/** `opsMax` is --max-txn-ops. */
export function checkTxnRequest(request: TxnRequest, opsMax: number): number {
  const error = checkNode(request, opsMax)
  if (error !== 0) return error
  return writesTwice(request.success) || writesTwice(request.failure) ? etcdErrors.duplicateKey.id : 0
}

/** A nested transaction may have what its parent left of the allowance. */
function checkNode(request: TxnRequest, opsMax: number): number {
  const { compare, success, failure } = request
  const ops = Math.max(compare.length, success.length, failure.length)
  if (ops > opsMax) return etcdErrors.tooManyOps.id
  if (compare.some(hasEmptyKey)) return etcdErrors.emptyKey.id
  for (const branch of [success, failure]) {
    for (const op of branch) {
      const error = checkOp(op, opsMax - ops)
      if (error !== 0) return error
    }
  }
  return 0
}

function hasEmptyKey(compare: Compare): boolean {
  return compare.key.length === 0
}

function checkOp(op: RequestOp, opsMax: number): number {
  if (op.request_range !== undefined) return checkRangeRequest(op.request_range)
  if (op.request_put !== undefined) return checkPutRequest(op.request_put)
  if (op.request_delete_range !== undefined) return checkDeleteRangeRequest(op.request_delete_range)
  if (op.request_txn !== undefined) return checkNode(op.request_txn, opsMax)
  // An operation that is none of these: etcd answers as for a missing key.
  return etcdErrors.keyNotFound.id
}

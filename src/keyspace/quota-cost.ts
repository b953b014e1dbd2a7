/** What a request counts for against the quota before anybody knows what it will take, as etcd has it. */

import type { RequestOp, TxnRequest } from '../proto/generated/etcdserverpb.js'

const KEY_VALUE_OVERHEAD_BYTES = 256

export const LEASE_COST_BYTES = 64

export function putCost(keyBytes: number, valueBytes: number): number {
  return KEY_VALUE_OVERHEAD_BYTES + keyBytes + valueBytes
}

/** Of the branch that costs more; 0 for a transaction that puts nothing. */
export function txnCost(request: TxnRequest): number {
  return Math.max(branchCost(request.success), branchCost(request.failure))
}

function branchCost(ops: readonly RequestOp[]): number {
  let cost = 0
  for (const { request_put: put, request_txn: txn } of ops) {
    if (put !== undefined) cost += putCost(put.key.length, put.value.length)
    else if (txn !== undefined) cost += txnCost(txn)
  }
  return cost
}

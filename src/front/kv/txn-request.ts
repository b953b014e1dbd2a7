/** What can be told of a transaction's request alone, and of the branches that mvcc says it took. */

import type { KeyspaceView } from '../../keyspace/keyspace-view.js'
import { choosePath, type TxnPath } from '../../keyspace/txn-path.js'
import { TxnSnapshotView } from '../../keyspace/txn-snapshot-view.js'
import type { TxnRequest } from '../../proto/generated/etcdserverpb.js'
import { NO_FLOOR } from '../requests/pending-request.js'

/** `applied` says in 64 bits which branches were taken; the path of a larger transaction is worked out again. */
const OUTCOME_NODES_MAX = 64

/** What mvcc said of a transaction. */
export interface TxnApplied {
  readonly revision: number
  readonly changed: boolean
  readonly outcomeLow: number
  readonly outcomeHigh: number
}

/** Direct operations only: a nested transaction goes through the log even if it only reads. */
export function isReadOnly(request: TxnRequest): boolean {
  const { success, failure } = request
  return success.every((op) => op.request_range !== undefined) && failure.every((op) => op.request_range !== undefined)
}

export function isSerializable(request: TxnRequest): boolean {
  const { success, failure } = request
  return (
    success.every((op) => op.request_range?.serializable === true) &&
    failure.every((op) => op.request_range?.serializable === true)
  )
}

/** The lowest revision that a range of the transaction asks for. */
export function lowestRevisionNamed(request: TxnRequest): number {
  let lowest = NO_FLOOR
  for (const op of [...request.success, ...request.failure]) {
    const revision = op.request_range?.revision ?? 0
    if (revision > 0) lowest = Math.min(lowest, revision)
    if (op.request_txn !== undefined) lowest = Math.min(lowest, lowestRevisionNamed(op.request_txn))
  }
  return lowest
}

/** For each node that ran whether its compares held. */
export function pathOf(request: TxnRequest, applied: TxnApplied, view: KeyspaceView): TxnPath {
  if (nodeCount(request) > OUTCOME_NODES_MAX) {
    const before = applied.changed ? applied.revision - 1 : applied.revision
    return choosePath(new TxnSnapshotView(view, before), request)
  }
  const path: boolean[] = []
  for (let node = 0; node < 32; node++) path.push(((applied.outcomeLow >>> node) & 1) === 1)
  for (let node = 0; node < 32; node++) path.push(((applied.outcomeHigh >>> node) & 1) === 1)
  return path
}

function nodeCount(request: TxnRequest): number {
  let count = 1
  for (const op of request.success) if (op.request_txn !== undefined) count += nodeCount(op.request_txn)
  for (const op of request.failure) if (op.request_txn !== undefined) count += nodeCount(op.request_txn)
  return count
}

/**
 * Which operations of a transaction run, and whether they may. All compares, those of nested transactions on the
 * chosen path included, see the state before the first operation; then everything that could fail is checked; only
 * then does anything change.
 */

import { compareBytes } from '../base/bytes.js'
import type {
  DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest,
} from '../proto/generated/etcdserverpb.js'
import { etcdErrors } from '../proto/etcd-errors.js'
import { holds } from './compare.js'
import type { TxnReadView } from './txn-read-view.js'

/** For each transaction node that runs, in the order they run, whether its compares held. */
export type TxnPath = readonly boolean[]

/** The node itself first, then the nested ones of its chosen branch, depth first in the order of operations. */
export function choosePath(view: TxnReadView, txn: TxnRequest): TxnPath {
  const path: boolean[] = []
  choose(view, txn, path)
  return path
}

function choose(view: TxnReadView, txn: TxnRequest, path: boolean[]): void {
  let succeeded = true
  for (const compare of txn.compare) {
    if (holds(view, compare)) continue
    succeeded = false
    break
  }
  path.push(succeeded)
  for (const op of branchOf(txn, succeeded)) {
    if (op.request_txn !== undefined) choose(view, op.request_txn, path)
  }
}

export function branchOf(txn: TxnRequest, succeeded: boolean): readonly RequestOp[] {
  return succeeded ? txn.success : txn.failure
}

/** What each operation of the chosen path does; nested transactions are walked, not handed out. */
export interface TxnVisitor {
  /** `succeeded` of a nested node, before its operations; the outermost node is not announced. */
  enter?(succeeded: boolean): void
  leave?(): void
  /** Anything but 0 ends the walk. */
  visit(op: RequestOp): number
}

/**
 * Calls the visitor for every operation of the path in the order they run. Returns the first result that is not 0.
 */
export function walkPath(txn: TxnRequest, path: TxnPath, visitor: TxnVisitor): number {
  return new PathWalk(path, visitor).node(txn)
}

class PathWalk {
  readonly #path: TxnPath
  readonly #visitor: TxnVisitor
  #next = 0

  constructor(path: TxnPath, visitor: TxnVisitor) {
    this.#path = path
    this.#visitor = visitor
  }

  node(txn: TxnRequest): number {
    const isNested = this.#next > 0
    const succeeded = this.#path[this.#next++] === true
    if (isNested) this.#visitor.enter?.(succeeded)
    for (const op of branchOf(txn, succeeded)) {
      const result = op.request_txn !== undefined
        ? this.node(op.request_txn)
        : this.#visitor.visit(op)
      if (result !== 0) return result
    }
    if (isNested) this.#visitor.leave?.()
    return 0
  }
}

/** The error that the chosen path meets before anything is written, 0 for none. */
export function checkPath(view: TxnReadView, txn: TxnRequest, path: TxnPath): number {
  const deletes: DeleteRangeRequest[] = []
  return walkPath(txn, path, {
    visit: (op) => {
      if (op.request_put !== undefined) {
        const error = checkPutAgainst(view, op.request_put)
        return error === 0 && keepsDeleted(op.request_put, deletes) ? etcdErrors.keyNotFound.id : error
      }
      if (op.request_range !== undefined) return checkRangeAgainst(view, op.request_range)
      if (op.request_delete_range !== undefined) deletes.push(op.request_delete_range)
      return 0
    },
  })
}

/**
 * A put that keeps value or lease of a key that the transaction has deleted by then. The check for keys written twice
 * does not see deletes up to the end of the key space; etcd ends its process here.
 */
function keepsDeleted(request: PutRequest, deletes: readonly DeleteRangeRequest[]): boolean {
  if (!request.ignore_value && !request.ignore_lease) return false
  return deletes.some(({ key, range_end }) => {
    const order = compareBytes(request.key, key)
    if (range_end.length === 0) return order === 0
    const isOpen = range_end.length === 1 && range_end[0] === 0
    return order >= 0 && (isOpen || compareBytes(request.key, range_end) < 0)
  })
}

/** Lease first, then the key that ignore_value and ignore_lease need. */
export function checkPutAgainst(view: TxnReadView, request: PutRequest): number {
  if (request.lease !== 0n && !view.hasLease(request.lease)) return etcdErrors.leaseNotFound.id
  const needsKey = request.ignore_value || request.ignore_lease
  if (needsKey && view.find(request.key) === undefined) return etcdErrors.keyNotFound.id
  return 0
}

/**
 * Inside a transaction a revision is compared as a number: a negative one may be above the initial compact revision
 * -1.
 */
export function checkRangeAgainst(view: TxnReadView, request: RangeRequest): number {
  if (request.revision === 0) return 0
  if (request.revision > view.currentRevision) return etcdErrors.futureRev.id
  if (request.revision < view.compactRevision) return etcdErrors.compacted.id
  return 0
}

/** The outcome bits of a path for the `applied` message: node n at bit n, the first 64 nodes. */
export function outcomeBits(path: TxnPath, from: 0 | 32): number {
  let bits = 0
  const end = Math.min(path.length, from + 32)
  for (let node = from; node < end; node++) if (path[node] === true) bits |= 1 << (node - from)
  return bits >>> 0
}

/**
 * The answer of a transaction, rebuilt from a snapshot: mvcc says only at which revision it took effect and which
 * branches it took. What an operation changed or saw follows from the revision records that the transaction left, in
 * their order; a range among its writes reads at the sub-revision it had reached.
 */

import { assert } from '../../base/assert.js'
import { compareBytes } from '../../base/bytes.js'
import { keyRange, type KeyRange } from '../../keyspace/key-range.js'
import { KeyRecord } from '../../keyspace/key-record.js'
import type { KeyspaceView } from '../../keyspace/keyspace-view.js'
import { branchOf, type TxnPath } from '../../keyspace/txn-path.js'
import type {
  DeleteRangeResponseInput,
  RangeRequest,
  RangeResponse,
  RequestOp,
  ResponseOpInput,
  TxnRequest,
  TxnResponseInput,
} from '../../proto/generated/etcdserverpb.js'
import { decodeRangeResponse } from '../../proto/generated/etcdserverpb.js'
import { decodeKeyValue, type KeyValue } from '../../proto/generated/mvccpb.js'
import { LAST_SUB, type RangeWriter } from './range-writer.js'
import type { HeaderFields } from '../requests/response-headers.js'

export interface TxnOutcome {
  readonly path: TxnPath
  /** The store's revision after the transaction. */
  readonly revision: number
  /** True if `revision` is the transaction's own. */
  readonly changed: boolean
}

/** `gone`: a leader's store has taken the place of the one that held what a range of the transaction has read. */
export type Unanswerable = 'tooLarge' | 'gone'

export class TxnAnswer {
  readonly #view: KeyspaceView
  readonly #outcome: TxnOutcome
  readonly #ranges: RangeWriter
  readonly #record = new KeyRecord()
  readonly #previous = new KeyRecord()
  #nextNode = 0
  /** Sub-revision of the next change. */
  #sub = 0

  constructor(view: KeyspaceView, outcome: TxnOutcome, ranges: RangeWriter) {
    this.#view = view
    this.#outcome = outcome
    this.#ranges = ranges
  }

  build(txn: TxnRequest, header: HeaderFields): TxnResponseInput | Unanswerable {
    const succeeded = this.#takeBranch()
    const responses = this.#operations(branchOf(txn, succeeded))
    if (isUnanswerable(responses)) return responses
    return { header, succeeded, responses }
  }

  #takeBranch(): boolean {
    const succeeded = this.#outcome.path[this.#nextNode++]
    assert(succeeded !== undefined, `transaction node ${this.#nextNode} has no outcome`)
    return succeeded
  }

  #operations(ops: readonly RequestOp[]): ResponseOpInput[] | Unanswerable {
    const responses: ResponseOpInput[] = []
    for (const op of ops) {
      const response = this.#operation(op)
      if (isUnanswerable(response)) return response
      responses.push(response)
    }
    return responses
  }

  #operation(op: RequestOp): ResponseOpInput | Unanswerable {
    if (op.request_put !== undefined) {
      const wantsPrevious = op.request_put.prev_kv
      return { response_put: { header: { revision: this.#outcome.revision }, prev_kv: this.#put(wantsPrevious) } }
    }
    if (op.request_delete_range !== undefined) {
      const { key, range_end, prev_kv } = op.request_delete_range
      return { response_delete_range: this.#deleteRange(keyRange(key, range_end), prev_kv) }
    }
    if (op.request_range !== undefined) {
      const range = this.#range(op.request_range)
      return isUnanswerable(range) ? range : { response_range: range }
    }
    assert(op.request_txn !== undefined, 'an operation is one of four kinds')
    const succeeded = this.#takeBranch()
    const responses = this.#operations(branchOf(op.request_txn, succeeded))
    // A nested response has a header, as etcd's has, with nothing in it.
    return isUnanswerable(responses) ? responses : { response_txn: { header: {}, succeeded, responses } }
  }

  #put(wantsPrevious: boolean): KeyValue | undefined {
    const sub = this.#sub++
    return wantsPrevious ? this.#previousOf(sub) : undefined
  }

  /** The changes of one delete follow each other, in key order, each a tombstone inside the range. */
  #deleteRange(range: KeyRange, wantsPrevious: boolean): DeleteRangeResponseInput {
    const prev_kvs: KeyValue[] = []
    let deleted = 0
    while (this.#isTombstoneIn(range, this.#sub)) {
      if (wantsPrevious) {
        const previous = this.#previousOf(this.#sub)
        if (previous !== undefined) prev_kvs.push(previous)
      }
      deleted++
      this.#sub++
    }
    return { header: { revision: this.#revisionSoFar() }, deleted, prev_kvs }
  }

  #isTombstoneIn(range: KeyRange, sub: number): boolean {
    const { changed, revision } = this.#outcome
    const record = this.#record
    if (!changed || !this.#view.revision(revision, sub, record) || !record.isTombstone) return false
    const key = record.key.view()
    if (compareBytes(key, range.from) < 0) return false
    if (range.single) return compareBytes(key, range.from) === 0
    return range.to === null || compareBytes(key, range.to) < 0
  }

  #previousOf(sub: number): KeyValue | undefined {
    const found = this.#view.revision(this.#outcome.revision, sub, this.#record)
    assert(found, `revision ${this.#outcome.revision}.${sub} is kept until its request is answered`)
    if (!this.#view.previous(this.#record, this.#previous)) return undefined
    const { kv } = this.#previous
    return decodeKeyValue(kv.bytes, kv.start, kv.end)
  }

  #range(request: RangeRequest): RangeResponse | Unanswerable {
    if (request.revision > 0 && request.revision < this.#view.removedBelow) return 'gone'
    const point = this.#pointOf(request)
    const outcome = this.#ranges.write(request, this.#view, point, this.#revisionSoFar())
    if (outcome === 'tooLarge') return 'tooLarge'
    const response = decodeRangeResponse(this.#ranges.bytes, 0, this.#ranges.length)
    const header = { cluster_id: 0n, member_id: 0n, revision: this.#revisionSoFar(), raft_term: 0 }
    return { ...response, header }
  }

  /** Before the first write the state is that of the revision before. */
  #pointOf(request: RangeRequest): { main: number; sub: number } {
    const { changed, revision } = this.#outcome
    if (request.revision > 0) return { main: request.revision, sub: LAST_SUB }
    if (!changed) return { main: revision, sub: LAST_SUB }
    return this.#sub > 0 ? { main: revision, sub: this.#sub - 1 } : { main: revision - 1, sub: LAST_SUB }
  }

  #revisionSoFar(): number {
    const { changed, revision } = this.#outcome
    return changed && this.#sub === 0 ? revision - 1 : revision
  }
}

function isUnanswerable(response: object | Unanswerable): response is Unanswerable {
  return typeof response === 'string'
}

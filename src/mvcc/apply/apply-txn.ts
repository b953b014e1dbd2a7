/**
 * Txn: compares first, then everything that could fail, then the operations in
 * order. After the checks nothing may fail any more.
 */

import { assert } from '../../base/assert.js'
import type { Bytes } from '../../base/bytes.js'
import { Slice } from '../../base/slice.js'
import { keyRange } from '../../keyspace/key-range.js'
import { KeyRecord } from '../../keyspace/key-record.js'
import { LATEST } from '../../keyspace/keyspace-view.js'
import { RecordAsLiveKey } from '../../keyspace/txn-live-key.js'
import { checkPath, choosePath, outcomeBits, walkPath, type TxnVisitor } from '../../keyspace/txn-path.js'
import type { LiveKey, TxnReadView } from '../../keyspace/txn-read-view.js'
import type { PutRequest, RequestOp, TxnRequest } from '../../proto/generated/etcdserverpb.js'
import type { KvApplier } from './apply-kv.js'
import type { ApplyTransaction } from './apply-transaction.js'
import type { BatchEntry } from './entry-batch.js'

export class TxnApplier implements TxnVisitor {
  readonly #transaction: ApplyTransaction
  readonly #kv: KvApplier
  readonly #view: TxnWriteView
  readonly #key = new Slice()
  readonly #value = new Slice()
  /** Operations of the transaction that is being applied. */
  #operations = 0

  constructor(transaction: ApplyTransaction, kv: KvApplier) {
    this.#transaction = transaction
    this.#kv = kv
    this.#view = new TxnWriteView(transaction)
  }

  /** Leaves the branches taken in the entry. Returns an error id, 0 for none. */
  apply(txn: TxnRequest, entry: BatchEntry): number {
    const path = choosePath(this.#view, txn)
    const error = checkPath(this.#view, txn, path)
    if (error !== 0) return error
    entry.outcomeLow = outcomeBits(path, 0)
    entry.outcomeHigh = outcomeBits(path, 32)
    this.#operations = 0
    walkPath(txn, path, this)
    if (this.#operations > 1) this.#transaction.tally.txns++
    return 0
  }

  /** Ranges change nothing: the front reads them from a snapshot. */
  visit(op: RequestOp): number {
    this.#operations++
    if (op.request_put !== undefined) {
      this.#put(op.request_put)
    } else if (op.request_delete_range !== undefined) {
      this.#kv.deleteKeys(keyRange(op.request_delete_range.key, op.request_delete_range.range_end))
    } else if (op.request_range !== undefined) {
      this.#transaction.tally.ranges++
    }
    return 0
  }

  #put(request: PutRequest): void {
    const key = this.#key.at(request.key, 0, request.key.length)
    const value = this.#value.at(request.value, 0, request.value.length)
    if (request.ignore_value || request.ignore_lease) {
      const { lease, ignore_value, ignore_lease } = request
      const error = this.#kv.putKeeping(key, value, lease, ignore_value, ignore_lease)
      assert(error === 0, 'a transaction that passed its checks meets no error')
    } else {
      this.#transaction.put(key, value, request.lease)
    }
  }
}

/** The open write transaction as compares and checks see it. */
class TxnWriteView implements TxnReadView {
  readonly #transaction: ApplyTransaction
  readonly #record = new KeyRecord()
  readonly #live = new RecordAsLiveKey()

  constructor(transaction: ApplyTransaction) {
    this.#transaction = transaction
  }

  get currentRevision(): number {
    return this.#transaction.revision
  }

  get compactRevision(): number {
    return this.#transaction.compactRevision
  }

  find(key: Bytes): LiveKey | undefined {
    const found = this.#transaction.view.get(key, 0, key.length, this.#record)
    return found ? this.#live.at(this.#record) : undefined
  }

  visitRange(key: Bytes, rangeEnd: Bytes, visit: (live: LiveKey) => boolean): void {
    this.#transaction.view.scan(keyRange(key, rangeEnd), LATEST, 0, (record) => visit(this.#live.at(record)))
  }

  hasLease(leaseId: bigint): boolean {
    return this.#transaction.view.hasLease(leaseId)
  }
}

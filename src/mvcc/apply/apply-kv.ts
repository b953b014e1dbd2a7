/**
 * Put, DeleteRange and Compaction. Each returns an id of etcd-errors.ts,
 * 0 for none.
 */

import { Slice } from '../../base/slice.js'
import type { KeyRange } from '../../keyspace/key-range.js'
import { KeyRecord } from '../../keyspace/key-record.js'
import { LATEST } from '../../keyspace/keyspace-view.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import type { DeleteRangeRequestView } from '../../proto/hot/delete-range-request-view.js'
import type { PutRequestView } from '../../proto/hot/put-request-view.js'
import type { ApplyTransaction } from './apply-transaction.js'

const EMPTY = new Slice()

export class KvApplier {
  readonly #transaction: ApplyTransaction
  readonly #key = new Slice()
  readonly #value = new Slice()
  readonly #record = new KeyRecord()

  constructor(transaction: ApplyTransaction) {
    this.#transaction = transaction
  }

  put(request: PutRequestView): number {
    const { bytes } = request
    const leaseId = (request.leaseHigh | request.leaseLow) === 0 ? 0n : request.leaseId()
    if (leaseId !== 0n && !this.#transaction.view.hasLease(leaseId)) return etcdErrors.leaseNotFound.id
    const key = this.#key.at(bytes, request.keyStart, request.keyEnd)
    const value = this.#value.at(bytes, request.valueStart, request.valueEnd)
    if (request.ignoreValue || request.ignoreLease) {
      return this.putKeeping(key, value, leaseId, request.ignoreValue, request.ignoreLease)
    }
    this.#transaction.put(key, value, leaseId)
    return 0
  }

  /** A put that takes value or lease from the key as it is. */
  putKeeping(key: Slice, value: Slice, leaseId: bigint, keepsValue: boolean, keepsLease: boolean): number {
    const record = this.#record
    if (!this.#transaction.view.get(key.bytes, key.start, key.end, record)) return etcdErrors.keyNotFound.id
    const lease = keepsLease ? record.leaseId() : leaseId
    // The record is a window on memory that the put itself uses.
    const kept = keepsValue ? ownSlice(record.value) : value
    this.#transaction.put(key, kept, lease)
    return 0
  }

  /** Returns the number of keys deleted. */
  deleteRange(request: DeleteRangeRequestView): number {
    this.#transaction.tally.deletes++
    const { bytes, keyStart, keyEnd, rangeEndStart, rangeEndEnd } = request
    const key = this.#key.at(bytes, keyStart, keyEnd)
    const endLength = rangeEndEnd - rangeEndStart
    if (endLength === 0) return this.#transaction.remove(key) ? 1 : 0
    const isOpen = endLength === 1 && bytes[rangeEndStart] === 0
    const to = isOpen ? null : bytes.slice(rangeEndStart, rangeEndEnd)
    return this.#deleteKeys({ from: key.copy(), to, single: false })
  }

  /** Removes every live key of the range, in key order. */
  deleteKeys(range: KeyRange): number {
    this.#transaction.tally.deletes++
    return this.#deleteKeys(range)
  }

  #deleteKeys(range: KeyRange): number {
    const { changes } = this.#transaction
    if (range.single) this.#transaction.remove(this.#key.at(range.from, 0, range.from.length))
    else this.#transaction.view.scan(range, LATEST, 0, this.#removeShown, true)
    return this.#transaction.changes - changes
  }

  /** Removes the keys that a lease holds, in key order. */
  deleteLeaseKeys(leaseId: bigint): void {
    const { changes, tally } = this.#transaction
    this.#transaction.view.leaseKeys(leaseId, this.#removeAttached)
    const removed = this.#transaction.changes - changes
    tally.deletes += removed
    if (removed > 1) tally.txns++
  }

  /** The logical part: from the next request on, older revisions cannot be asked for. */
  compact(revision: number): number {
    const transaction = this.#transaction
    if (revision <= transaction.compactRevision) return etcdErrors.compacted.id
    if (revision > transaction.revision) return etcdErrors.futureRev.id
    transaction.compactTo(revision)
    return 0
  }

  readonly #removeShown = (record: KeyRecord): boolean => this.#transaction.remove(record.key)
  readonly #removeAttached = (key: Slice): boolean => this.#transaction.remove(key)
}

function ownSlice(source: Slice): Slice {
  return source.length === 0 ? EMPTY : new Slice().at(source.copy(), 0, source.length)
}

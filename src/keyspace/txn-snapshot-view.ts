/**
 * What a transaction sees of a snapshot at one revision: for read-only transactions, and for telling later which
 * branches one took.
 */

import type { Bytes } from '../base/bytes.js'
import { keyRange } from './key-range.js'
import type { KeyspaceView } from './keyspace-view.js'
import { RecordAsLiveKey } from './txn-live-key.js'
import type { LiveKey, TxnReadView } from './txn-read-view.js'

const LAST_SUB = 0xffff_ffff

export class TxnSnapshotView implements TxnReadView {
  readonly #view: KeyspaceView
  readonly #main: number
  readonly #live = new RecordAsLiveKey()

  /** `main` is the revision to read at. */
  constructor(view: KeyspaceView, main: number) {
    this.#view = view
    this.#main = main
  }

  get currentRevision(): number {
    return this.#main
  }

  get compactRevision(): number {
    return this.#view.compactRevision
  }

  find(key: Bytes): LiveKey | undefined {
    const found = this.#view.getAt(key, 0, key.length, this.#main, LAST_SUB, this.#live.record)
    return found ? this.#live : undefined
  }

  visitRange(key: Bytes, rangeEnd: Bytes, visit: (live: LiveKey) => boolean): void {
    this.#view.scan(keyRange(key, rangeEnd), this.#main, LAST_SUB, (record) => visit(this.#live.at(record)))
  }

  hasLease(leaseId: bigint): boolean {
    return this.#view.hasLease(leaseId)
  }
}

/**
 * The key space as a reader sees it: over a read snapshot on any thread, or over the open write transaction of mvcc.
 */

import { utf8, type Bytes } from '../base/bytes.js'
import { Slice } from '../base/slice.js'
import { TABLE, type StoreView } from '../store/store.js'
import type { KeyRange } from './key-range.js'
import { KeyRecord } from './key-record.js'
import { History } from './tables/history.js'
import { MergedKeyCursor, type KeyCursor } from './tables/key-cursor.js'
import { KeyspaceMeta } from './tables/keyspace-meta.js'
import { LeaseTables, type Lease } from './tables/lease-tables.js'
import { OrderedTable, isBelow } from './tables/ordered-table.js'
import { REVISION_KEY_BYTES, compareRevisions, writeRevisionKey } from './tables/revision-row.js'

export type { Lease }

/** As a revision to read at: now. */
export const LATEST = Number.MAX_SAFE_INTEGER

const LAST_SUB = 0xffff_ffff

const CONF_STATE_KEY = utf8('confState')

export class KeyspaceView {
  readonly #meta: KeyspaceMeta
  readonly #latest: OrderedTable
  readonly #deleted: OrderedTable
  readonly #leases: LeaseTables
  readonly #history: History
  readonly #row = new Slice()
  readonly #revisionKey = new Uint8Array(REVISION_KEY_BYTES)
  /** One per scan that is under way, because a visit may scan again. */
  readonly #scanRecords: KeyRecord[] = []
  #scans = 0
  #view: StoreView
  /** True over a write transaction: there may be revisions above the current one. */
  readonly #isOpenEnded: boolean

  /** `meta` is a writer's: its view shares the facts that the transaction is about to write. */
  constructor(view: StoreView, meta?: KeyspaceMeta) {
    this.#view = view
    this.#isOpenEnded = meta !== undefined
    this.#meta = meta ?? new KeyspaceMeta()
    this.#latest = new OrderedTable(TABLE.latest, TABLE.latestLong, this.#meta)
    this.#deleted = new OrderedTable(TABLE.deleted, TABLE.deletedLong, this.#meta)
    this.#leases = new LeaseTables(this.#meta)
    this.#history = new History(view)
    this.reset(view)
  }

  /** Points this object at another snapshot, and reads the facts of `meta` from it. */
  reset(view: StoreView): this {
    this.#view = view
    this.#history.reset(view)
    this.#meta.read(view)
    return this
  }

  get currentRevision(): number {
    return this.#meta.currentRevision
  }

  /** -1: never compacted. */
  get compactRevision(): number {
    return this.#meta.compactRevision
  }

  /** What no read needs up to here is removed; -1 before the first compaction was done. */
  get compactedRevision(): number {
    return this.#meta.compactedMain
  }

  /**
   * Reads below this revision, or in the middle of it, may miss rows, and what its changes superseded may be gone: who
   * goes on reading at a compacted revision checks this in each snapshot. This member's own physical compaction stays
   * below what is being read; a leader's store does not know of it.
   */
  get removedBelow(): number {
    return this.#meta.compactTarget
  }

  /** Keys that exist now. */
  get liveKeys(): number {
    return this.#meta.liveKeys
  }

  get appliedIndex(): number {
    return this.#meta.appliedIndex
  }

  get appliedTerm(): number {
    return this.#meta.appliedTerm
  }

  get leaseClockMs(): number {
    return this.#meta.leaseClockMs
  }

  /** A copy of the encoded raftpb.ConfState, null before the first configuration. */
  confState(): Bytes | null {
    const found = this.#view.get(TABLE.meta, CONF_STATE_KEY, 0, CONF_STATE_KEY.length, this.#row)
    return found ? this.#row.copy() : null
  }

  /** The live key, now. */
  get(key: Bytes, start: number, end: number, into: KeyRecord): boolean {
    if (!this.#latest.get(this.#view, key, start, end, this.#row)) return false
    into.readRow(this.#row)
    return this.#history.readWhole(into)
  }

  /** The newest revision of the key at or before (main, sub), if the key was live then. */
  getAt(key: Bytes, start: number, end: number, main: number, sub: number, into: KeyRecord): boolean {
    if (!this.#latest.get(this.#view, key, start, end, this.#row)) {
      if (this.#isNow(main, sub) || this.#meta.deletedKeys === 0) return false
      if (!this.#deleted.get(this.#view, key, start, end, this.#row)) return false
    }
    into.readRow(this.#row)
    return this.#history.moveBack(into, main, sub) && this.#history.readWhole(into)
  }

  /** Exactly this revision, tombstones too; false if there is none or it is compacted away. */
  revision(main: number, sub: number, into: KeyRecord): boolean {
    return this.#history.read(main, sub, into) && this.#history.readWhole(into)
  }

  /** What `record` superseded, if that was live and is still there. `into` may be `record` itself. */
  previous(record: KeyRecord, into: KeyRecord): boolean {
    return record.hasPrevious && this.revision(record.previousMain, record.previousSub, into)
  }

  /**
   * Live keys of the range in key order at (main, sub); main LATEST for now. `visit` returns false to stop; it may read
   * other keys, and on a writer's view it may put or remove the key that it was shown, and no other. With `keysOnly`
   * large values are not read: the record's value may then be empty, everything else is whole.
   *
   * The cost: every key of the range that is live now or whose deletion is retained is looked at once, and one whose
   * newest revision is too new costs the look-ups of its chain (tables/history.ts), about 2 log2 of the revisions in
   * between.
   */
  scan(
    range: KeyRange, main: number, sub: number, visit: (record: KeyRecord) => boolean, keysOnly = false,
  ): void {
    const record = this.#scanRecords[this.#scans] ?? new KeyRecord()
    this.#scanRecords[this.#scans++] = record
    try {
      if (range.single) {
        if (this.getAt(range.from, 0, range.from.length, main, sub, record)) visit(record)
      } else {
        this.#walk(range, main, sub, visit, keysOnly, record)
      }
    } finally {
      this.#scans--
    }
  }

  count(range: KeyRange, main: number, sub: number): number {
    if (this.#isNow(main, sub) && !range.single) {
      const all = range.from.length === 0 && range.to === null
      return all ? this.#meta.liveKeys : this.#latest.count(this.#view, range.from, range.to)
    }
    let count = 0
    const add = (): boolean => {
      count++
      return true
    }
    this.scan(range, main, sub, add, true)
    return count
  }

  /** Revision records from (main, sub) on, in revision order, tombstones too. */
  scanRevisions(fromMain: number, fromSub: number, visit: (record: KeyRecord) => boolean): void {
    writeRevisionKey(this.#revisionKey, fromMain, fromSub)
    const record = new KeyRecord()
    const cursor = this.#view.openCursor(TABLE.revisions)
    for (let found = cursor.seek(this.#revisionKey, 0, REVISION_KEY_BYTES); found; found = cursor.next()) {
      record.readRow(cursor.value)
      if (this.#history.readWhole(record) && !visit(record)) break
    }
    cursor.close()
  }

  hasLease(leaseId: bigint): boolean {
    return this.#leases.has(this.#view, leaseId)
  }

  lease(leaseId: bigint): Lease | undefined {
    return this.#leases.get(this.#view, leaseId)
  }

  /** All leases, in the order of their ids as unsigned numbers. */
  leases(visit: (leaseId: bigint, lease: Lease) => boolean): void {
    this.#leases.visit(this.#view, visit)
  }

  /** The keys attached to a lease, in key order. On a writer's view `visit` may remove the key that it was shown. */
  leaseKeys(leaseId: bigint, visit: (key: Slice) => boolean): void {
    this.#leases.visitKeys(this.#view, leaseId, visit)
  }

  #walk(
    range: KeyRange, main: number, sub: number, visit: (record: KeyRecord) => boolean, keysOnly: boolean,
    record: KeyRecord,
  ): void {
    const isNow = this.#isNow(main, sub)
    const { from, to } = range
    const cursor = isNow || this.#meta.deletedKeys === 0
      ? this.#latest.openCursor(this.#view)
      : this.#openHeads()
    for (let found = cursor.seek(from, 0, from.length); found; found = cursor.next()) {
      if (to !== null && !isBelow(cursor.key, to)) break
      record.readRow(cursor.value)
      if (!isNow && !this.#history.moveBack(record, main, sub)) continue
      if (!keysOnly && record.isStub && !this.#history.readWhole(record)) continue
      if (!visit(record)) break
    }
    cursor.close()
  }

  /** The newest revision of every key that has one, tombstones too. A key stands in one of the two tables. */
  #openHeads(): KeyCursor {
    return new MergedKeyCursor(this.#latest.openCursor(this.#view), this.#deleted.openCursor(this.#view))
  }

  /** True if no stored revision is above (main, sub). */
  #isNow(main: number, sub: number): boolean {
    if (main === LATEST) return true
    if (this.#isOpenEnded) return false
    return compareRevisions(main, sub, this.#meta.currentRevision, LAST_SUB) >= 0
  }
}

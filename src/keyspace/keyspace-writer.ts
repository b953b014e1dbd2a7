/**
 * The writing side of the key space: lives as long as the mvcc actor and works inside one write transaction at a time.
 * All of its state is read again at `begin`, so a transaction that could not commit leaves nothing behind.
 */

import { assert } from '../base/assert.js'
import { utf8, type Bytes } from '../base/bytes.js'
import { Slice } from '../base/slice.js'
import { TABLE, type WriteTransaction } from '../store/store.js'
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from './key-range.js'
import { KeyRecord } from './key-record.js'
import { KeyspaceView } from './keyspace-view.js'
import { Compaction, type CompactProgress } from './tables/compaction.js'
import { History } from './tables/history.js'
import { KeyspaceMeta } from './tables/keyspace-meta.js'
import { LargeValues } from './tables/large-values.js'
import { LeaseTables, type Lease } from './tables/lease-tables.js'
import { OrderedTable } from './tables/ordered-table.js'
import {
  FORM_IN_VALUES,
  FORM_WHOLE,
  REVISION_KEY_BYTES,
  ROW_OVERHEAD_BYTES_MAX,
  RowBuilder,
  STEM_BYTES,
  formOf,
  writeRevisionKey,
} from './tables/revision-row.js'

export type { CompactProgress }

const CONF_STATE_KEY = utf8('confState')

interface RevisionOrigin {
  readonly createRevision: number
  readonly version: number
}

export interface RestoredRevision extends RevisionOrigin {
  readonly key: Slice
  readonly value: Slice
  readonly isTombstone: boolean
  readonly main: number
  readonly sub: number
  readonly leaseId: bigint
}

export class KeyspaceWriter {
  readonly #meta = new KeyspaceMeta()
  readonly #latest = new OrderedTable(TABLE.latest, TABLE.latestLong, this.#meta)
  readonly #deleted = new OrderedTable(TABLE.deleted, TABLE.deletedLong, this.#meta)
  readonly #leases = new LeaseTables(this.#meta)
  readonly #compaction = new Compaction(this.#meta, this.#deleted)
  readonly #builder = new RowBuilder()
  readonly #previous = new KeyRecord()
  readonly #linked = new KeyRecord()
  readonly #row = new Slice()
  readonly #large = new LargeValues()
  readonly #record = new Slice()
  readonly #revisionKey = new Uint8Array(REVISION_KEY_BYTES)
  readonly #stableKey = new Slice()
  readonly #stableValue = new Slice()
  #transaction: WriteTransaction | null = null
  #history: History | null = null
  /** Of the revision that `restore` puts. */
  #origin: RevisionOrigin | null = null
  #view: KeyspaceView | null = null

  /** Over the same transaction: sees the writer's own writes. */
  get view(): KeyspaceView {
    assert(this.#view !== null, 'the writer has not begun')
    return this.#view
  }

  begin(transaction: WriteTransaction): void {
    this.#transaction = transaction
    if (this.#view === null || this.#history === null) {
      this.#view = new KeyspaceView(transaction, this.#meta)
      this.#history = new History(transaction)
    } else {
      this.#view.reset(transaction)
      this.#history.reset(transaction)
    }
  }

  /** Writes the meta row. Must be called before the transaction's work returns. */
  finish(): void {
    this.#meta.write(this.#open())
    this.#transaction = null
  }

  /**
   * Stores a new revision of a key and moves its lease attachment. Returns the record's bytes for the event log: a
   * window, valid until the next call. The revision must be above every stored one; the caller advances
   * `setCurrentRevision` itself.
   */
  put(key: Slice, value: Slice, leaseId: bigint, main: number, sub: number): Slice {
    const transaction = this.#open()
    const source = this.#takeOut(key, this.#stableKey)
    const content = this.#takeOut(value, this.#stableValue)
    const { bytes, start, end } = source
    const row = this.#builder
    row.modRevision = main
    row.sub = sub
    row.leaseId = leaseId
    const isLive = this.#latest.get(transaction, bytes, start, end, this.#row)
    let previousLease = 0n
    if (isLive) previousLease = this.#followLive(row)
    else this.#followNothing(transaction, source, row)
    if (this.#origin !== null) this.#takeOrigin(row, this.#origin)
    this.#store(transaction, source, content, isLive)
    this.fold(row.createRevision, row.version)
    if (leaseId !== previousLease) {
      if (previousLease !== 0n) this.#detach(transaction, previousLease, source)
      if (leaseId !== 0n) this.#leases.attach(transaction, leaseId, source)
    }
    return this.#record
  }

  /** As `put` for a deletion; null when there is no such live key. */
  remove(key: Slice, main: number, sub: number): Slice | null {
    const transaction = this.#open()
    const source = this.#takeOut(key, this.#stableKey)
    if (!this.#latest.get(transaction, source.bytes, source.start, source.end, this.#row)) return null
    const row = this.#builder
    row.modRevision = main
    row.sub = sub
    const lease = this.#followLive(row)
    const target = transaction.valueBuffer(source.length + ROW_OVERHEAD_BYTES_MAX)
    const end = row.buildTombstone(target, source)
    writeRevisionKey(this.#revisionKey, main, sub)
    transaction.appendBuffer(TABLE.revisions, this.#revisionKey, 0, REVISION_KEY_BYTES, 0, end)
    const removed = this.#latest.remove(transaction, source)
    assert(removed, 'a live key vanished')
    this.#deleted.put(transaction, source, 0, end, true)
    this.#meta.liveKeys--
    this.#meta.deletedKeys++
    this.fold(main, -1)
    if (lease !== 0n) this.#detach(transaction, lease, source)
    return this.#record.at(target, STEM_BYTES, end)
  }

  /**
   * Stores a revision as another server had it. What it superseded may have been compacted there, so its place in the
   * key's life comes with it, and a deletion may be all that is left of a key. Revisions come in order.
   */
  restore({ key, value, isTombstone, main, sub, createRevision, version, leaseId }: RestoredRevision): void {
    if (isTombstone) {
      if (this.remove(key, main, sub) === null) this.#restoreDeletion(key, main, sub)
      return
    }
    this.#origin = { createRevision, version }
    this.put(key, value, leaseId, main, sub)
    this.#origin = null
  }

  /** The compaction that another server had scheduled, and the one that it had finished; -1 for none. */
  restoreCompaction(scheduled: number, finished: number): void {
    const meta = this.#meta
    assert(meta.compactRevision === -1 && finished <= scheduled, 'a compaction is restored once')
    meta.compactRevision = scheduled
    meta.compactedMain = finished
    meta.compactTarget = finished
    meta.compactMain = Math.max(finished, 0)
    meta.compactSub = 0
  }

  /** Also replaces what is stored of a lease. */
  grantLease(leaseId: bigint, lease: Lease): void {
    this.#leases.put(this.#open(), leaseId, lease)
  }

  /** False when there is no such lease. */
  touchLease(leaseId: bigint, renewedClockMs: number): boolean {
    const transaction = this.#open()
    const lease = this.#leases.get(transaction, leaseId)
    if (lease === undefined) return false
    this.#leases.put(transaction, leaseId, { ...lease, renewedClockMs })
    return true
  }

  /** Its keys must have been removed before. False when there is no such lease. */
  removeLease(leaseId: bigint): boolean {
    const transaction = this.#open()
    this.#leases.visitKeys(transaction, leaseId, () => {
      assert(false, 'a lease was removed while keys are attached to it')
    })
    return this.#leases.remove(transaction, leaseId)
  }

  /** Unsigned. */
  get stateHash(): number {
    return this.#meta.stateHash >>> 0
  }

  /** Folds what was done into the state's hash; numbers count by their low 32 bits. */
  fold(a: number, b: number): void {
    const meta = this.#meta
    if (meta.stateHash === 0) return
    let hash = Math.imul(meta.stateHash ^ (a | 0), 0x9e37_79b1)
    hash = Math.imul(hash ^ (hash >>> 15) ^ (b | 0), 0x85eb_ca6b)
    // Never 0, which stands for a hash that is not known.
    meta.stateHash = (hash ^ (hash >>> 13)) || 1
  }

  /** The store begins with another server's data. */
  forgetStateHash(): void {
    this.#meta.stateHash = 0
  }

  setApplied(index: number, term: number): void {
    assert(index >= this.#meta.appliedIndex, 'the applied index went back')
    this.#meta.appliedIndex = index
    this.#meta.appliedTerm = term
  }

  setCurrentRevision(main: number): void {
    assert(main >= this.#meta.currentRevision, 'the current revision went back')
    this.#meta.currentRevision = main
  }

  setCompactRevision(main: number): void {
    assert(main > this.#meta.compactRevision && main <= this.#meta.currentRevision, 'compact revision out of order')
    this.#meta.compactRevision = main
  }

  setLeaseClock(ms: number): void {
    this.#meta.leaseClockMs = ms
  }

  setConfState(encoded: Bytes): void {
    this.#open().put(TABLE.meta, CONF_STATE_KEY, 0, CONF_STATE_KEY.length, encoded, 0, encoded.length)
  }

  /**
   * Removes what no retained read needs, looking at no more than `rowsMax` rows; where it stands is kept in the store,
   * so a restart goes on. `toMain` is the compact revision; `keepFloorMain` the oldest revision that a reader still
   * uses, or LATEST.
   */
  compactSlice(toMain: number, rowsMax: number, keepFloorMain: number): CompactProgress {
    assert(toMain <= this.#meta.compactRevision, 'compaction above the compact revision')
    return this.#compaction.slice(this.#open(), toMain, rowsMax, keepFloorMain)
  }

  #takeOrigin(row: RowBuilder, { createRevision, version }: RevisionOrigin): void {
    row.createRevision = createRevision
    row.version = version
    row.hasPrevious = version > 1
  }

  /** A deletion whose key has no older revision any more. */
  #restoreDeletion(key: Slice, main: number, sub: number): void {
    const transaction = this.#open()
    const row = this.#builder
    const { bytes, start, end } = key
    const isKnown = this.#deleted.get(transaction, bytes, start, end, this.#row)
    row.modRevision = main
    row.sub = sub
    if (isKnown) this.#linkTo(this.#previous.readRow(this.#row), row)
    else row.linkToNothing()
    const target = transaction.valueBuffer(key.length + ROW_OVERHEAD_BYTES_MAX)
    const rowEnd = row.buildTombstone(target, key)
    writeRevisionKey(this.#revisionKey, main, sub)
    transaction.appendBuffer(TABLE.revisions, this.#revisionKey, 0, REVISION_KEY_BYTES, 0, rowEnd)
    this.#deleted.put(transaction, key, 0, rowEnd, !isKnown)
    if (!isKnown) this.#meta.deletedKeys++
  }

  #open(): WriteTransaction {
    assert(this.#transaction !== null, 'write outside begin and finish')
    return this.#transaction
  }

  /** The new revision follows the live one in `#row`; returns the lease that this one held. */
  #followLive(row: RowBuilder): bigint {
    const previous = this.#previous.readRow(this.#row)
    const lease = previous.leaseId()
    row.createRevision = previous.createRevision
    row.version = previous.version + 1
    row.hasPrevious = true
    this.#linkTo(previous, row)
    return lease
  }

  #followNothing(transaction: WriteTransaction, key: Slice, row: RowBuilder): void {
    row.createRevision = row.modRevision
    row.version = 1
    row.hasPrevious = false
    const { bytes, start, end } = key
    if (this.#meta.deletedKeys > 0 && this.#deleted.get(transaction, bytes, start, end, this.#row)) {
      this.#linkTo(this.#previous.readRow(this.#row), row)
      this.#deleted.remove(transaction, key)
      this.#meta.deletedKeys--
    } else {
      row.linkToNothing()
    }
  }

  #linkTo(previous: KeyRecord, row: RowBuilder): void {
    const history = this.#history as History
    history.link(previous, this.#meta.compactRevision, row, this.#linked)
  }

  /** Writes the revision's row, the key's newest row, and the value's own where it is large. */
  #store(transaction: WriteTransaction, key: Slice, value: Slice, isLive: boolean): void {
    const row = this.#builder
    const valueBytes = value.end - value.start
    const form = formOf(valueBytes)
    const keyBytes = key.end - key.start
    assert(keyBytes > 0 && keyBytes <= KEY_BYTES_MAX && valueBytes <= VALUE_BYTES_MAX, 'key or value out of bounds')
    const room = keyBytes + valueBytes + ROW_OVERHEAD_BYTES_MAX
    const target = transaction.valueBuffer(form === FORM_WHOLE ? room : room + keyBytes + ROW_OVERHEAD_BYTES_MAX)
    const end = row.buildPut(target, key, value, FORM_WHOLE)
    writeRevisionKey(this.#revisionKey, row.modRevision, row.sub)
    let from = 0
    let to = end
    if (form !== FORM_WHOLE) {
      to = row.buildStub(target, end, form)
      from = row.stubStart
    }
    if (form === FORM_IN_VALUES) {
      this.#large.append(transaction, row.modRevision, row.sub, STEM_BYTES, end)
      transaction.appendBuffer(TABLE.revisions, this.#revisionKey, 0, REVISION_KEY_BYTES, from, to)
    } else {
      transaction.appendBuffer(TABLE.revisions, this.#revisionKey, 0, REVISION_KEY_BYTES, 0, end)
    }
    this.#latest.put(transaction, key, from, to, !isLive)
    if (!isLive) this.#meta.liveKeys++
    this.#record.at(target, STEM_BYTES, end)
  }

  #detach(transaction: WriteTransaction, leaseId: bigint, key: Slice): void {
    const detached = this.#leases.detach(transaction, leaseId, key)
    assert(detached, 'a key was not attached to its lease')
  }

  /** What a view handed out lies in memory that the next look-up overwrites: such bytes are copied first. */
  #takeOut(source: Slice, copy: Slice): Slice {
    if (source.bytes !== this.#open().valueMemory) return source
    return copy.at(source.copy(), 0, source.length)
  }
}

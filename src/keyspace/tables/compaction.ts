/**
 * Physical removal of revisions that no retained read needs, in slices.
 *
 * Every row of `revisions` up to the target is looked at once: what it superseded goes, and a deletion goes itself
 * unless it is of the target revision, where a watcher may still start. What remains of each key is its newest revision
 * at or below the target. The next compaction begins at the old target, because a deletion kept there is due then.
 */

import { assert } from '../../base/assert.js'
import { Slice } from '../../base/slice.js'
import { TABLE, type WriteTransaction } from '../../store/store.js'
import { KeyRecord } from '../key-record.js'
import type { KeyspaceMeta } from './keyspace-meta.js'
import { LargeValues } from './large-values.js'
import type { OrderedTable } from './ordered-table.js'
import { PREVIOUS_IN_VALUES, REVISION_KEY_BYTES, writeRevisionKey } from './revision-row.js'

export interface CompactProgress {
  /** The next main revision to look at. */
  readonly nextMain: number
  /** True when everything up to `toMain` is done; false also while a reader's floor holds it back. */
  readonly done: boolean
  /** Rows removed by this call. */
  readonly removed: number
}

/** What one look at a row found to remove. */
interface Finding {
  main: number
  sub: number
  isLarge: boolean
  isTombstone: boolean
}

export class Compaction {
  readonly #meta: KeyspaceMeta
  readonly #deleted: OrderedTable
  readonly #findings: Finding[] = []
  #findingCount = 0
  readonly #record = new KeyRecord()
  readonly #head = new KeyRecord()
  readonly #row = new Slice()
  readonly #keyCopy = new Slice()
  readonly #large = new LargeValues()
  readonly #revisionKey = new Uint8Array(REVISION_KEY_BYTES)

  constructor(meta: KeyspaceMeta, deleted: OrderedTable) {
    this.#meta = meta
    this.#deleted = deleted
  }

  slice(transaction: WriteTransaction, toMain: number, rowsMax: number, keepFloorMain: number): CompactProgress {
    const meta = this.#meta
    const target = Math.min(toMain, keepFloorMain)
    if (target <= meta.compactedMain || target < meta.compactTarget) {
      return { nextMain: meta.compactMain, done: meta.compactedMain >= toMain, removed: 0 }
    }
    this.#aim(target)
    const finished = this.#look(transaction, target, rowsMax)
    const removed = this.#removeFindings(transaction)
    if (finished) {
      meta.compactedMain = target
      meta.compactMain = target
      meta.compactSub = 0
    }
    return { nextMain: meta.compactMain, done: finished && target >= toMain, removed }
  }

  /** A target that moves on while its own rows are looked at has kept deletions there that are due now. */
  #aim(target: number): void {
    const meta = this.#meta
    if (target === meta.compactTarget) return
    if (meta.compactMain === meta.compactTarget) meta.compactSub = 0
    meta.compactTarget = target
  }

  /** Removal comes after looking, so that the cursor keeps its place. True when the target's last row was seen. */
  #look(transaction: WriteTransaction, target: number, rowsMax: number): boolean {
    assert(rowsMax > 0, 'a slice of compaction without rows')
    const meta = this.#meta
    const record = this.#record
    this.#findingCount = 0
    writeRevisionKey(this.#revisionKey, meta.compactMain, meta.compactSub)
    const cursor = transaction.openCursor(TABLE.revisions)
    let found = cursor.seek(this.#revisionKey, 0, REVISION_KEY_BYTES)
    for (let rows = 0; found; rows++) {
      record.readRow(cursor.value)
      if (record.modRevision > target) break
      meta.compactMain = record.modRevision
      meta.compactSub = record.modSub
      if (rows === rowsMax) {
        cursor.close()
        return false
      }
      if (record.previousMain !== 0) {
        this.#add(record.previousMain, record.previousSub, (record.form & PREVIOUS_IN_VALUES) !== 0, false)
      }
      if (record.isTombstone && record.modRevision < target) {
        this.#add(record.modRevision, record.modSub, false, true)
      }
      found = cursor.next()
    }
    cursor.close()
    return true
  }

  #add(main: number, sub: number, isLarge: boolean, isTombstone: boolean): void {
    let finding = this.#findings[this.#findingCount]
    if (finding === undefined) {
      finding = { main: 0, sub: 0, isLarge: false, isTombstone: false }
      this.#findings.push(finding)
    }
    this.#findingCount++
    finding.main = main
    finding.sub = sub
    finding.isLarge = isLarge
    finding.isTombstone = isTombstone
  }

  #removeFindings(transaction: WriteTransaction): number {
    let removed = 0
    for (let i = 0; i < this.#findingCount; i++) {
      const finding = this.#findings[i] as Finding
      writeRevisionKey(this.#revisionKey, finding.main, finding.sub)
      if (finding.isTombstone) removed += this.#removeHead(transaction, finding)
      if (finding.isLarge) removed += this.#large.remove(transaction, finding.main, finding.sub)
      if (transaction.remove(TABLE.revisions, this.#revisionKey, 0, REVISION_KEY_BYTES)) removed++
    }
    return removed
  }

  /** If the key is still deleted by this tombstone, it is forgotten. */
  #removeHead(transaction: WriteTransaction, tombstone: Finding): number {
    const row = this.#row
    // Gone already if the deletion was superseded in the meantime and this slice came to that first.
    if (!transaction.get(TABLE.revisions, this.#revisionKey, 0, REVISION_KEY_BYTES, row)) return 0
    const { key } = this.#head.readRow(row)
    const copy = key.copy()
    if (!this.#deleted.get(transaction, copy, 0, copy.length, row)) return 0
    const { modRevision, modSub } = this.#head.readRow(row)
    if (modRevision !== tombstone.main || modSub !== tombstone.sub) return 0
    const removed = this.#deleted.remove(transaction, this.#keyCopy.at(copy, 0, copy.length))
    assert(removed, 'the row of a deleted key vanished')
    this.#meta.deletedKeys--
    return 1
  }
}

/**
 * A view of the store with its recent rows: of the tables that have any, a row is the newest slot's if that has a
 * version of it, else the older slot's, else the file's.
 */

import { assert } from '../../base/assert.js'
import { compareRanges, type Bytes } from '../../base/bytes.js'
import { copyRange } from '../../base/copy-into.js'
import { Slice } from '../../base/slice.js'
import { ROW_KEY_BYTES_MAX, TABLE, type StoreCursor, type StoreView, type Table } from '../store.js'
import type { RecentRows } from './recent-rows.js'

/** Larger than every stamp: what the writer itself sees. */
export const NEWEST = 0x7fff_ffff

/** More open cursors than this in one view is a leak. */
const CURSORS_MAX = 64

/** Tables whose rows are written in any order; the others have few, or grow at their end. */
export function isRecentTable(table: Table): boolean {
  return table === TABLE.latest || table === TABLE.deleted
}

export class RecentView implements StoreView {
  /** What the file says. */
  file: StoreView
  /** The slots in force, and up to which stamp of each this view sees. */
  newer: RecentRows | null = null
  newerStamp = NEWEST
  older: RecentRows | null = null
  olderStamp = NEWEST
  /** Counts writes to tables with recent rows, so that a cursor knows when it has to look for its place again. */
  changes = 0
  readonly #cursors: RecentCursor[] = []
  readonly #key = new Slice()

  constructor(file: StoreView) {
    this.file = file
  }

  get valueMemory(): Bytes | null {
    return this.file.valueMemory
  }

  get(table: Table, key: Bytes, start: number, end: number, value: Slice): boolean {
    if (this.newer !== null && isRecentTable(table)) {
      const version = versionOf(this.newer, this.newerStamp, table, key, start, end)
      if (version !== 0) return this.newer.read(version, value)
      if (this.older !== null) {
        const before = versionOf(this.older, this.olderStamp, table, key, start, end)
        if (before !== 0) return this.older.read(before, value)
      }
    }
    return this.file.get(table, key, start, end, value)
  }

  openCursor(table: Table, keysOnly = false): StoreCursor {
    if (this.newer === null || !isRecentTable(table)) return this.file.openCursor(table, keysOnly)
    for (const cursor of this.#cursors) if (cursor.reopen(table, keysOnly)) return cursor
    assert(this.#cursors.length < CURSORS_MAX, 'too many open cursors in one view')
    const cursor = new RecentCursor(this, table, keysOnly)
    this.#cursors.push(cursor)
    return cursor
  }

  /** The view is of another snapshot: cursors of the one before are gone with it. */
  dropCursors(): void {
    for (const cursor of this.#cursors) cursor.drop()
  }

  /** What recent rows add to the rows of the file, and take away. */
  countRows(table: Table, from: Bytes, to: Bytes): number {
    let count = this.file.countRows(table, from, to)
    if (this.newer === null || !isRecentTable(table)) return count
    const walk = new RecentWalk(this, table)
    const key = this.#key
    const cursor = this.file.openCursor(table, true)
    for (walk.seek(from, 0, from.length); walk.found; walk.next()) {
      walk.keyInto(key)
      if (to.length > 0 && compareRanges(key.bytes, key.start, key.end, to, 0, to.length) >= 0) break
      const isInFile = cursor.seek(key.bytes, key.start, key.end) && compareKeys(cursor.key, key) === 0
      if (isInFile === walk.isAbsent) count += isInFile ? -1 : 1
    }
    cursor.close()
    return count
  }
}

function versionOf(
  rows: RecentRows, stamp: number, table: Table, key: Bytes, start: number, end: number,
): number {
  const node = rows.find(table, key, start, end)
  return node === 0 ? 0 : rows.versionAt(node, stamp)
}

/** Goes over the recent rows of a view in key order, each once. */
class RecentWalk {
  readonly #newer: RecentRows | null
  readonly #newerStamp: number
  readonly #older: RecentRows | null
  readonly #olderStamp: number
  readonly #table: Table
  #newerNode = 0
  #newerVersion = 0
  #olderNode = 0
  #olderVersion = 0
  readonly #newerKey = new Slice()
  readonly #olderKey = new Slice()
  /** Below 0: the newer slot's row comes first; 0: both have it. */
  #order = 0

  constructor(view: RecentView, table: Table) {
    this.#newer = view.newer
    this.#newerStamp = view.newerStamp
    this.#older = view.older
    this.#olderStamp = view.olderStamp
    this.#table = table
  }

  /** Whether it goes over slots that are not in force for the view any more. */
  isPassed(view: RecentView): boolean {
    return this.#newer !== view.newer
  }

  get found(): boolean {
    return this.#newerNode !== 0 || this.#olderNode !== 0
  }

  get isAbsent(): boolean {
    return this.#order <= 0
      ? (this.#newer as RecentRows).isAbsent(this.#newerVersion)
      : (this.#older as RecentRows).isAbsent(this.#olderVersion)
  }

  keyInto(key: Slice): void {
    const { bytes, start, end } = this.#order <= 0 ? this.#newerKey : this.#olderKey
    key.at(bytes, start, end)
  }

  read(value: Slice): void {
    if (this.#order <= 0) (this.#newer as RecentRows).read(this.#newerVersion, value)
    else (this.#older as RecentRows).read(this.#olderVersion, value)
  }

  seek(key: Bytes, start: number, end: number): void {
    if (this.#newer === null) return
    this.#takeNewer(this.#newer, this.#newer.seek(this.#table, key, start, end))
    if (this.#older !== null) this.#takeOlder(this.#older, this.#older.seek(this.#table, key, start, end))
    this.#compare()
  }

  next(): void {
    const order = this.#order
    if (order <= 0 && this.#newer !== null) this.#takeNewer(this.#newer, this.#newer.next(this.#newerNode))
    if (order >= 0 && this.#older !== null) this.#takeOlder(this.#older, this.#older.next(this.#olderNode))
    this.#compare()
  }

  #takeNewer(rows: RecentRows, from: number): void {
    let node = from
    while (node !== 0) {
      if (rows.tableOf(node) !== this.#table) {
        node = 0
        break
      }
      this.#newerVersion = rows.versionAt(node, this.#newerStamp)
      if (this.#newerVersion !== 0) {
        rows.key(node, this.#newerKey)
        break
      }
      node = rows.next(node)
    }
    this.#newerNode = node
  }

  #takeOlder(rows: RecentRows, from: number): void {
    let node = from
    while (node !== 0) {
      if (rows.tableOf(node) !== this.#table) {
        node = 0
        break
      }
      this.#olderVersion = rows.versionAt(node, this.#olderStamp)
      if (this.#olderVersion !== 0) {
        rows.key(node, this.#olderKey)
        break
      }
      node = rows.next(node)
    }
    this.#olderNode = node
  }

  #compare(): void {
    if (this.#olderNode === 0) this.#order = -1
    else if (this.#newerNode === 0) this.#order = 1
    else this.#order = compareKeys(this.#newerKey, this.#olderKey)
  }
}

class RecentCursor implements StoreCursor {
  readonly key: Slice
  readonly value = new Slice()
  readonly #view: RecentView
  readonly #table: Table
  readonly #keysOnly: boolean
  readonly #keyCopy: Bytes = new Uint8Array(ROW_KEY_BYTES_MAX)
  readonly #recentKey = new Slice()
  #walk: RecentWalk
  #cursor: StoreCursor
  #hasRow = false
  /** Where the current key is from: below 0 the recent rows, above the file, 0 both. */
  #order = 0
  #changes = 0
  #inUse = true

  constructor(view: RecentView, table: Table, keysOnly: boolean) {
    this.#view = view
    this.#table = table
    this.#keysOnly = keysOnly
    this.#walk = new RecentWalk(view, table)
    this.#cursor = view.file.openCursor(table, keysOnly)
    this.key = new Slice().at(this.#keyCopy, 0, 0)
  }

  reopen(table: Table, keysOnly: boolean): boolean {
    if (this.#inUse || table !== this.#table || keysOnly !== this.#keysOnly) return false
    this.#inUse = true
    this.#walk = new RecentWalk(this.#view, table)
    this.#cursor = this.#view.file.openCursor(table, keysOnly)
    return true
  }

  seek(key: Bytes, start: number, end: number): boolean {
    assert(this.#inUse, 'seek on a closed cursor')
    this.#seek(key, start, end)
    return this.#settle(true)
  }

  next(): boolean {
    assert(this.#inUse, 'next on a closed cursor')
    if (this.#changes !== this.#view.changes) {
      this.#seek(this.#keyCopy, 0, this.key.end)
      if (this.#isAtKey()) return this.#settle(this.#advance())
      return this.#settle(true)
    }
    return this.#settle(this.#advance())
  }

  /** Nobody asks this of tables with recent rows but a test: all rows are walked over. */
  seekLast(): boolean {
    let found = this.seek(this.#keyCopy, 0, 0)
    if (!found) return false
    while (found) found = this.next()
    return true
  }

  close(): void {
    this.#inUse = false
    this.#cursor.close()
  }

  /** The cursor of the file is gone with its snapshot. */
  drop(): void {
    this.#inUse = false
  }

  #seek(key: Bytes, start: number, end: number): void {
    this.#changes = this.#view.changes
    // What was in memory may be in the file by now.
    if (this.#walk.isPassed(this.#view)) this.#walk = new RecentWalk(this.#view, this.#table)
    this.#walk.seek(key, start, end)
    this.#hasRow = this.#cursor.seek(key, start, end)
  }

  /** Whether the row that was shown last is there still, or a note that it is gone. Leaves in `#order` whose it is. */
  #isAtKey(): boolean {
    if (!this.#walk.found && !this.#hasRow) return false
    this.#order = this.#compare()
    const { bytes, start, end } = this.#order <= 0 ? this.#recentKey : this.#cursor.key
    return compareRanges(bytes, start, end, this.#keyCopy, 0, this.key.end) === 0
  }

  /** True if the cursor of the file has moved. */
  #advance(): boolean {
    const order = this.#order
    if (order <= 0) this.#walk.next()
    if (order < 0) return false
    this.#hasRow = this.#cursor.next()
    return true
  }

  #settle(moved: boolean): boolean {
    let hasMoved = moved
    for (;;) {
      const walk = this.#walk
      if (!walk.found && !this.#hasRow) return false
      this.#order = this.#compare()
      if (this.#order > 0) return this.#takeRow(hasMoved)
      if (!walk.isAbsent) return this.#takeRecent()
      hasMoved = this.#advance()
    }
  }

  #compare(): number {
    if (!this.#walk.found) return 1
    this.#walk.keyInto(this.#recentKey)
    return this.#hasRow ? compareKeys(this.#recentKey, this.#cursor.key) : -1
  }

  #takeRecent(): boolean {
    const { bytes, start, end } = this.#recentKey
    this.key.end = copyRange(this.#keyCopy, 0, bytes, start, end)
    if (!this.#keysOnly) this.#walk.read(this.value)
    return true
  }

  #takeRow(hasMoved: boolean): boolean {
    const { key, value } = this.#cursor
    this.key.end = copyRange(this.#keyCopy, 0, key.bytes, key.start, key.end)
    if (this.#keysOnly) return true
    // The value memory holds what was read last.
    if (hasMoved) this.value.at(value.bytes, value.start, value.end)
    else this.#view.file.get(this.#table, this.#keyCopy, 0, this.key.end, this.value)
    return true
  }
}

function compareKeys(a: Slice, b: Slice): number {
  return compareRanges(a.bytes, a.start, a.end, b.bytes, b.start, b.end)
}

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

/** The version that is seen at `stamp`, or 0. */
export function versionOf(
  rows: RecentRows, stamp: number, table: Table, key: Bytes, start: number, end: number,
): number {
  const node = rows.find(table, key, start, end)
  return node === 0 ? 0 : rows.versionAt(node, stamp)
}

/** Goes over the rows of one slot that a view sees, in key order. */
class SlotWalk {
  readonly rows: RecentRows
  readonly #stamp: number
  readonly #table: Table
  /** 0 at the end. */
  node = 0
  version = 0
  readonly key = new Slice()

  constructor(rows: RecentRows, stamp: number, table: Table) {
    this.rows = rows
    this.#stamp = stamp
    this.#table = table
  }

  seek(key: Bytes, start: number, end: number): void {
    this.#take(this.rows.seek(this.#table, key, start, end))
  }

  next(): void {
    this.#take(this.rows.next(this.node))
  }

  /** From a node that may be of another table, or newer than the view, to the next that it sees. */
  #take(from: number): void {
    const { rows } = this
    this.node = 0
    for (let node = from; node !== 0 && rows.tableOf(node) === this.#table; node = rows.next(node)) {
      this.version = rows.versionAt(node, this.#stamp)
      if (this.version === 0) continue
      this.node = node
      rows.key(node, this.key)
      return
    }
  }
}

/** Goes over the recent rows of a view in key order, each once; where both slots have a row, the newer's counts. */
class RecentWalk {
  readonly #newer: SlotWalk | null
  readonly #older: SlotWalk | null
  /** Below 0: the newer slot's row comes first; 0: both have it. */
  #order = 0

  constructor({ newer, newerStamp, older, olderStamp }: RecentView, table: Table) {
    this.#newer = newer === null ? null : new SlotWalk(newer, newerStamp, table)
    this.#older = older === null ? null : new SlotWalk(older, olderStamp, table)
  }

  /** Whether it goes over slots that are not in force for the view any more. */
  isPassed(view: RecentView): boolean {
    return (this.#newer?.rows ?? null) !== view.newer
  }

  get found(): boolean {
    return isAtRow(this.#newer) || isAtRow(this.#older)
  }

  get isAbsent(): boolean {
    const { rows, version } = this.#current
    return rows.isAbsent(version)
  }

  keyInto(key: Slice): void {
    const { bytes, start, end } = this.#current.key
    key.at(bytes, start, end)
  }

  read(value: Slice): void {
    const { rows, version } = this.#current
    rows.read(version, value)
  }

  seek(key: Bytes, start: number, end: number): void {
    this.#newer?.seek(key, start, end)
    this.#older?.seek(key, start, end)
    this.#compare()
  }

  next(): void {
    const order = this.#order
    if (order <= 0) this.#newer?.next()
    if (order >= 0) this.#older?.next()
    this.#compare()
  }

  get #current(): SlotWalk {
    return (this.#order <= 0 ? this.#newer : this.#older) as SlotWalk
  }

  #compare(): void {
    if (!isAtRow(this.#older)) this.#order = -1
    else if (!isAtRow(this.#newer)) this.#order = 1
    else this.#order = compareKeys(this.#newer.key, this.#older.key)
  }
}

function isAtRow(walk: SlotWalk | null): walk is SlotWalk {
  return walk !== null && walk.node !== 0
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

/**
 * A copy of a store, row by row in slices, while the store goes on changing. Tables are copied in key order, so that
 * the pages of the copy are full; a row that is touched behind the place where the copy stands is copied again. When
 * everything is copied and nothing is left to copy again, the two are equal, and stay so until the next transaction.
 *
 * There is no long snapshot: each slice reads the store as it is then. What lies ahead of the copy needs no record,
 * because it is read later anyway.
 */

import { assert } from '../../base/assert.js'
import { compareRanges, type Bytes } from '../../base/bytes.js'
import { Slice } from '../../base/slice.js'
import {
  ROW_KEY_BYTES_MAX,
  TABLE,
  TABLE_NAMES,
  type CommitResult,
  type ReadSnapshot,
  type ReadableStore,
  type Store,
  type StoreCursor,
  type Table,
  type WriteTransaction,
} from '../store.js'
import { TouchedRows } from './touched-rows.js'

/** Those that only ever grow at their end come last: what is added meanwhile is ahead of the copy. */
const LAST_TABLES: readonly Table[] = [TABLE.values, TABLE.revisions]
const ORDER: readonly Table[] = [
  ...TABLE_NAMES.map((name) => TABLE[name]).filter((table) => !LAST_TABLES.includes(table)),
  ...LAST_TABLES,
]
const RANK: readonly number[] = TABLE_NAMES.map((name) => ORDER.indexOf(TABLE[name]))

export interface SliceLimits {
  readonly rowsMax: number
  readonly bytesMax: number
}

export class StoreCopy {
  readonly target: Store
  readonly #source: ReadableStore
  readonly #touched = new TouchedRows()
  /** The table that is being copied; the number of tables when all are. */
  #rank = 0
  /** The last key that was copied of it; none while its length is 0. */
  readonly #position = new Slice().at(new Uint8Array(ROW_KEY_BYTES_MAX), 0, 0)
  readonly #value = new Slice()
  #rowsLeft = 0
  #bytesLeft = 0
  /** Rows and bytes written so far, repetitions included. */
  rowsCopied = 0
  bytesCopied = 0

  constructor(source: ReadableStore, target: Store) {
    this.#source = source
    this.target = target
  }

  /** True when the two are equal. */
  get isEqual(): boolean {
    return this.#rank === ORDER.length && this.#touched.isEmpty
  }

  /** Bytes of keys of rows that wait to be copied again. */
  get behindBytes(): number {
    return this.#touched.length
  }

  /** A transaction of the source touches this row. One that is undone later does no harm. */
  readonly touch = (table: Table, key: Bytes, start: number, end: number): void => {
    const rank = RANK[table] as number
    if (rank > this.#rank) return
    if (rank === this.#rank) {
      const { bytes, start: from, end: to } = this.#position
      if (compareRanges(key, start, end, bytes, from, to) > 0) return
    }
    this.#touched.add(table, key, start, end)
  }

  /** Copies so many rows. After a refusal the copy is where it was before, and the step may be tried again. */
  step(limits: SliceLimits): CommitResult {
    this.#rowsLeft = limits.rowsMax
    this.#bytesLeft = limits.bytesMax
    const goBack = this.#remember()
    const snapshot = this.#source.beginRead()
    try {
      const result = this.target.transact((transaction) => {
        this.#repeat(snapshot, transaction)
        while (this.#hasRoom && this.#rank < ORDER.length) this.#copyTable(snapshot, transaction)
      })
      if (!result.ok) goBack()
      return result
    } finally {
      snapshot.close()
    }
  }

  /** The target undoes what it refuses; this undoes what is known of it here. */
  #remember(): () => void {
    const { rowsCopied, bytesCopied } = this
    const { mark } = this.#touched
    const rank = this.#rank
    const position = this.#position.copy()
    return () => {
      this.rowsCopied = rowsCopied
      this.bytesCopied = bytesCopied
      this.#touched.returnTo(mark)
      this.#rank = rank
      this.#position.bytes.set(position)
      this.#position.end = position.length
    }
  }

  get #hasRoom(): boolean {
    return this.#rowsLeft > 0 && this.#bytesLeft > 0
  }

  #repeat(snapshot: ReadSnapshot, transaction: WriteTransaction): void {
    const touched = this.#touched
    const value = this.#value
    while (this.#hasRoom && touched.take()) {
      const { table, bytes, keyStart, keyEnd } = touched
      if (snapshot.get(table, bytes, keyStart, keyEnd, value)) {
        transaction.put(table, bytes, keyStart, keyEnd, value.bytes, value.start, value.end)
        this.#count(keyEnd - keyStart + value.length)
      } else {
        transaction.remove(table, bytes, keyStart, keyEnd)
        this.#count(keyEnd - keyStart)
      }
    }
  }

  #copyTable(snapshot: ReadSnapshot, transaction: WriteTransaction): void {
    const table = ORDER[this.#rank] as Table
    const cursor = snapshot.openCursor(table)
    let found = this.#seek(cursor)
    while (found && this.#hasRoom) {
      const { key, value } = cursor
      transaction.append(table, key.bytes, key.start, key.end, value.bytes, value.start, value.end)
      this.#count(key.length + value.length)
      this.#moveTo(key)
      found = cursor.next()
    }
    cursor.close()
    if (found) return
    this.#rank++
    this.#position.end = 0
  }

  /** To the first row that is not copied yet. */
  #seek(cursor: StoreCursor): boolean {
    const { bytes, end } = this.#position
    if (!cursor.seek(bytes, 0, end)) return false
    const { key } = cursor
    if (end === 0 || compareRanges(key.bytes, key.start, key.end, bytes, 0, end) !== 0) return true
    return cursor.next()
  }

  #moveTo(key: Slice): void {
    const { bytes } = this.#position
    assert(key.length <= bytes.length, 'the key of a row is too long')
    bytes.set(key.bytes.subarray(key.start, key.end))
    this.#position.end = key.length
  }

  #count(bytes: number): void {
    this.#rowsLeft--
    this.#bytesLeft -= bytes
    this.rowsCopied++
    this.bytesCopied += bytes
  }
}

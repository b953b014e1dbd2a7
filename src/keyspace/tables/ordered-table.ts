/** A table whose keys may be of any length: rows of their own up to the store's limit, a LongTree beyond it. */

import { EMPTY_BYTES, type Bytes } from '../../base/bytes.js'
import type { Slice } from '../../base/slice.js'
import { ROW_KEY_BYTES_MAX, type StoreView, type Table, type WriteTransaction } from '../../store/store.js'
import { LongKeyCursor, MergedKeyCursor, ShortKeyCursor, shortBound, type KeyCursor } from './key-cursor.js'
import type { KeyspaceMeta } from './keyspace-meta.js'
import { LongTree } from './long-tree.js'

export class OrderedTable {
  readonly #short: Table
  readonly #long: LongTree
  readonly #meta: KeyspaceMeta

  constructor(short: Table, long: Table, meta: KeyspaceMeta) {
    this.#short = short
    this.#long = new LongTree(long)
    this.#meta = meta
  }

  get(view: StoreView, key: Bytes, start: number, end: number, value: Slice): boolean {
    if (end - start <= ROW_KEY_BYTES_MAX) return view.get(this.#short, key, start, end, value)
    return this.#meta.longKeys > 0 && this.#long.get(view, key, start, end, value)
  }

  /** Stores bytes [from, to) of the transaction's value buffer. `isNew` says that the key was not there. */
  put(transaction: WriteTransaction, key: Slice, from: number, to: number, isNew: boolean): void {
    const { bytes, start, end } = key
    if (end - start <= ROW_KEY_BYTES_MAX) {
      transaction.putBuffer(this.#short, bytes, start, end, from, to)
      return
    }
    this.#long.put(transaction, key, from, to)
    if (isNew) this.#meta.longKeys++
  }

  remove(transaction: WriteTransaction, key: Slice): boolean {
    const { bytes, start, end } = key
    if (end - start <= ROW_KEY_BYTES_MAX) return transaction.remove(this.#short, bytes, start, end)
    if (!this.#long.remove(transaction, key)) return false
    this.#meta.longKeys--
    return true
  }

  /** Keys with from <= key < to; `to` null means no upper end. */
  count(view: StoreView, from: Bytes, to: Bytes | null): number {
    const upper = to === null ? EMPTY_BYTES : to
    if (to !== null && to.length === 0) return 0
    const short = view.countRows(this.#short, rowBound(from), rowBound(upper))
    return this.#meta.longKeys === 0 ? short : short + this.#countLong(view, from, to)
  }

  openCursor(view: StoreView): KeyCursor {
    const short = new ShortKeyCursor(view, this.#short)
    return this.#meta.longKeys === 0 ? short : new MergedKeyCursor(short, new LongKeyCursor(view, this.#long))
  }

  #countLong(view: StoreView, from: Bytes, to: Bytes | null): number {
    const cursor = new LongKeyCursor(view, this.#long)
    let count = 0
    for (let found = cursor.seek(from, 0, from.length); found; found = cursor.next()) {
      if (to !== null && !isBelow(cursor.key, to)) break
      count++
    }
    cursor.close()
    return count
  }
}

/** True if the key sorts before `bound`. */
export function isBelow(key: Slice, bound: Bytes): boolean {
  const { bytes, start } = key
  const keyBytes = key.end - start
  const length = Math.min(keyBytes, bound.length)
  for (let i = 0; i < length; i++) {
    const difference = (bytes[start + i] as number) - (bound[i] as number)
    if (difference !== 0) return difference < 0
  }
  return keyBytes < bound.length
}

function rowBound(key: Bytes): Bytes {
  return key.length <= ROW_KEY_BYTES_MAX ? key : shortBound(key, 0)
}

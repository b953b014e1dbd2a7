/** Reads on one LMDB transaction, and the cursors that live and die with it. */

import { assert } from '../base/assert.js'
import type { Bytes } from '../base/bytes.js'
import { Slice } from '../base/slice.js'
import {
  CURSOR_AFTER_KEY,
  CURSOR_COUNT_ONLY,
  CURSOR_KEY_START,
  CURSOR_REVERSE,
  CURSOR_WITH_VALUES,
  LMDB_NOT_FOUND,
  LmdbError,
  copyKey,
  type LmdbNative,
  type NativeCursor,
  type NativeDbi,
  type NativeKeyBytes,
} from './lmdb-native.js'
import { ROW_KEY_BYTES_MAX, ROW_SEEK_BYTES_MAX, type StoreCursor, type StoreView, type Table } from './store.js'

/** A table's native handle, with the two numbers that every call needs read out of it once. */
export interface TableHandle {
  readonly handle: NativeDbi
  readonly dbi: number
  readonly address: number
}

/** What the views of one opened environment share. */
export interface LmdbContext {
  readonly native: LmdbNative
  readonly keyBytes: NativeKeyBytes
  /** The thread's value memory: where `get` and cursors leave what they found. */
  readonly valueBytes: Bytes
  readonly tables: readonly TableHandle[]
  /** [u32 length][key]: the upper end of a count, at a fixed address. */
  readonly endKey: { readonly bytes: Bytes; readonly words: Uint32Array; readonly address: number }
}

/** More open cursors than this in one view is a leak. */
const CURSORS_MAX = 64

export class LmdbView implements StoreView {
  readonly context: LmdbContext
  /** 0 means the write transaction of this thread. */
  readonly txnAddress: number
  /** Counts writes, so that a cursor knows when its position can no longer be trusted. */
  changes = 0
  readonly #cursors: LmdbCursor[] = []
  #open = true

  constructor(context: LmdbContext, txnAddress: number) {
    this.context = context
    this.txnAddress = txnAddress
  }

  get valueMemory(): Bytes {
    return this.context.valueBytes
  }

  get isOpen(): boolean {
    return this.#open
  }

  begin(): void {
    this.#open = true
  }

  get(table: Table, key: Bytes, start: number, end: number, value: Slice): boolean {
    assert(this.#open, 'read in a closed view')
    const { native, keyBytes, valueBytes, tables } = this.context
    checkKey(start, end)
    copyKey(keyBytes.bytes, 0, key, start, end)
    const { address } = tables[table] as TableHandle
    const size = native.getByBinary(address, end - start, 0, this.txnAddress)
    if (size >= 0) {
      value.at(valueBytes, 0, size)
      return true
    }
    if (size !== LMDB_NOT_FOUND) throw new LmdbError('get', size)
    return false
  }

  openCursor(table: Table, keysOnly = false): StoreCursor {
    assert(this.#open, 'cursor in a closed view')
    for (const cursor of this.#cursors) {
      if (cursor.reopen(table, keysOnly)) return cursor
    }
    assert(this.#cursors.length < CURSORS_MAX, 'too many open cursors in one view')
    const cursor = new LmdbCursor(this, table, keysOnly)
    this.#cursors.push(cursor)
    return cursor
  }

  countRows(table: Table, from: Bytes, to: Bytes): number {
    const cursor = this.openCursor(table, true) as LmdbCursor
    const count = cursor.count(from, to)
    cursor.close()
    return count
  }

  /** Must come before the transaction ends: LMDB frees a write transaction's cursors itself. */
  end(): void {
    this.#open = false
    for (const cursor of this.#cursors) cursor.free()
    this.#cursors.length = 0
  }
}

class LmdbCursor implements StoreCursor {
  readonly key: Slice
  readonly value = new Slice()
  readonly #view: LmdbView
  readonly #table: Table
  readonly #keysOnly: boolean
  readonly #cursor: NativeCursor
  readonly #address: number
  readonly #keyCopy: Bytes = new Uint8Array(ROW_KEY_BYTES_MAX)
  #inUse = true
  #changes = 0

  constructor(view: LmdbView, table: Table, keysOnly: boolean) {
    const { native, tables } = view.context
    this.#view = view
    this.#table = table
    this.#keysOnly = keysOnly
    this.#cursor = new native.Cursor((tables[table] as TableHandle).handle, view.txnAddress)
    this.#address = this.#cursor.address
    this.key = new Slice().at(this.#keyCopy, 0, 0)
  }

  reopen(table: Table, keysOnly: boolean): boolean {
    if (this.#inUse || table !== this.#table || keysOnly !== this.#keysOnly) return false
    this.#inUse = true
    return true
  }

  seek(key: Bytes, start: number, end: number): boolean {
    return this.#position(key, start, end, 0)
  }

  next(): boolean {
    assert(this.#inUse && this.#view.isOpen, 'next on a closed cursor')
    const { native } = this.#view.context
    // A removed row leaves LMDB's cursor on its successor, so after any write the position is found again by key.
    if (this.#changes !== this.#view.changes) {
      return this.#position(this.#keyCopy, 0, this.key.end, CURSOR_AFTER_KEY)
    }
    return this.#load(native.iterate(this.#address))
  }

  seekLast(): boolean {
    assert(this.#inUse && this.#view.isOpen, 'seek on a closed cursor')
    this.#changes = this.#view.changes
    const flags = (this.#keysOnly ? 0 : CURSOR_WITH_VALUES) | CURSOR_REVERSE
    return this.#load(this.#view.context.native.position(this.#address, flags, 0, 0, 0))
  }

  count(from: Bytes, to: Bytes): number {
    const { native, keyBytes, endKey } = this.#view.context
    assert(from.length <= ROW_SEEK_BYTES_MAX && to.length <= ROW_SEEK_BYTES_MAX, 'count bound too long')
    copyKey(keyBytes.bytes, 0, from, 0, from.length)
    endKey.words[0] = to.length
    copyKey(endKey.bytes, 4, to, 0, to.length)
    const end = to.length === 0 ? 0 : endKey.address
    const count = native.position(this.#address, CURSOR_COUNT_ONLY, 0, from.length, end)
    if (count < 0) throw new LmdbError('count', count)
    return count
  }

  close(): void {
    this.#inUse = false
  }

  free(): void {
    this.#inUse = false
    this.#cursor.close()
  }

  #position(key: Bytes, start: number, end: number, mode: number): boolean {
    assert(this.#inUse && this.#view.isOpen, 'seek on a closed cursor')
    const { native, keyBytes } = this.#view.context
    assert(end - start <= ROW_SEEK_BYTES_MAX, 'seek key too long')
    copyKey(keyBytes.bytes, 0, key, start, end)
    this.#changes = this.#view.changes
    const flags = (this.#keysOnly ? 0 : CURSOR_WITH_VALUES) | mode
    return this.#load(native.position(this.#address, flags, 0, end - start, 0))
  }

  #load(keySize: number): boolean {
    if (keySize <= 0) {
      if (keySize < 0) throw new LmdbError('cursor', keySize)
      return false
    }
    const { keyBytes, valueBytes } = this.#view.context
    copyKey(this.#keyCopy, 0, keyBytes.bytes, CURSOR_KEY_START, CURSOR_KEY_START + keySize)
    this.key.end = keySize
    if (!this.#keysOnly) this.value.at(valueBytes, 0, keyBytes.words[0] as number)
    return true
  }
}

export function checkKey(start: number, end: number): void {
  assert(end > start && end - start <= ROW_KEY_BYTES_MAX, 'row key length out of bounds')
}

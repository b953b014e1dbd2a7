/** A write transaction that also tells which rows it touches, while the store is being copied to a new file. */

import type { Bytes } from '../../base/bytes.js'
import type { Slice } from '../../base/slice.js'
import type { StoreCursor, Table, WriteTransaction } from '../store.js'

export type TouchedRow = (table: Table, key: Bytes, start: number, end: number) => void

export class RecordingTransaction implements WriteTransaction {
  readonly #inner: WriteTransaction
  readonly #touched: TouchedRow

  constructor(inner: WriteTransaction, touched: TouchedRow) {
    this.#inner = inner
    this.#touched = touched
  }

  get valueMemory(): Bytes | null {
    return this.#inner.valueMemory
  }

  get(table: Table, key: Bytes, start: number, end: number, value: Slice): boolean {
    return this.#inner.get(table, key, start, end, value)
  }

  openCursor(table: Table, keysOnly?: boolean): StoreCursor {
    return this.#inner.openCursor(table, keysOnly)
  }

  countRows(table: Table, from: Bytes, to: Bytes): number {
    return this.#inner.countRows(table, from, to)
  }

  put(table: Table, key: Bytes, start: number, end: number, value: Bytes, valueStart: number, valueEnd: number): void {
    this.#touched(table, key, start, end)
    this.#inner.put(table, key, start, end, value, valueStart, valueEnd)
  }

  append(
    table: Table, key: Bytes, start: number, end: number, value: Bytes, valueStart: number, valueEnd: number,
  ): void {
    this.#touched(table, key, start, end)
    this.#inner.append(table, key, start, end, value, valueStart, valueEnd)
  }

  valueBuffer(size: number): Bytes {
    return this.#inner.valueBuffer(size)
  }

  putBuffer(table: Table, key: Bytes, start: number, end: number, from: number, to: number): void {
    this.#touched(table, key, start, end)
    this.#inner.putBuffer(table, key, start, end, from, to)
  }

  appendBuffer(table: Table, key: Bytes, start: number, end: number, from: number, to: number): void {
    this.#touched(table, key, start, end)
    this.#inner.appendBuffer(table, key, start, end, from, to)
  }

  remove(table: Table, key: Bytes, start: number, end: number): boolean {
    this.#touched(table, key, start, end)
    return this.#inner.remove(table, key, start, end)
  }
}

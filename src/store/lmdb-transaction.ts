/** The one write transaction of a store: instructions for lmdb's writer, one native call each. */

import { assert } from '../base/assert.js'
import type { Bytes } from '../base/bytes.js'
import { copyRange } from '../base/copy-into.js'
import {
  INSTRUCTION_APPEND,
  INSTRUCTION_DONE,
  INSTRUCTION_PUT,
  INSTRUCTION_REFUSED,
  INSTRUCTION_REMOVE,
  LmdbError,
  copyKey,
  type LmdbNative,
  type NativeEnv,
} from './lmdb-native.js'
import { LmdbView, checkKey, type LmdbContext, type TableHandle } from './lmdb-view.js'
import { ROW_VALUE_BYTES_MAX, type Table, type WriteTransaction } from './store.js'

const VALUE_BUFFER_BYTES = 64 * 1024
const SCATTERED_PAGES = 3
const FIXED_PAGES = 32
/** A larger value buffer is given back after its transaction. */
const KEPT_VALUE_BYTES_MAX = 8 * 1024 * 1024

export class LmdbTransaction extends LmdbView implements WriteTransaction {
  readonly #env: NativeEnv
  /**
   * Values are built or copied here: lmdb reads garbage through views on a SharedArrayBuffer (docs/ARCHITECTURE.md).
   */
  readonly #built: ValueMemory
  readonly #copied: ValueMemory
  /** Rows written or removed anywhere but at the end of their table. */
  #scattered = 0
  #writtenBytes = 0

  constructor(context: LmdbContext, env: NativeEnv) {
    super(context, 0)
    this.#env = env
    this.#built = new ValueMemory(context.native)
    this.#copied = new ValueMemory(context.native)
    this.end()
  }

  override begin(): void {
    super.begin()
    this.#scattered = 0
    this.#writtenBytes = 0
  }

  /** At most so many pages were copied to be changed: for each row its leaf, the branch above and a neighbour. */
  get scatteredPagesMax(): number {
    return SCATTERED_PAGES * this.#scattered
  }

  /** And so many were added: for bytes twice their pages, as after splits, and the tree's top and its free list. */
  addedPagesMax(pageBytes: number): number {
    return Math.ceil((2 * this.#writtenBytes) / pageBytes) + FIXED_PAGES
  }

  /** Of transactions that need large values there is one in a long while. */
  override end(): void {
    super.end()
    this.#built.shrink()
    this.#copied.shrink()
  }

  put(table: Table, key: Bytes, start: number, end: number, value: Bytes, from: number, to: number): void {
    this.#copied.fill(value, from, to)
    this.#write(INSTRUCTION_PUT, table, key, start, end, this.#copied.address, to - from)
  }

  append(table: Table, key: Bytes, start: number, end: number, value: Bytes, from: number, to: number): void {
    this.#copied.fill(value, from, to)
    this.#append(table, key, start, end, this.#copied.address, to - from)
  }

  valueBuffer(size: number): Bytes {
    return this.#built.atLeast(size)
  }

  putBuffer(table: Table, key: Bytes, start: number, end: number, from: number, to: number): void {
    this.#write(INSTRUCTION_PUT, table, key, start, end, this.#built.address + from, to - from)
  }

  appendBuffer(table: Table, key: Bytes, start: number, end: number, from: number, to: number): void {
    this.#append(table, key, start, end, this.#built.address + from, to - from)
  }

  remove(table: Table, key: Bytes, start: number, end: number): boolean {
    return this.#write(INSTRUCTION_REMOVE, table, key, start, end, 0, 0)
  }

  #append(table: Table, key: Bytes, start: number, end: number, address: number, size: number): void {
    const done = this.#write(INSTRUCTION_PUT | INSTRUCTION_APPEND, table, key, start, end, address, size)
    assert(done, 'appended key is not the last of its table')
  }

  /**
   * One instruction in the layout of lmdb's writer: [flags][table][key length][key .. padding][value length][value
   * address]. Returns false when LMDB refused for a reason of the key (no such row, not the last).
   */
  #write(
    flags: number, table: Table, key: Bytes, start: number, end: number, address: number, size: number,
  ): boolean {
    assert(this.isOpen, 'write outside a transaction')
    checkKey(start, end)
    assert(size <= ROW_VALUE_BYTES_MAX, 'value too large for the store')
    const { keyBytes, tables } = this.context
    const { words, doubles } = keyBytes
    const keySize = end - start
    words[1] = (tables[table] as TableHandle).dbi
    words[2] = keySize
    copyKey(keyBytes.bytes, 12, key, start, end)
    const valueAt = (12 + keySize + 16) >> 3
    doubles[valueAt] = address
    words[(valueAt << 1) - 1] = size
    words[0] = flags
    this.changes++
    this.#writtenBytes += size + keySize
    if ((flags & INSTRUCTION_APPEND) === 0) this.#scattered++
    const code = this.context.native.write(this.#env.address, keyBytes.address)
    const result = words[0]
    if ((result & INSTRUCTION_DONE) === 0) throw new LmdbError('write', code ?? 0)
    return (result & INSTRUCTION_REFUSED) === 0
  }
}

/** An ArrayBuffer whose address is known, replaced by a larger one when it is too small. */
class ValueMemory {
  readonly #native: LmdbNative
  #bytes = new Uint8Array(VALUE_BUFFER_BYTES)
  address: number

  constructor(native: LmdbNative) {
    this.#native = native
    this.address = native.getAddress(this.#bytes.buffer)
  }

  atLeast(size: number): Bytes {
    if (size > this.#bytes.length) {
      this.#replace(size <= KEPT_VALUE_BYTES_MAX ? Math.max(size, this.#bytes.length * 2) : size)
    }
    return this.#bytes
  }

  /** Gives back what a rare large value took. */
  shrink(): void {
    if (this.#bytes.length > KEPT_VALUE_BYTES_MAX) this.#replace(VALUE_BUFFER_BYTES)
  }

  #replace(size: number): void {
    this.#bytes = new Uint8Array(size)
    this.address = this.#native.getAddress(this.#bytes.buffer)
  }

  fill(source: Bytes, start: number, end: number): void {
    copyRange(this.atLeast(end - start), 0, source, start, end)
  }
}

/**
 * The store in memory, for tests and for simulation inside one thread. It has the same rules as the one on LMDB and
 * checks them; an image of it can outlive it as a file would.
 */

import { assert } from '../base/assert.js'
import { copyBytes, EMPTY_BYTES, type Bytes } from '../base/bytes.js'
import { Slice } from '../base/slice.js'
import {
  treeGet,
  treeLast,
  treePut,
  treeRank,
  treeRemove,
  treeSeek,
  sizeOf,
  type Tree,
  type TreeNode,
} from './persistent-tree.js'
import {
  COMMITTED,
  WITHHELD,
  ROW_KEY_BYTES_MAX,
  ROW_SEEK_BYTES_MAX,
  ROW_VALUE_BYTES_MAX,
  TABLE_NAMES,
  type CommitResult,
  type MayCommit,
  type ReadableStore,
  type ReadSnapshot,
  type Store,
  type StoreCursor,
  type StorePin,
  type StoreStats,
  type StoreView,
  type Table,
  type WriteTransaction,
} from './store.js'

/** One instant of a store: its tables' trees, never changed. */
export type StoreImage = readonly Tree[]

const EMPTY_IMAGE: StoreImage = Object.freeze(TABLE_NAMES.map(() => null))

export interface MemoryStoreOptions {
  /** What the store begins with; empty without. */
  readonly image?: StoreImage
  /** Keys and values together; a transaction that would exceed it has no space. */
  readonly bytesMax?: number
}

export class MemoryStore implements Store {
  readonly #bytesMax: number
  #image: StoreImage
  #bytes: number
  #bytesWritten = 0
  #openSnapshots = 0
  #snapshot: MemorySnapshot | null = null
  #closed = false

  constructor(options: MemoryStoreOptions = {}) {
    this.#image = options.image ?? EMPTY_IMAGE
    this.#bytesMax = options.bytesMax ?? Infinity
    this.#bytes = this.#image.reduce((sum, tree) => sum + bytesOf(tree), 0)
  }

  /** The newest committed state. */
  get image(): StoreImage {
    return this.#image
  }

  transact(work: (transaction: WriteTransaction) => void, mayCommit?: MayCommit): CommitResult {
    assert(!this.#closed, 'write to a closed store')
    const transaction = new MemoryTransaction([...this.#image])
    let result: unknown
    try {
      result = work(transaction)
    } finally {
      transaction.end()
    }
    assert(result === undefined, 'a transaction must not be async or return anything')
    const bytes = this.#bytes + transaction.bytesAdded
    if (bytes > this.#bytesMax && transaction.bytesAdded > 0) {
      return { ok: false, code: 'no-space', message: `memory store: ${bytes} bytes are too many` }
    }
    if (mayCommit !== undefined && !mayCommit()) return WITHHELD
    this.#bytes = bytes
    this.#bytesWritten += transaction.bytesWritten
    this.#image = transaction.trees
    return COMMITTED
  }

  beginRead(): ReadSnapshot {
    assert(!this.#closed, 'read from a closed store')
    assert(this.#snapshot?.isOpen !== true, 'one snapshot at a time per opened store')
    this.#openSnapshots = 1
    this.#snapshot = new MemorySnapshot(this.#image, () => {
      this.#openSnapshots = 0
    })
    return this.#snapshot
  }

  /** The same store as another thread would have it open: with a snapshot of its own. */
  openReader(): ReadableStore {
    return new MemoryReader(this)
  }

  /** Trees are never overwritten: there is nothing to hold. */
  pin(): StorePin {
    return { release: () => undefined }
  }

  bytesWritten(): number {
    return this.#bytesWritten
  }

  stats(): StoreStats {
    const bytes = this.#bytes
    return { sizeBytes: bytes, aheadBytes: 0, usedBytes: bytes, readersUsed: this.#openSnapshots, readersMax: 1 }
  }

  close(): void {
    assert(!this.#closed, 'store closed twice')
    assert(this.#snapshot?.isOpen !== true, 'store closed with an open snapshot')
    this.#closed = true
  }
}

class MemoryReader implements ReadableStore {
  readonly #store: MemoryStore
  #snapshot: MemorySnapshot | null = null
  #closed = false

  constructor(store: MemoryStore) {
    this.#store = store
  }

  beginRead(): ReadSnapshot {
    assert(!this.#closed, 'read from a closed store')
    assert(this.#snapshot?.isOpen !== true, 'one snapshot at a time per opened store')
    this.#snapshot = new MemorySnapshot(this.#store.image, () => undefined)
    return this.#snapshot
  }

  close(): void {
    assert(!this.#closed, 'store closed twice')
    assert(this.#snapshot?.isOpen !== true, 'store closed with an open snapshot')
    this.#closed = true
  }
}

class MemoryView implements StoreView {
  readonly valueMemory = null
  readonly trees: Tree[]
  #open = true

  constructor(trees: Tree[]) {
    this.trees = trees
  }

  get isOpen(): boolean {
    return this.#open
  }

  get(table: Table, key: Bytes, start: number, end: number, value: Slice): boolean {
    checkRowKey(start, end)
    const node = treeGet(this.tree(table), key.subarray(start, end))
    if (node === null) return false
    value.at(node.value, 0, node.value.length)
    return true
  }

  openCursor(table: Table, keysOnly = false): StoreCursor {
    return new MemoryCursor(this, table, keysOnly)
  }

  countRows(table: Table, from: Bytes, to: Bytes): number {
    const tree = this.tree(table)
    const upper = to.length === 0 ? sizeOf(tree) : treeRank(tree, to)
    return Math.max(0, upper - treeRank(tree, from))
  }

  tree(table: Table): Tree {
    assert(this.#open, 'use of a closed view')
    return this.trees[table] ?? null
  }

  end(): void {
    this.#open = false
  }
}

class MemorySnapshot extends MemoryView implements ReadSnapshot {
  readonly #onClose: () => void

  constructor(image: StoreImage, onClose: () => void) {
    super([...image])
    this.#onClose = onClose
  }

  close(): void {
    assert(this.isOpen, 'snapshot closed twice')
    this.end()
    this.#onClose()
  }
}

class MemoryTransaction extends MemoryView implements WriteTransaction {
  bytesAdded = 0
  bytesWritten = 0
  #built: Bytes = EMPTY_BYTES

  put(table: Table, key: Bytes, start: number, end: number, value: Bytes, from: number, to: number): void {
    checkRowKey(start, end)
    assert(to - from <= ROW_VALUE_BYTES_MAX, 'value too large for the store')
    const tree = this.tree(table)
    const ownKey = copyBytes(key, start, end)
    const replaced = treeGet(tree, ownKey)
    const size = end - start + to - from
    this.bytesAdded += size - (replaced === null ? 0 : rowBytes(replaced))
    this.bytesWritten += size
    this.trees[table] = treePut(tree, ownKey, copyBytes(value, from, to))
  }

  append(table: Table, key: Bytes, start: number, end: number, value: Bytes, from: number, to: number): void {
    const isLast = treeSeek(this.tree(table), key.subarray(start, end), false) === null
    assert(isLast, 'appended key is not the last of its table')
    this.put(table, key, start, end, value, from, to)
  }

  valueBuffer(size: number): Bytes {
    if (size > this.#built.length) this.#built = new Uint8Array(size * 2)
    return this.#built
  }

  putBuffer(table: Table, key: Bytes, start: number, end: number, from: number, to: number): void {
    this.put(table, key, start, end, this.#built, from, to)
  }

  appendBuffer(table: Table, key: Bytes, start: number, end: number, from: number, to: number): void {
    this.append(table, key, start, end, this.#built, from, to)
  }

  remove(table: Table, key: Bytes, start: number, end: number): boolean {
    checkRowKey(start, end)
    const tree = this.tree(table)
    const row = treeGet(tree, key.subarray(start, end))
    if (row === null) return false
    this.bytesAdded -= rowBytes(row)
    this.trees[table] = treeRemove(tree, row.key)
    return true
  }
}

class MemoryCursor implements StoreCursor {
  readonly key = new Slice()
  readonly value = new Slice()
  readonly #view: MemoryView
  readonly #table: Table
  readonly #keysOnly: boolean
  #inUse = true

  constructor(view: MemoryView, table: Table, keysOnly: boolean) {
    this.#view = view
    this.#table = table
    this.#keysOnly = keysOnly
  }

  seek(key: Bytes, start: number, end: number): boolean {
    assert(end - start <= ROW_SEEK_BYTES_MAX, 'seek key too long')
    return this.#move(treeSeek(this.#tree(), key.subarray(start, end), false))
  }

  next(): boolean {
    return this.#move(treeSeek(this.#tree(), this.key.view(), true))
  }

  seekLast(): boolean {
    return this.#move(treeLast(this.#tree()))
  }

  close(): void {
    this.#inUse = false
  }

  #tree(): Tree {
    assert(this.#inUse, 'use of a closed cursor')
    return this.#view.tree(this.#table)
  }

  #move(node: TreeNode | null): boolean {
    if (node === null) return false
    this.key.at(node.key, 0, node.key.length)
    if (!this.#keysOnly) this.value.at(node.value, 0, node.value.length)
    return true
  }
}

function checkRowKey(start: number, end: number): void {
  assert(end > start && end - start <= ROW_KEY_BYTES_MAX, 'row key length out of bounds')
}

function rowBytes(row: TreeNode): number {
  return row.key.length + row.value.length
}

function bytesOf(tree: Tree): number {
  return tree === null ? 0 : rowBytes(tree) + bytesOf(tree.left) + bytesOf(tree.right)
}

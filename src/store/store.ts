/**
 * What a store is: named tables of short byte keys in byte order, one writer, and read snapshots from any thread.
 *
 * Two rules keep the hot path free of allocation. A value handed out by `get` or a cursor is a window on memory
 * that the next store call of the same thread overwrites: decode it or copy it first. A cursor's key is the
 * cursor's own copy and stays until that cursor moves.
 */

import type { Bytes } from '../base/bytes.js'
import type { Slice } from '../base/slice.js'

/**
 * Every table of a store file. The number is only an index into handles of the running process; on disk a table is
 * known by its name, so lines may be added anywhere but a name is never reused for other contents.
 */
export const TABLE = Object.freeze({
  meta: 0,
  /** Every retained revision of every key. */
  revisions: 1,
  /** Records that are too large to stand in `revisions`. */
  values: 2,
  /** Live keys. */
  latest: 3,
  latestLong: 4,
  /** Deleted keys whose tombstone is still retained. */
  deleted: 5,
  deletedLong: 6,
  leases: 7,
  leaseKeys: 8,
  leaseKeysLong: 9,
  auth: 10,
  authUsers: 11,
  authRoles: 12,
  alarms: 13,
  members: 14,
  membersRemoved: 15,
  cluster: 16,
} as const)

export type TableName = keyof typeof TABLE
export type Table = (typeof TABLE)[TableName]

export const TABLE_NAMES: readonly TableName[] = Object.freeze(Object.keys(TABLE) as TableName[])

/**
 * The longest key of a table row. LMDB's own limit is 1,978 bytes; longer keys go through
 * keyspace/tables/ordered-table.ts.
 */
export const ROW_KEY_BYTES_MAX = 1978

/** The longest bound of a seek or a count: a byte more, so that a bound can lie just behind a longest key. */
export const ROW_SEEK_BYTES_MAX = ROW_KEY_BYTES_MAX + 1

/** LMDB hands values out through one 16 MiB buffer per thread, so no value may be larger. */
export const ROW_VALUE_BYTES_MAX = 16 * 1024 * 1024 - 1

export interface StoreCursor {
  /** The row's key in memory of the cursor's own; dead when the cursor moves. */
  readonly key: Slice
  /** The row's value; dead at the next store call of this thread. Empty for a keys-only cursor. */
  readonly value: Slice
  /** Moves to the first row whose key is at or after the given one; an empty key means the first row. */
  seek(key: Bytes, start: number, end: number): boolean
  /** Moves to the next row. Only after a seek or a next that returned true. */
  next(): boolean
  /** Moves to the last row of the table, for its key alone: `next` must not follow. */
  seekLast(): boolean
  close(): void
}

/** Reading, the same inside a write transaction (which sees its own writes) and in a snapshot. */
export interface StoreView {
  /** Where `get` and cursors leave values, to be overwritten by the next one; null if values are never overwritten. */
  readonly valueMemory: Bytes | null
  /** Points `value` at the row's value and returns true, or returns false. */
  get(table: Table, key: Bytes, start: number, end: number, value: Slice): boolean
  /** A cursor that belongs to this view and dies with it. Closed cursors are reused. */
  openCursor(table: Table, keysOnly?: boolean): StoreCursor
  /** Rows with from <= key < to, counted without looking at values. An empty `to` means no upper end. */
  countRows(table: Table, from: Bytes, to: Bytes): number
}

/** One instant of the store. No snapshot but a pin may live longer than a second (docs/ARCHITECTURE.md). */
export interface ReadSnapshot extends StoreView {
  /** Ends the snapshot: its cursors are closed and its pages may be reused by the writer. */
  close(): void
}

/** Valid only during the `transact` call that handed it out. Keys and values are copied before these return. */
export interface WriteTransaction extends StoreView {
  put(table: Table, key: Bytes, start: number, end: number, value: Bytes, valueStart: number, valueEnd: number): void
  /** As `put` for a key that sorts after every row of the table: pages fill completely. */
  append(table: Table, key: Bytes, start: number, end: number, value: Bytes, valueStart: number, valueEnd: number): void
  /**
   * Memory of at least `size` bytes to build values in, in place of a second copy. It keeps its contents until it is
   * asked for again, whatever is read or written in between.
   */
  valueBuffer(size: number): Bytes
  /** Stores bytes [from, to) of `valueBuffer`. */
  putBuffer(table: Table, key: Bytes, start: number, end: number, from: number, to: number): void
  appendBuffer(table: Table, key: Bytes, start: number, end: number, from: number, to: number): void
  /** True if there was such a row. */
  remove(table: Table, key: Bytes, start: number, end: number): boolean
}

/** The batch is not in the store, and the store is as it was: reads go on, the same batch may be tried again. */
export interface NoSpace {
  readonly ok: false
  readonly code: 'no-space'
  readonly message: string
}

/**
 * As `NoSpace`, for another reason: the engine lost its way in its list of free pages (docs/DATA-ON-DISK.md). The same
 * batch may be tried again at once.
 */
export interface TryAgain {
  readonly ok: false
  readonly code: 'try-again'
  readonly message: string
}

/** As `NoSpace`: `mayCommit` said no. */
export interface Withheld {
  readonly ok: false
  readonly code: 'withheld'
  readonly message: string
}

export type CommitResult = { readonly ok: true } | NoSpace | TryAgain | Withheld

export const COMMITTED: CommitResult = Object.freeze({ ok: true })
export const WITHHELD: Withheld = Object.freeze({ ok: false, code: 'withheld', message: 'the commit was withheld' })

/** Used by fronts and watch on their own threads. */
export interface ReadableStore {
  /** The newest committed state. One snapshot at a time per opened store. */
  beginRead(): ReadSnapshot
  close(): void
}

export interface StoreStats {
  /** Size of the file: etcd's dbSize. */
  readonly sizeBytes: number
  /** Of these so many are taken ahead, for commits to come. */
  readonly aheadBytes: number
  /** Pages in use: etcd's dbSizeInUse. */
  readonly usedBytes: number
  /** Reader slots taken and available, of all threads. */
  readonly readersUsed: number
  readonly readersMax: number
}

export type MayCommit = () => boolean

/** Used by the one thread that applies entries. */
export interface Store extends ReadableStore {
  /**
   * Runs `work` in one transaction and commits it without a sync: visible to every thread when this returns, durable
   * only at the next checkpoint. `work` must be synchronous; if it throws, nothing is changed and the error goes on.
   * `mayCommit`, if there is one, is asked when all is done but the commit, for which room has been taken then: false
   * gives the transaction up.
   */
  transact(work: (transaction: WriteTransaction) => void, mayCommit?: MayCommit): CommitResult
  /** An upper estimate of the bytes that this process wrote to the file so far; grows only. */
  bytesWritten(): number
  stats(): StoreStats
}

/** Holds one instant so that none of its pages is reused (docs/DATA-ON-DISK.md). */
export interface StorePin {
  release(): void
}

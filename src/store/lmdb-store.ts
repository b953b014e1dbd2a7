/**
 * The store on LMDB, and the only file that imports lmdb. Commits are not synced: durability is the WAL's, and the
 * checkpoint's (docs/DATA-ON-DISK.md). Tests in test/store/lmdb-store.test.ts hold the traps of lmdb 3.5.6 that shape
 * this.
 */

import { closeSync, fstatSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs'
import './lmdb-load-begins.js'
import * as lmdb from 'lmdb'
import './lmdb-load-ends.js'
import { nativeSectionBegins, nativeSectionEnds } from '../actor/threads/native-sections.js'
import { assert } from '../base/assert.js'
import type { Bytes } from '../base/bytes.js'
import { CheckpointPins } from './checkpoint-pins.js'
import {
  READ_ONLY_TXN,
  errorCode,
  isEngineFailure,
  noSpaceOf,
  type LmdbNative,
  type NativeDbi,
  type NativeEnv,
  type NativeKeyBytes,
  type NativeReadTxn,
  type NativeStat,
} from './lmdb-native.js'
import { LmdbTransaction } from './lmdb-transaction.js'
import { LmdbView, type LmdbContext, type TableHandle } from './lmdb-view.js'
import { StoreReserve } from './reserve-file.js'
import {
  COMMITTED,
  WITHHELD,
  ROW_KEY_BYTES_MAX,
  ROW_VALUE_BYTES_MAX,
  TABLE,
  TABLE_NAMES,
  type CommitResult,
  type MayCommit,
  type NoSpace,
  type ReadSnapshot,
  type Store,
  type StorePin,
  type StoreStats,
  type WriteTransaction,
} from './store.js'

export interface LmdbStoreOptions {
  readonly path: string
  /**
   * Readers share the writer's environment inside a process, so the writer must have opened the file first: an
   * environment first opened read-only stays so for every thread, and lmdb throws when a writer comes to it.
   */
  readonly readOnly?: boolean
  /** Address space, not disk space: LMDB grows it by itself, the quota is ours. */
  readonly mapSizeBytes?: number
  /** Reader slots for all threads and pins together; the first opener's figure counts. */
  readonly readersMax?: number
  readonly pageBytes?: number
  /** Set at a restore: the pin is taken before the first write, even before tables are opened. */
  readonly pinAtOpen?: boolean
}

/** On every machine alike, so that a store file may go from one to another. */
export const PAGE_BYTES_DEFAULT = 4096
const GiB = 1024 ** 3
const MAP_SIZE_BYTES_DEFAULT = 64 * GiB
/** Every front and watch worker that there can be, with the snapshots and jobs of all fronts, and pins. */
const READERS_MAX_DEFAULT = 254
/** Both meta pages stand at the start of the file. */
const META_PAGES = 2
/** What a new file's tables take, one commit each. */
const TABLES_PAGES_MAX = 64
/** More than the meta pages of a new file and its lock file take. */
const OPENING_BYTES = 64 * 1024

const addon = (lmdb as unknown as { readonly nativeAddon: LmdbNative }).nativeAddon

/** An object of our own: the package's is a dictionary, and to look a function up there costs part of every call. */
const native: LmdbNative = {
  globalBuffer: addon.globalBuffer,
  Cursor: addon.Cursor,
  Txn: addon.Txn,
  getAddress: addon.getAddress,
  getByBinary: addon.getByBinary,
  position: addon.position,
  iterate: addon.iterate,
  write: addon.write,
  resetTxn: addon.resetTxn,
}

/** The parts of the package's database object that are used here; its own types leave them out. */
interface LmdbDatabase {
  readonly env: NativeEnv
  readonly db: NativeDbi
  openDB(options: object): LmdbDatabase | undefined
  transactionSync(work: () => undefined): void
  getBinaryFast(key: unknown, options: object): unknown
  backup(path: string, compact: boolean): Promise<void>
  close(): Promise<void>
}

export function openLmdbStore(options: LmdbStoreOptions): LmdbStore {
  return new LmdbStore(options)
}

/**
 * Opens what `copyTo` has written, for writing. lmdb 3.5.6 reads memory that is not there when the first commit to such
 * a file frees so much that its list of free pages, empty until then, begins with more than a page: so the first commit
 * is a small one, and changes nothing.
 */
export function openLmdbCopy(options: LmdbStoreOptions): CreateResult {
  const store = new LmdbStore(options)
  const committed = store.transact((transaction) => {
    const cursor = transaction.openCursor(TABLE.meta)
    assert(cursor.seek(new Uint8Array(0), 0, 0), 'a store that was copied holds something')
    const key = cursor.key.copy()
    const value = cursor.value.copy()
    cursor.close()
    transaction.put(TABLE.meta, key, 0, key.length, value, 0, value.length)
  })
  if (committed.ok) return { ok: true, store }
  store.close()
  return { ok: false, code: 'no-space', message: committed.message }
}

export type CreateResult = { readonly ok: true; readonly store: LmdbStore } | NoSpace

/** Opens a new file. Refused, and closed again, when there is no room for what a store begins with. */
export function createLmdbStore(options: LmdbStoreOptions): CreateResult {
  try {
    // An environment that lmdb 3.5.6 has no room to open ends the process: what it needs for that is tried out before.
    writeFileSync(options.path, new Uint8Array(OPENING_BYTES))
    rmSync(options.path)
    return { ok: true, store: openLmdbStore(options) }
  } catch (error) {
    return noSpaceOf(error, options.path)
  }
}

/** Thrown where lmdb must not commit. */
const withheld = new Error('the commit is withheld')

export class LmdbStore implements Store {
  readonly path: string
  readonly pageBytes: number
  /** Open for the store's whole life, so that a failed write-back is reported to the sync that must see it. */
  readonly dataFd: number
  /** Of checkpoints; see checkpoint.ts. */
  readonly pins = new CheckpointPins()
  readonly #root: LmdbDatabase
  readonly #env: NativeEnv
  readonly #context: LmdbContext
  readonly #readOnly: boolean
  readonly #transaction: LmdbTransaction
  /** Null for a reader. */
  readonly #reserve: StoreReserve | null
  #readTxn: NativeReadTxn | undefined
  #snapshot: LmdbSnapshot | undefined
  #pinCount = 0
  #closed = false

  constructor(options: LmdbStoreOptions) {
    this.path = options.path
    this.#readOnly = options.readOnly === true
    this.pageBytes = options.pageBytes ?? PAGE_BYTES_DEFAULT
    this.#root = openRoot(options, this.pageBytes)
    this.#env = this.#root.env
    if (options.pinAtOpen === true) this.pins.holdRestored(this.pin())
    this.dataFd = openSync(this.path, 'r')
    const lastPage = (): number => this.#env.info().lastPageNumber
    this.#reserve = this.#readOnly ? null : new StoreReserve({ path: this.path, pageBytes: this.pageBytes, lastPage })
    try {
      // Tables that are not there yet are made by commits, too.
      this.#reserve?.take(0, TABLES_PAGES_MAX)
      this.#context = openTables(this.#root)
    } catch (error) {
      this.close()
      throw error
    }
    this.#transaction = new LmdbTransaction(this.#context, this.#env)
  }

  get isClosed(): boolean {
    return this.#closed
  }

  transact(work: (transaction: WriteTransaction) => void, mayCommit?: MayCommit): CommitResult {
    assert(!this.#readOnly && !this.#closed, 'write to a store that is read-only or closed')
    assert(!this.#transaction.isOpen, 'transactions do not nest')
    const transaction = this.#transaction
    transaction.begin()
    nativeSectionBegins()
    try {
      this.#root.transactionSync((): undefined => {
        try {
          const result: unknown = work(transaction)
          // lmdb would commit later, when the promise resolves: the caller would answer for a batch that is not there.
          assert(result === undefined, 'a transaction must not be async or return anything')
          this.#reserve?.take(transaction.scatteredPagesMax, transaction.addedPagesMax(this.pageBytes))
          if (mayCommit !== undefined && !mayCommit()) throw withheld
        } finally {
          // Before lmdb commits or aborts: it frees the transaction's cursors itself.
          transaction.end()
        }
      })
    } catch (error) {
      this.#reserve?.forget()
      if (error === withheld) return WITHHELD
      // lmdb 3.5.6 may lose its way in its list of free pages, and says so with whatever it found there. Aborted, it
      // reads that list anew the next time.
      const code = errorCode(error)
      if (code !== undefined && isEngineFailure(code)) {
        return { ok: false, code: 'try-again', message: `store ${this.path}: ${(error as Error).message}` }
      }
      return noSpaceOf(error, this.path)
    } finally {
      nativeSectionEnds()
      if (transaction.isOpen) transaction.end()
    }
    this.#reserve?.trim()
    return COMMITTED
  }

  beginRead(): ReadSnapshot {
    assert(!this.#closed, 'read from a closed store')
    assert(this.#snapshot?.isOpen !== true, 'one snapshot at a time per opened store')
    if (this.#readTxn === undefined) {
      this.#readTxn = new native.Txn(this.#env, READ_ONLY_TXN)
      this.#snapshot = new LmdbSnapshot(this.#context, this.#readTxn)
    } else {
      this.#readTxn.renew()
    }
    const snapshot = this.#snapshot as LmdbSnapshot
    snapshot.begin()
    return snapshot
  }

  pin(): StorePin {
    const txn = new native.Txn(this.#env, READ_ONLY_TXN)
    this.#pinCount++
    let held = true
    return {
      release: (): void => {
        assert(held, 'pin released twice')
        held = false
        this.#pinCount--
        txn.abort()
      },
    }
  }

  /** The two meta pages as the last commit left them. Call between commits, after pinning. */
  readMetaPages(): Bytes {
    const pages = new Uint8Array(META_PAGES * this.pageBytes)
    const length = readSync(this.dataFd, pages, 0, pages.length, 0)
    assert(length === pages.length, 'store file is shorter than its meta pages')
    return pages
  }

  /** Where the last page of the newest tree ends; zeros may follow. */
  treeBytes(): number {
    return (this.#env.info().lastPageNumber + 1) * this.pageBytes
  }

  /**
   * Writes the last commit, and nothing that is free, into a new store file, on a thread of libuv's pool and as fast as
   * the disk takes it. One instant of the store is held meanwhile. The file is not synced. Written to it may be only
   * after `openLmdbCopy`.
   */
  async copyTo(path: string): Promise<void> {
    assert(!this.#closed, 'copy of a closed store')
    await this.#root.backup(path, true)
  }

  bytesWritten(): number {
    return (this.#env.info().pagesWritten ?? 0) * this.pageBytes
  }

  stats(): StoreStats {
    // A transaction of its own: lmdb's stat calls use the newest one created, which may be a pin released since.
    const txn = new native.Txn(this.#env, READ_ONLY_TXN)
    let pages = META_PAGES + pagesOf(this.#env.stat()) + pagesOf(this.#env.freeStat())
    for (const table of this.#context.tables) pages += pagesOf(table.handle.stat())
    const info = this.#env.info()
    txn.abort()
    const sizeBytes = fstatSync(this.dataFd).size
    return {
      sizeBytes,
      aheadBytes: Math.max(0, sizeBytes - this.treeBytes()),
      usedBytes: pages * this.pageBytes,
      readersUsed: info.numReaders,
      readersMax: info.maxReaders,
    }
  }

  close(): void {
    assert(!this.#closed, 'store closed twice')
    assert(this.#snapshot?.isOpen !== true, 'store closed with an open snapshot')
    this.pins.releaseAll()
    assert(this.#pinCount === 0, 'store closed with a pin held')
    this.#closed = true
    this.#readTxn?.abort()
    this.#readTxn = undefined
    closeSync(this.dataFd)
    this.#reserve?.close()
    void this.#root.close()
  }
}

class LmdbSnapshot extends LmdbView implements ReadSnapshot {
  constructor(context: LmdbContext, txn: NativeReadTxn) {
    super(context, txn.address)
  }

  close(): void {
    assert(this.isOpen, 'snapshot closed twice')
    this.end()
    this.context.native.resetTxn(this.txnAddress)
  }
}

function openRoot(options: LmdbStoreOptions, pageSize: number): LmdbDatabase {
  return lmdb.open({
    path: options.path,
    noSubdir: true,
    readOnly: options.readOnly === true,
    noSync: true,
    overlappingSync: false,
    mapSize: options.mapSizeBytes ?? MAP_SIZE_BYTES_DEFAULT,
    maxReaders: options.readersMax ?? READERS_MAX_DEFAULT,
    maxDbs: TABLE_NAMES.length + 8,
    pageSize,
    permissionsMode: 0o600,
    trackMetrics: true,
    encoding: 'binary',
    keyEncoding: 'binary',
    eventTurnBatching: false,
  } as lmdb.RootDatabaseOptionsWithPath) as unknown as LmdbDatabase
}

function openTables(root: LmdbDatabase): LmdbContext {
  let captured: Bytes | undefined
  const keyEncoder = {
    writeKey(_key: unknown, target: Bytes, at: number): number {
      captured = target
      target[at] = 0
      return at + 1
    },
    readKey(): undefined {
      return undefined
    },
  }
  const tables: TableHandle[] = []
  let last: LmdbDatabase | undefined
  for (const name of TABLE_NAMES) {
    last = root.openDB({ name, keyEncoder, encoding: 'binary' })
    if (last === undefined) throw new Error(`store file has no table ${name}`)
    tables.push({ handle: last.db, dbi: last.db.dbi, address: last.db.address })
  }
  // Any get shows the package's key memory to the encoder; there is no other way to learn where it is.
  const txn = new native.Txn(root.env, READ_ONLY_TXN)
  last?.getBinaryFast(0, { transaction: txn })
  txn.abort()
  assert(captured !== undefined, 'lmdb did not show its key memory')
  const endBytes = new Uint8Array(4 + ROW_KEY_BYTES_MAX + 2)
  return {
    native,
    keyBytes: keyMemory(captured),
    valueBytes: valueMemory(),
    tables,
    endKey: {
      bytes: endBytes,
      words: new Uint32Array(endBytes.buffer),
      address: native.getAddress(endBytes.buffer),
    },
  }
}

function keyMemory(bytes: Bytes): NativeKeyBytes {
  const size = bytes.length
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, size >> 2)
  const doubles = new Float64Array(bytes.buffer, bytes.byteOffset, size >> 3)
  assert(bytes.buffer instanceof ArrayBuffer, 'lmdb key memory is not an ArrayBuffer')
  const address = native.getAddress(bytes.buffer) + bytes.byteOffset
  return { bytes, words, doubles, address }
}

/** A plain view: the package redefines `length` on its own buffer object at each get. */
function valueMemory(): Bytes {
  const { buffer, byteOffset } = native.globalBuffer
  return new Uint8Array(buffer, byteOffset, ROW_VALUE_BYTES_MAX)
}

function pagesOf(stat: NativeStat): number {
  return stat.treeBranchPageCount + stat.treeLeafPageCount + stat.overflowPages
}

/**
 * The few native calls of the lmdb package that this store uses, as types. The package's own range iterator opens a
 * cursor and makes an object per row: 9 us a seek against 2.6 us for the calls below, and its `put` ignores the native
 * result code on Node 20 (the call returns it in place of throwing), so a full disk would go unseen until commit.
 */

import type { Bytes } from '../base/bytes.js'
import type { NoSpace } from './store.js'

export interface NativeCursor {
  readonly address: number
  close(): void
}

export interface NativeReadTxn {
  readonly address: number
  renew(): void
  abort(): void
}

export interface NativeStat {
  readonly treeBranchPageCount: number
  readonly treeLeafPageCount: number
  readonly overflowPages: number
}

export interface NativeDbi {
  readonly dbi: number
  readonly address: number
  stat(): NativeStat
}

export interface NativeEnv {
  readonly address: number
  stat(): NativeStat
  freeStat(): NativeStat
  info(): {
    readonly lastPageNumber: number
    readonly maxReaders: number
    readonly numReaders: number
    readonly pagesWritten?: number
  }
  readerList(): string[]
}

export interface LmdbNative {
  readonly globalBuffer: Buffer
  readonly Cursor: new (dbi: NativeDbi, txnAddress: number) => NativeCursor
  readonly Txn: new (env: NativeEnv, flags: number) => NativeReadTxn
  getAddress(buffer: ArrayBuffer): number
  /** Byte length, or a negative LMDB code; the value is copied into the thread's global buffer. */
  getByBinary(dbiAddress: number, keySize: number, ifNotTxnId: number, txnAddress: number): number
  /** Key length at the new position, 0 at the end, or a negative LMDB code; a row count with COUNT_ONLY. */
  position(cursor: number, flags: number, offset: number, keySize: number, endKey: number): number
  iterate(cursor: number): number
  /** Runs one write instruction; success shows as INSTRUCTION_DONE in its first word. */
  write(envAddress: number, instructionAddress: number): number | undefined
  resetTxn(txnAddress: number): void
}

/**
 * The thread's own key and instruction memory, 4,096 bytes shared by all environments that the thread opened.
 * For a get or a seek the key stands at byte 0; a cursor writes the row's value length to word 0 and its key at byte
 * 32.
 */
export interface NativeKeyBytes {
  readonly bytes: Bytes
  readonly words: Uint32Array
  readonly doubles: Float64Array
  readonly address: number
}

export const CURSOR_KEY_START = 32

export const CURSOR_WITH_VALUES = 0x100
export const CURSOR_REVERSE = 0x400
export const CURSOR_COUNT_ONLY = 0x1000
export const CURSOR_AFTER_KEY = 0x10000

export const READ_ONLY_TXN = 0x20000

export const INSTRUCTION_PUT = 15
export const INSTRUCTION_REMOVE = 13
export const INSTRUCTION_APPEND = 0x20000
export const INSTRUCTION_DONE = 0x1000000
/** Done, but the row to remove did not exist, or the key to append is not the last. */
export const INSTRUCTION_REFUSED = 0x4000000

export const LMDB_NOT_FOUND = -30798
const LMDB_MAP_FULL = -30792
const ENOSPC = 28
const EFBIG = 27
const EDQUOT = 122

/** True for codes that mean "no room now": the transaction is undone and may be tried again. */
export function isNoSpace(code: number): boolean {
  const positive = Math.abs(code)
  return code === LMDB_MAP_FULL || positive === ENOSPC || positive === EFBIG || positive === EDQUOT
}

/** LMDB's own codes lie here; those of the system are small. */
const LMDB_CODE_MIN = -30799
const LMDB_CODE_MAX = -30769

/** True for what LMDB says of a transaction that it could not carry out, but for a lack of space. */
export function isEngineFailure(code: number): boolean {
  return code >= LMDB_CODE_MIN && code <= LMDB_CODE_MAX && !isNoSpace(code)
}

export class LmdbError extends Error {
  override readonly name = 'LmdbError'
  readonly code: number

  constructor(what: string, code: number) {
    super(`lmdb: ${what}: code ${code}`)
    this.code = code
  }
}

/** Copies key bytes to native memory; short keys by a loop, because a view costs more than the bytes. */
export function copyKey(target: Bytes, at: number, key: Bytes, start: number, end: number): void {
  const length = end - start
  if (length <= 64) {
    for (let i = 0; i < length; i++) target[at + i] = key[start + i] as number
  } else {
    target.set(key.subarray(start, end), at)
  }
}

/** Throws whatever else went wrong. */
export function noSpaceOf(error: unknown, path: string): NoSpace {
  const code = errorCode(error)
  if (code === undefined || !isNoSpace(code)) throw error
  return { ok: false, code: 'no-space', message: `store ${path}: no space (code ${code})` }
}

/** Number of the error: LMDB's own, or that of the system call under the store's reserve. */
export function errorCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'number') return error.code
  return 'errno' in error && typeof error.errno === 'number' ? error.errno : undefined
}

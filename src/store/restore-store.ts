/**
 * How every start begins, clean or not: the newest checkpoint's meta pages are put back, which makes the store file the
 * tree that the checkpoint is of, and that tree is pinned before anything is written. What was applied since comes from
 * the WAL again. Without a checkpoint the store begins empty.
 */

import { closeSync, fstatSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makeDirectories } from '../base/directories-file.js'
import { CHECKPOINT_FILE, readCheckpoint, syncDirectory, type Checkpoint } from './checkpoint-file.js'
import { createLmdbStore, openLmdbStore, type LmdbStore, type LmdbStoreOptions } from './lmdb-store.js'

export interface RestoredStore {
  readonly ok: true
  readonly store: LmdbStore
  /** Number of the store file, for its readers. */
  readonly generation: number
  /** Entries up to here are in the store; 0 when there was no checkpoint. */
  readonly appliedIndex: number
  readonly appliedTerm: number
  /** The store is a leader's, and the log may not know of it yet. */
  readonly isInstalled: boolean
}

export type RestoreResult =
  | RestoredStore
  | { readonly ok: false; readonly code: 'corrupt' | 'no-space'; readonly message: string }

const FIRST_GENERATION = 1

/** The store file of a generation; LMDB keeps its lock file beside it. */
export function storePath(dir: string, generation: number): string {
  return join(dir, `${generation}.mdb`)
}

/** Removes a store file and what LMDB keeps beside it. Nobody may have it open. */
export function removeStoreFile(path: string): void {
  rmSync(path, { force: true })
  rmSync(`${path}-lock`, { force: true })
}

/** A synced file becomes a store file, durably. Nobody may have either open. */
export function placeStoreFile(from: string, to: string, noFsync = false): void {
  removeStoreFile(to)
  renameSync(from, to)
  if (noFsync) return
  syncDirectory(dirname(to))
  syncDirectory(dirname(from))
}

/** Opens the store of `dir` for its writer. Nobody else may have it open, in this process or another. */
export function restoreStore(dir: string, options: Omit<LmdbStoreOptions, 'path' | 'pinAtOpen'> = {}): RestoreResult {
  makeDirectories(dir, 0o700)
  const read = readCheckpoint(dir)
  if (read.kind === 'corrupt') return { ok: false, code: 'corrupt', message: read.message }
  if (read.kind === 'none') {
    removeAllBut(dir, [])
    const created = createLmdbStore({ ...options, path: storePath(dir, FIRST_GENERATION) })
    if (!created.ok) return created
    syncDirectory(dir)
    const { store } = created
    return { ok: true, store, generation: FIRST_GENERATION, appliedIndex: 0, appliedTerm: 0, isInstalled: false }
  }
  const { checkpoint } = read
  const { generation, appliedIndex, appliedTerm, pageBytes } = checkpoint
  const path = storePath(dir, generation)
  const problem = restoreMetaPages(path, checkpoint)
  if (problem !== null) return { ok: false, code: 'corrupt', message: problem }
  removeAllBut(dir, [CHECKPOINT_FILE, `${generation}.mdb`])
  const store = openLmdbStore({ ...options, path, pageBytes, pinAtOpen: true })
  return { ok: true, store, generation, appliedIndex, appliedTerm, isInstalled: checkpoint.isInstalled === true }
}

/**
 * Makes the store file the tree of the checkpoint. Needs no sync: until the next checkpoint every start does the same
 * again. Returns what is wrong with the file, if anything is.
 */
export function restoreMetaPages(path: string, checkpoint: Checkpoint): string | null {
  let fd: number
  try {
    fd = openSync(path, 'r+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return `the checkpoint is of store file ${path}, which does not exist`
  }
  try {
    const { size } = fstatSync(fd)
    if (size < checkpoint.fileBytes) {
      return `store file ${path} has ${size} bytes, but had ${checkpoint.fileBytes} at its checkpoint`
    }
    const { metaPages } = checkpoint
    for (let at = 0; at < metaPages.length;) at += writeSync(fd, metaPages, at, metaPages.length - at, at)
  } finally {
    closeSync(fd)
  }
  return null
}

/** Lock files, other generations, what a crash left half-made. */
function removeAllBut(dir: string, kept: readonly string[]): void {
  for (const name of readdirSync(dir)) {
    if (!kept.includes(name)) rmSync(join(dir, name), { recursive: true })
  }
}

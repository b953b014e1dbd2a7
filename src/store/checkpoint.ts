/**
 * A checkpoint, in the steps of docs/DATA-ON-DISK.md: the writer's thread begins it between two commits, any thread
 * syncs the store file and finishes it, and the writer's thread adopts it. At any moment the newest finished one can be
 * restored, whatever part of the pages written since has reached the disk.
 */

import { fsyncSync } from 'node:fs'
import { assert } from '../base/assert.js'
import { writeCheckpoint, type Checkpoint, type CheckpointWrite } from './checkpoint-file.js'
import type { LmdbStore } from './lmdb-store.js'

/** What the thread that finishes a checkpoint needs to know. May be posted to it. */
export interface CheckpointTicket extends Checkpoint {
  /** The store's own descriptor of its file, which sees every failed write-back since the store was opened. */
  readonly dataFd: number
}

export interface AppliedEntry {
  readonly generation: number
  readonly appliedIndex: number
  readonly appliedTerm: number
  readonly isInstalled?: boolean
}

/**
 * Step 1, on the writer's thread between two commits: pins the newest tree and takes its place. `applied` is the last
 * entry in it. One at a time; ends with `adoptCheckpoint` or `dropCheckpoint`.
 */
export function beginCheckpoint(store: LmdbStore, applied: AppliedEntry): CheckpointTicket {
  assert(!store.pins.hasPending, 'one checkpoint at a time')
  store.pins.hold(store.pin())
  return {
    generation: applied.generation,
    appliedIndex: applied.appliedIndex,
    appliedTerm: applied.appliedTerm,
    isInstalled: applied.isInstalled === true,
    pageBytes: store.pageBytes,
    fileBytes: store.treeBytes(),
    metaPages: store.readMetaPages(),
    dataFd: store.dataFd,
  }
}

/**
 * Step 2, on any thread: what was written to the store file so far is durable when this returns. It throws when the
 * sync fails; that must end the process, because the kernel tells of a lost page only once.
 */
export function syncStoreFile(dataFd: number): void {
  fsyncSync(dataFd)
}

/**
 * Step 3, on any thread, after a sync that began after the ticket was made. Without space the checkpoint before stands.
 */
export function finishCheckpoint(dir: string, ticket: CheckpointTicket): CheckpointWrite {
  const { dataFd: _, ...checkpoint } = ticket
  return writeCheckpoint(dir, checkpoint)
}

/** Step 4, on the writer's thread after the third succeeded: the pages of the checkpoint before may be reused. */
export function adoptCheckpoint(store: LmdbStore): void {
  store.pins.adopt()
}

/** In place of step 4 when the third found no space. */
export function dropCheckpoint(store: LmdbStore): void {
  store.pins.drop()
}

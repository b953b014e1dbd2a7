/** Store files, one after the other: what the mvcc actor needs of the disk to put a new one in the place of the old. */

import type { NoSpace, Store } from '../../store/store.js'
import type { CheckpointSource } from '../checkpoint/checkpointer.js'

export interface StoreGeneration {
  readonly number: number
  readonly store: Store
  /** Where checkpoints of it begin. */
  readonly source: CheckpointSource
  /** A start found it so: it is a leader's, and the log may not know of it yet. */
  readonly isInstalled?: boolean
}

export type GenerationResult = { readonly ok: true; readonly generation: StoreGeneration } | NoSpace

export interface StoreGenerations {
  /** A new and empty store file, its name durable. Refused when the disk has no room for so many bytes in it. */
  create(number: number, bytes: number): GenerationResult
  /** A leader's store, whose file is in its place: pinned, and nothing of it changed. */
  open(number: number): GenerationResult
  /** What the file of a generation is called, for its removal. */
  pathOf(number: number): string
}

/**
 * How the mvcc actor has a checkpoint made. What only the store knows is split in two: the source stays on the mvcc
 * thread, which alone may pin and read the store between two commits; the target may be used on another thread, because
 * syncs and renames take as long as the disk likes.
 */

import { assert } from '../../base/assert.js'
import type { Bytes } from '../../base/bytes.js'

/** What a finished attempt came to. A failed sync is no result: it ends the process (docs/DATA-ON-DISK.md). */
export type CheckpointOutcome =
  | { readonly ok: true; readonly appliedIndex: number; readonly appliedTerm: number }
  | { readonly ok: false; readonly code: 'no-space'; readonly message: string }

export interface Checkpointer {
  /** True from `begin` until its outcome was taken. */
  readonly isRunning: boolean
  /** A mark behind all orders so far: checkpoints, syncs and removals. */
  readonly ordered: number
  /** True when all orders before that mark are done: a store file that none after them is about may be closed. */
  isDone(ordered: number): boolean
  /** Starts a checkpoint of the last commit to this store file. Call between commits, while none is running. */
  begin(source: CheckpointSource, appliedIndex: number, appliedTerm: number): void
  /** Writes back what is dirty in this store file so far, so that the sync of its next checkpoint is short. */
  syncAhead(source: CheckpointSource): void
  /** A store file that nobody has open any more goes, after all that was ordered before. */
  remove(path: string): void
  /** Moves a synced file to where a store file belongs, durably. False when the order has to be given again later. */
  place(from: string, to: string): boolean
  /** True if an outcome waits to be taken; looks at shared memory only, so it may be asked before parking. */
  hasOutcome(): boolean
  takeOutcome(): CheckpointOutcome
  /** Blocks until the checkpoint that is running has its outcome. */
  waitForOutcome(): void
  /** Ends the helper, once it has done all that was ordered. No checkpoint may be running. */
  close(): void
}

/** One store file's side, on the mvcc thread, between two commits. */
export interface CheckpointSource {
  /** What the target knows the file by. */
  readonly file: Bytes
  /** Pins the last commit and returns what the target has to write for it. */
  begin(appliedIndex: number, appliedTerm: number): Bytes
  /** It is on disk: the pin of the one before is let go. */
  adopt(): void
  /** It could not be written: its own pin is let go, the one before stands. */
  giveUp(): void
}

/** On any thread. Throws when the disk fails in a way that must not be lived with. */
export interface CheckpointTarget {
  /** Makes everything that was written to the store file durable. */
  sync(file: Bytes): void
  /** Makes the checkpoint durable: sync, file, rename, directory. Undefined, or why there was no space for it. */
  write(checkpoint: Bytes): string | undefined
  /** Removes a store file. */
  remove(path: string): void
  /** Moves a file to where a store file belongs, durably. */
  place(from: string, to: string): void
  close(): void
}

/** Does it all at once on the calling thread: for tests, and for embedding where nothing may run beside it. */
export class InlineCheckpointer implements Checkpointer {
  readonly ordered = 0
  readonly #target: CheckpointTarget
  #outcome: CheckpointOutcome | null = null

  constructor(target: CheckpointTarget) {
    this.#target = target
  }

  get isRunning(): boolean {
    return this.#outcome !== null
  }

  isDone(): boolean {
    return true
  }

  begin(source: CheckpointSource, appliedIndex: number, appliedTerm: number): void {
    this.finish(source, source.begin(appliedIndex, appliedTerm), appliedIndex, appliedTerm)
  }

  /** All that a checkpoint is behind its beginning. */
  protected finish(source: CheckpointSource, bytes: Bytes, appliedIndex: number, appliedTerm: number): void {
    const message = this.#target.write(bytes)
    if (message === undefined) {
      source.adopt()
      this.#outcome = { ok: true, appliedIndex, appliedTerm }
    } else {
      source.giveUp()
      this.#outcome = { ok: false, code: 'no-space', message }
    }
  }

  syncAhead(source: CheckpointSource): void {
    this.#target.sync(source.file)
  }

  remove(path: string): void {
    this.#target.remove(path)
  }

  place(from: string, to: string): boolean {
    this.#target.place(from, to)
    return true
  }

  hasOutcome(): boolean {
    return this.#outcome !== null
  }

  takeOutcome(): CheckpointOutcome {
    const outcome = this.#outcome
    assert(outcome !== null, 'no checkpoint was begun')
    this.#outcome = null
    return outcome
  }

  waitForOutcome(): void {
    assert(this.#outcome !== null, 'no checkpoint was begun')
  }

  close(): void {
    this.#target.close()
  }
}

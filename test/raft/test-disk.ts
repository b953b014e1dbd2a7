/**
 * A member's disk in memory: what a WAL and the store's checkpoints would hold. Appends reach it in order; a crash
 * loses those that had not, and what the store had applied since its checkpoint.
 */

import assert from 'node:assert/strict'
import type { ConfState } from '../../src/raft/core/conf-change.js'
import type { LogEntry } from '../../src/raft/core/raft-log.js'
import type { SnapshotMeta } from '../../src/raft/core/raft-message.js'
import type { HardState, RaftInitial } from '../../src/raft/core/raft-state.js'

/** One Ready's share for storage, copied out of it. */
export interface DiskWrite {
  readonly snapshot: SnapshotMeta | null
  readonly entries: readonly LogEntry[]
  readonly hardState: HardState | null
  readonly mustSync: boolean
  readonly term: number
  readonly index: number
}

export class TestDisk {
  hardState: HardState = { term: 0, vote: 0n, commit: 0 }
  /** Where the log begins. */
  snapshot: SnapshotMeta
  /** What follows the snapshot. */
  entries: LogEntry[] = []
  /** What the store comes back as. */
  checkpoint: SnapshotMeta

  constructor(confState: ConfState) {
    this.snapshot = { index: 0, term: 0, confState }
    this.checkpoint = this.snapshot
  }

  get lastIndex(): number {
    return this.snapshot.index + this.entries.length
  }

  termAt(index: number): number {
    if (index === this.snapshot.index) return this.snapshot.term
    return this.entries[index - this.snapshot.index - 1]?.term ?? -1
  }

  write(write: DiskWrite): void {
    if (write.snapshot !== null) this.#install(write.snapshot)
    for (const entry of write.entries) {
      assert.ok(entry.index <= this.lastIndex + 1, `write of ${entry.index} after ${this.lastIndex}`)
      this.entries.length = entry.index - this.snapshot.index - 1
      this.entries.push(entry)
    }
    if (write.hardState !== null) this.hardState = { ...write.hardState }
    assert.ok(this.hardState.commit <= this.lastIndex, `commit ${this.hardState.commit} of ${this.lastIndex} on disk`)
  }

  /** The store makes what it has applied safe up to `index`, which the log on disk must hold. */
  saveCheckpoint(index: number, confAt: (index: number) => ConfState): void {
    if (index <= this.checkpoint.index) return
    assert.ok(index <= this.lastIndex, `checkpoint at ${index} of a log that ends at ${this.lastIndex}`)
    this.checkpoint = { index, term: this.termAt(index), confState: confAt(index) }
  }

  /** Drops the log that the checkpoint makes superfluous. */
  compact(): void {
    const { index } = this.checkpoint
    if (index <= this.snapshot.index) return
    this.entries.splice(0, index - this.snapshot.index)
    this.snapshot = this.checkpoint
  }

  initial(): RaftInitial {
    return {
      hardState: this.hardState,
      snapshotIndex: this.snapshot.index,
      snapshotTerm: this.snapshot.term,
      entries: this.entries,
      applied: this.checkpoint.index,
      confState: this.checkpoint.confState,
      persisted: true,
    }
  }

  /** A leader's snapshot: its store was made safe beside the old one and counts from this record on. */
  #install(snapshot: SnapshotMeta): void {
    // Entries that the record contradicts are not a continuation of it.
    const follows = this.termAt(snapshot.index) === snapshot.term
    this.entries.splice(0, follows ? snapshot.index - this.snapshot.index : this.entries.length)
    this.snapshot = this.checkpoint = snapshot
  }
}

/** The store as this worker reads it: one snapshot at most in a turn, opened when it is needed. */

import { assert } from '../base/assert.js'
import type { Slice } from '../base/slice.js'
import { KeyRecord } from '../keyspace/key-record.js'
import { KeyspaceView } from '../keyspace/keyspace-view.js'
import { counters, snapshotSince } from '../metrics/counter-catalogue.js'
import type { Counters } from '../metrics/counters.js'
import type { GenerationReader } from '../store/generations/generation-reader.js'
import type { ReadSnapshot } from '../store/store.js'
import type { PreviousValues } from './event-block.js'

export class StoreReader implements PreviousValues {
  readonly #file: GenerationReader
  #snapshot: ReadSnapshot | null = null
  #view: KeyspaceView | null = null
  readonly #previous = new KeyRecord()
  readonly #counters: Counters
  /** The turn's time. */
  nowMs = 0

  constructor(file: GenerationReader, page: Counters) {
    this.#file = file
    this.#counters = page
  }

  /** True if an old store file is to be let go of. */
  get isStale(): boolean {
    return this.#file.isStale
  }

  /** A view of this turn that holds at least this revision, which is known to be committed. */
  view(revisionMin: number): KeyspaceView {
    if (this.#snapshot !== null && (this.#view as KeyspaceView).currentRevision < revisionMin) this.release()
    if (this.#snapshot === null) this.#open()
    const view = this.#view as KeyspaceView
    assert(view.currentRevision >= revisionMin, `the store is at ${view.currentRevision}, not at ${revisionMin} yet`)
    return view
  }

  /** As etcd has it: nothing if the revision before the change is compacted. */
  previousOf(record: KeyRecord): Slice | null {
    if (!record.hasPrevious) return null
    const { modRevision } = record
    const view = this.view(modRevision)
    if (modRevision - 1 < view.compactRevision) return null
    return view.previous(record, this.#previous) ? this.#previous.kv : null
  }

  /** Ends the snapshot. Called at the end of each turn at the latest. */
  release(): void {
    if (this.#snapshot === null) return
    this.#snapshot.close()
    this.#snapshot = null
    this.#counters.set(counters.openSnapshots, 0)
    this.#counters.set(snapshotSince, 0)
  }

  /** At the end of a turn: ends the snapshot and lets go of an old store file. Returns 1 if there was one. */
  endTurn(): number {
    this.release()
    return this.#file.release()
  }

  close(): void {
    this.release()
    this.#file.close()
  }

  #open(): void {
    this.#snapshot = this.#file.beginRead()
    this.#counters.set(counters.openSnapshots, 1)
    this.#counters.set(snapshotSince, this.nowMs)
    if (this.#view === null) this.#view = new KeyspaceView(this.#snapshot)
    else this.#view.reset(this.#snapshot)
  }
}

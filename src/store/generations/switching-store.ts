/**
 * The store of the thread that applies entries, whichever file it is in: while it is copied its transactions tell what
 * they touch, and when the copy is equal it takes the place of what it was made of.
 */

import { assert } from '../../base/assert.js'
import { GENERATION_READERS } from '../../messages/shared-words.js'
import type { RecentMemory } from '../recent/recent-memory.js'
import { RecentReader } from '../recent/recent-snapshot.js'
import { RecentWriter, type RecentStats } from '../recent/recent-writer.js'
import type { CommitResult, MayCommit, ReadSnapshot, Store, StoreStats, WriteTransaction } from '../store.js'
import { RecordingTransaction } from './recording-transaction.js'
import { StoreCopy } from './store-copy.js'

/** The place of the writing thread among the readers of recent rows: behind all that have a word. */
const WRITERS_READER = GENERATION_READERS

export class SwitchingStore implements Store {
  #current: Store
  #copy: StoreCopy | null = null
  /** What the files before this one were written. */
  #bytesBefore = 0
  readonly #recent: RecentWriter | null
  readonly #reader: RecentReader | null

  /** With `recent`, rows of some tables go to that memory first; the file is whole now (tables/settle-recent.ts). */
  constructor(first: Store, recent: RecentMemory | null = null) {
    this.#current = first
    this.#recent = recent === null ? null : new RecentWriter(recent)
    this.#reader = recent === null ? null : new RecentReader(recent, WRITERS_READER)
    this.#resetRecent()
  }

  /** What the file itself has of the key space, whatever memory holds, is whole up to this revision. */
  get settledRevision(): number {
    return this.#recent?.settledRevision ?? Infinity
  }

  /** Null without recent rows. */
  recentStats(): RecentStats | null {
    return this.#recent?.stats() ?? null
  }

  /** The revision that the store is at, at the start and after a commit. */
  setRevision(revision: number): void {
    this.#recent?.setRevision(revision)
  }

  /** Puts up to so many rows of those in memory into the file. */
  settleSome(rowsMax: number): CommitResult {
    this.#recent?.settle(rowsMax)
    return this.transact(() => undefined)
  }

  get copy(): StoreCopy | null {
    return this.#copy
  }

  /** Begins to copy into an empty store. One copy at a time. */
  copyTo(target: Store): StoreCopy {
    assert(this.#copy === null, 'one copy at a time')
    this.#copy = new StoreCopy(this.#current, target)
    return this.#copy
  }

  /** The copy is given up; the caller still owns what it was written to. */
  dropCopy(): void {
    assert(this.#copy !== null, 'there is no copy to drop')
    this.#copy = null
  }

  /** The copy becomes the store. The caller owns the one before. */
  switchToCopy(): void {
    const copy = this.#copy
    assert(copy !== null && copy.isEqual, 'only a copy that is equal takes the place of its store')
    this.#bytesBefore += this.#current.bytesWritten()
    this.#current = copy.target
    this.#copy = null
  }

  /**
   * Another store takes the place of this one, whatever was being copied. The caller owns both. `publish` tells readers
   * of its file; only then are recent rows of the one before given up.
   */
  replace(store: Store, publish: () => void): void {
    assert(this.#copy === null, 'nothing is copied while the store is replaced')
    this.#bytesBefore += this.#current.bytesWritten()
    this.#current = store
    publish()
    this.#resetRecent()
  }

  transact(work: (transaction: WriteTransaction) => void, mayCommit?: MayCommit): CommitResult {
    const copy = this.#copy
    const recent = this.#recent
    if (copy === null && recent === null) return this.#current.transact(work, mayCommit)
    let isCommitted = false
    try {
      const result = this.#current.transact((transaction) => {
        const file = copy === null ? transaction : new RecordingTransaction(transaction, copy.touch)
        if (recent === null) return work(file)
        const result: unknown = work(recent.begin(file))
        assert(result === undefined, 'a transaction must not be async or return anything')
        recent.finish()
      }, mayCommit)
      isCommitted = result.ok
      return result
    } finally {
      if (isCommitted) recent?.committed()
      else recent?.aborted()
    }
  }

  beginRead(): ReadSnapshot {
    if (this.#reader === null) return this.#current.beginRead()
    const snapshot = this.#reader.begin(this.#current)
    assert(snapshot !== null, 'the thread that writes the store knows its newest file')
    return snapshot
  }

  bytesWritten(): number {
    return this.#bytesBefore + this.#current.bytesWritten()
  }

  stats(): StoreStats {
    return this.#current.stats()
  }

  close(): void {
    this.#current.close()
  }

  #resetRecent(): void {
    if (this.#recent === null) return
    const snapshot = this.#current.beginRead()
    this.#recent.reset(snapshot)
    snapshot.close()
  }
}

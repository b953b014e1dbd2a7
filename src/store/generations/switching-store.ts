/**
 * The store of the thread that applies entries, whichever file it is in: while it is copied its transactions tell what
 * they touch, and when the copy is equal it takes the place of what it was made of.
 */

import { assert } from '../../base/assert.js'
import type { CommitResult, ReadSnapshot, Store, StoreStats, WriteTransaction } from '../store.js'
import { RecordingTransaction } from './recording-transaction.js'
import { StoreCopy } from './store-copy.js'

export class SwitchingStore implements Store {
  #current: Store
  #copy: StoreCopy | null = null
  /** What the files before this one were written. */
  #bytesBefore = 0

  constructor(first: Store) {
    this.#current = first
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

  /** Another store takes the place of this one, whatever was being copied. The caller owns both. */
  replace(store: Store): void {
    assert(this.#copy === null, 'nothing is copied while the store is replaced')
    this.#bytesBefore += this.#current.bytesWritten()
    this.#current = store
  }

  transact(work: (transaction: WriteTransaction) => void): CommitResult {
    const copy = this.#copy
    if (copy === null) return this.#current.transact(work)
    return this.#current.transact((transaction) => work(new RecordingTransaction(transaction, copy.touch)))
  }

  beginRead(): ReadSnapshot {
    return this.#current.beginRead()
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
}

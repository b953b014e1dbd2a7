/**
 * The memory of recent rows, shared by the thread that writes the store and all that read it: which slots readers may
 * still look at, and three slots of rows (recent-rows.ts).
 *
 * A slot has a number, which only grows; slot n lies in the memory of slot n - 3. In force are the newest one and,
 * until all of its rows are in the file, the one before. A snapshot says which were in force when it was committed. So
 * that no slot is written over while a snapshot needs it, a reader first says from which slot on it may look, and only
 * then opens the snapshot.
 */

import { assert } from '../../base/assert.js'
import { GENERATION_READERS } from '../../messages/shared-words.js'
import { RecentRows } from './recent-rows.js'

export const SLOTS = 3
/** All that have a word for their store file, and the writer itself. */
const READERS_MAX = GENERATION_READERS + 1
const OLDEST_WORD = 0
const STAMP_WORD = 1
const SEED_WORD = 2
const USED_WORD = 3
const HEADER_BYTES = 8 * Math.ceil((USED_WORD + READERS_MAX) / 2)

/** What a reader says while it reads nothing. */
const NONE = 0

/** Whoever may write keys must not know the seed of their hashes, or could choose keys that are slow to find. */
export function allocateRecent(slotBytes: number, seed: number): SharedArrayBuffer {
  assert(slotBytes % 8 === 0, 'slots lie on whole words')
  const memory = new SharedArrayBuffer(HEADER_BYTES + SLOTS * slotBytes)
  new Int32Array(memory)[SEED_WORD] = seed
  return memory
}

export class RecentMemory {
  readonly memory: SharedArrayBuffer
  readonly slotBytes: number
  readonly #words: Int32Array

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory
    this.slotBytes = (memory.byteLength - HEADER_BYTES) / SLOTS
    this.#words = new Int32Array(memory, 0, HEADER_BYTES >> 2)
  }

  rows(number: number): RecentRows {
    const at = HEADER_BYTES + this.indexOf(number) * this.slotBytes
    return new RecentRows(this.memory, { at, size: this.slotBytes, number, seed: this.#words[SEED_WORD] as number })
  }

  indexOf(number: number): number {
    return number % SLOTS
  }

  /** Of a writer, after a commit: no snapshot that is opened from now on looks at a slot before this one. */
  setOldest(number: number): void {
    Atomics.store(this.#words, OLDEST_WORD, number)
  }

  /** Of a writer: whether the memory of slot `number` may be written over, by what is `SLOTS` further on. */
  isUnused(number: number): boolean {
    if (Atomics.load(this.#words, OLDEST_WORD) <= number) return false
    for (let reader = 0; reader < READERS_MAX; reader++) {
      const used = Atomics.load(this.#words, USED_WORD + reader)
      if (used !== NONE && used <= number) return false
    }
    return true
  }

  /** Of a writer, before the commit that has this stamp. Stamps never go back. */
  setStamp(stamp: number): void {
    Atomics.store(this.#words, STAMP_WORD, stamp | 0)
  }

  /** Of a reader: from here on it sees all that was written before the commit that its snapshot shows. */
  awaitStamp(stamp: number): void {
    while (((Atomics.load(this.#words, STAMP_WORD) - (stamp | 0)) | 0) < 0) {
      // The writer stored it before it committed: it is on its way.
    }
  }

  /** Of a writer: whether nobody reads. */
  isIdle(): boolean {
    for (let reader = 0; reader < READERS_MAX; reader++) {
      if (Atomics.load(this.#words, USED_WORD + reader) !== NONE) return false
    }
    return true
  }

  /** Of a reader, before it opens a snapshot: it may look at slots from this one on. */
  use(reader: number): number {
    const words = this.#words
    for (;;) {
      const oldest = Atomics.load(words, OLDEST_WORD)
      Atomics.store(words, USED_WORD + reader, oldest === NONE ? 1 : oldest)
      if (Atomics.load(words, OLDEST_WORD) === oldest) return oldest
    }
  }

  /** Of a reader, after it has closed the snapshot. */
  leave(reader: number): void {
    Atomics.store(this.#words, USED_WORD + reader, NONE)
  }
}

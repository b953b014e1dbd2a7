/**
 * The newest store file as one reader has it open. Which file it uses stands in a word of its own, so that the writer
 * knows when an old one may go. The word is stored before the file is opened and the newest generation is looked at
 * again after that: either the writer sees the word, or the reader sees the newer generation.
 */

import { assert } from '../../base/assert.js'
import { Word, type SharedWords } from '../../messages/shared-words.js'
import { RecentMemory } from '../recent/recent-memory.js'
import { RecentReader } from '../recent/recent-snapshot.js'
import type { ReadableStore, ReadSnapshot } from '../store.js'

const NONE = 0

export class GenerationReader {
  readonly #words: SharedWords
  readonly #usedWord: number
  readonly #open: (generation: number) => ReadableStore
  #store: ReadableStore | null = null
  #generation = NONE
  readonly #recent: RecentReader | null

  /** `usedWord` is this reader's own. `recent`: where the writer keeps recent rows, if it does. */
  constructor(
    words: SharedWords, usedWord: number, open: (generation: number) => ReadableStore,
    recent: SharedArrayBuffer | null = null,
  ) {
    this.#words = words
    this.#usedWord = usedWord
    this.#open = open
    const place = usedWord - Word.generationUsed
    this.#recent = recent === null ? null : new RecentReader(new RecentMemory(recent), place)
  }

  /** The newest committed state. One snapshot at a time. */
  beginRead(): ReadSnapshot {
    for (;;) {
      const store = this.newest()
      if (this.#recent === null) return store.beginRead()
      const snapshot = this.#recent.begin(store)
      if (snapshot !== null) return snapshot
      assert(this.isStale, 'only an old file has lost its recent rows')
    }
  }

  /** True if it holds a file that is not the newest any more. */
  get isStale(): boolean {
    return this.#store !== null && this.#words.load(Word.storeGeneration) !== this.#generation
  }

  /** The store in its newest file. Only while no snapshot is open. */
  newest(): ReadableStore {
    if (this.isStale) this.close()
    if (this.#store === null) {
      this.#generation = this.#claim()
      this.#store = this.#open(this.#generation)
    }
    return this.#store
  }

  /** Lets go of an old file. Only while no snapshot is open. Returns 1 if there was one. */
  release(): number {
    if (!this.isStale) return 0
    this.close()
    return 1
  }

  close(): void {
    this.#store?.close()
    this.#store = null
    this.#words.store(this.#usedWord, NONE)
  }

  #claim(): number {
    for (;;) {
      const generation = this.#words.load(Word.storeGeneration)
      this.#words.store(this.#usedWord, generation)
      if (this.#words.load(Word.storeGeneration) === generation) return generation
    }
  }
}

/** True while any reader has the file of this generation, or of one before it. */
export function isGenerationUsed(words: SharedWords, generation: number, readersMax: number): boolean {
  for (let reader = 0; reader < readersMax; reader++) {
    const used = words.load(Word.generationUsed + reader)
    if (used !== NONE && used <= generation) return true
  }
  return false
}

/**
 * Store files that a front has others read for it: a word says which the oldest of them is, so that the writer leaves
 * it alone.
 */

import { assert } from '../../base/assert.js'
import { Word, type SharedWords } from '../../messages/shared-words.js'

const NONE = 0

export class GenerationHolds {
  readonly #words: SharedWords
  readonly #usedWord: number
  readonly #held: number[] = []

  /** `usedWord` is this holder's own. */
  constructor(words: SharedWords, usedWord: number) {
    this.#words = words
    this.#usedWord = usedWord
  }

  /** The newest generation, held until it is released. */
  hold(): number {
    for (;;) {
      const generation = this.#words.load(Word.storeGeneration)
      this.#held.push(generation)
      this.#store()
      // The writer sees the word, or this sees the writer's newer generation.
      if (this.#words.load(Word.storeGeneration) === generation) return generation
      this.#held.pop()
    }
  }

  release(generation: number): void {
    const at = this.#held.indexOf(generation)
    assert(at >= 0, 'a generation is released once for each hold')
    this.#held.splice(at, 1)
    this.#store()
  }

  #store(): void {
    this.#words.store(this.#usedWord, this.#held.length === 0 ? NONE : Math.min(...this.#held))
  }
}

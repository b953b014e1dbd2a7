/**
 * State marks: what all that was applied up to some entries has come to, as a hash, in shared words. Members that hold
 * the same log have the same marks; one that has another has gone its own way.
 *
 * A mark is one number below 2^53, so that it is read and stored as a whole: the low 20 bits of its number (the entry's
 * index divided by the distance of marks), then 32 bits of hash. 0 is none.
 */

import { STATE_MARK_WORDS, Word, type SharedWords } from './shared-words.js'

/** Entries between two marks. */
export const STATE_MARK_ENTRIES = 1024
const NUMBERS = 2 ** 20
const HASHES = 2 ** 32

export function markOf(index: number, hash: number): number {
  return ((index / STATE_MARK_ENTRIES) % NUMBERS) * HASHES + hash
}

function numberOf(mark: number): number {
  return Math.floor(mark / HASHES)
}

/** `marks`: index and hash, one after the other. */
export function storeMarks(words: SharedWords, marks: readonly number[]): void {
  for (let i = 0; i < marks.length; i += 2) {
    const mark = markOf(marks[i] as number, marks[i + 1] as number)
    words.store(Word.stateMarks + (numberOf(mark) % STATE_MARK_WORDS), mark)
  }
}

/** The newest mark at or below this entry, 0 when it is not known. */
export function newestMark(words: SharedWords, appliedIndex: number): number {
  const number = Math.floor(appliedIndex / STATE_MARK_ENTRIES) % NUMBERS
  const mark = words.load(Word.stateMarks + (number % STATE_MARK_WORDS))
  return numberOf(mark) === number ? mark : 0
}

/** Whether another member's mark is what this member has there; null when it has none there, or no more. */
export function agrees(words: SharedWords, mark: number): boolean | null {
  const own = words.load(Word.stateMarks + (numberOf(mark) % STATE_MARK_WORDS))
  if (own === 0 || mark === 0 || numberOf(own) !== numberOf(mark)) return null
  return own === mark
}

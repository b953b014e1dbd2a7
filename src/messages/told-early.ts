/**
 * Writes that are answered before the store has them (docs/ARCHITECTURE.md): while a lone voter's log syncs, mvcc
 * applies the few entries of that sync and hands their answers to the fronts, which send them when the log has the
 * entries. The store commits after that. A client that was answered relies on what it was told, so whoever reads or
 * names a revision asks here first how far anybody may have been told.
 *
 * One batch at a time is told early, and the store has it before the next one is. All of it is of one sync, so that it
 * becomes durable as a whole.
 */

import { Word, type SharedWords } from './shared-words.js'

/** Bit 2 of `applied.flags`: the answer waits until its entry is durable. */
export const TOLD_EARLY = 4

const NEVER = Number.MAX_SAFE_INTEGER

/** mvcc: entries up to `index`, after which the store is at `revision`, are answered once they are durable. */
export function tellEarly(words: SharedWords, index: number, revision: number): void {
  // Nobody takes the new revision for that of the batch before.
  words.store(Word.toldEarly, NEVER)
  words.store(Word.toldEarlyRevision, revision)
  words.store(Word.toldEarly, index)
}

/** What a snapshot must have applied to show all that any client was told. Asked after the question was heard. */
export function toldIndex(words: SharedWords): number {
  const early = words.load(Word.toldEarly)
  return early <= words.load(Word.durableIndex) ? early : 0
}

/** The newest revision that any client was told, or may see in a snapshot. */
export function toldRevision(words: SharedWords): number {
  for (;;) {
    const early = words.load(Word.toldEarly)
    // Looked at last: the store has the batch before the one that is not durable, and may have had it only just now.
    if (early > words.load(Word.durableIndex)) return words.load(Word.currentRevision)
    const revision = words.load(Word.toldEarlyRevision)
    if (words.load(Word.toldEarly) === early) return Math.max(revision, words.load(Word.currentRevision))
  }
}

/** The commit index for people and metrics: what is applied is committed, though raft may not have heard of it yet. */
export function committedIndex(words: SharedWords): number {
  return Math.max(Math.floor(words.load(Word.commitAndSolo) / 2), words.load(Word.appliedIndex))
}

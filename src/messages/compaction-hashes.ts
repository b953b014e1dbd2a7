/**
 * Compactions and their hashes, in shared words. mvcc writes down to which revisions it has compacted, and the first
 * front, which hashes the keys for each of these before what it needs is removed, writes down what came out; any front
 * may be asked for that.
 *
 * A reader who is too far behind to find a compaction does without it, and hashes are kept for the newest ten, as by
 * etcd.
 */

import { COMPACTION_HASHES_KEPT, COMPACTION_WORDS, Word, type SharedWords } from './shared-words.js'

/** What the keys of a member have come to at some revision, seen from a compact revision; -1 for never compacted. */
export interface KeyspaceHash {
  readonly hash: number
  readonly revision: number
  readonly compactRevision: number
}

/** From one compact revision to the next. Both are the same where a store begins: nothing was compacted. */
export interface CompactionStep {
  readonly from: number
  readonly to: number
}

/** So many newest compactions are looked for: a writer may be about to overwrite older ones. */
const STEPS_MAX = COMPACTION_WORDS / 2
const HASH_WORDS = 3

/** Of the store that mvcc has now. */
export function beginCompactions(words: SharedWords, compactRevision: number): void {
  append(words, -(compactRevision + 2))
}

/** To each of these revisions in turn. */
export function tellCompactions(words: SharedWords, revisions: readonly number[]): void {
  for (const revision of revisions) append(words, revision)
}

/** The compaction with this number, counted from 1; null when it is known no more. */
export function compactionStep(words: SharedWords, number: number): CompactionStep | null {
  const slot = words.load(slotOf(number))
  const before = words.load(slotOf(number - 1))
  if (words.load(Word.compactionsMade) - number >= STEPS_MAX) return null
  const to = revisionIn(slot)
  return { from: slot < 0 ? to : revisionIn(before), to }
}

/** A front does not find it before all of it is there. */
export function storeCompactionHash(words: SharedWords, number: number, found: KeyspaceHash): void {
  const at = Word.compactionHashes + (number % COMPACTION_HASHES_KEPT) * HASH_WORDS
  words.store(at, 0)
  words.store(at + 1, found.compactRevision)
  words.store(at + 2, found.hash)
  words.store(at, found.revision)
}

/** The hash of the compaction to this revision. */
export function compactionHashAt(words: SharedWords, revision: number): KeyspaceHash | null {
  if (revision <= 0) return null
  for (let slot = 0; slot < COMPACTION_HASHES_KEPT; slot++) {
    const found = hashIn(words, slot)
    if (found?.revision === revision) return found
  }
  return null
}

/** All that are kept, the newest first. */
export function compactionHashes(words: SharedWords): KeyspaceHash[] {
  const found = Array.from({ length: COMPACTION_HASHES_KEPT }, (_, slot) => hashIn(words, slot))
  return found.filter((hash) => hash !== null).toSorted((a, b) => b.revision - a.revision)
}

function append(words: SharedWords, value: number): void {
  const number = words.load(Word.compactionsMade) + 1
  words.store(slotOf(number), value)
  words.store(Word.compactionsMade, number)
}

function slotOf(number: number): number {
  return Word.compactions + (number % COMPACTION_WORDS)
}

/** A negative value is where a store begins, never compacted (-1) included. */
function revisionIn(value: number): number {
  return value < 0 ? -value - 2 : value
}

function hashIn(words: SharedWords, slot: number): KeyspaceHash | null {
  const at = Word.compactionHashes + slot * HASH_WORDS
  const revision = words.load(at)
  const found = { revision, compactRevision: words.load(at + 1), hash: words.load(at + 2) }
  return revision > 0 && words.load(at) === revision ? found : null
}

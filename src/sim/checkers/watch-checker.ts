/**
 * One watch over all its streams: every change of its range from its first revision on, each once, in order, whole
 * revisions, and as the truth has it. After a broken stream its client goes on from the revision after the last one
 * that it has whole.
 */

import { describeChange, isInside, type Change, type KeyRange, type Truth } from './truth.js'


export class WatchChecker {
  readonly name: string
  readonly range: KeyRange
  readonly #truth: Truth
  readonly #noPut: boolean
  readonly #noDelete: boolean
  /** Everything below has been delivered. 0: not known yet, the watch is from now on. */
  next: number
  delivered = 0
  /** Compactions that overtook it. */
  overtaken = 0

  constructor(
    truth: Truth,
    options: { name: string; range: KeyRange; from: number; noPut?: boolean; noDelete?: boolean },
  ) {
    this.#truth = truth
    this.name = options.name
    this.range = options.range
    this.next = options.from
    this.#noPut = options.noPut ?? false
    this.#noDelete = options.noDelete ?? false
  }

  /** The server has it: from `revision` on if it did not say from where. */
  onCreated(revision: number): void {
    if (this.next === 0) this.next = revision + 1
  }

  /** The events of one response. Returns what is wrong with them, or null. */
  onEvents(events: readonly Change[], isFragment: boolean): string | null {
    const last = events.at(-1)
    if (last === undefined) return null
    const expected = this.#between(this.next, last.modRevision)
    for (let i = 0; i < Math.max(expected.length, events.length); i++) {
      const seen = events[i]
      const due = expected[i]
      // A fragment may end within a revision; the client asks for that revision again if the rest does not come.
      if (isFragment && seen === undefined) break
      if (seen !== undefined && due !== undefined && describeChange(seen) === describeChange(due)) continue
      const shown = seen === undefined ? 'nothing' : describeChange(seen)
      const other = due === undefined ? 'nothing' : describeChange(due)
      return `${this.name} is told ${shown}, where ${other} is due (from revision ${this.next} on)`
    }
    this.delivered += events.length
    this.next = isFragment ? last.modRevision : last.modRevision + 1
    return null
  }

  /** The server says that everything up to `revision` has been told. Returns what is wrong with that, or null. */
  onProgress(revision: number): string | null {
    if (this.next === 0) return null
    const missing = this.#between(this.next, revision)[0]
    if (missing !== undefined) {
      return `${this.name} is told of progress to ${revision} without ${describeChange(missing)}`
    }
    this.next = Math.max(this.next, revision + 1)
    return null
  }

  /** It was ended, because what it needs next is compacted. Returns what is wrong with that, or null. */
  onCompacted(compactRevision: number, compactedMax: number): string | null {
    if (compactRevision > compactedMax) return `${this.name} is told of a compaction to ${compactRevision}`
    if (this.next !== 0 && this.next >= compactRevision) {
      return `${this.name} is ended at ${this.next} by a compaction to ${compactRevision}`
    }
    this.overtaken++
    this.next = compactRevision
    return null
  }

  /** The first change that is still owed; null when there is none. */
  owed(): Change | null {
    if (this.next === 0) return null
    return this.#between(this.next, this.#truth.lastRevision)[0] ?? null
  }

  #between(from: number, to: number): Change[] {
    const found: Change[] = []
    for (let revision = from; revision <= to; revision++) {
      for (const change of this.#truth.revisions[revision]?.changes ?? []) {
        if (isInside(this.range, change.key) && !this.#isFiltered(change)) found.push(change)
      }
    }
    return found
  }

  #isFiltered(change: Change): boolean {
    return change.value === null ? this.#noDelete : this.#noPut
  }
}

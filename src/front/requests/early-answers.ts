/**
 * Answers that mvcc gave while wal was still syncing their entries (messages/told-early.ts): they wait here for the
 * disk, which wakes this front. So few that mvcc applies at a time.
 */

import type { FrontMessages } from '../../messages/front-messages.js'
import type { Message } from '../../messages/protocol.js'
import { Word, type SharedWords } from '../../messages/shared-words.js'
import { SyncTimesReader } from '../../messages/sync-times.js'
import { TOLD_EARLY } from '../../messages/told-early.js'

type Applied = Message<FrontMessages, 'applied'>

export class EarlyAnswers {
  readonly #words: SharedWords
  readonly #syncTimes: SyncTimesReader
  readonly #onDue: (answer: Applied) => void
  /** In the order of their entries. */
  #waiting: Applied[] = []

  constructor(words: SharedWords, syncTimes: SharedArrayBuffer, onDue: (answer: Applied) => void) {
    this.#words = words
    this.#syncTimes = new SyncTimesReader(syncTimes)
    this.#onDue = onDue
  }

  /** False if it need not wait. */
  holds(answer: Applied): boolean {
    if ((answer.flags & TOLD_EARLY) === 0) return false
    if (this.#waiting.length === 0 && this.#isDurable(answer.index)) this.#onDue(this.#withTimes(answer))
    else this.#waiting.push({ ...answer })
    return true
  }

  hasDue(): boolean {
    const next = this.#waiting[0]
    return next !== undefined && this.#isDurable(next.index)
  }

  /** Returns how many went. */
  release(): number {
    if (this.#waiting.length === 0) return 0
    const durable = this.#words.load(Word.durableIndex)
    const due = this.#waiting.filter(({ index }) => index <= durable)
    this.#waiting = this.#waiting.filter(({ index }) => index > durable)
    for (const answer of due) this.#onDue(this.#withTimes(answer))
    return due.length
  }

  #isDurable(index: number): boolean {
    return index <= this.#words.load(Word.durableIndex)
  }

  #withTimes(answer: Applied): Applied {
    const { writeStartMs, writtenMs, syncedMs, committedMs } = this.#syncTimes.of(answer.index)
    return { ...answer, writeStartMs, writtenMs, syncedMs, quorumMs: syncedMs, committedMs }
  }
}

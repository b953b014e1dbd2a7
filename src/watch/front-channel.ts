/**
 * What goes to one front. Events are refused when there is no room, and their watchers then catch up from the store; a
 * block in parts is finished before anything else goes out, and answers that found no room wait, a bounded number of
 * them.
 */

import type { Bytes } from '../base/bytes.js'
import { Slice } from '../base/slice.js'
import type { FrontMessages } from '../messages/front-messages.js'
import type { Sender } from '../messages/protocol.js'
import type { WatchStream, Watcher } from './watcher.js'

/** A full ring is looked at again after this: its reader does not ring its writers. */
const FULL_RING_RETRY_MS = 1
/** At this many waiting answers the inbox is left alone. */
const ANSWERS_MAX = 1024
/** Watchers named in one record. */
const WATCHERS_PER_RECORD = 8192
const NUMBER_BYTES = 4

const NO_WATCHERS: Bytes = new Uint8Array(0)

/** An answer that found no room. */
type Answer =
  | { readonly kind: 'created'; readonly watcher: number; readonly revision: number; readonly error: number }
  | { readonly kind: 'canceled'; readonly watcher: number; readonly revision: number; readonly compactRevision: number }
  | { readonly kind: 'progress'; readonly stream: number; readonly revision: number }

/** The rest of a block whose first part is out. */
interface Unfinished {
  readonly revision: number
  readonly totalBytes: number
  readonly events: Bytes
  sent: number
  readonly watchers: Bytes
}

export class FrontChannel {
  readonly index: number
  readonly watchers = new Map<number, Watcher>()
  readonly streams = new Map<number, WatchStream>()
  /** Watchers that catch up, those of paused streams not among them; the one that waits longest is first. */
  readonly behind = new Set<Watcher>()
  readonly #front: Sender<FrontMessages>
  readonly #partBytesMax: number
  #answers: Answer[] = []
  #unfinished: Unfinished | null = null
  #nowMs = 0
  /** Until then the ring counts as full. */
  #retryAtMs = -Infinity
  readonly #numbers = new Uint8Array(WATCHERS_PER_RECORD * NUMBER_BYTES)
  readonly #numbersView = new DataView(this.#numbers.buffer)
  readonly #named = new Slice()
  readonly #part = new Slice()

  constructor(index: number, front: Sender<FrontMessages>, partBytesMax: number) {
    this.index = index
    this.#front = front
    this.#partBytesMax = partBytesMax
  }

  /** True while no events can be taken. */
  get isFull(): boolean {
    return this.hasUnsent || this.#nowMs < this.#retryAtMs
  }

  /** True while something that must go out has found no room. */
  get hasUnsent(): boolean {
    return this.#unfinished !== null || this.#answers.length > 0
  }

  /** When a full ring is worth another look. */
  get retryAtMs(): number {
    return this.hasUnsent ? this.#nowMs + FULL_RING_RETRY_MS : this.#retryAtMs
  }

  /** True while not even answers can be taken. */
  get isBlocked(): boolean {
    return this.#answers.length >= ANSWERS_MAX
  }

  /** Sends what waits. Returns how many records went out. */
  flush(nowMs: number): number {
    this.#nowMs = nowMs
    let sent = 0
    const unfinished = this.#unfinished
    if (unfinished !== null) {
      sent += this.#sendRest(unfinished)
      if (this.#unfinished !== null) return sent
    }
    let answered = 0
    while (answered < this.#answers.length && this.#send(this.#answers[answered] as Answer)) answered++
    if (answered > 0) this.#answers = this.#answers.slice(answered)
    return sent + answered
  }

  created(watcher: number, revision: number, error: number): void {
    this.#answer({ kind: 'created', watcher, revision, error })
  }

  /** `compactRevision` 0: the client asked for it. */
  canceled(watcher: number, revision: number, compactRevision: number): void {
    this.#answer({ kind: 'canceled', watcher, revision, compactRevision })
  }

  progress(stream: number, revision: number): void {
    this.#answer({ kind: 'progress', stream, revision })
  }

  /** A notice that nobody waits for: false if it was left out. */
  notify(watcher: number, revision: number): boolean {
    return !this.isFull && this.#front.watchNotify({ watcher, revision })
  }

  /** Returns for how many of the watchers, from the first on, the events are out or will be before all that follows. */
  sendEvents(revision: number, events: Slice, watchers: readonly Watcher[]): number {
    let done = 0
    while (done < watchers.length && !this.isFull) {
      const end = Math.min(watchers.length, done + WATCHERS_PER_RECORD)
      const named = this.#name(watchers, done, end)
      const isSent = events.length <= this.#partBytesMax
        ? this.#front.watchEvents({ revision, totalBytes: events.length, more: 0, watchers: named, events })
        : this.#sendInParts(revision, events, named)
      if (!isSent) {
        this.#retryAtMs = this.#nowMs + FULL_RING_RETRY_MS
        break
      }
      done = end
    }
    return done
  }

  /** False if not even the first part went out. Only the last part names the watchers. */
  #sendInParts(revision: number, events: Slice, named: Slice): boolean {
    const totalBytes = events.length
    const part = this.#part.at(events.bytes, events.start, events.start + this.#partBytesMax)
    if (!this.#front.watchEvents({ revision, totalBytes, more: 1, watchers: NO_WATCHERS, events: part })) return false
    let at = part.end
    while (at < events.end) {
      const end = Math.min(events.end, at + this.#partBytesMax)
      const isLast = end === events.end
      const fields = {
        revision, totalBytes, more: isLast ? 0 : 1,
        watchers: isLast ? named : NO_WATCHERS,
        events: part.at(events.bytes, at, end),
      }
      if (!this.#front.watchEvents(fields)) {
        this.#unfinished = {
          revision, totalBytes, sent: 0, watchers: named.copy(),
          events: part.at(events.bytes, at, events.end).copy(),
        }
        return true
      }
      at = end
    }
    return true
  }

  #sendRest(rest: Unfinished): number {
    const { revision, totalBytes, events } = rest
    let records = 0
    while (rest.sent < events.length) {
      const end = Math.min(events.length, rest.sent + this.#partBytesMax)
      const isLast = end === events.length
      const fields = {
        revision, totalBytes, more: isLast ? 0 : 1,
        watchers: isLast ? rest.watchers : NO_WATCHERS,
        events: this.#part.at(events, rest.sent, end),
      }
      if (!this.#front.watchEvents(fields)) return records
      rest.sent = end
      records++
    }
    this.#unfinished = null
    return records
  }

  #name(watchers: readonly Watcher[], start: number, end: number): Slice {
    let at = 0
    for (let i = start; i < end; i++) {
      this.#numbersView.setUint32(at, (watchers[i] as Watcher).number, true)
      at += NUMBER_BYTES
    }
    return this.#named.at(this.#numbers, 0, at)
  }

  #answer(answer: Answer): void {
    if (!this.isFull && this.#send(answer)) return
    this.#answers.push(answer)
  }

  #send(answer: Answer): boolean {
    switch (answer.kind) {
      case 'created':
        return this.#front.watchCreated(answer)
      case 'canceled':
        return this.#front.watchCanceled(answer)
      case 'progress':
        return this.#front.watchProgress(answer)
    }
  }
}

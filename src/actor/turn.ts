/**
 * One turn of a thread: every actor hears what waits, works once, and what was sent is published. Shared by all
 * runners.
 */

import type { Clock } from '../base/clock.js'
import type { Actor } from './actor.js'
import { Inbox } from './inbox.js'
import { Outbox } from './outbox.js'
import type { ThreadMeter } from './meter/thread-meter.js'

/** Actors in the order a put travels, so that a message between neighbours arrives in the turn that sent it. */
export class Turn {
  readonly outbox = new Outbox()
  readonly #clock: Clock
  readonly #actors: Actor[] = []
  readonly #inboxes: Inbox[] = []
  /** Set while actors run; a handler that asks for a turn meanwhile is served by the running one. */
  #running = false
  /**
   * After a turn: no actor has work left, so that the thread may sleep until `wakeAtMs` or its doorbell unless
   * `hasWork`. To have heard something is no reason for another turn: what was heard was worked on in the same one.
   */
  maySleep = false
  longestMs = 0
  turns = 0
  /** When the last turn ended. */
  endedMs = 0
  readonly #meter: ThreadMeter | null
  /** The actor whose code runs now or ran last: whoever threw, if something was thrown. */
  #active: Actor | null = null

  constructor(clock: Clock, meter: ThreadMeter | null = null) {
    this.#clock = clock
    this.#meter = meter
  }

  add(actor: Actor): Inbox {
    const inbox = new Inbox(actor)
    this.#actors.push(actor)
    this.#inboxes.push(inbox)
    return inbox
  }

  get actors(): readonly Actor[] {
    return this.#actors
  }

  /** The name of the actor that is to blame for an exception out of this turn; null before any ran. */
  get activeName(): string | null {
    return this.#active?.name ?? null
  }

  start(): void {
    const nowMs = this.#clock.nowMs()
    for (const actor of this.#actors) {
      this.#active = actor
      actor.onStart(nowMs)
    }
    this.outbox.flush()
  }

  /** Returns how much was heard and done. */
  run(): number {
    if (this.#running) return 1
    this.maySleep = false
    this.#running = true
    const startedMs = this.#clock.nowMs()
    let heard = 0
    let done = 0
    for (let i = 0; i < this.#actors.length; i++) {
      const inbox = this.#inboxes[i] as Inbox
      const actor = this.#actors[i] as Actor
      this.#active = actor
      heard += inbox.drain(startedMs)
      done += actor.doWork(startedMs)
      // Views into the rings were allowed until here.
      inbox.release()
      this.outbox.flush()
    }
    this.#running = false
    this.turns++
    this.endedMs = this.#clock.nowMs()
    const tookMs = this.endedMs - startedMs
    if (tookMs > this.longestMs) this.longestMs = tookMs
    this.maySleep = done === 0
    this.#meter?.onTurn(heard + done, tookMs, this.endedMs)
    return heard + done
  }

  hasWork(): boolean {
    for (const inbox of this.#inboxes) if (inbox.hasWork()) return true
    for (const actor of this.#actors) if (actor.awaitedWordCame?.() === true) return true
    return false
  }

  wakeAtMs(): number {
    let wakeAtMs = Infinity
    for (const actor of this.#actors) wakeAtMs = Math.min(wakeAtMs, actor.wakeAtMs())
    return wakeAtMs
  }

  isIdle(): boolean {
    if (this.hasWork()) return false
    for (const actor of this.#actors) if (!actor.isIdle()) return false
    return true
  }

  close(): void {
    for (const actor of this.#actors) {
      this.#active = actor
      actor.onClose()
    }
    this.outbox.flush()
  }
}

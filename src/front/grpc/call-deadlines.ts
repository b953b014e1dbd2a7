/**
 * The deadlines of a front's calls: a wheel of lists, so that a call that ends in time, as nearly all do, costs two
 * pointer changes and leaves nothing behind.
 *
 *   slot 0   1   2 ...  4095      slot = (deadline / 16 ms) mod 4096; a round is 65 s, later calls are passed over
 *        |   |
 *        c   c <-> c
 */

import { assert } from '../../base/assert.js'

/** What the wheel keeps in a call: its place among those that are due together. */
export interface DueCall<Call> {
  readonly deadlineMs: number
  /** -1 outside the wheel. */
  dueSlot: number
  nextDue: Call | null
  previousDue: Call | null
}

const TICK_MS = 16
const SLOT_COUNT = 4096

export class CallDeadlines<Call extends DueCall<Call>> {
  readonly #slots = new Array<Call | null>(SLOT_COUNT).fill(null)
  #count = 0
  /** The first tick that has not been looked at. */
  #tick = 0
  /** No call is due before this; it may be early, never late. */
  #wakeAtMs = Infinity

  /** `nowMs` is the current time; the call's deadline is finite. */
  add(call: Call, nowMs: number): void {
    assert(call.dueSlot === -1, 'a call has one deadline')
    if (this.#count === 0) this.#tick = Math.floor(nowMs / TICK_MS)
    this.#count++
    const tick = Math.max(Math.ceil(call.deadlineMs / TICK_MS), this.#tick)
    const slot = tick % SLOT_COUNT
    const first = this.#slots[slot] as Call | null
    call.dueSlot = slot
    call.nextDue = first
    if (first !== null) first.previousDue = call
    this.#slots[slot] = call
    this.#wakeAtMs = Math.min(this.#wakeAtMs, tick * TICK_MS)
  }

  /** A call without a deadline is let through. */
  remove(call: Call): void {
    if (call.dueSlot === -1) return
    const { nextDue, previousDue } = call
    if (nextDue !== null) nextDue.previousDue = previousDue
    if (previousDue !== null) previousDue.nextDue = nextDue
    else this.#slots[call.dueSlot] = nextDue
    call.dueSlot = -1
    call.nextDue = null
    call.previousDue = null
    this.#count--
    if (this.#count === 0) this.#wakeAtMs = Infinity
  }

  wakeAtMs(): number {
    return this.#wakeAtMs
  }

  /** Calls `onDue` for every call whose deadline has passed, after taking it out. */
  expire(nowMs: number, onDue: (call: Call) => void): void {
    if (nowMs < this.#wakeAtMs) return
    const lastTick = Math.floor(nowMs / TICK_MS)
    // One round shows every slot, however long nobody looked.
    const from = Math.max(this.#tick, lastTick - SLOT_COUNT + 1)
    for (let tick = from; tick <= lastTick && this.#count > 0; tick++) {
      let call = this.#slots[tick % SLOT_COUNT] as Call | null
      while (call !== null) {
        const next: Call | null = call.nextDue
        if (call.deadlineMs <= nowMs) {
          this.remove(call)
          onDue(call)
          // The service may have ended other calls, the next of this list among them.
          call = next !== null && next.dueSlot === -1 ? (this.#slots[tick % SLOT_COUNT] as Call | null) : next
        } else {
          call = next
        }
      }
    }
    this.#tick = lastTick + 1
    this.#wakeAtMs = this.#nextWakeMs()
  }

  #nextWakeMs(): number {
    if (this.#count === 0) return Infinity
    for (let ahead = 0; ahead < SLOT_COUNT; ahead++) {
      const tick = this.#tick + ahead
      if (this.#slots[tick % SLOT_COUNT] !== null) return tick * TICK_MS
    }
    assert(false, 'a call that is counted is in a slot')
    return Infinity
  }
}

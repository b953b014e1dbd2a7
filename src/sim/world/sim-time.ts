/** Simulated time: what happens next, in order of time and then of planning, so that one seed gives one run. */

import { assert } from '../../base/assert.js'

export interface Plan {
  readonly atMs: number
  readonly order: number
  /** Null once it has happened or was given up. */
  run: (() => void) | null
}

/**
 * Steps that a millisecond may have. Every thread of five members running without a pause makes some two thousand; a
 * run that has more goes round in a circle, and would do so for ever.
 */
export const STEPS_PER_MS_MAX = 100_000

export class SimTime {
  #nowMs = 0
  /** Where the present millisecond began, and the steps before it. */
  #fromMs = 0
  #stepsBefore = 0
  readonly #onStuck: (message: string) => void
  #order = 0
  readonly #heap: Plan[] = []
  /** Plans that were carried out. */
  steps = 0

  /** `onStuck` hears that time has come to a halt; no step follows. */
  constructor(onStuck: (message: string) => void) {
    this.#onStuck = onStuck
  }

  get nowMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, run: () => void): Plan {
    return this.at(this.#nowMs + delayMs, run)
  }

  /** A time that has passed means now. */
  at(atMs: number, run: () => void): Plan {
    assert(!Number.isNaN(atMs), 'a plan has a time')
    const plan: Plan = { atMs: Math.max(atMs, this.#nowMs), order: this.#order++, run }
    this.#heap.push(plan)
    this.#up(this.#heap.length - 1)
    return plan
  }

  /** Carries out all that is planned up to then. Ends early when `isOver` says so after a step. */
  runUntil(untilMs: number, isOver: () => boolean): void {
    const heap = this.#heap
    for (;;) {
      const next = heap[0]
      if (next === undefined || next.atMs > untilMs) break
      this.#pop()
      const { run } = next
      if (run === null) continue
      next.run = null
      this.#nowMs = next.atMs
      this.steps++
      run()
      if (isOver() || this.#isStuck()) return
    }
    this.#nowMs = untilMs
  }

  #isStuck(): boolean {
    if (this.#nowMs >= this.#fromMs + 1) {
      this.#fromMs = this.#nowMs
      this.#stepsBefore = this.steps
    }
    const steps = this.steps - this.#stepsBefore
    if (steps <= STEPS_PER_MS_MAX) return false
    this.#onStuck(`${steps} steps, and time is still at ${this.#nowMs.toFixed(6)} ms`)
    return true
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop() as Plan
    if (heap.length === 0) return
    heap[0] = last
    this.#down(0)
  }

  #up(from: number): void {
    const heap = this.#heap
    const plan = heap[from] as Plan
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as Plan
      if (!isBefore(plan, above)) break
      heap[at] = above
      at = parent
    }
    heap[at] = plan
  }

  #down(from: number): void {
    const heap = this.#heap
    const plan = heap[from] as Plan
    let at = from
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      const right = child + 1
      if (right < heap.length && isBefore(heap[right] as Plan, heap[child] as Plan)) child = right
      const below = heap[child] as Plan
      if (!isBefore(below, plan)) break
      heap[at] = below
      at = child
    }
    heap[at] = plan
  }
}

function isBefore(a: Plan, b: Plan): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

/** A clock that moves only when a test moves it. */

import type { Clock } from '../../../src/base/clock.js'

export class ManualClock implements Clock {
  #nowMs = 1000

  nowMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  advance(ms: number): void {
    this.#nowMs += ms
  }

  advanceTo(ms: number): void {
    if (ms > this.#nowMs) this.#nowMs = ms
  }
}

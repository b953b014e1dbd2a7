/**
 * What a thread does between its last work and its sleep. To be woken takes about 20 us; a thread that looks around for
 * as long before it sleeps is at hand for what follows closely, and costs a core that nobody else needs.
 */

import type { Clock } from '../base/clock.js'
import type { IdleStrategy } from '../config/sections/threads-config.js'

const LOOK_MS: Readonly<Record<IdleStrategy, number>> = Object.freeze({ park: 0, yield: 0.02, spin: 2 })
/** The clock is dearer than a look. */
const LOOKS_PER_CLOCK = 16

export class Idling {
  readonly #lookMs: number
  readonly #clock: Clock
  #untilMs = 0

  constructor(strategy: IdleStrategy, clock: Clock) {
    this.#lookMs = LOOK_MS[strategy]
    this.#clock = clock
  }

  /** A turn that did something has ended. */
  onWork(endedMs: number): void {
    this.#untilMs = endedMs + this.#lookMs
  }

  /** On an event loop: whether to look again in its next round instead of going to sleep. */
  get isLooking(): boolean {
    return this.#lookMs > 0 && this.#clock.nowMs() < this.#untilMs
  }

  /** On a thread that may block: looks around until it is time to sleep. True when something came. */
  lookAround(hasWork: () => boolean): boolean {
    if (this.#lookMs === 0) return false
    while (this.#clock.nowMs() < this.#untilMs) {
      for (let look = 0; look < LOOKS_PER_CLOCK; look++) if (hasWork()) return true
    }
    return false
  }
}

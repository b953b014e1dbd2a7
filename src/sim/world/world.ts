/** What everything in one simulation shares: time, chance, the trace, and the first thing that went wrong. */

import { Prng } from '../../base/prng.js'
import type { Failure, FailureKind } from './failure.js'
import { SimTime } from './sim-time.js'
import { Trace } from './trace.js'

/** So that the trace of a run with a bug that goes on and on stays readable. */
const STREAM_STEP = 0x9e3779b1
const ASIDE_STEP = 0x85ebca77

export class World {
  readonly seed: number
  readonly time = new SimTime((message) => this.fail('liveness', message))
  readonly trace: Trace
  /** For timing: which turn comes first, how long a message takes. */
  readonly chance: Prng
  failure: Failure | null = null
  /** Somebody asks what fronts answer by way of promises: after each of their turns those have to run. */
  usesPromises = false
  owesPromises = false
  readonly #seed: number
  #streams = 0

  constructor(seed: number, keepsTrace: boolean) {
    this.seed = seed
    this.#seed = seed >>> 0
    this.trace = new Trace(keepsTrace)
    this.chance = this.stream()
  }

  get nowMs(): number {
    return this.time.nowMs
  }

  /** Random numbers of their own, so that one part drawing more of them does not change all others. */
  stream(): Prng {
    this.#streams++
    return new Prng((this.#seed + Math.imul(this.#streams, STREAM_STEP)) >>> 0)
  }

  /** The same for parts that only some seeds have: in all others nothing changes. */
  aside(number: number): Prng {
    return new Prng((this.#seed ^ Math.imul(number, ASIDE_STEP)) >>> 0)
  }

  say(who: string, what: () => string): void {
    this.trace.event(this.time.nowMs, who, what)
  }

  /** Only the first counts: what follows from a broken run proves nothing. */
  fail(kind: FailureKind, message: string): void {
    if (this.failure !== null) return
    this.failure = { kind, message, atMs: this.time.nowMs }
    this.say('sim', () => `${kind}: ${message}`)
  }

  /** Exponential with this mean, bounded. */
  around(meanMs: number, random: Prng = this.chance): number {
    return Math.min(-Math.log(1 - random.float()) * meanMs, meanMs * 8)
  }
}

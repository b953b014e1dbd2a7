/**
 * Requests that were forwarded to a leader which may have died with them. Once an entry of a later term is applied
 * here, whatever that leader had put into the log and was not lost has been applied as well: a request that has no
 * answer by then most probably never will. Who asked is told so at once instead of at its deadline. The error says
 * "possibly", and rightly so: a message may lie about in the network, and reach its leader when that leads again.
 */

import type { RaftCore } from '../core/raft-core.js'

/** Forwarded longer ago than this it was answered, or is left to its deadline. */
const REMEMBERED_MS = 1000
const COUNT_MAX = 16_384

export class ForwardedRequests {
  readonly #highs = new Uint32Array(COUNT_MAX)
  readonly #lows = new Uint32Array(COUNT_MAX)
  readonly #sentMs = new Float64Array(COUNT_MAX)
  #first = 0
  #count = 0
  /** Of the leader that the newest went to. */
  #term = 0
  /** Applied up to here their fate is known; Infinity while no later leader has committed anything. */
  #knownAt = Infinity

  /** Forgets the oldest ones when there are too many. */
  add(high: number, low: number, term: number, nowMs: number): void {
    if (term !== this.#term) this.#knownAt = Infinity
    this.#term = term
    while (this.#count > 0 && (this.#count === COUNT_MAX || this.#isOld(nowMs))) this.#forgetFirst()
    const at = (this.#first + this.#count) % COUNT_MAX
    this.#highs[at] = high
    this.#lows[at] = low
    this.#sentMs[at] = nowMs
    this.#count++
  }

  /** Tells of each whose fate is known now, answered ones among them, and forgets it. */
  settle(core: RaftCore, tell: (high: number, low: number) => void): void {
    if (this.#count === 0 || core.term === this.#term) return
    if (this.#knownAt === Infinity && core.ownTermCommitted()) this.#knownAt = core.committed
    if (core.applied < this.#knownAt) return
    this.#knownAt = Infinity
    for (; this.#count > 0; this.#forgetFirst()) {
      tell(this.#highs[this.#first] as number, this.#lows[this.#first] as number)
    }
  }

  #isOld(nowMs: number): boolean {
    return (this.#sentMs[this.#first] as number) < nowMs - REMEMBERED_MS
  }

  #forgetFirst(): void {
    this.#first = (this.#first + 1) % COUNT_MAX
    this.#count--
  }
}

/**
 * How fast expired leases go into the log: one entry at a time, so wide that applying it holds others up for a few
 * milliseconds, and a rest after it of twice that. However many leases end together, puts keep two thirds of mvcc's
 * time, and wait for one entry of revokes at most.
 */

/** Leases in one entry. */
export const REVOKE_COUNT_MIN = 32
export const REVOKE_COUNT_MAX = 1024
/** An entry that cost less than this is followed by one of twice as many leases, */
const CHEAP_MS = 1
/** and one that cost more than this by one of half as many. */
const DEAR_MS = 3
const REST_PER_COST = 2
const REST_MS_MAX = 100
/** Weight of the newest time of a light entry. */
const LIGHT_WEIGHT = 0.25

export class RevokePace {
  #count = REVOKE_COUNT_MIN
  #restUntilMs = -Infinity
  /** What an entry of next to no work takes from proposal to outcome; negative while unknown. */
  #lightMs = -1

  /** Leases that the next entry may have. */
  get count(): number {
    return this.#count
  }

  /** Before this time no revoke should be proposed. */
  get restUntilMs(): number {
    return this.#restUntilMs
  }

  /** An entry that revoked nothing took this long, while no revoke was under way. */
  onLight(tookMs: number): void {
    this.#lightMs = this.#lightMs < 0 ? tookMs : this.#lightMs + LIGHT_WEIGHT * (tookMs - this.#lightMs)
  }

  /** An entry that revoked `count` leases has its outcome. */
  onRevoked(count: number, tookMs: number, nowMs: number): void {
    const costMs = Math.max(0, tookMs - Math.max(0, this.#lightMs))
    this.#restUntilMs = nowMs + Math.min(REST_PER_COST * costMs, REST_MS_MAX)
    // An entry that was not full says little about a full one.
    if (costMs > DEAR_MS) this.#count = Math.max(REVOKE_COUNT_MIN, Math.floor(Math.min(count, this.#count) / 2))
    else if (costMs < CHEAP_MS && count >= this.#count) this.#count = Math.min(REVOKE_COUNT_MAX, this.#count * 2)
  }
}

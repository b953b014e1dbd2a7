/**
 * The lease clock: milliseconds during which a leader was there to count them and could tell the log, so that neither a
 * restart nor a change of leader gives or takes a lease's time.
 *
 * The leader's clock is what counts; it puts its time into entries (`stamp`), and each member hears it when they are
 * applied. Every other member runs a copy of it, for answers only: the last stamp and the time since it came.
 *
 * Law: no clock is ever more than `stepMs` ahead of the latest stamp that its member has heard. An entry without a
 * stamp (a grant, a renewal from another member) has the stamp before it. Whatever its leader stamps before it has
 * heard that entry is therefore no more than `stepMs` later, and so a new leader that gives every lease `stepMs` on top
 * of its TTL ends none early. When the log comes to a halt, so does the clock: that is an outage, which no lease pays.
 *
 * The time between the old leader's last stamp and its end would be given to all leases, once for each change of
 * leader. So a new leader counts up to `creditMs` of the time since it heard that stamp; leases get that on top too.
 */

import { assert } from '../base/assert.js'

export class LeaseClock {
  readonly stepMs: number
  /** The highest value that an applied entry has carried. */
  #replicatedMs = 0
  /** Monotonic: when that was heard. */
  #heardAtMs = 0
  /** The highest value that this member has proposed. */
  #proposedMs = 0
  /** Lease clock minus monotonic clock while it runs. */
  #offsetMs = 0
  #isRunning = false

  constructor(stepMs: number) {
    assert(stepMs > 0, `a lease clock that may be ${stepMs} ms ahead`)
    this.stepMs = stepMs
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  get replicatedMs(): number {
    return this.#replicatedMs
  }

  get proposedMs(): number {
    return this.#proposedMs
  }

  get offsetMs(): number {
    return this.#offsetMs
  }

  now(nowMs: number): number {
    if (!this.#isRunning) return this.#replicatedMs
    const latestMs = this.#replicatedMs + this.stepMs
    if (nowMs + this.#offsetMs > latestMs) this.#offsetMs = latestMs - nowMs
    return Math.max(this.#replicatedMs, nowMs + this.#offsetMs)
  }

  /** The monotonic time at which the running clock shows `clockMs`, if the log keeps up. */
  monotonic(clockMs: number): number {
    return clockMs - this.#offsetMs
  }

  /** What an entry proposed now should carry: whole, and never 0, which would be no value at all on the wire. */
  stamp(nowMs: number): number {
    const stamp = Math.max(1, Math.floor(this.now(nowMs)))
    this.#proposedMs = Math.max(this.#proposedMs, stamp)
    return stamp
  }

  /** An applied entry carried `clockMs`. */
  onReplicated(clockMs: number, nowMs: number): void {
    if (clockMs <= this.#replicatedMs) return
    // What ran ahead has stood still until now, and goes on from there.
    if (this.#isRunning) this.now(nowMs)
    this.#replicatedMs = clockMs
    this.#heardAtMs = nowMs
    if (this.#isRunning) this.#offsetMs = Math.max(this.#offsetMs, clockMs - nowMs)
  }

  /**
   * Goes on from the latest value that the log has, or that is on its way into it, and at most `creditMs` of the time
   * since the former was heard.
   */
  start(nowMs: number, creditMs = 0): void {
    assert(!this.#isRunning, 'the lease clock runs already')
    assert(creditMs <= this.stepMs, `a credit of ${creditMs} ms of ${this.stepMs}`)
    const credit = Math.min(creditMs, nowMs - this.#heardAtMs)
    this.#offsetMs = Math.max(this.#replicatedMs + credit, this.#proposedMs) - nowMs
    this.#isRunning = true
  }

  stop(): void {
    this.#isRunning = false
  }

  /** Forgets what was proposed: another leader decides from here on, and what it does not take over never was. */
  forgetProposed(): void {
    this.#proposedMs = 0
  }
}

/**
 * Every lease, its deadline and the clock that they are measured by; no messages, no proposals.
 *
 * While this member leads and knows the whole past (`isConfirmed`), deadlines run: a lease granted or renewed just now
 * has its full TTL from the moment that this was heard. When leadership begins, every lease goes on with what the
 * replicated clock left it, and a little more, because that clock is told only now and then. Other members keep the
 * same deadlines on a copy of the clock, and only tell what is left of them.
 */

import { assert } from '../base/assert.js'
import type { Bytes } from '../base/bytes.js'
import { ExpiryQueue } from './expiry-queue.js'
import { LeaseClock } from './lease-clock.js'
import { Lease } from './lease.js'

const STEP_MS_MIN = 500

/** While there are leases the leader tells the replicated clock at least this often. */
export const TICK_MS = 400

/**
 * How far the clock may run ahead of the log: more than a tick and a commit take while there is no election, and less
 * than the shortest TTL, which is 1.5 election timeouts.
 */
function clockStepMs(electionMs: number): number {
  return STEP_MS_MIN + electionMs / 2
}

/** What a lease gets on top after a restart or a change of leader; lease-clock.ts says why. */
export function safetyMs(electionMs: number): number {
  return clockStepMs(electionMs) + TICK_MS
}

const ID_BYTES = 8

export class Lessor {
  readonly clock: LeaseClock
  readonly #safetyMs: number
  readonly queue = new ExpiryQueue()
  /** Bounded by the store: a lease is here because it is there. */
  readonly #leases = new Map<bigint, Lease>()
  /** 0: this member does not lead. */
  #epoch = 0
  #isRestored = false
  #isConfirmed = false

  constructor(electionMs: number) {
    this.clock = new LeaseClock(clockStepMs(electionMs))
    this.#safetyMs = safetyMs(electionMs)
  }

  get size(): number {
    return this.#leases.size
  }

  get epoch(): number {
    return this.#epoch
  }

  get isRestored(): boolean {
    return this.#isRestored
  }

  /** True while this member may judge that a lease is over. */
  get isConfirmed(): boolean {
    return this.#isConfirmed
  }

  readonly find = (leaseId: bigint): Lease | undefined => this.#leases.get(leaseId)

  isThere(lease: Lease): boolean {
    return this.#leases.get(lease.id) === lease
  }

  grant(leaseId: bigint, ttlSeconds: number, clockMs: number, nowMs: number): void {
    let lease = this.#leases.get(leaseId)
    if (lease === undefined) {
      lease = new Lease(leaseId, ttlSeconds, clockMs)
      this.#leases.set(leaseId, lease)
    } else {
      lease.ttlSeconds = ttlSeconds
      lease.renewedClockMs = clockMs
    }
    this.hearClock(clockMs, nowMs)
    this.#restart(lease, nowMs)
  }

  revoke(leaseId: bigint): void {
    const lease = this.#leases.get(leaseId)
    if (lease === undefined) return
    this.queue.remove(lease)
    this.#leases.delete(leaseId)
    // Without leases there is nothing to count time for, and nobody would tell the log how far it got.
    if (this.#leases.size === 0) this.clock.stop()
  }

  /** After `hearClock`. */
  renew(leaseId: bigint, clockMs: number, nowMs: number): void {
    const lease = this.#leases.get(leaseId)
    if (lease === undefined) return
    lease.renewedClockMs = Math.max(lease.renewedClockMs, clockMs)
    this.#restart(lease, nowMs)
  }

  /** The replicated clock stands at `clockMs`. */
  hearClock(clockMs: number, nowMs: number): void {
    this.clock.onReplicated(clockMs, nowMs)
    const mayRun = this.#epoch === 0 ? this.#isRestored : this.#isConfirmed
    if (!mayRun || this.clock.isRunning || this.#leases.size === 0) return
    this.clock.start(nowMs)
    this.#setDeadlines(0, nowMs)
  }

  /** After the outcome of a renewal: the lease may expire again, when it is not about to anyway. */
  rearm(lease: Lease): void {
    if (!this.#isConfirmed || lease.renewals > 0 || lease.revoking !== null || !this.isThere(lease)) return
    if (!this.queue.has(lease)) this.queue.schedule(lease, lease.deadlineMs)
  }

  restored(clockMs: number, nowMs: number): void {
    this.clock.onReplicated(clockMs, nowMs)
    this.#isRestored = true
  }

  /** The store is replaced by another one, whose leases will be told. */
  replaced(): void {
    this.queue.clear()
    this.#leases.clear()
    this.clock.stop()
    this.#isRestored = false
    this.#isConfirmed = false
  }

  lead(epoch: number): void {
    assert(epoch > 0, `leading in term ${epoch}`)
    if (this.#epoch !== 0) this.follow()
    this.#epoch = epoch
    // What this member's copy of the clock shows beyond the log, no entry may be stamped with.
    this.clock.stop()
    for (const lease of this.#leases.values()) lease.heardAtMs = -1
  }

  follow(): void {
    this.#epoch = 0
    this.#isConfirmed = false
    this.clock.forgetProposed()
    this.queue.clear()
  }

  /**
   * An entry that this member proposed as leader of `epoch` is applied: whatever came before it in the log is known
   * now. True when that is news.
   */
  confirm(epoch: number, nowMs: number): boolean {
    if (this.#isConfirmed || epoch !== this.#epoch || epoch === 0) return false
    this.#isConfirmed = true
    if (this.#leases.size === 0) return true
    this.clock.start(nowMs, TICK_MS)
    this.#setDeadlines(this.#safetyMs, nowMs)
    return true
  }

  /**
   * Whole seconds towards zero, as etcd rounds; below 0 when a lease should have ended already. What a new leader adds
   * for the time that nobody led is its own business: a client never sees more than it was granted.
   */
  remainingSeconds(lease: Lease, nowMs: number): number {
    const remainingMs = this.clock.isRunning
      ? lease.deadlineMs - this.clock.now(nowMs)
      : lease.renewedClockMs + lease.ttlMs - this.clock.replicatedMs
    // The sum turns a negative zero into zero.
    return Math.trunc(Math.min(remainingMs, lease.ttlMs) / 1000) + 0
  }

  /** All ids, soonest to expire first, 8 bytes each. */
  idsByExpiry(): Bytes {
    const leases = [...this.#leases.values()]
    if (this.clock.isRunning) leases.sort((a, b) => a.deadlineMs - b.deadlineMs)
    else leases.sort((a, b) => a.renewedClockMs + a.ttlMs - b.renewedClockMs - b.ttlMs)
    const ids = new Uint8Array(leases.length * ID_BYTES)
    const view = new DataView(ids.buffer)
    leases.forEach((lease, i) => view.setBigInt64(i * ID_BYTES, lease.id, true))
    return ids
  }

  /**
   * Every lease goes on with what the log's clock leaves it, and `extraMs`; but what was heard since this member leads
   * has its TTL from then.
   */
  #setDeadlines(extraMs: number, nowMs: number): void {
    const offsetMs = this.clock.now(nowMs) - nowMs
    for (const lease of this.#leases.values()) {
      const { heardAtMs, renewedClockMs } = lease
      const fromMs = heardAtMs < 0 ? renewedClockMs + extraMs : Math.max(renewedClockMs, heardAtMs + offsetMs)
      this.#setDeadline(lease, fromMs + lease.ttlMs)
    }
  }

  /** The lease is granted or renewed: it has its whole TTL. */
  #restart(lease: Lease, nowMs: number): void {
    if (this.clock.isRunning) this.#setDeadline(lease, this.clock.now(nowMs) + lease.ttlMs)
    else if (this.#epoch !== 0) lease.heardAtMs = nowMs
  }

  #setDeadline(lease: Lease, deadlineMs: number): void {
    lease.deadlineMs = deadlineMs
    if (!this.#isConfirmed || lease.revoking !== null) return
    if (lease.renewals === 0 || this.queue.has(lease)) this.queue.schedule(lease, deadlineMs)
  }
}

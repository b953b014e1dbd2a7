/** Expiry: leases whose time is over become proposals to revoke them, many to an entry, one entry at a time. */

import { assert } from '../base/assert.js'
import type { ExpiryQueue } from './expiry-queue.js'
import type { Lease } from './lease.js'
import type { Question } from './question.js'
import { RevokePace } from './revoke-pace.js'

/** A lease that is still there after the outcome of its revoke is tried again after this. */
const RETRY_MS = 500

export interface RevokeBatch {
  readonly kind: 'revoke'
  readonly leases: readonly Lease[]
  /** Keep-alives that came for its leases meanwhile. */
  readonly waiting: Question[]
}

export class Revocations {
  readonly #queue: ExpiryQueue
  readonly pace = new RevokePace()
  #isUnderWay = false
  /** Leases that ended because their time was over. */
  expired = 0

  constructor(queue: ExpiryQueue) {
    this.#queue = queue
  }

  get isUnderWay(): boolean {
    return this.#isUnderWay
  }

  /** When the next lease is due, on the lease clock. */
  dueAtMs(): number {
    if (this.#isUnderWay) return Infinity
    return this.#queue.first?.dueMs ?? Infinity
  }

  /** Takes out what is due. Leases with a renewal under way are dropped from the queue: its outcome puts them back. */
  takeDue(clockMs: number): RevokeBatch | null {
    const leases: Lease[] = []
    const batch: RevokeBatch = { kind: 'revoke', leases, waiting: [] }
    while (leases.length < this.pace.count) {
      const lease = this.#queue.first
      if (lease === undefined || lease.dueMs > clockMs) break
      this.#queue.remove(lease)
      if (lease.renewals > 0) continue
      lease.revoking = batch
      leases.push(lease)
    }
    return leases.length === 0 ? null : batch
  }

  started(): void {
    assert(!this.#isUnderWay, 'two entries of revokes under way')
    this.#isUnderWay = true
  }

  /** The batch could not be proposed at all. */
  putBack(batch: RevokeBatch): void {
    for (const lease of batch.leases) {
      lease.revoking = null
      this.#queue.schedule(lease, lease.dueMs)
    }
  }

  /**
   * The batch has its outcome. Those of its leases that `isThere` are due again later, if anything is due at all now.
   */
  ended(batch: RevokeBatch, clockMs: number, isThere: (lease: Lease) => boolean): void {
    assert(this.#isUnderWay, 'a revoke ended twice')
    this.#isUnderWay = false
    for (const lease of batch.leases) {
      lease.revoking = null
      if (isThere(lease)) this.#queue.schedule(lease, Math.max(lease.deadlineMs, clockMs + RETRY_MS))
      else this.expired++
    }
  }
}

/** One lease as the lease actor knows it: that it exists is mvcc's word, when it ends is told here. */

import { NO_PLACE } from './expiry-queue.js'
import type { RevokeBatch } from './revocations.js'

export class Lease {
  readonly id: bigint
  ttlSeconds: number
  /** The replicated clock at the grant or at the last renewal that took effect. */
  renewedClockMs: number
  /**
   * Monotonic: when this member heard of the grant or last renewal, if it led then without knowing the whole past;
   * negative otherwise.
   */
  heardAtMs = -1
  /** On the lease clock: no revoke is proposed before. Meaningful while the clock runs. */
  deadlineMs = 0
  /**
   * On the lease clock: the expiry queue's key. Later than the deadline while a failed revoke waits to be tried again.
   */
  dueMs = 0
  place = NO_PLACE
  /**
   * Renewals of it that wait or are in the log's hands. While there are any it is not revoked, as the log may order
   * them first.
   */
  renewals = 0
  /** The number of the renewal batch that named it last, so that no batch names it twice. */
  batchNumber = 0
  /** The revoke that is on its way. A keep-alive waits for its outcome. */
  revoking: RevokeBatch | null = null

  constructor(id: bigint, ttlSeconds: number, clockMs: number) {
    this.id = id
    this.ttlSeconds = ttlSeconds
    this.renewedClockMs = clockMs
  }

  get ttlMs(): number {
    return this.ttlSeconds * 1000
  }
}

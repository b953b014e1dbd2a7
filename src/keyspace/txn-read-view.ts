/**
 * What deciding a transaction needs to see of the key space. mvcc answers from its open write transaction, a front
 * from a read snapshot; both decide with the same code, so that the front can rebuild what mvcc did.
 */

import type { Bytes } from '../base/bytes.js'

/** A key that exists. One object per view, reused: valid until the view is asked again. */
export interface LiveKey {
  readonly createRevision: number
  readonly modRevision: number
  readonly version: number
  /** Costs an allocation. */
  leaseId(): bigint
  /** Negative, zero or positive as the value sorts before, equal to or after `other`. */
  compareValue(other: Bytes): number
}

export interface TxnReadView {
  readonly currentRevision: number
  /** -1 on a store that was never compacted. */
  readonly compactRevision: number
  find(key: Bytes): LiveKey | undefined
  /**
   * Calls `visit` with each live key of the range, in key order, until it returns false. The range end is not empty.
   */
  visitRange(key: Bytes, rangeEnd: Bytes, visit: (live: LiveKey) => boolean): void
  hasLease(leaseId: bigint): boolean
}

/**
 * All that lease can be told. Which leases exist is decided in mvcc and told here; deadlines are lease's own.
 *
 * Lease proposes to raft (renewals; on the leader also revokes of what expired, and clock ticks) under request ids of
 * its own and hears `applied` or `refused` for each, or neither when the entry was lost on its way to another leader.
 * Questions of fronts are answered with `leaseKept`, `leaseTimes` and `leaseList`.
 */

import { defineProtocol, message } from './protocol.js'

export const leaseMessages = defineProtocol({
  /** From mvcc, replayed at start too. `clockMs` is the replicated lease clock when it was granted. */
  granted: message(1, { leaseId: 'i64', ttlSeconds: 'u53', clockMs: 'f64' }),
  /** From mvcc: revoked by a client or by expiry. */
  revoked: message(2, { leaseId: 'i64' }),
  /** From mvcc: a batch of renewals took effect. Ids of 8 bytes each, little-endian. */
  renewed: message(3, { clockMs: 'f64', leases: 'bytes' }),
  /** From mvcc, at start only: every lease of the store has been told; the lease clock stood at `clockMs`. */
  restored: message(4, { clockMs: 'f64' }),
  /**
   * From mvcc: the entry of one of lease's own proposals is applied, and the replicated clock stands at `clockMs` now.
   * An `error` says that the entry came into the log under another leader than the one that proposed it.
   */
  applied: message(5, { requestHigh: 'u32', requestLow: 'u32', error: 'u8', clockMs: 'f64' }),
  /** From raft: one of lease's own proposals never entered the log. */
  refused: message(6, { requestHigh: 'u32', requestLow: 'u32', error: 'u8' }),
  /** From raft: this member leads `term` (1) or does not (0). */
  leading: message(7, { term: 'u53', leads: 'u8' }),
  /** From a front. `appliedIndex` is what the front had seen, so that a grant just answered is known here first. */
  keepAlive: message(8, {
    front: 'u8',
    requestHigh: 'u32',
    requestLow: 'u32',
    leaseId: 'i64',
    appliedIndex: 'u53',
  }),
  timeToLive: message(9, {
    front: 'u8',
    requestHigh: 'u32',
    requestLow: 'u32',
    leaseId: 'i64',
    appliedIndex: 'u53',
  }),
  list: message(10, { front: 'u8', requestHigh: 'u32', requestLow: 'u32', appliedIndex: 'u53' }),
  /** From mvcc, after its other facts: everything up to `index` has been told. Sent only when a lease fact was. */
  toldUpTo: message(11, { index: 'u53' }),
  /** From mvcc: an entry of another member's lease actor, or of an earlier life, has moved the replicated clock. */
  ticked: message(12, { clockMs: 'f64' }),
  /**
   * From mvcc: a snapshot of the leader has replaced the store. What leases there are now is told next, as at a start,
   * and ends with `restored`.
   */
  replaced: message(13, {}),
})
export type LeaseMessages = typeof leaseMessages

/**
 * The replicated truth about leases: which exist, what they hold, and the lease clock that their deadlines are
 * counted on. When one is due is the lease actor's business; it comes back here as a proposal.
 *
 * The clock is the leader's, and moves only by what entries carry: every member reads the same time at the same
 * entry.
 */

import { etcdErrors } from '../../proto/etcd-errors.js'
import type { LeaseGrantRequest } from '../../proto/generated/etcdserverpb.js'
import type { Extension } from '../../proto/generated/raftringpb.js'
import type { KvApplier } from './apply-kv.js'
import type { ApplyTransaction } from './apply-transaction.js'

export class LeaseApplier {
  readonly #transaction: ApplyTransaction
  readonly #kv: KvApplier

  constructor(transaction: ApplyTransaction, kv: KvApplier) {
    this.#transaction = transaction
    this.#kv = kv
  }

  grant(request: LeaseGrantRequest): number {
    const { view, writer, facts, leaseClockMs } = this.#transaction
    // The front chooses an id where the client left it open.
    if (request.ID === 0n) return etcdErrors.leaseNotFound.id
    if (view.hasLease(request.ID)) return etcdErrors.leaseExist.id
    writer.grantLease(request.ID, {
      ttlSeconds: request.TTL,
      grantedClockMs: leaseClockMs,
      renewedClockMs: leaseClockMs,
    })
    facts.granted(request.ID, request.TTL, leaseClockMs)
    this.#transaction.tally.ttls.push(request.TTL)
    return 0
  }

  /** For a client. The caller ends the revision: the keys of one lease go in one. */
  revoke(leaseId: bigint): number {
    const { view, writer, facts } = this.#transaction
    if (!view.hasLease(leaseId)) return etcdErrors.leaseNotFound.id
    this.#kv.deleteLeaseKeys(leaseId)
    writer.removeLease(leaseId)
    facts.revoked(leaseId)
    this.#transaction.tally.leasesRevoked++
    return 0
  }

  /**
   * What a lease actor proposed. Time first: the rest happens at that time. Renewals hold whoever leads. Time and
   * revokes are the leader's: they do nothing when the entry was not made in the term that decided them, as when an
   * old leader comes back from a pause and its proposals go the way of a follower's.
   */
  applyExtension(extension: Extension, term: number): number {
    const { lease_clock_ms: clockMs, clock_epoch: clockEpoch, renew, revoke } = extension
    // Without an epoch: from a log of a time when there was one member.
    const isOverdue = clockEpoch !== 0 && clockEpoch !== term
    if (!isOverdue) this.#advanceClock(clockMs)
    if (renew !== undefined) this.#renew(renew.ids)
    if (isOverdue || (revoke !== undefined && revoke.epoch !== term)) return etcdErrors.leaderChanged.id
    if (revoke !== undefined) {
      for (const leaseId of revoke.ids) {
        this.#expire(leaseId)
        this.#transaction.endRevision()
      }
    }
    return 0
  }

  /** The clock never goes back. */
  #advanceClock(clockMs: number): void {
    if (clockMs > this.#transaction.leaseClockMs) this.#transaction.leaseClockMs = clockMs
  }

  /**
   * A leader found that the lease is over, but what another member renewed may have come into the log before: the log's
   * clock has the last word.
   */
  #expire(leaseId: bigint): void {
    const { view, leaseClockMs } = this.#transaction
    const lease = view.lease(leaseId)
    if (lease === undefined || lease.renewedClockMs + lease.ttlSeconds * 1000 > leaseClockMs) return
    this.revoke(leaseId)
  }

  #renew(leaseIds: readonly bigint[]): void {
    const { writer, facts, leaseClockMs } = this.#transaction
    const known = leaseIds.filter((leaseId) => writer.touchLease(leaseId, leaseClockMs))
    facts.renewed(known, leaseClockMs)
  }
}

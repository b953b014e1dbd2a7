/** Bugs of leases. */

import type { Mutant } from '../mutant.js'

const APPLY = 'mvcc/apply/apply-lease.js'
const CLOCK = 'lease/lease-clock.js'
const LESSOR = 'lease/lessor.js'

export const LEASE_MUTANTS: readonly Mutant[] = [
  {
    name: 'revokes-in-spite-of-a-renewal',
    story: 'a revoke that was proposed before a renewal was applied takes the lease all the same (known from etcd)',
    file: APPLY,
    find: 'if (lease === undefined || lease.renewedClockMs + lease.ttlSeconds * 1000 > leaseClockMs)',
    replace: 'if (lease === undefined)',
  },
  {
    name: 'restart-forgets-renewals',
    story: 'after a start leases count from their grant',
    file: 'mvcc/lease-replay.js',
    find: 'view.leases((leaseId, { ttlSeconds, renewedClockMs }) => {',
    replace: 'view.leases((leaseId, { ttlSeconds, grantedClockMs: renewedClockMs }) => {',
  },
  {
    name: 'new-leader-goes-by-its-own-clock',
    story: 'a new leader takes the time of its own machine for the leases\' time',
    file: CLOCK,
    find: 'this.#offsetMs = Math.max(this.#replicatedMs + credit, this.#proposedMs) - nowMs;',
    replace: 'this.#offsetMs = 0;',
  },
  {
    name: 'new-leader-gives-a-new-term',
    story: 'with every new leader leases get time that nobody asked for (as etcd does on promotion)',
    file: LESSOR,
    find: 'this.#setDeadlines(this.#safetyMs, nowMs);',
    replace: 'this.#setDeadlines(30_000, nowMs);',
  },
  {
    name: 'revoke-leaves-keys',
    story: 'a lease ends and its keys stay',
    file: APPLY,
    find: 'this.#kv.deleteLeaseKeys(leaseId);',
    replace: '',
  },
  {
    name: 'renewal-is-not-replicated',
    story: 'a renewal counts on the leader that heard it and on no other (etcd before lease checkpoints)',
    file: APPLY,
    find: 'facts.renewed(known, leaseClockMs);',
    replace: 'if (known.length > 99) facts.renewed(known, leaseClockMs);',
  },
  {
    name: 'expiry-never-comes',
    story: 'after a change of leader nobody ends leases',
    file: LESSOR,
    find: 'this.#isConfirmed = true;\n        if (this.#leases.size === 0)',
    replace: 'if (epoch > 2)\n            return false;\n' +
      '        this.#isConfirmed = true;\n        if (this.#leases.size === 0)',
  },
  {
    name: 'lease-time-starts-again',
    story: 'the time of leases starts again at 0 with each leader, so that they never run out',
    file: LESSOR,
    find: 'lease.renewedClockMs = Math.max(lease.renewedClockMs, clockMs);\n        this.#restart(lease, nowMs);',
    replace: 'this.#restart(lease, nowMs);\n        lease.ttlSeconds *= 3;',
  },
  {
    name: 'renewals-do-not-move-the-deadline',
    story: 'a renewal is acknowledged, but the deadline stays',
    file: LESSOR,
    find: 'if (this.clock.isRunning)\n            this.#setDeadline(lease, this.clock.now(nowMs) + lease.ttlMs);',
    replace: 'if (this.clock.isRunning && lease.deadlineMs === Infinity)\n' +
      '            this.#setDeadline(lease, this.clock.now(nowMs) + lease.ttlMs);',
  },
]

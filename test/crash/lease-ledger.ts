/**
 * What is known of every lease of the run: granted, revoked, or perhaps either because the answer
 * was cut off; short ones may expire at any time.
 */

import { strict as assert } from 'node:assert'
import type { EtcdClient } from '../support/etcd-client.js'
import type { Entry } from './journal.js'
import type { ModelEvent, ModelStore } from './model-store.js'
import type { HeldLease } from './operation-source.js'

type Certainty = 'no' | 'perhaps' | 'yes'

interface KnownLease {
  readonly id: bigint
  readonly ttl: number
  granted: Certainty
  revoked: Certainty
}

/** Leases that live at least this long do not expire during a run. */
const LONG_TTL_MIN = 600

export class LeaseLedger {
  readonly #leases = new Map<bigint, KnownLease>()
  checked = 0

  note(entries: readonly Entry[]): void {
    for (const { op, outcome } of entries) {
      const certainty = { answered: 'yes', unknown: 'perhaps', refused: 'no' } as const
      if (op.kind === 'grant') {
        assert.notEqual(outcome.kind, 'refused', `grant of ${op.id} was refused`)
        const granted = certainty[outcome.kind]
        this.#leases.set(op.id, { id: op.id, ttl: op.ttl, granted, revoked: 'no' })
      } else if (op.kind === 'revoke') {
        const lease = this.#leases.get(op.id)
        assert(lease !== undefined)
        // A short lease may have expired before; then the revoke finds nothing.
        if (outcome.kind === 'refused') assertMayBeGone(lease, outcome.error)
        lease.revoked = outcome.kind === 'refused' ? 'yes' : certainty[outcome.kind]
      } else if (outcome.kind === 'refused' && op.kind !== 'compact') {
        const id = op.kind === 'renew' ? op.id : op.kind === 'put' ? op.lease : undefined
        const lease = id === undefined ? undefined : this.#leases.get(id)
        if (lease === undefined) assert.fail(`refused for no reason: ${outcome.error}`)
        assertMayBeGone(lease, outcome.error)
      }
    }
  }

  /** Whether these events are the end of one lease that may have ended. */
  explains(events: readonly ModelEvent[], before: ModelStore): boolean {
    const first = events[0]
    if (first === undefined || events.some((event) => event.record !== undefined)) return false
    const id = before.get(first.key)?.lease ?? 0n
    const lease = this.#leases.get(id)
    if (lease === undefined) return false
    if (lease.revoked === 'no' && lease.ttl >= LONG_TTL_MIN) return false
    const keys = before.keysOfLease(id)
    if (keys.length !== events.length) return false
    if (!keys.every((key, i) => events[i]?.key === key)) return false
    lease.revoked = 'yes'
    return true
  }

  /** Asks the server about every lease and compares with what must be so. */
  async check(client: EtcdClient, model: ModelStore): Promise<void> {
    for (const lease of this.#leases.values()) {
      const answer = await client.leaseTimeToLive(lease.id, true)
      // An expired lease whose end is still on its way has a granted time to live.
      const isThere = answer.grantedTtl !== 0
      this.checked++
      if (isThere) {
        assert.notEqual(lease.revoked, 'yes', `lease ${lease.id} is back`)
        assert.equal(answer.grantedTtl, lease.ttl)
        assert(answer.ttl <= lease.ttl)
        if (lease.ttl >= LONG_TTL_MIN) {
          const keys = answer.keys.map((key) => key.toString('latin1')).sort()
          assert.deepEqual(keys, model.keysOfLease(lease.id), `keys of lease ${lease.id}`)
        }
        lease.granted = 'yes'
        // A revoke that was cut off before the crash cannot take effect after it.
        if (lease.revoked === 'perhaps') lease.revoked = 'no'
        continue
      }
      const mustBeThere = lease.granted === 'yes' && lease.revoked === 'no'
      if (mustBeThere && lease.ttl >= LONG_TTL_MIN) assert.fail(`lease ${lease.id} is lost`)
      const keys = model.keysOfLease(lease.id)
      if (lease.ttl >= LONG_TTL_MIN) assert.deepEqual(keys, [], `keys outlive lease ${lease.id}`)
      // A short lease may have ended after the revision that has been settled.
      if (keys.length === 0) this.#leases.delete(lease.id)
    }
  }

  /** Leases that the next clients may go on using. */
  usable(): HeldLease[] {
    return [...this.#leases.values()]
      .filter((lease) => lease.granted === 'yes' && lease.revoked === 'no')
      .map(({ id, ttl }) => ({ id, isShort: ttl < LONG_TTL_MIN }))
  }

  /** The short leases that are not known to be gone. */
  shortLeases(): bigint[] {
    const short = [...this.#leases.values()].filter((lease) => lease.ttl < LONG_TTL_MIN)
    return short.map((lease) => lease.id)
  }
}

function assertMayBeGone(lease: KnownLease, error: string): void {
  const mayBeGone = lease.ttl < LONG_TTL_MIN || lease.revoked !== 'no' || lease.granted !== 'yes'
  assert(mayBeGone, `lease ${lease.id} is there, yet: ${error}`)
}

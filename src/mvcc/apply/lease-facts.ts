/** What a batch tells the lease actor, in order: collected while it is applied, sent once it is committed. */

import { assert } from '../../base/assert.js'
import { EMPTY_BYTES, type Bytes } from '../../base/bytes.js'
import type { LeaseMessages } from '../../messages/lease-messages.js'
import type { Sender } from '../../messages/protocol.js'

/** Ids of one `renewed` message. */
export const RENEWED_IDS_MAX = 4096

const FactKind = Object.freeze({ granted: 0, revoked: 1, renewed: 2, applied: 3, ticked: 4 })
type FactKindValue = (typeof FactKind)[keyof typeof FactKind]

/** One object has the fields of every message that it may become; the senders take what they know. */
class LeaseFact {
  kind: FactKindValue = FactKind.granted
  leaseId = 0n
  ttlSeconds = 0
  clockMs = 0
  leases: Bytes = EMPTY_BYTES
  requestHigh = 0
  requestLow = 0
  error = 0
}

/** Grows with the batch, whose entries and bytes are bounded. */
export class LeaseFacts {
  readonly #facts: LeaseFact[] = []
  #length = 0
  #sent = 0

  get isEmpty(): boolean {
    return this.#length === 0
  }

  granted(leaseId: bigint, ttlSeconds: number, clockMs: number): void {
    const fact = this.#add(FactKind.granted)
    fact.leaseId = leaseId
    fact.ttlSeconds = ttlSeconds
    fact.clockMs = clockMs
  }

  revoked(leaseId: bigint): void {
    this.#add(FactKind.revoked).leaseId = leaseId
  }

  renewed(leaseIds: readonly bigint[], clockMs: number): void {
    for (let from = 0; from < leaseIds.length; from += RENEWED_IDS_MAX) {
      const ids = BigInt64Array.from(leaseIds.slice(from, from + RENEWED_IDS_MAX))
      const fact = this.#add(FactKind.renewed)
      fact.leases = new Uint8Array(ids.buffer)
      fact.clockMs = clockMs
    }
  }

  /** The answer to one of lease's own proposals: after the facts that it caused. */
  applied(requestHigh: number, requestLow: number, error: number, clockMs: number): void {
    const fact = this.#add(FactKind.applied)
    fact.requestHigh = requestHigh
    fact.requestLow = requestLow
    fact.error = error
    fact.clockMs = clockMs
  }

  /** Of what others proposed: only how far the clock is matters, so one for a batch will do. */
  ticked(clockMs: number): void {
    const last = this.#length > 0 ? this.#facts[this.#length - 1] : undefined
    const fact = last?.kind === FactKind.ticked ? last : this.#add(FactKind.ticked)
    fact.clockMs = clockMs
  }

  /** Sends what is left; true when all of it is sent, false when the ring is full. */
  send(lease: Sender<LeaseMessages>): boolean {
    while (this.#sent < this.#length) {
      if (!sendFact(lease, this.#facts[this.#sent] as LeaseFact)) return false
      this.#sent++
    }
    return true
  }

  clear(): void {
    this.#length = 0
    this.#sent = 0
  }

  #add(kind: FactKindValue): LeaseFact {
    assert(this.#sent === 0, 'facts are collected before any is sent')
    let fact = this.#facts[this.#length]
    if (fact === undefined) {
      fact = new LeaseFact()
      this.#facts.push(fact)
    }
    this.#length++
    fact.kind = kind
    return fact
  }
}

function sendFact(lease: Sender<LeaseMessages>, fact: LeaseFact): boolean {
  switch (fact.kind) {
    case FactKind.granted:
      return lease.granted(fact)
    case FactKind.revoked:
      return lease.revoked(fact)
    case FactKind.renewed:
      return lease.renewed(fact)
    case FactKind.ticked:
      return lease.ticked(fact)
    default:
      return lease.applied(fact)
  }
}

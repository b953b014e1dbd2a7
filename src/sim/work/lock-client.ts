/**
 * A client that takes locks under a lease of its own, holds each for a while and lets it go. It gives up waiting
 * now and then, asks again for what it does not know of, and its lease may end before its turn comes.
 */

import { text as textOf, utf8 } from '../../base/bytes.js'
import type { Prng } from '../../base/prng.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import {
  decodeLeaseGrantResponse,
  encodeLeaseGrantRequest,
  encodeLeaseRevokeRequest,
} from '../../proto/generated/etcdserverpb.js'
import {
  decodeLockResponse,
  decodeUnlockResponse,
  encodeLockRequest,
  encodeUnlockRequest,
} from '../../proto/generated/v3lockpb.js'
import type { LeaseLife } from '../checkers/lease-checker.js'
import {
  lockKey,
  lockName,
  type LockAnswer,
  type LockCall,
  type LockHistory,
  type UnlockCall,
} from '../checkers/lock-checker.js'
import type { Truth } from '../checkers/truth.js'
import { LeaseKeeper, type KeeperContext } from './lease-keeper.js'
import type { CallEnd } from './sim-connection.js'

const LOCK = '/v3lockpb.Lock/Lock'
const UNLOCK = '/v3lockpb.Lock/Unlock'
const GRANT = '/etcdserverpb.Lease/LeaseGrant'
const REVOKE = '/etcdserverpb.Lease/LeaseRevoke'
const LOCKS = ['a', 'b']
const PAUSE_MS = 1200
const HOLD_MS = 600
const PATIENCE_MS = 9000
/** Longer than anything may take: whoever waits for his turn must have it, or hear that his lease has ended. */
const LONG_PATIENCE_MS = 300_000
const SHORT_PATIENCE_MS = 600
const TTL_SECONDS = { least: 2, most: 6 }
const RENEWALS = { least: 2, most: 9 }

export interface LockContext extends KeeperContext {
  readonly truth: Truth
  readonly locks: LockHistory
  readonly onDone: () => void
}

export class LockClient {
  readonly name: string
  /** Requests without an answer. */
  #open = 0
  readonly #context: LockContext
  readonly #random: Prng
  /** The lease under which it asks; null while it has none, or keeps it no longer. */
  #session: LeaseLife | null = null

  constructor(name: string, context: LockContext, random: Prng) {
    this.name = name
    this.#context = context
    this.#random = random
  }

  get isBusy(): boolean {
    return this.#open > 0
  }

  start(): void {
    this.#later(PAUSE_MS, () => this.#next())
  }

  #later(meanMs: number, what: () => void): void {
    const { world } = this.#context
    world.time.after(world.around(meanMs, this.#random), what)
  }

  #next(): void {
    if (this.#context.isOver()) return
    const session = this.#session
    if (session === null) this.#grant()
    else this.#lock(lockName(this.#random.pick(LOCKS)), session)
  }

  #call(method: string, bytes: Uint8Array, patienceMs: number, onEnd: (end: CallEnd) => void): void {
    const { world, nodes, connections, onDone } = this.#context
    const up = nodes.filter((node) => node.isServing)
    const node = this.#random.pick(up.length === 0 ? nodes : up)
    this.#open++
    connections.unary(node, { method, user: '', bytes, patienceMs }, (end) => {
      this.#open--
      const text = end.kind === 'failed' ? `${end.status} ${end.text}` : end.kind
      world.say(this.name, () => `${node.name}: ${method.slice(method.lastIndexOf('/') + 1)} -> ${text}`)
      if (end.kind === 'answered') onDone()
      onEnd(end)
    })
  }

  #grant(): void {
    const { world, locks } = this.#context
    const grantSentMs = world.nowMs
    const ttl = this.#random.between(TTL_SECONDS.least, TTL_SECONDS.most)
    this.#call(GRANT, encodeLeaseGrantRequest({ TTL: ttl }), PATIENCE_MS, (end) => {
      if (end.kind !== 'answered') return this.start()
      const { ID: leaseId, TTL } = decodeLeaseGrantResponse(end.message)
      const session: LeaseLife = {
        name: this.name, leaseId, ttlMs: TTL * 1000, grantSentMs, grantAckMs: world.nowMs, renewals: [],
        renewedMs: null, revokeSentMs: null, endedMs: null,
      }
      locks.sessions.push(session)
      this.#session = session
      const keeper = new LeaseKeeper(this.#context, session, this.#random)
      keeper.keep(this.#random.between(RENEWALS.least, RENEWALS.most), () => this.#finish(session))
      this.#next()
    })
  }

  /** A lock that is held or waited for may end with its lease. */
  #finish(session: LeaseLife): void {
    this.#session = null
    if (this.#random.chance(0.5)) return
    session.revokeSentMs = this.#context.world.nowMs
    this.#call(REVOKE, encodeLeaseRevokeRequest({ ID: session.leaseId }), PATIENCE_MS, () => undefined)
  }

  #lock(lock: string, session: LeaseLife): void {
    const { world, truth, locks } = this.#context
    const { leaseId } = session
    const call: LockCall = {
      client: this.name, lock, leaseId, invokedAt: world.nowMs, fromRevision: truth.lastRevision, returnedAt: Infinity,
      untilRevision: Infinity, outcome: 'unknown',
    }
    locks.calls.push(call)
    const isImpatient = this.#random.chance(0.25)
    const patienceMs = isImpatient ? world.around(SHORT_PATIENCE_MS, this.#random) : LONG_PATIENCE_MS
    this.#call(LOCK, encodeLockRequest({ name: utf8(lock), lease: leaseId }), patienceMs, (end) => {
      call.returnedAt = world.nowMs
      call.untilRevision = truth.lastRevision
      call.outcome = outcomeOf(end)
      if (end.kind === 'answered') {
        this.#later(HOLD_MS, () => this.#unlock(lockKey(lock, leaseId)))
      } else if (end.kind === 'lost' && this.#random.chance(0.5)) {
        // Its place may be there, or come to be there; whoever asks under the same lease finds it.
        if (this.#session === session) this.#lock(lock, session)
        else this.start()
      } else this.start()
    })
  }

  #unlock(key: string): void {
    const { world, truth, locks } = this.#context
    const unlock: UnlockCall = {
      client: this.name, key, invokedAt: world.nowMs, fromRevision: truth.lastRevision, untilRevision: Infinity,
      revision: null,
    }
    locks.unlocks.push(unlock)
    this.#call(UNLOCK, encodeUnlockRequest({ key: utf8(key) }), PATIENCE_MS, (end) => {
      if (end.kind === 'answered') {
        unlock.revision = decodeUnlockResponse(end.message).header?.revision ?? 0
        unlock.untilRevision = truth.lastRevision
      }
      this.start()
    })
  }
}

function outcomeOf(end: CallEnd): LockAnswer | 'unknown' | 'refused' {
  if (end.kind === 'answered') {
    const { header, key } = decodeLockResponse(end.message)
    return { kind: 'held', key: textOf(key), revision: header?.revision ?? 0 }
  }
  if (end.kind !== 'failed') return end.kind === 'refused' ? 'refused' : 'unknown'
  if (end.text === etcdErrors.sessionExpired.message) return { kind: 'session expired' }
  return end.text === etcdErrors.leaseNotFound.message ? { kind: 'no lease' } : 'unknown'
}

/**
 * A client that takes leases, hangs a key on each, keeps them for a while and then lets them run out or ends them. Its
 * keys are nobody else's, so that a key that goes shows that its lease has ended.
 */

import { utf8 } from '../../base/bytes.js'
import type { Prng } from '../../base/prng.js'
import {
  decodeLeaseGrantResponse,
  encodeLeaseGrantRequest,
  encodeLeaseRevokeRequest,
  encodePutRequest,
} from '../../proto/generated/etcdserverpb.js'
import type { KvOperation } from '../checkers/kv-checker.js'
import type { LeaseLife } from '../checkers/lease-checker.js'
import type { SimNode } from '../world/sim-node.js'
import type { World } from '../world/world.js'
import { answeredOf, isRefusal, METHODS } from './kv-wire.js'
import { LeaseKeeper } from './lease-keeper.js'
import type { CallEnd, Connections } from './sim-connection.js'

const GRANT = '/etcdserverpb.Lease/LeaseGrant'
const REVOKE = '/etcdserverpb.Lease/LeaseRevoke'
const PATIENCE_MS = 9000
const PAUSE_MS = 900
const TTL_SECONDS = { least: 2, most: 6 }

export interface LeaseContext {
  readonly world: World
  readonly nodes: readonly SimNode[]
  readonly connections: Connections
  readonly history: KvOperation[]
  readonly lives: LeaseLife[]
  readonly nextValue: () => string
  readonly isOver: () => boolean
  readonly onDone: () => void
}

export class LeaseClient {
  readonly name: string
  readonly #context: LeaseContext
  readonly #random: Prng
  #count = 0

  constructor(name: string, context: LeaseContext) {
    this.name = name
    this.#context = context
    this.#random = context.world.stream()
  }

  start(): void {
    this.#later(PAUSE_MS, () => {
      if (!this.#context.isOver()) this.#grant()
    })
  }

  #later(meanMs: number, what: () => void): void {
    const { world } = this.#context
    world.time.after(world.around(meanMs, this.#random), what)
  }

  #call(method: string, bytes: Uint8Array, onEnd: (end: CallEnd) => void): void {
    const { world, nodes, connections } = this.#context
    const up = nodes.filter((node) => node.isServing)
    const node = this.#random.pick(up.length === 0 ? nodes : up)
    connections.unary(node, { method, user: '', bytes, patienceMs: PATIENCE_MS }, (end) => {
      const text = end.kind === 'failed' ? `${end.status} ${end.text}` : end.kind
      world.say(this.name, () => `${node.name}: ${method.slice(method.lastIndexOf('/') + 1)} -> ${text}`)
      if (end.kind === 'answered') this.#context.onDone()
      onEnd(end)
    })
  }

  #grant(): void {
    const { world } = this.#context
    const grantSentMs = world.nowMs
    const ttl = this.#random.between(TTL_SECONDS.least, TTL_SECONDS.most)
    this.#call(GRANT, encodeLeaseGrantRequest({ TTL: ttl }), (end) => {
      if (end.kind !== 'answered') return this.start()
      const granted = decodeLeaseGrantResponse(end.message)
      const key = `lease-${this.name}-${++this.#count}`
      const life: LeaseLife = {
        name: key, leaseId: granted.ID, ttlMs: granted.TTL * 1000, grantSentMs, grantAckMs: world.nowMs, renewals: [],
        renewedMs: null, revokeSentMs: null, endedMs: null,
      }
      this.#put(life, granted.ID)
    })
  }

  #put(life: LeaseLife, leaseId: bigint): void {
    const { world, history, nextValue, lives } = this.#context
    const value = nextValue()
    const operation: KvOperation = {
      client: this.name,
      request: {
        compares: [], success: [{ kind: 'put', key: life.name, value, leaseId }], failure: [], isSerializable: false,
      },
      invokedAt: world.nowMs,
      returnedAt: Infinity,
      outcome: 'unknown',
    }
    history.push(operation)
    const bytes = encodePutRequest({ key: utf8(life.name), value: utf8(value), lease: leaseId, prev_kv: true })
    this.#call(METHODS.put, bytes, (end) => {
      if (end.kind === 'refused' || (end.kind === 'failed' && isRefusal(end.status))) operation.outcome = 'refused'
      if (end.kind !== 'answered') return this.start()
      operation.returnedAt = world.nowMs
      operation.outcome = answeredOf('put', end.message)
      lives.push(life)
      const keeper = new LeaseKeeper(this.#context, life, world.stream())
      keeper.keep(this.#random.between(0, 4), () => this.#finish(life, leaseId))
    })
  }

  #finish(life: LeaseLife, leaseId: bigint): void {
    if (this.#random.chance(0.7)) return this.start()
    life.revokeSentMs = this.#context.world.nowMs
    this.#call(REVOKE, encodeLeaseRevokeRequest({ ID: leaseId }), () => this.start())
  }
}

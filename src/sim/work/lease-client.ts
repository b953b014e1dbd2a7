/**
 * A client that takes leases, hangs a key on each, keeps them for a while and then lets them run out or ends them. Its
 * keys are nobody else's, so that a key that goes shows that its lease has ended.
 */

import { utf8 } from '../../base/bytes.js'
import type { Prng } from '../../base/prng.js'
import {
  decodeLeaseGrantResponse,
  decodeLeaseKeepAliveResponse,
  encodeLeaseGrantRequest,
  encodeLeaseKeepAliveRequest,
  encodeLeaseRevokeRequest,
  encodePutRequest,
} from '../../proto/generated/etcdserverpb.js'
import type { KvOperation } from '../checkers/kv-checker.js'
import type { LeaseLife, Renewal } from '../checkers/lease-checker.js'
import type { SimNode } from '../world/sim-node.js'
import type { World } from '../world/world.js'
import { answeredOf, isRefusal, METHODS } from './kv-wire.js'
import type { CallEnd, Connections, SimStream } from './sim-connection.js'

const GRANT = '/etcdserverpb.Lease/LeaseGrant'
const REVOKE = '/etcdserverpb.Lease/LeaseRevoke'
const KEEP_ALIVE = '/etcdserverpb.Lease/LeaseKeepAlive'
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
      new Keeper(this.#context, life, leaseId).keep(this.#random.between(0, 4), () => this.#finish(life, leaseId))
    })
  }

  #finish(life: LeaseLife, leaseId: bigint): void {
    if (this.#random.chance(0.7)) return this.start()
    life.revokeSentMs = this.#context.world.nowMs
    this.#call(REVOKE, encodeLeaseRevokeRequest({ ID: leaseId }), () => this.start())
  }
}

/** Renews one lease at a third of its time, over a stream that may have to be opened again. */
class Keeper {
  readonly #context: LeaseContext
  readonly #life: LeaseLife
  readonly #leaseId: bigint
  readonly #random: Prng
  #stream: SimStream | null = null
  #waiting: Renewal[] = []

  constructor(context: LeaseContext, life: LeaseLife, leaseId: bigint) {
    this.#context = context
    this.#life = life
    this.#leaseId = leaseId
    this.#random = context.world.stream()
  }

  keep(times: number, onEnd: () => void): void {
    const { world, isOver } = this.#context
    if (times === 0 || isOver()) {
      this.#stream?.close()
      onEnd()
      return
    }
    world.time.after(this.#life.ttlMs * (0.2 + 0.3 * this.#random.float()), () => {
      this.#stream ??= this.#open()
      const renewal: Renewal = { sentMs: world.nowMs, ackMs: null }
      this.#life.renewals.push(renewal)
      this.#waiting.push(renewal)
      this.#stream?.send(encodeLeaseKeepAliveRequest({ ID: this.#leaseId }))
      this.keep(times - 1, onEnd)
    })
  }

  #open(): SimStream | null {
    const { nodes, connections } = this.#context
    const up = nodes.filter((node) => node.isServing)
    if (up.length === 0) return null
    const node = this.#random.pick(up)
    return connections.stream(node, { method: KEEP_ALIVE, user: '' }, {
      onMessage: (bytes) => this.#hear(bytes, node),
      onEnd: () => {
        this.#stream = null
        this.#waiting = []
      },
    })
  }

  #hear(bytes: Uint8Array, node: SimNode): void {
    const { world } = this.#context
    const { TTL } = decodeLeaseKeepAliveResponse(bytes)
    // Answers come in the order of the questions.
    const renewal = this.#waiting.shift()
    world.say(this.#life.name, () => `${node.name}: kept for ${TTL} s`)
    if (renewal === undefined || TTL <= 0) return
    renewal.ackMs = world.nowMs
  }
}

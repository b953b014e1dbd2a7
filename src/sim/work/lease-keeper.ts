/** Renews one lease at a third of its time, over a stream that may have to be opened again. */

import type { Prng } from '../../base/prng.js'
import { decodeLeaseKeepAliveResponse, encodeLeaseKeepAliveRequest } from '../../proto/generated/etcdserverpb.js'
import type { LeaseLife, Renewal } from '../checkers/lease-checker.js'
import type { SimNode } from '../world/sim-node.js'
import type { World } from '../world/world.js'
import type { Connections, SimStream } from './sim-connection.js'

const KEEP_ALIVE = '/etcdserverpb.Lease/LeaseKeepAlive'

export interface KeeperContext {
  readonly world: World
  readonly nodes: readonly SimNode[]
  readonly connections: Connections
  readonly isOver: () => boolean
}

export class LeaseKeeper {
  readonly #context: KeeperContext
  readonly #life: LeaseLife
  readonly #random: Prng
  #stream: SimStream | null = null
  #waiting: Renewal[] = []

  constructor(context: KeeperContext, life: LeaseLife, random: Prng) {
    this.#context = context
    this.#life = life
    this.#random = random
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
      this.#stream?.send(encodeLeaseKeepAliveRequest({ ID: this.#life.leaseId }))
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

/** Somebody who compacts the history now and then. */

import type { Prng } from '../../base/prng.js'
import { encodeCompactionRequest } from '../../proto/generated/etcdserverpb.js'
import type { Truth } from '../checkers/truth.js'
import type { SimNode } from '../world/sim-node.js'
import type { World } from '../world/world.js'
import type { Connections } from './sim-connection.js'

const COMPACT = '/etcdserverpb.KV/Compact'
const PAUSE_MS = 4000
const PATIENCE_MS = 9000
const KEPT_MAX = 25

export interface CompactContext {
  readonly world: World
  readonly nodes: readonly SimNode[]
  readonly connections: Connections
  readonly truth: Truth
  readonly isOver: () => boolean
}

export class CompactClient {
  /** The highest revision that was asked for. */
  askedMax = 0
  isBusy = false
  readonly #context: CompactContext
  readonly #random: Prng

  constructor(context: CompactContext) {
    this.#context = context
    this.#random = context.world.stream()
  }

  start(): void {
    const { world, isOver } = this.#context
    world.time.after(world.around(PAUSE_MS, this.#random), () => {
      if (!isOver()) this.#compact()
    })
  }

  #compact(): void {
    const { world, nodes, connections, truth } = this.#context
    const revision = truth.lastRevision - this.#random.between(0, KEPT_MAX)
    const up = nodes.filter((node) => node.isServing)
    if (revision < 2 || up.length === 0) return this.start()
    const node = this.#random.pick(up)
    this.askedMax = Math.max(this.askedMax, revision)
    const bytes = encodeCompactionRequest({ revision, physical: this.#random.chance(0.3) })
    this.isBusy = true
    connections.unary(node, { method: COMPACT, user: '', bytes, patienceMs: PATIENCE_MS }, (end) => {
      this.isBusy = false
      const text = end.kind === 'failed' ? end.text : end.kind
      world.say('compact', () => `${node.name}: to ${revision} -> ${text}`)
      this.start()
    })
  }
}

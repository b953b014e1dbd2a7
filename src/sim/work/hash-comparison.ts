/** Asks every member for the hash of its key space at one revision, as operators do: all must answer the same. */

import { decodeHashKVResponse, encodeHashKVRequest } from '../../proto/generated/etcdserverpb.js'
import type { SimNode } from '../world/sim-node.js'
import type { Connections } from './sim-connection.js'

const HASH_KV = '/etcdserverpb.Maintenance/HashKV'
const PATIENCE_MS = 5000

export class HashComparison {
  readonly #answers = new Map<SimNode, string>()
  readonly #asked: readonly SimNode[]

  constructor(connections: Connections, nodes: readonly SimNode[], revision: number) {
    this.#asked = [...nodes]
    const bytes = encodeHashKVRequest({ revision })
    for (const node of nodes) {
      connections.unary(node, { method: HASH_KV, user: '', bytes, patienceMs: PATIENCE_MS }, (end) => {
        if (end.kind !== 'answered') {
          this.#answers.set(node, end.kind === 'failed' ? end.text : end.kind)
          return
        }
        const { hash, compact_revision, hash_revision } = decodeHashKVResponse(end.message)
        this.#answers.set(node, `hash ${hash} of revision ${hash_revision}, compacted to ${compact_revision}`)
      })
    }
  }

  get isDone(): boolean {
    return this.#answers.size === this.#asked.length
  }

  /** What is wrong, or null. */
  problem(): string | null {
    if (new Set(this.#answers.values()).size <= 1) return null
    return `members differ: ${this.#asked.map((node) => `${node.name} ${this.#answers.get(node) ?? ''}`).join('; ')}`
  }
}

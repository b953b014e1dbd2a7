/** Asks every member for the hash of its key space at one revision, as operators do: all must answer the same. */

import { decodeHashKVResponse, encodeHashKVRequest } from '../../proto/generated/etcdserverpb.js'
import { hashProblem, type HashAnswer } from '../checkers/hash-verdict.js'
import type { SimNode } from '../world/sim-node.js'
import type { CallEnd, Connections } from './sim-connection.js'

const HASH_KV = '/etcdserverpb.Maintenance/HashKV'
const PATIENCE_MS = 5000

export class HashComparison {
  readonly #answers = new Map<SimNode, HashAnswer>()
  readonly #asked: readonly SimNode[]

  constructor(connections: Connections, nodes: readonly SimNode[], revision: number) {
    this.#asked = [...nodes]
    const bytes = encodeHashKVRequest({ revision })
    for (const node of nodes) {
      connections.unary(node, { method: HASH_KV, user: '', bytes, patienceMs: PATIENCE_MS }, (end) => {
        this.#answers.set(node, answerOf(node.name, end))
      })
    }
  }

  get isDone(): boolean {
    return this.#answers.size === this.#asked.length
  }

  /** What is wrong, or null. Only when it is done. */
  problem(): string | null {
    return hashProblem(this.#asked.map((node) => this.#answers.get(node) as HashAnswer))
  }
}

function answerOf(member: string, end: CallEnd): HashAnswer {
  if (end.kind !== 'answered') {
    const text = end.kind === 'failed' ? `${end.status} ${end.text}` : end.kind
    return { member, hash: null, revision: 0, compactRevision: 0, text }
  }
  const { hash, compact_revision, hash_revision } = decodeHashKVResponse(end.message)
  return { member, hash, revision: hash_revision, compactRevision: compact_revision, text: '' }
}

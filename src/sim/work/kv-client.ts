/** A client that reads and writes keys, one operation at a time, at any member, and notes what it was answered. */

import type { Prng } from '../../base/prng.js'
import type { KvAction, KvCompare, KvOperation, KvRequest } from '../checkers/kv-checker.js'
import type { KeyRange } from '../checkers/truth.js'
import type { SimNode } from '../world/sim-node.js'
import type { World } from '../world/world.js'
import { METHODS, answeredOf, encodeKv, isRefusal } from './kv-wire.js'
import type { CallEnd, Connections } from './sim-connection.js'

/** Between an answer and the next request, on average. */
const THINK_MS = 450
const PATIENCE_MS = 9000
const GROUPS = 4
/** Characters of a value in a line. */
const SHOWN = 12
const KEYS_PER_GROUP = 3
/** A client stays with its member for a while. */
const CHANGE_CHANCE = 0.1
/** How many revisions back it reads. */
const PAST_MAX = 20

export interface ClientContext {
  readonly world: World
  readonly nodes: readonly SimNode[]
  readonly connections: Connections
  readonly history: KvOperation[]
  /** Values are unique over all clients. */
  readonly nextValue: () => string
  /** No new operations. */
  readonly isOver: () => boolean
  readonly onDone: () => void
}

export class KvClient {
  readonly name: string
  isBusy = false
  #lastRevision = 0
  readonly #context: ClientContext
  readonly #random: Prng
  #node: SimNode
  /** What it has seen, so that its comparisons are true now and then. */
  readonly #known = new Map<string, { readonly value: string; readonly mod: number; readonly version: number }>()

  constructor(name: string, context: ClientContext) {
    this.name = name
    this.#context = context
    this.#random = context.world.stream()
    this.#node = this.#random.pick(context.nodes)
  }

  start(): void {
    const { world, isOver } = this.#context
    world.time.after(world.around(THINK_MS, this.#random), () => {
      if (!isOver()) this.#ask()
    })
  }

  #ask(): void {
    const { world, nodes, connections, history } = this.#context
    const random = this.#random
    if (!this.#node.isServing || random.chance(CHANGE_CHANCE)) this.#node = random.pick(nodes)
    const node = this.#node
    const request = this.#request()
    const operation: KvOperation = {
      client: this.name, request, invokedAt: world.nowMs, returnedAt: Infinity, outcome: 'unknown',
    }
    history.push(operation)
    this.isBusy = true
    const { kind, bytes } = encodeKv(request)
    connections.unary(node, { method: METHODS[kind], user: '', bytes, patienceMs: PATIENCE_MS }, (end) => {
      this.isBusy = false
      this.#note(operation, kind, end)
      world.say(this.name, () => `${node.name}: ${describeEnd(operation, end)}`)
      this.start()
    })
  }

  #note(operation: KvOperation, kind: keyof typeof METHODS, end: CallEnd): void {
    if (end.kind === 'refused' || (end.kind === 'failed' && isRefusal(end.status))) operation.outcome = 'refused'
    if (end.kind !== 'answered') return
    operation.returnedAt = this.#context.world.nowMs
    const answered = answeredOf(kind, end.message)
    operation.outcome = answered
    this.#lastRevision = Math.max(this.#lastRevision, answered.revision)
    this.#context.onDone()
    for (const answer of answered.answers) {
      if (answer.kind !== 'range') continue
      for (const { key, value, modRevision, version } of answer.keys) {
        this.#known.set(key, { value, mod: modRevision, version })
      }
    }
  }

  #request(): KvRequest {
    const random = this.#random
    const group = String.fromCharCode(97 + random.between(0, GROUPS - 1))
    const key = `${group}${random.between(0, KEYS_PER_GROUP - 1)}`
    const all: KeyRange = { key: group, end: String.fromCharCode(group.charCodeAt(0) + 1) }
    const one: KeyRange = { key, end: '' }
    const range = random.chance(0.5) ? all : one
    const put = (at: string): KvAction => ({ kind: 'put', key: at, value: this.#context.nextValue(), leaseId: 0n })
    const revision = random.chance(0.2) ? Math.max(0, this.#lastRevision - random.between(0, PAST_MAX)) : 0
    const read: KvAction = { kind: 'range', range, revision }
    const plain = (action: KvAction, isSerializable = false): KvRequest =>
      ({ compares: [], success: [action], failure: [], isSerializable })
    const dice = random.float()
    if (dice < 0.34) return plain(put(key))
    if (dice < 0.64) return plain(read)
    if (dice < 0.7) return plain(read, true)
    if (dice < 0.8) return plain({ kind: 'delete', range })
    const other = `${group}${random.between(0, KEYS_PER_GROUP - 1)}`
    const writes = other === key ? [put(key)] : [put(key), put(other)]
    const compares = [this.#compare(key)]
    return { compares, success: writes, failure: [read], isSerializable: false }
  }

  #compare(key: string): KvCompare {
    const known = this.#known.get(key)
    if (known === undefined) return { key, target: 'version', number: 0 }
    switch (this.#random.between(0, 2)) {
      case 0: return { key, target: 'value', value: known.value }
      case 1: return { key, target: 'mod', number: known.mod }
      default: return { key, target: 'version', number: known.version }
    }
  }
}

function describeEnd({ request, outcome }: KvOperation, end: CallEnd): string {
  const actions = [...request.success, ...request.failure]
  const what = actions.map((action) => (action.kind === 'put' ? `put ${action.key}=${action.value.slice(0, SHOWN)}` :
    `${action.kind} ${action.range.key}${action.range.end === '' ? '' : '...'}`)).join(' ')
  const text = end.kind === 'failed' ? `${end.status} ${end.text}` : end.kind
  return `${what} -> ${typeof outcome === 'string' ? text : `revision ${outcome.revision}`}`
}

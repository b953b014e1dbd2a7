/** Clients that read and write a few keys through whichever member, and note what they were told. */

import { setTimeout as delay } from 'node:timers/promises'
import type { Prng } from '../../../src/base/prng.js'
import type {
  ActionAnswer, KvAction, KvCompare, KvOperation, KvRequest, SeenKey,
} from '../../../src/sim/checkers/kv-checker.js'
import type { EtcdClient } from '../../support/etcd-client.js'
import {
  COMPARE_RESULT, COMPARE_TARGET, type KeyValue, type RequestOpIn, type ResponseOpOut, type TxnRequestIn,
} from '../../support/etcd-messages.js'
import { present, revisionOf } from '../../support/expect.js'

export const KEYS = { key: 'k/', end: 'k0' }
const KEY_COUNT = 8
const PAUSE_MS_MAX = 30

export class KvClient {
  readonly history: KvOperation[] = []
  readonly #name: string
  readonly #endpoints: readonly EtcdClient[]
  readonly #prng: Prng
  #sequence = 0
  #seen: SeenKey | null = null

  constructor(name: string, endpoints: readonly EtcdClient[], prng: Prng) {
    this.#name = name
    this.#endpoints = endpoints
    this.#prng = prng
  }

  async run(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      await this.#step()
      await delay(this.#prng.between(0, PAUSE_MS_MAX))
    }
  }

  async #step(): Promise<void> {
    const request = this.#invent()
    const invokedAt = performance.now()
    const operation: KvOperation = { client: this.#name, request, invokedAt, returnedAt: Infinity, outcome: 'unknown' }
    this.history.push(operation)
    try {
      operation.outcome = await this.#perform(request)
    } catch {
      // It may have happened, or may happen yet: whatever the error says, nothing is concluded from it.
    }
    operation.returnedAt = performance.now()
  }

  #invent(): KvRequest {
    const prng = this.#prng
    const key = `k/${prng.between(0, KEY_COUNT - 1)}`
    const put: KvAction = { kind: 'put', key, value: `${this.#name}.${++this.#sequence}`, leaseId: 0n }
    const get: KvAction = { kind: 'range', range: { key, end: '' }, revision: 0 }
    const all: KvAction = { kind: 'range', range: KEYS, revision: 0 }
    const plain = { compares: [], failure: [], isSerializable: false }
    switch (prng.between(0, 9)) {
      case 0:
      case 1:
      case 2:
        return { ...plain, success: [put] }
      case 3:
        return { ...plain, success: [{ kind: 'delete', range: { key, end: '' } }] }
      case 4:
      case 5:
        return { ...plain, success: [get] }
      case 6:
        return { ...plain, success: [all] }
      case 7:
        return { ...plain, success: [get], isSerializable: true }
      default:
        return { ...plain, compares: [this.#compare(key)], success: [put], failure: [get] }
    }
  }

  #compare(key: string): KvCompare {
    const seen = this.#seen
    if (seen !== null && seen.key === key) return { key, target: 'mod', number: seen.modRevision }
    return { key, target: 'version', number: this.#prng.between(0, 1) }
  }

  async #perform(request: KvRequest): Promise<KvOperation['outcome']> {
    const client = this.#endpoints[this.#prng.between(0, this.#endpoints.length - 1)] as EtcdClient
    const [only] = request.success
    if (request.isSerializable && only?.kind === 'range') {
      const response = await client.range({ key: only.range.key, serializable: true })
      const keys = response.kvs.map(seenKey)
      const answer = { kind: 'range' as const, keys, count: response.count }
      return { revision: revisionOf(response), succeeded: true, answers: [answer] }
    }
    const response = await client.txn(toTxn(request))
    const actions = response.succeeded ? request.success : request.failure
    const answers = actions.map((action, i) => toAnswer(action, present(response.responses[i])))
    for (const answer of answers) if (answer.kind === 'range') this.#seen = answer.keys[0] ?? this.#seen
    return { revision: revisionOf(response), succeeded: response.succeeded, answers }
  }
}

function toTxn({ compares, success, failure }: KvRequest): TxnRequestIn {
  return { compare: compares.map(toCompare), success: success.map(toOp), failure: failure.map(toOp) }
}

function toCompare(compare: KvCompare): NonNullable<TxnRequestIn['compare']>[number] {
  const { key } = compare
  const result = COMPARE_RESULT.EQUAL
  if (compare.target === 'mod') return { key, result, target: COMPARE_TARGET.MOD, modRevision: compare.number }
  if (compare.target === 'version') return { key, result, target: COMPARE_TARGET.VERSION, version: compare.number }
  throw new Error(`no client compares by ${compare.target}`)
}

function toOp(action: KvAction): RequestOpIn {
  if (action.kind === 'put') return { requestPut: { key: action.key, value: action.value } }
  const { key, end } = action.range
  const range = end === '' ? { key } : { key, rangeEnd: end }
  return action.kind === 'delete' ? { requestDeleteRange: range } : { requestRange: range }
}

function toAnswer(action: KvAction, response: ResponseOpOut): ActionAnswer {
  if (action.kind === 'put') return { kind: 'put', previous: undefined }
  if (action.kind === 'delete') {
    return { kind: 'delete', deleted: present(response.responseDeleteRange).deleted, previous: [] }
  }
  const { kvs, count } = present(response.responseRange)
  return { kind: 'range', keys: kvs.map(seenKey), count }
}

function seenKey(kv: KeyValue): SeenKey {
  const { createRevision, modRevision, version, lease } = kv
  const [key, value] = [kv.key.toString('latin1'), kv.value.toString('latin1')]
  return { key, value, createRevision, modRevision, version, leaseId: lease }
}

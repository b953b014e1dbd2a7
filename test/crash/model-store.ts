/**
 * A plain in-memory store with the meaning of etcd's key space at one revision. Operations are
 * first drafted, which changes nothing, so that a checker can ask what an operation would have done
 * here.
 */

import type { CompareOp, DeleteOp, KvOp, PutOp, RangeOp, TxnOp } from './operation.js'

export interface ModelRecord {
  readonly key: string
  readonly value: string
  readonly create: number
  readonly mod: number
  readonly version: number
  readonly lease: bigint
}

/** `record` undefined: the key was deleted. */
export interface ModelEvent {
  readonly key: string
  readonly record: ModelRecord | undefined
}

export type Answer =
  | { readonly kind: 'put'; readonly previous: string }
  | { readonly kind: 'delete'; readonly deleted: number; readonly previous: readonly string[] }
  | {
      readonly kind: 'range'
      readonly kvs: readonly string[]
      readonly count: number
      readonly more: boolean
    }
  | { readonly kind: 'txn'; readonly succeeded: boolean; readonly answers: readonly Answer[] }

export interface Draft {
  readonly events: readonly ModelEvent[]
  readonly answer: Answer
}

export class ModelStore {
  revision = 1
  readonly #records = new Map<string, ModelRecord>()
  /** All keys in order; rebuilt when a key came or went. */
  #sorted: string[] | undefined

  get(key: string): ModelRecord | undefined {
    return this.#records.get(key)
  }

  /** Live records of [key, to) in order; `to` empty: the one key. */
  range(key: string, to: string): ModelRecord[] {
    if (to === '') {
      const record = this.#records.get(key)
      return record === undefined ? [] : [record]
    }
    const sorted = (this.#sorted ??= [...this.#records.keys()].sort())
    const out: ModelRecord[] = []
    for (let i = lowerBound(sorted, key); i < sorted.length && (sorted[i] as string) < to; i++)
      out.push(this.#records.get(sorted[i] as string) as ModelRecord)
    return out
  }

  all(): ModelRecord[] {
    return [...this.#records.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  keysOfLease(lease: bigint): string[] {
    const keys: string[] = []
    for (const record of this.#records.values()) if (record.lease === lease) keys.push(record.key)
    return keys.sort()
  }

  /** What this operation would do and answer now, taking the next revision if it writes. */
  draft(op: KvOp): Draft {
    const drafting = new Drafting(this)
    const answer = drafting.run(op)
    return { events: drafting.events, answer }
  }

  /** Takes the events of the next revision. */
  apply(revision: number, events: readonly ModelEvent[]): void {
    for (const { key, record } of events) {
      if (record === undefined || !this.#records.has(key)) this.#sorted = undefined
      if (record === undefined) this.#records.delete(key)
      else this.#records.set(key, record)
    }
    this.revision = revision
  }

  clone(): ModelStore {
    const copy = new ModelStore()
    copy.revision = this.revision
    for (const [key, record] of this.#records) copy.#records.set(key, record)
    return copy
  }
}

class Drafting {
  readonly events: ModelEvent[] = []
  readonly #base: ModelStore
  readonly #changes = new Map<string, ModelRecord | undefined>()

  constructor(base: ModelStore) {
    this.#base = base
  }

  run(op: KvOp): Answer {
    // All compares, nested ones too, look at the state before any write.
    return this.#execute(op, (txn) => txn.compares.every((compare) => holds(this.#base, compare)))
  }

  #execute(op: KvOp, succeeds: (txn: TxnOp) => boolean): Answer {
    switch (op.kind) {
      case 'put':
        return this.#put(op)
      case 'delete':
        return this.#delete(op)
      case 'range':
        return this.#range(op)
      case 'txn': {
        const succeeded = succeeds(op)
        const branch = succeeded ? op.success : op.failure
        return { kind: 'txn', succeeded, answers: branch.map((one) => this.#execute(one, succeeds)) }
      }
    }
  }

  #put(op: PutOp): Answer {
    const old = this.#get(op.key)
    const mod = this.#base.revision + 1
    const { key, value, lease } = op
    const version = (old?.version ?? 0) + 1
    this.#write(key, { key, value, create: old?.create ?? mod, mod, version, lease })
    return { kind: 'put', previous: op.prevKv && old !== undefined ? recordText(old) : '' }
  }

  #delete(op: DeleteOp): Answer {
    const gone = this.#live(op.key, op.to)
    for (const { key } of gone) this.#write(key, undefined)
    return { kind: 'delete', deleted: gone.length, previous: op.prevKv ? gone.map(recordText) : [] }
  }

  #range(op: RangeOp): Answer {
    const found = this.#live(op.key, op.to)
    const kvs = op.limit > 0 ? found.slice(0, op.limit) : found
    const more = kvs.length < found.length
    return { kind: 'range', kvs: kvs.map(recordText), count: found.length, more }
  }

  #get(key: string): ModelRecord | undefined {
    return this.#changes.has(key) ? this.#changes.get(key) : this.#base.get(key)
  }

  #live(from: string, to: string): ModelRecord[] {
    if (this.#changes.size === 0) return this.#base.range(from, to)
    const found = new Map(this.#base.range(from, to).map((record) => [record.key, record]))
    for (const [key, record] of this.#changes) {
      if (to === '' ? key !== from : key < from || key >= to) continue
      if (record === undefined) found.delete(key)
      else found.set(key, record)
    }
    return [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  #write(key: string, record: ModelRecord | undefined): void {
    this.#changes.set(key, record)
    this.events.push({ key, record })
  }
}

function holds(store: ModelStore, compare: CompareOp): boolean {
  const record = store.get(compare.key)
  if (compare.target === 'value') return record !== undefined && record.value === compare.equals
  return (record?.[compare.target] ?? 0) === compare.equals
}

/** One record as text; values by length and ends, because some are long. */
export function recordText(record: ModelRecord): string {
  const { key, value, create, mod, version, lease } = record
  return `${key}=${value} c${create} m${mod} v${version} l${lease}`
}

export function eventText(event: ModelEvent): string {
  return event.record === undefined ? `delete ${event.key}` : `put ${recordText(event.record)}`
}

export function sameEvents(a: readonly ModelEvent[], b: readonly ModelEvent[]): boolean {
  if (a.length !== b.length) return false
  return a.every((event, i) => eventText(event) === eventText(b[i] as ModelEvent))
}

function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] as string) < key) low = middle + 1
    else high = middle
  }
  return low
}

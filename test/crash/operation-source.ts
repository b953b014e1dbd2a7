/**
 * Invents the operations of one client from a seed: puts, deletes, txns, ranges and leases on keys
 * shared with all clients and on its own. Every value is unique, so that what was written can be
 * told from the store.
 */

import type { Prng } from '../../src/base/prng.js'
import type { CompareOp, DeleteOp, KvOp, Operation, PutOp, RangeOp } from './operation.js'

export interface SourceOptions {
  readonly prng: Prng
  readonly client: number
  /** Makes values of different rounds differ. */
  readonly round: number
  /** The first client also compacts, up to what the watcher has seen. */
  readonly seenRevision: () => number
  /** Leases of earlier rounds that are this client's now. */
  readonly leases: readonly HeldLease[]
}

const SHARED_KEYS = 24
const OWN_KEYS = 12
const LEASES_PER_CLIENT = 5
const LONG_TTL = 3600
const SHORT_TTL = 2
const WINDOW_MIN = 200
const VALUE_BYTES_BIG = 30_000
const VALUE_BYTES_HUGE = 600_000
/** Longer than the store's own keys may be. */
const LONG_KEY_BYTES = 2500
const LONG_KEY_CHANCE = 0.05

export interface HeldLease {
  readonly id: bigint
  readonly isShort: boolean
}

export class OperationSource {
  readonly #options: SourceOptions
  readonly #prng: Prng
  #sequence = 0
  #leases: HeldLease[]
  #compactedTo = 0
  /** The last version seen of some keys, so that compares hold now and then. */
  readonly #seen = new Map<string, { readonly mod: number; readonly value: string }>()

  constructor(options: SourceOptions) {
    this.#options = options
    this.#prng = options.prng
    this.#leases = [...options.leases]
  }

  next(): Operation {
    const prng = this.#prng
    const dice = prng.between(0, 99)
    if (dice < 35) return this.#put(this.#anyKey())
    if (dice < 45) return this.#delete()
    if (dice < 60) return this.#range()
    if (dice < 83) return this.#txn(0)
    if (dice < 97) return this.#lease()
    return this.#options.client === 0 ? this.#compact() : this.#put(this.#ownKey())
  }

  /** Tells what the server showed of a key, for later compares. */
  saw(key: string, mod: number, value: string): void {
    this.#seen.set(key, { mod, value })
  }

  #put(key: string): PutOp {
    const prng = this.#prng
    const lease = prng.chance(0.15) && this.#leases.length > 0 ? prng.pick(this.#leases).id : 0n
    return { kind: 'put', key, value: this.#value(), lease, prevKv: prng.chance(0.3) }
  }

  #delete(): DeleteOp {
    const prng = this.#prng
    const prevKv = prng.chance(0.5)
    if (prng.chance(0.6)) return { kind: 'delete', key: this.#anyKey(), to: '', prevKv }
    const [key, to] = this.#interval()
    return { kind: 'delete', key, to, prevKv }
  }

  #range(): RangeOp {
    const prng = this.#prng
    if (prng.chance(0.5)) return { kind: 'range', key: this.#anyKey(), to: '', limit: 0 }
    const [key, to] = this.#interval()
    return { kind: 'range', key, to, limit: prng.chance(0.5) ? prng.between(1, 10) : 0 }
  }

  /** Writes each key at most once, as etcd demands. */
  #txn(depth: number): Operation & KvOp {
    const prng = this.#prng
    const compares = Array.from({ length: prng.between(0, 2) }, () => this.#compare())
    const branch = (): KvOp[] => {
      const keys = new Set(Array.from({ length: prng.between(0, 5) }, () => this.#anyKey()))
      const ops: KvOp[] = [...keys].map((key) => {
        if (prng.chance(0.2)) return { kind: 'range', key, to: '', limit: 0 }
        if (prng.chance(0.15)) return { kind: 'delete', key, to: '', prevKv: prng.chance(0.5) }
        return { ...this.#put(key), lease: 0n }
      })
      if (prng.chance(0.3)) ops.push(this.#range())
      if (prng.chance(0.2)) ops.unshift(this.#range())
      return ops
    }
    const failure = branch()
    const success = branch()
    if (depth === 0 && prng.chance(0.15)) {
      // The nested txn touches keys of its own prefix only, so that nothing is written twice.
      const value = this.#value()
      const key = `n${this.#options.client}/${prng.between(0, 3)}`
      const put: PutOp = { kind: 'put', key, value, lease: 0n, prevKv: true }
      const read: RangeOp = { kind: 'range', key, to: '', limit: 0 }
      const compare = { key, target: 'version', equals: prng.between(0, 2) } as const
      success.push({ kind: 'txn', compares: [compare], success: [put, read], failure: [put] })
    }
    return { kind: 'txn', compares, success, failure }
  }

  #compare(): CompareOp {
    const prng = this.#prng
    const key = this.#anyKey()
    const seen = this.#seen.get(key)
    if (seen === undefined) return { key, target: 'version', equals: 0 }
    if (prng.chance(0.4)) return { key, target: 'mod', equals: seen.mod }
    if (prng.chance(0.6)) return { key, target: 'value', equals: seen.value }
    return { key, target: 'version', equals: prng.between(0, 3) }
  }

  #lease(): Operation {
    const prng = this.#prng
    if (this.#leases.length < LEASES_PER_CLIENT && prng.chance(0.4)) return this.#grant()
    const lease = this.#leases.length === 0 ? undefined : prng.pick(this.#leases)
    if (lease === undefined) return this.#grant()
    if (prng.chance(0.2)) {
      this.#leases = this.#leases.filter((held) => held !== lease)
      return { kind: 'revoke', id: lease.id }
    }
    if (prng.chance(0.4) && !lease.isShort) return { kind: 'renew', id: lease.id }
    const key = `l${this.#options.client}/${prng.between(0, OWN_KEYS - 1)}`
    return { kind: 'put', key, value: this.#value(), lease: lease.id, prevKv: false }
  }

  #grant(): Operation {
    const { round, client } = this.#options
    const isShort = this.#prng.chance(0.2)
    const id = BigInt(round + 1) * 1_000_000n + BigInt(client) * 10_000n + BigInt(++this.#sequence)
    this.#leases.push({ id, isShort })
    return { kind: 'grant', id, ttl: isShort ? SHORT_TTL : LONG_TTL }
  }

  #compact(): Operation {
    const seen = this.#options.seenRevision()
    const target = seen - this.#prng.between(WINDOW_MIN, WINDOW_MIN * 10)
    if (target <= this.#compactedTo) return this.#range()
    this.#compactedTo = target
    return { kind: 'compact', revision: target, physical: this.#prng.chance(0.2) }
  }

  #anyKey(): string {
    return this.#prng.chance(0.5)
      ? `s/${this.#prng.between(0, SHARED_KEYS - 1)}`
      : this.#ownKey()
  }

  #ownKey(): string {
    const key = `o${this.#options.client}/${this.#prng.between(0, OWN_KEYS - 1)}`
    return this.#prng.chance(LONG_KEY_CHANCE) ? key.padEnd(LONG_KEY_BYTES, '-') : key
  }

  #interval(): [string, string] {
    const prng = this.#prng
    if (prng.chance(0.2)) return [`o${this.#options.client}/`, `o${this.#options.client}0`]
    const keys = [`s/${prng.between(0, SHARED_KEYS - 1)}`, `s/${prng.between(0, SHARED_KEYS - 1)}`]
    const [low, high] = keys.sort() as [string, string]
    return [low, `${high}~`]
  }

  #value(): string {
    const { round, client } = this.#options
    const head = `${round}.${client}.${++this.#sequence}`
    const prng = this.#prng
    if (prng.chance(0.0005)) return head.padEnd(VALUE_BYTES_HUGE, '.')
    const size = prng.chance(0.01) ? VALUE_BYTES_BIG : prng.between(0, 300)
    return head.padEnd(size, '.')
  }
}

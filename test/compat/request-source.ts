/**
 * Invents valid and invalid requests from a seed. What 3.4 and 3.7 are known to answer differently
 * is left out (listed in `differences.tsv`), and so is what crashes etcd.
 */

import type { Prng } from '../../src/base/prng.js'
import type { RequestOpIn, TxnRequestIn } from '../support/etcd-messages.js'

type RangeBody = NonNullable<RequestOpIn['requestRange']>
type PutBody = NonNullable<RequestOpIn['requestPut']>
type DeleteBody = NonNullable<RequestOpIn['requestDeleteRange']>
type Compare = NonNullable<TxnRequestIn['compare']>[number]

export type RandomRequest =
  | { readonly kind: 'put'; readonly body: PutBody }
  | { readonly kind: 'delete'; readonly body: DeleteBody }
  | { readonly kind: 'range'; readonly body: RangeBody }
  | { readonly kind: 'txn'; readonly body: TxnRequestIn }
  | { readonly kind: 'compact'; readonly body: { readonly revision: number; readonly physical: boolean } }
  | { readonly kind: 'grant'; readonly body: { readonly id: bigint; readonly ttl: number } }
  | { readonly kind: 'revoke'; readonly body: { readonly id: bigint } }
  | { readonly kind: 'keys'; readonly body: { readonly id: bigint } }

/** Few enough that Go's sort is stable for any answer. */
const LONG = 'c'.repeat(2000)
const KEYS = ['a', 'aa', 'ab', 'b', 'b\0', 'ba', 'c', LONG, `${LONG}x`, 'd\u0001', 'e', 'f'] as const
const ENDS = ['', '', 'a', 'ab', 'b', 'b\0', 'c', `${LONG}a`, 'e', 'g', '\0'] as const
const LEASES = [11n, 22n, 33n, 2n ** 62n] as const
const DEPTH_MAX = 2

export class RequestSource {
  readonly #prng: Prng
  #revision = 1
  #compacted = 0
  #sequence = 0
  /**
   * Whether this txn may delete to the end of the key space. Then no put in it relies on its key:
   * etcd does not see that the delete takes the key away, and ends itself when the put fails.
   */
  #deletesToEnd = true

  constructor(prng: Prng) {
    this.#prng = prng
  }

  /** What the last request taught: the present revision, and whether a compaction went through. */
  learn(revision: number, request: RandomRequest): void {
    if (revision === 0) return
    this.#revision = revision
    if (request.kind === 'compact') this.#compacted = request.body.revision
  }

  next(): RandomRequest {
    const dice = this.#prng.between(0, 99)
    if (dice < 22) return { kind: 'put', body: this.#put() }
    if (dice < 30) return { kind: 'delete', body: this.#delete() }
    if (dice < 62) return { kind: 'range', body: this.#range() }
    if (dice < 88) return { kind: 'txn', body: this.#outerTxn() }
    if (dice < 90) return { kind: 'compact', body: this.#compact() }
    const id = this.#prng.pick(LEASES)
    if (dice < 93) return { kind: 'grant', body: { id, ttl: this.#prng.between(1000, 2000) } }
    if (dice < 95) return { kind: 'revoke', body: { id } }
    return { kind: 'keys', body: { id } }
  }

  #put(isSafe = true): PutBody {
    const prng = this.#prng
    const ignoreValue = isSafe && prng.chance(0.08)
    const ignoreLease = isSafe && prng.chance(0.08)
    // With an unknown lease on a missing key, 3.4 names the key inside a txn and 3.7 the lease.
    const hasLease = !ignoreValue && prng.chance(0.2) && !(ignoreLease && prng.chance(0.9))
    return {
      key: this.#key(),
      value: ignoreValue && prng.chance(0.9) ? '' : this.#value(),
      lease: hasLease ? prng.pick(LEASES) : 0n,
      prevKv: prng.chance(0.5),
      ignoreValue,
      ignoreLease,
    }
  }

  #delete(toEnd = true): DeleteBody {
    const end = this.#end()
    const rangeEnd = end === '\0' && !toEnd ? 'g' : end
    return { key: this.#key(), rangeEnd, prevKv: this.#prng.chance(0.5) }
  }

  #range(): RangeBody {
    const prng = this.#prng
    const bound = (chance: number): number => (prng.chance(chance) ? this.#someRevision() : 0)
    return {
      key: this.#key(),
      rangeEnd: this.#end(),
      limit: prng.chance(0.4) ? prng.between(-1, 6) : 0,
      revision: bound(0.3),
      sortOrder: prng.chance(0.4) ? prng.between(0, 2) : 0,
      sortTarget: prng.chance(0.4) ? prng.between(0, 4) : 0,
      serializable: prng.chance(0.2),
      countOnly: prng.chance(0.1),
      minModRevision: bound(0.1),
      maxModRevision: bound(0.1),
      minCreateRevision: bound(0.1),
      maxCreateRevision: bound(0.1),
    }
  }

  #outerTxn(): TxnRequestIn {
    this.#deletesToEnd = this.#prng.chance(0.5)
    return this.#txn(DEPTH_MAX)
  }

  #txn(depth: number): TxnRequestIn {
    const list = <T>(max: number, make: () => T): T[] =>
      Array.from({ length: this.#prng.between(0, max) }, make)
    return {
      compare: list(2, () => this.#compare()),
      success: list(4, () => this.#op(depth)),
      failure: list(4, () => this.#op(depth)),
    }
  }

  #op(depth: number): RequestOpIn {
    const dice = this.#prng.between(0, 99)
    if (dice < 40) return { requestPut: this.#put(!this.#deletesToEnd) }
    if (dice < 55) return { requestDeleteRange: this.#delete(this.#deletesToEnd) }
    if (dice < 85 || depth === 0) return { requestRange: this.#range() }
    return dice === 99 ? {} : { requestTxn: this.#txn(depth - 1) }
  }

  #compare(): Compare {
    const prng = this.#prng
    const key = this.#key()
    const rangeEnd = prng.chance(0.2) ? this.#end() : ''
    const common = { key, rangeEnd, result: prng.between(0, 3) }
    switch (prng.between(0, 4)) {
      case 0:
        return { ...common, target: 0, version: prng.between(0, 3) }
      case 1:
        return { ...common, target: 1, createRevision: this.#someRevision() }
      case 2:
        return { ...common, target: 2, modRevision: this.#someRevision() }
      case 3:
        return { ...common, target: 3, value: prng.chance(0.5) ? this.#value() : '5' }
      default:
        return { ...common, target: 4, lease: prng.chance(0.5) ? 0n : prng.pick(LEASES) }
    }
  }

  #compact(): { revision: number; physical: boolean } {
    return { revision: this.#someRevision(), physical: this.#prng.chance(0.5) }
  }

  /** Mostly between the compact revision and the present, now and then just outside. */
  #someRevision(): number {
    return this.#prng.between(this.#compacted - 1, this.#revision + 1)
  }

  #key(): string {
    return this.#prng.chance(0.01) ? '' : this.#prng.pick(KEYS)
  }

  #end(): string {
    return this.#prng.pick(ENDS)
  }

  #value(): string {
    return `${++this.#sequence % 10}`
  }
}

/** Random requests over few keys, so that everything meets everything. */

import type { Prng } from '../../../src/base/prng.js'
import type { CompareSpec, OpSpec, PutSpec, RangeSpec, RequestSpec, TxnSpec } from './requests.js'

const KEYS = ['a', 'a\0', 'aa', 'ab', 'b', 'b\xff', 'c', 'cc', 'd', '\0', '\xff\xff'] as const
const LEASES = [1n, 2n, 3n, -4n] as const
const DEPTH_MAX = 3

export class RandomRequests {
  readonly #prng: Prng
  #clockMs = 0

  constructor(prng: Prng) {
    this.#prng = prng
  }

  /** `revision` and `compactRevision` are the model's, so that some requests meet their edges. */
  next(revision: number, compactRevision: number, term: number): RequestSpec {
    const prng = this.#prng
    const dice = prng.between(0, 99)
    if (dice < 35) return { kind: 'put', put: this.#put() }
    if (dice < 50) return { kind: 'delete', range: this.#range() }
    if (dice < 75) return { kind: 'txn', txn: this.#txn(0, revision, compactRevision) }
    if (dice < 80) return { kind: 'compact', revision: prng.between(compactRevision - 1, revision + 2) }
    if (dice < 88) return { kind: 'grant', lease: prng.pick(LEASES), ttl: prng.between(1, 100) }
    if (dice < 92) return { kind: 'revoke', lease: prng.pick(LEASES) }
    return this.#extension(term)
  }

  #extension(term: number): RequestSpec {
    const prng = this.#prng
    this.#clockMs += prng.between(-5, prng.pick([100, 60_000]))
    const ids = Array.from({ length: prng.between(0, 3) }, () => prng.pick(LEASES))
    const epoch = prng.chance(0.8) ? term : term - 1
    return {
      kind: 'extension',
      extension: {
        lease_clock_ms: Math.max(0, this.#clockMs),
        ...(prng.chance(0.5) ? { clock_epoch: epoch } : {}),
        ...(prng.chance(0.5) ? { renew: { ids } } : {}),
        ...(prng.chance(0.3) ? { revoke: { ids, epoch } } : {}),
      },
    }
  }

  #put(): PutSpec {
    const prng = this.#prng
    const keepsValue = prng.chance(0.1)
    const keepsLease = prng.chance(0.1)
    return {
      key: prng.pick(KEYS),
      value: keepsValue ? '' : this.#value(),
      lease: !keepsLease && prng.chance(0.3) ? prng.pick(LEASES) : 0n,
      ignoreValue: keepsValue,
      ignoreLease: keepsLease,
    }
  }

  /** Few values, so that compares hold now and then; some long enough to live in a row of their own. */
  #value(): string {
    const prng = this.#prng
    const text = prng.pick(['', 'x', 'y', 'z'])
    return prng.chance(0.1) ? text.repeat(prng.pick([1100, 5000])) : text
  }

  #range(): RangeSpec {
    const prng = this.#prng
    const key = prng.pick(KEYS)
    if (prng.chance(0.4)) return { key }
    return { key, end: prng.chance(0.2) ? '\0' : prng.pick(KEYS) }
  }

  /** Keys are written once at most: a front refuses anything else. */
  #txn(depth: number, revision: number, compactRevision: number): TxnSpec {
    const free = { keys: this.#shuffledKeys() }
    return this.#txnOf(depth, revision, compactRevision, free)
  }

  #txnOf(depth: number, revision: number, compactRevision: number, free: { keys: string[] }): TxnSpec {
    const prng = this.#prng
    const ops = (): OpSpec[] =>
      Array.from({ length: prng.between(0, 3) }, () => this.#op(depth, revision, compactRevision, free))
    return {
      compare: Array.from({ length: prng.between(0, 2) }, () => this.#compare(revision)),
      success: ops(),
      failure: ops(),
    }
  }

  #op(depth: number, revision: number, compactRevision: number, free: { keys: string[] }): OpSpec {
    const prng = this.#prng
    const dice = prng.between(0, 9)
    if (dice < 2 && depth < DEPTH_MAX) {
      return { kind: 'txn', txn: this.#txnOf(depth + 1, revision, compactRevision, free) }
    }
    if (dice < 4) {
      const at = prng.chance(0.2) ? prng.between(compactRevision - 1, revision + 1) : 0
      return { kind: 'range', range: { ...this.#range(), ...(at === 0 ? {} : { revision: at }) } }
    }
    const key = free.keys.pop()
    if (key === undefined) return { kind: 'range', range: { key: 'a' } }
    if (dice < 6) return { kind: 'delete', range: { key } }
    return { kind: 'put', put: { ...this.#put(), key } }
  }

  #compare(revision: number): CompareSpec {
    const prng = this.#prng
    const target = prng.pick(['version', 'create', 'mod', 'value', 'lease'] as const)
    const operand = target === 'value'
      ? prng.pick(['', 'x', 'y', 'z'])
      : target === 'lease'
        ? prng.pick([0n, ...LEASES])
        : prng.between(0, target === 'version' ? 3 : revision)
    return { target, result: prng.pick(['=', '>', '<', '!='] as const), ...this.#range(), operand }
  }

  #shuffledKeys(): string[] {
    const keys: string[] = [...KEYS]
    for (let i = keys.length - 1; i > 0; i--) {
      const j = this.#prng.between(0, i)
      const swap = keys[i] as string
      keys[i] = keys[j] as string
      keys[j] = swap
    }
    return keys
  }
}

/**
 * What etcd does with a sequence of requests, written down as plainly as possible and without a line of the server's
 * code: the whole history in a list, every question answered by looking through it.
 */

import type { CompareSpec, OpSpec, PutSpec, RangeSpec, RequestSpec, TxnSpec } from './requests.js'

export interface ModelChange {
  readonly main: number
  readonly sub: number
  readonly key: string
  /** Null: a deletion. */
  readonly value: string | null
  readonly createRevision: number
  readonly version: number
  readonly lease: bigint
}

export interface ModelOutcome {
  readonly error: string | null
  readonly revision: number
  readonly changed: boolean
  /** DeleteRange: keys deleted. */
  readonly count: number
  /** Txn: for every node that ran, whether its compares held. */
  readonly path: readonly boolean[]
}

interface ModelLease {
  ttl: number
  renewedMs: number
}

export class EtcdModel {
  revision = 1
  compactRevision = -1
  leaseClockMs = 0
  readonly changes: ModelChange[] = []
  readonly leases = new Map<bigint, ModelLease>()
  /** Live keys now: their newest change. */
  readonly #live = new Map<string, ModelChange>()
  #sub = 0

  /** `term` is the term of the entry that carries the request. */
  apply(spec: RequestSpec, term: number): ModelOutcome {
    const before = this.revision
    this.#sub = 0
    const path: boolean[] = []
    let error: string | null = null
    let count = 0
    switch (spec.kind) {
      case 'put':
        error = this.#checkPut(spec.put)
        if (error === null) this.#put(spec.put)
        break
      case 'delete':
        count = this.#delete(spec.range)
        break
      case 'txn':
        this.#choose(spec.txn, path)
        error = this.#checkTxn(spec.txn, path)
        if (error === null) this.#run(spec.txn, [...path])
        else path.length = 0
        break
      case 'compact':
        error = this.#compact(spec.revision)
        break
      case 'grant':
        error = this.#grant(spec.lease, spec.ttl)
        break
      case 'revoke':
        error = this.#revoke(spec.lease)
        break
      case 'extension':
        error = this.#extension(spec, term)
        break
      case 'other':
        break
    }
    this.#endRevision()
    return { error, revision: this.revision, changed: this.revision > before, count, path }
  }

  /** Live keys of a range after main revision `revision`, in byte order. */
  range(range: RangeSpec, revision = this.revision): ModelChange[] {
    const state = new Map<string, ModelChange>()
    for (const change of this.changes) {
      if (change.main > revision) break
      state.set(change.key, change)
    }
    return [...state.values()]
      .filter((change) => change.value !== null && covers(range, change.key))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  keysOf(lease: bigint): string[] {
    return [...this.#live.values()].filter((change) => change.lease === lease).map((change) => change.key).sort()
  }

  #checkPut(put: PutSpec): string | null {
    if (put.lease !== undefined && put.lease !== 0n && !this.leases.has(put.lease)) return 'leaseNotFound'
    const keeps = put.ignoreValue === true || put.ignoreLease === true
    return keeps && !this.#live.has(put.key) ? 'keyNotFound' : null
  }

  #put(put: PutSpec): void {
    const old = this.#live.get(put.key)
    this.#record({
      key: put.key,
      value: put.ignoreValue === true ? (old?.value ?? '') : (put.value ?? ''),
      createRevision: old?.createRevision ?? this.revision + 1,
      version: (old?.version ?? 0) + 1,
      lease: put.ignoreLease === true ? (old?.lease ?? 0n) : (put.lease ?? 0n),
    })
  }

  #delete(range: RangeSpec): number {
    const keys = [...this.#live.keys()].filter((key) => covers(range, key)).sort()
    for (const key of keys) this.#record({ key, value: null, createRevision: 0, version: 0, lease: 0n })
    return keys.length
  }

  #record(change: Omit<ModelChange, 'main' | 'sub'>): void {
    const whole = { main: this.revision + 1, sub: this.#sub++, ...change }
    this.changes.push(whole)
    if (change.value === null) this.#live.delete(change.key)
    else this.#live.set(change.key, whole)
  }

  #endRevision(): void {
    if (this.#sub > 0) this.revision++
    this.#sub = 0
  }

  #choose(txn: TxnSpec, path: boolean[]): void {
    const succeeded = txn.compare.every((compare) => this.#holds(compare))
    path.push(succeeded)
    for (const op of succeeded ? txn.success : txn.failure) if (op.kind === 'txn') this.#choose(op.txn, path)
  }

  #holds(compare: CompareSpec): boolean {
    const { key, end } = compare
    const found = [...this.#live.values()].filter((change) =>
      covers({ key, ...(end === undefined ? {} : { end }) }, change.key),
    )
    if (found.length > 0) return found.every((change) => satisfies(compare, change))
    return compare.target !== 'value' && satisfies(compare, MISSING)
  }

  #checkTxn(txn: TxnSpec, path: readonly boolean[]): string | null {
    const deleted: RangeSpec[] = []
    for (const op of operationsOf(txn, [...path])) {
      if (op.kind === 'put') {
        const error = this.#checkPut(op.put)
        if (error !== null) return error
        const keeps = op.put.ignoreValue === true || op.put.ignoreLease === true
        if (keeps && deleted.some((range) => covers(range, op.put.key))) return 'keyNotFound'
      } else if (op.kind === 'delete') {
        deleted.push(op.range)
      } else if (op.kind === 'range' && op.range.revision !== undefined && op.range.revision !== 0) {
        if (op.range.revision > this.revision) return 'futureRev'
        if (op.range.revision < this.compactRevision) return 'compacted'
      }
    }
    return null
  }

  #run(txn: TxnSpec, path: boolean[]): void {
    for (const op of operationsOf(txn, path)) {
      if (op.kind === 'put') this.#put(op.put)
      else if (op.kind === 'delete') this.#delete(op.range)
    }
  }

  #compact(revision: number): string | null {
    if (revision <= this.compactRevision) return 'compacted'
    if (revision > this.revision) return 'futureRev'
    this.compactRevision = revision
    return null
  }

  #grant(lease: bigint, ttl: number): string | null {
    if (this.leases.has(lease)) return 'leaseExist'
    this.leases.set(lease, { ttl, renewedMs: this.leaseClockMs })
    return null
  }

  #revoke(lease: bigint): string | null {
    if (!this.leases.has(lease)) return 'leaseNotFound'
    for (const key of this.keysOf(lease)) this.#delete({ key })
    this.leases.delete(lease)
    return null
  }

  #extension(spec: RequestSpec & { kind: 'extension' }, term: number): string | null {
    const { lease_clock_ms = 0, clock_epoch = 0, renew, revoke } = spec.extension
    const isOverdue = clock_epoch !== 0 && clock_epoch !== term
    if (!isOverdue) this.leaseClockMs = Math.max(this.leaseClockMs, lease_clock_ms)
    for (const id of renew?.ids ?? []) {
      const lease = this.leases.get(id)
      if (lease !== undefined) lease.renewedMs = this.leaseClockMs
    }
    if (isOverdue || (revoke !== undefined && revoke.epoch !== term)) return 'leaderChanged'
    for (const id of revoke?.ids ?? []) {
      const lease = this.leases.get(id)
      if (lease === undefined || lease.renewedMs + lease.ttl * 1000 > this.leaseClockMs) continue
      this.#revoke(id)
      this.#endRevision()
    }
    return null
  }
}

const MISSING: ModelChange = { main: 0, sub: 0, key: '', value: null, createRevision: 0, version: 0, lease: 0n }

/** Leaves of the chosen path in the order they run; takes branches off the front of `path`. */
function operationsOf(txn: TxnSpec, path: boolean[]): OpSpec[] {
  const succeeded = path.shift() === true
  return (succeeded ? txn.success : txn.failure).flatMap((op) =>
    op.kind === 'txn' ? operationsOf(op.txn, path) : [op],
  )
}

function covers(range: RangeSpec, key: string): boolean {
  if (range.end === undefined || range.end === '') return key === range.key
  return key >= range.key && (range.end === '\0' || key < range.end)
}

function satisfies(compare: CompareSpec, change: ModelChange): boolean {
  const order = orderOf(compare, change)
  switch (compare.result) {
    case '=':
      return order === 0
    case '>':
      return order > 0
    case '<':
      return order < 0
    case '!=':
      return order !== 0
  }
}

function orderOf(compare: CompareSpec, change: ModelChange): number {
  const { operand } = compare
  switch (compare.target) {
    case 'version':
      return change.version - Number(operand)
    case 'create':
      return change.createRevision - Number(operand)
    case 'mod':
      return change.main - Number(operand)
    case 'lease':
      return change.lease === BigInt(operand) ? 0 : change.lease < BigInt(operand) ? -1 : 1
    case 'value': {
      const value = change.value ?? ''
      return value === operand ? 0 : value < String(operand) ? -1 : 1
    }
  }
}

/**
 * The sequential key-value store that histories are checked against: small transactions over a few
 * keys, with versions and modification revisions. A register operation is a transaction over one
 * key. What a client with an unknown outcome wrote has an unknown revision until a later answer
 * shows it; `modMin` bounds it until then.
 */

import type { Model } from './linearizability.js'

export interface KvRecord {
  readonly value: string
  readonly version: number
  /** Undefined until an answer tells. */
  readonly modRevision: number | undefined
  readonly modMin: number
}

export interface KvState {
  readonly records: ReadonlyMap<string, KvRecord>
  /** The store's revision is at least this; every further write gets a greater one. */
  readonly revisionMin: number
}

export type KvCompare =
  | { readonly key: string; readonly target: 'value'; readonly equals: string }
  | { readonly key: string; readonly target: 'version'; readonly equals: number }
  | { readonly key: string; readonly target: 'modRevision'; readonly equals: number }

export type KvOp =
  | { readonly kind: 'get'; readonly key: string }
  | { readonly kind: 'put'; readonly key: string; readonly value: string }
  | { readonly kind: 'delete'; readonly key: string }

export interface KvInput {
  readonly compares?: readonly KvCompare[]
  readonly success: readonly KvOp[]
  readonly failure?: readonly KvOp[]
}

/** What one op of the chosen branch answered. `value` undefined means that the key was absent. */
export type KvAnswer =
  | {
      readonly kind: 'get'
      readonly value: string | undefined
      readonly version?: number
      readonly modRevision?: number
    }
  | { readonly kind: 'put' }
  | { readonly kind: 'delete'; readonly deleted: number }

export interface KvOutput {
  readonly succeeded: boolean
  readonly answers: readonly KvAnswer[]
  /** The header's revision, when the history records it. */
  readonly revision?: number
}

export const EMPTY_KV: KvState = { records: new Map(), revisionMin: 1 }

export function kvModel(initial: KvState = EMPTY_KV): Model<KvState, KvInput, KvOutput> {
  return { initial, step: stepKv, stateKey: kvStateKey }
}

function stepKv(state: KvState, input: KvInput, output: KvOutput | undefined): readonly KvState[] {
  const out: KvState[] = []
  for (const branch of chooseBranch(state, input.compares ?? [])) {
    if (output !== undefined && output.succeeded !== branch.succeeded) continue
    const ops = branch.succeeded ? input.success : (input.failure ?? [])
    const next = runOps(branch.state, ops, output)
    if (next !== undefined) out.push(next)
  }
  return out
}

interface Branch {
  readonly succeeded: boolean
  readonly state: KvState
}

/** Both branches, when a revision that is not known yet decides. */
function chooseBranch(state: KvState, compares: readonly KvCompare[]): readonly Branch[] {
  let held: Branch = { succeeded: true, state }
  const refused: Branch[] = []
  for (const compare of compares) {
    const record = held.state.records.get(compare.key)
    if (
      compare.target === 'modRevision' &&
      record !== undefined &&
      record.modRevision === undefined &&
      compare.equals >= record.modMin
    ) {
      refused.push({ succeeded: false, state: held.state })
      held = { succeeded: true, state: learn(held.state, compare.key, record, compare.equals) }
    } else if (!holds(compare, record)) {
      return [...refused, { succeeded: false, state: held.state }]
    }
  }
  return [held, ...refused]
}

function holds(compare: KvCompare, record: KvRecord | undefined): boolean {
  switch (compare.target) {
    // A value compare with a missing key is false whatever it asks (reference: Txn, compare
    // semantics).
    case 'value':
      return record !== undefined && record.value === compare.equals
    case 'version':
      return (record?.version ?? 0) === compare.equals
    case 'modRevision':
      return (record === undefined ? 0 : record.modRevision) === compare.equals
  }
}

function runOps(
  before: KvState,
  ops: readonly KvOp[],
  output: KvOutput | undefined,
): KvState | undefined {
  let state = before
  let wrote = false
  const revision = output?.revision
  for (let i = 0; i < ops.length; i++) {
    const op = ops[i] as KvOp
    const answer = output?.answers[i]
    if (output !== undefined && answer?.kind !== op.kind) return undefined
    const record = state.records.get(op.key)
    if (op.kind === 'get') {
      const next = answer?.kind === 'get' ? readRecord(state, op.key, record, answer) : state
      if (next === undefined) return undefined
      state = next
      continue
    }
    if (op.kind === 'delete') {
      if (answer?.kind === 'delete' && answer.deleted !== (record === undefined ? 0 : 1))
        return undefined
      if (record === undefined) continue
      state = withRecord(state, op.key, undefined)
    } else {
      const modMin = before.revisionMin + 1
      const version = (record?.version ?? 0) + 1
      state = withRecord(state, op.key, { value: op.value, version, modRevision: revision, modMin })
    }
    wrote = true
  }
  return settleRevision(before, state, wrote, revision)
}

/** A write takes a revision greater than any before it; a read shows one that is no less. */
function settleRevision(
  before: KvState,
  after: KvState,
  wrote: boolean,
  revision: number | undefined,
): KvState | undefined {
  const least = Math.max(after.revisionMin, before.revisionMin + (wrote ? 1 : 0))
  if (revision === undefined) return { ...after, revisionMin: least }
  return revision < least ? undefined : { ...after, revisionMin: revision }
}

function readRecord(
  state: KvState,
  key: string,
  record: KvRecord | undefined,
  answer: KvAnswer & { kind: 'get' },
): KvState | undefined {
  if (record === undefined) return answer.value === undefined ? state : undefined
  if (answer.value !== record.value) return undefined
  if (answer.version !== undefined && answer.version !== record.version) return undefined
  const shown = answer.modRevision
  if (shown === undefined || shown === record.modRevision) return state
  if (record.modRevision !== undefined || shown < record.modMin) return undefined
  return learn(state, key, record, shown)
}

function learn(state: KvState, key: string, record: KvRecord, modRevision: number): KvState {
  const next = withRecord(state, key, { ...record, modRevision })
  return { ...next, revisionMin: Math.max(next.revisionMin, modRevision) }
}

function withRecord(state: KvState, key: string, record: KvRecord | undefined): KvState {
  const records = new Map(state.records)
  if (record === undefined) records.delete(key)
  else records.set(key, record)
  return { ...state, records }
}

function kvStateKey(state: KvState): string {
  const parts = [...state.records].map(([key, record]) => {
    const mod = record.modRevision ?? `>=${record.modMin}`
    return `${JSON.stringify(key)}=${JSON.stringify(record.value)}@${mod}v${record.version}`
  })
  return `${parts.sort().join(' ')} r${state.revisionMin}`
}

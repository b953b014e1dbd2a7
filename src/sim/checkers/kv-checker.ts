/**
 * Holds every answer about keys against the truth. A revision orders all operations, and an answer's header names the
 * one that it is of: what is answered must be the state at that revision, no operation may be placed before one that
 * had returned when it began, and what was written has its revision for itself.
 */

import { isInside, type Change, type KeyRange, type Truth } from './truth.js'

export interface SeenKey {
  readonly key: string
  readonly value: string
  readonly createRevision: number
  readonly modRevision: number
  readonly version: number
  readonly leaseId: bigint
}

export type KvCompare = { readonly key: string } & (
  | { readonly target: 'value'; readonly value: string }
  | { readonly target: 'mod' | 'version' | 'create'; readonly number: number }
)

export type KvAction =
  | { readonly kind: 'put'; readonly key: string; readonly value: string; readonly leaseId: bigint }
  | { readonly kind: 'delete'; readonly range: KeyRange }
  | { readonly kind: 'range'; readonly range: KeyRange; readonly revision: number }

export interface KvRequest {
  readonly compares: readonly KvCompare[]
  readonly success: readonly KvAction[]
  readonly failure: readonly KvAction[]
  /** A serializable read may be of any time. */
  readonly isSerializable: boolean
}

export type ActionAnswer =
  | { readonly kind: 'put'; readonly previous: SeenKey | null | undefined }
  | { readonly kind: 'delete'; readonly deleted: number; readonly previous: readonly SeenKey[] }
  | { readonly kind: 'range'; readonly keys: readonly SeenKey[]; readonly count: number }

export interface KvAnswered {
  readonly revision: number
  readonly succeeded: boolean
  readonly answers: readonly ActionAnswer[]
}

export interface KvOperation {
  readonly client: string
  readonly request: KvRequest
  readonly invokedAt: number
  returnedAt: number
  /** `unknown`: it may have happened; `refused`: it has not. */
  outcome: KvAnswered | 'unknown' | 'refused'
}

/** `isOthers`: keys that are written by others than these operations. */
export function checkKv(
  history: readonly KvOperation[],
  truth: Truth,
  isOthers: (key: string) => boolean = () => false,
): string | null {
  return checkAnswers(history, truth) ?? checkOrder(history, truth) ?? checkValues(history, truth, isOthers)
}

function checkAnswers(history: readonly KvOperation[], truth: Truth): string | null {
  for (const operation of history) {
    const { outcome } = operation
    if (typeof outcome === 'string') continue
    const problem = checkAnswer(operation.request, outcome, truth)
    if (problem !== null) return `${describeOperation(operation)}: ${problem}`
  }
  return null
}

function checkAnswer(request: KvRequest, answered: KvAnswered, truth: Truth): string | null {
  const { revision, succeeded, answers } = answered
  if (revision > truth.lastRevision) return `revision ${revision} does not exist, the last is ${truth.lastRevision}`
  const actions = succeeded ? request.success : request.failure
  if (actions.length !== answers.length) return `${answers.length} answers to ${actions.length} actions`
  const wrote = actions.some((action, i) => hasWritten(action, answers[i] as ActionAnswer))
  const before = wrote ? revision - 1 : revision
  const holds = request.compares.every((compare) => isTrue(compare, truth, before))
  if (holds !== succeeded) return `its comparison is ${holds} at revision ${before}, and was answered ${succeeded}`
  if (wrote) {
    const problem = checkWritten(actions, truth, revision)
    if (problem !== null) return problem
  }
  for (let i = 0; i < actions.length; i++) {
    const problem = checkAction(actions[i] as KvAction, answers[i] as ActionAnswer, { truth, before })
    if (problem !== null) return problem
  }
  return null
}

function hasWritten(action: KvAction, answer: ActionAnswer): boolean {
  return action.kind === 'put' || (answer.kind === 'delete' && answer.deleted > 0)
}

function isTrue(compare: KvCompare, truth: Truth, revision: number): boolean {
  const now = truth.at(compare.key, revision)
  switch (compare.target) {
    case 'value': return now?.value === compare.value
    case 'mod': return (now?.modRevision ?? 0) === compare.number
    case 'version': return (now?.version ?? 0) === compare.number
    case 'create': return (now?.createRevision ?? 0) === compare.number
  }
}

/** Every change of the revision is of this request, and every action of it is there. */
function checkWritten(actions: readonly KvAction[], truth: Truth, revision: number): string | null {
  const changes = truth.revisions[revision]?.changes ?? []
  for (const action of actions) {
    if (action.kind !== 'put') continue
    const { key, value, leaseId } = action
    if (changes.some((it) => it.key === key && it.value === value && it.leaseId === leaseId)) continue
    return `revision ${revision} has no ${key}=${value}`
  }
  const foreign = changes.find((change) => !actions.some((action) => isOf(change, action)))
  return foreign === undefined ? null : `revision ${revision} has ${foreign.key} of another request, too`
}

function isOf(change: Change, action: KvAction): boolean {
  if (action.kind === 'put') return change.key === action.key && change.value === action.value
  return action.kind === 'delete' && change.value === null && isInside(action.range, change.key)
}

/** Requests here read only what they do not write, so that all of it is of the same moment. */
function checkAction(
  action: KvAction,
  answer: ActionAnswer,
  { truth, before }: { truth: Truth; before: number },
): string | null {
  if (action.kind === 'put' && answer.kind === 'put') {
    if (answer.previous === undefined) return null
    return compareKeys(answer.previous === null ? [] : [answer.previous], listOf(truth.at(action.key, before)))
  }
  if (action.kind === 'delete' && answer.kind === 'delete') {
    const expected = truth.rangeAt(action.range, before)
    if (answer.deleted !== expected.length) return `deleted ${answer.deleted}, where ${expected.length} were`
    return answer.previous.length === 0 ? null : compareKeys(answer.previous, expected)
  }
  if (action.kind === 'range' && answer.kind === 'range') {
    const expected = truth.rangeAt(action.range, action.revision === 0 ? before : action.revision)
    if (answer.count !== expected.length) return `counted ${answer.count}, where ${expected.length} were`
    return compareKeys(answer.keys, expected)
  }
  return `a ${answer.kind} answers a ${action.kind}`
}

function compareKeys(seen: readonly SeenKey[], expected: readonly Change[]): string | null {
  const left = seen.map(describeKey).join(', ')
  const right = expected.map((change) => describeKey({ ...change, value: change.value ?? '' })).join(', ')
  return left === right ? null : `answered [${left}], where it was [${right}]`
}

function listOf(change: Change | null): Change[] {
  return change === null ? [] : [change]
}

/** By what had returned before it began, and by what it wrote. */
function checkOrder(history: readonly KvOperation[], truth: Truth): string | null {
  const answered = history.filter((operation) => typeof operation.outcome !== 'string')
  const byReturn = [...answered].sort((a, b) => a.returnedAt - b.returnedAt)
  const byCall = [...answered].sort((a, b) => a.invokedAt - b.invokedAt)
  let latest = { revision: 1, by: null as KvOperation | null }
  let at = 0
  for (const operation of byCall) {
    for (; at < byReturn.length && (byReturn[at] as KvOperation).returnedAt < operation.invokedAt; at++) {
      const earlier = byReturn[at] as KvOperation
      const { revision } = earlier.outcome as KvAnswered
      if (revision > latest.revision) latest = { revision, by: earlier }
    }
    const { revision, answers, succeeded } = operation.outcome as KvAnswered
    if (operation.request.isSerializable) continue
    const actions = succeeded ? operation.request.success : operation.request.failure
    const wrote = actions.some((action, i) => hasWritten(action, answers[i] as ActionAnswer))
    if (revision > latest.revision || (revision === latest.revision && !wrote) || latest.by === null) continue
    return `${describeOperation(operation)} is of revision ${revision}, but before it began had returned ` +
      `${describeOperation(latest.by)} of revision ${latest.revision}`
  }
  return truth.lastRevision < latest.revision ? 'an answer is of a revision that nobody has' : null
}

/** Each value is written by one request: it comes once at most, and never if its request was refused. */
function checkValues(
  history: readonly KvOperation[], truth: Truth, isOthers: (key: string) => boolean,
): string | null {
  const writers = new Map<string, KvOperation>()
  for (const operation of history) {
    for (const action of [...operation.request.success, ...operation.request.failure]) {
      if (action.kind === 'put') writers.set(action.value, operation)
    }
  }
  const seen = new Map<string, number>()
  for (const revision of truth.revisions) {
    for (const { key, value } of revision?.changes ?? []) {
      if (value === null || isOthers(key)) continue
      const operation = writers.get(value)
      if (operation === undefined) return `${key}=${value} at revision ${revision?.revision} was written by nobody`
      if (operation.outcome === 'refused') return `${key}=${value} was written by ${describeOperation(operation)}`
      const earlier = seen.get(`${key} ${value}`)
      if (earlier !== undefined) return `${key}=${value} was written at ${earlier} and at ${revision?.revision}`
      seen.set(`${key} ${value}`, revision?.revision ?? 0)
    }
  }
  return null
}

function describeKey({ key, value, version, createRevision, modRevision, leaseId }: SeenKey): string {
  return `${key}=${value} v${version} c${createRevision} m${modRevision} l${leaseId.toString(16)}`
}

export function describeOperation({ client, request, invokedAt, returnedAt, outcome }: KvOperation): string {
  const actions = [...request.success, ...request.failure].map((action) => {
    if (action.kind === 'put') return `put ${action.key}=${action.value}`
    return `${action.kind} ${action.range.key}${action.range.end === '' ? '' : '...'}`
  })
  const kind = request.compares.length > 0 ? 'txn ' : ''
  const end = typeof outcome === 'string' ? outcome : `revision ${outcome.revision}`
  const time = `[${invokedAt.toFixed(1)}, ${returnedAt.toFixed(1)}]`
  return `${client} ${time} ${kind}${request.isSerializable ? 'serializable ' : ''}${actions.join(', ')} -> ${end}`
}

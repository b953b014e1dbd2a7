/**
 * Holds every answer about locks against the truth. Whose key is the oldest of its line has the lock, and its create
 * revision is the fencing token: so an answer that gives a lock names a revision within its call at which no older key
 * was there. Nobody loses a place that neither he nor the end of his lease has given up.
 */

import type { LeaseLife } from './lease-checker.js'
import type { Change, Truth } from './truth.js'

/** All locks' names begin with it, and so do their keys. */
const PREFIX = 'lock-'

export interface LockCall {
  readonly client: string
  readonly lock: string
  readonly leaseId: bigint
  readonly invokedAt: number
  /** The last revision that any member had when it began. */
  readonly fromRevision: number
  returnedAt: number
  /** The last one that any member had when it ended. */
  untilRevision: number
  /** `unknown`: it may have taken a place, and given it up at any time; `refused`: nobody has heard of it. */
  outcome: LockAnswer | 'unknown' | 'refused'
}

export type LockAnswer =
  | { readonly kind: 'held'; readonly key: string; readonly revision: number }
  | { readonly kind: 'session expired' | 'no lease' }

export interface UnlockCall {
  readonly client: string
  readonly key: string
  readonly invokedAt: number
  readonly fromRevision: number
  untilRevision: number
  /** Of its answer; null: it may have happened, now or later. */
  revision: number | null
}

export interface LockHistory {
  readonly calls: LockCall[]
  readonly unlocks: UnlockCall[]
  /** The leases under which locks were asked for. */
  readonly sessions: LeaseLife[]
}

export function lockName(letter: string): string {
  return PREFIX + letter
}

export function lockKey(lock: string, leaseId: bigint): string {
  return `${lock}/${leaseId.toString(16)}`
}

export function isLockKey(key: string): boolean {
  return key.startsWith(PREFIX)
}

/** Keys of any line that are there at the end. */
export function keysInLine(truth: Truth): readonly Change[] {
  return truth.rangeAt({ key: PREFIX, end: 'lock.' }, truth.lastRevision)
}

export function checkLocks(history: LockHistory, truth: Truth): string | null {
  for (const call of history.calls) {
    const problem = checkCall(call, history, truth)
    if (problem !== null) return `${describeCall(call)}: ${problem}`
  }
  for (const unlock of history.unlocks) {
    const problem = checkUnlock(unlock, truth)
    if (problem !== null) return `${unlock.client} unlocks ${unlock.key}: ${problem}`
  }
  return checkPlaces(history, truth)
}

function checkCall(call: LockCall, history: LockHistory, truth: Truth): string | null {
  const { outcome } = call
  if (typeof outcome === 'string') return null
  switch (outcome.kind) {
    case 'held': return checkHeld(call, outcome, truth)
    case 'session expired': return checkExpired(call, truth)
    case 'no lease': return checkNoLease(call, history)
  }
}

function checkHeld(call: LockCall, { key, revision }: { key: string; revision: number }, truth: Truth): string | null {
  const { lock, leaseId, fromRevision, untilRevision } = call
  if (key !== lockKey(lock, leaseId)) return `it is given ${key}`
  if (revision < fromRevision || revision > untilRevision) {
    return `it is of revision ${revision}, where ${fromRevision} to ${untilRevision} were its time`
  }
  const line = truth.rangeAt({ key: `${lock}/`, end: `${lock}0` }, revision)
  const own = line.find((place) => place.key === key)
  if (own === undefined) return 'its key was not there'
  const older = line.find(({ createRevision }) => createRevision < own.createRevision)
  return older === undefined ? null : `${older.key} of revision ${older.createRevision} was before it, and still there`
}

/** Its key went while it waited. */
function checkExpired({ lock, leaseId, fromRevision, untilRevision }: LockCall, truth: Truth): string | null {
  const went = truth.changesOf(lockKey(lock, leaseId)).some(({ value, modRevision }) => {
    return value === null && modRevision > fromRevision && modRevision <= untilRevision
  })
  return went ? null : 'its key was there all the time'
}

function checkNoLease({ leaseId, returnedAt }: LockCall, { sessions }: LockHistory): string | null {
  const session = sessions.find((it) => it.leaseId === leaseId)
  if (session === undefined || mayHaveEnded(session, returnedAt)) return null
  return `its lease was kept until ${safeUntilMs(session).toFixed(1)}`
}

function checkUnlock({ key, revision, fromRevision, untilRevision }: UnlockCall, truth: Truth): string | null {
  if (revision === null) return null
  if (revision < fromRevision || revision > untilRevision) {
    return `it is of revision ${revision}, where ${fromRevision} to ${untilRevision} were its time`
  }
  return truth.at(key, revision) === null ? null : `the key is still there at revision ${revision}`
}

/** Every key of a line was asked for, and went because somebody let it go. */
function checkPlaces(history: LockHistory, truth: Truth): string | null {
  const taken = new Map<string, number>()
  for (const revision of truth.revisions) {
    for (const change of revision?.changes ?? []) {
      if (!isLockKey(change.key)) continue
      const atMs = revision?.atMs ?? 0
      const count = (taken.get(change.key) ?? 0) + (change.value === null ? 0 : 1)
      taken.set(change.key, count)
      const problem =
        change.value === null ? checkLeft(change, atMs, history) : checkTaken(change, atMs, count, history)
      if (problem !== null) return `${change.key} at revision ${change.modRevision}: ${problem}`
    }
  }
  return null
}

/** Each call takes one place at most. */
function checkTaken(change: Change, atMs: number, count: number, { calls }: LockHistory): string | null {
  const { key, version, leaseId } = change
  if (version !== 1) return 'it is written again while it is there'
  const asked = calls.filter((call) => lockKey(call.lock, call.leaseId) === key && call.leaseId === leaseId &&
    call.outcome !== 'refused' && call.invokedAt <= atMs)
  return asked.length >= count ? null : `it is taken for the time ${count}, and was asked for ${asked.length} times`
}

function checkLeft({ key }: Change, atMs: number, { calls, unlocks, sessions }: LockHistory): string | null {
  if (unlocks.some((unlock) => unlock.key === key && unlock.invokedAt <= atMs)) return null
  // A call without the lock as its end gives up its place when it can.
  const givenUp = calls.some((call) => lockKey(call.lock, call.leaseId) === key && call.invokedAt <= atMs &&
    (typeof call.outcome === 'string' || call.outcome.kind !== 'held'))
  if (givenUp) return null
  const session = sessions.find(({ leaseId }) => key.endsWith(`/${leaseId.toString(16)}`))
  if (session === undefined) return 'it goes, and was nobody\'s'
  if (mayHaveEnded(session, atMs)) return null
  return `it goes at ${atMs.toFixed(1)}, and its lease was kept until ${safeUntilMs(session).toFixed(1)}`
}

function mayHaveEnded(session: LeaseLife, atMs: number): boolean {
  const { revokeSentMs } = session
  return (revokeSentMs !== null && revokeSentMs <= atMs) || atMs >= safeUntilMs(session)
}

/** The server counts from some moment between a question and its answer. */
function safeUntilMs({ grantSentMs, renewals, ttlMs }: LeaseLife): number {
  return renewals.reduce((last, { sentMs, ackMs }) => (ackMs === null ? last : Math.max(last, sentMs)), grantSentMs) +
    ttlMs
}

function describeCall({ client, lock, leaseId, invokedAt, returnedAt, outcome }: LockCall): string {
  const end = typeof outcome === 'string' ? outcome : outcome.kind
  const revision = typeof outcome !== 'string' && outcome.kind === 'held' ? ` at revision ${outcome.revision}` : ''
  return `${client} [${invokedAt.toFixed(1)}, ${returnedAt.toFixed(1)}] ` +
    `locks ${lockKey(lock, leaseId)} -> ${end}${revision}`
}

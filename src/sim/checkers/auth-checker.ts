/**
 * Holds what users were allowed and refused against the users and roles of the log: what was done was allowed when it
 * was done, and what was refused for want of a right was not allowed all the while.
 */

import type { AuthState, AuthTruth, Rights } from './auth-truth.js'
import type { Truth } from './truth.js'

export interface AuthCall {
  readonly user: string
  readonly needs: Rights
  /** What it writes, which nobody else does; null when it only reads. */
  readonly written: { readonly key: string; readonly value: string } | null
  readonly invokedAt: number
  returnedAt: number
  /** `open`: nothing follows about rights, as when a token was not known. */
  outcome: 'done' | 'denied' | 'open'
}

/** `log-in`: its password was right. */
export interface LoginCall {
  readonly user: string
  readonly invokedAt: number
  readonly returnedAt: number
  readonly refusal: 'auth is off' | 'its password is wrong' | null
}

export interface AuthHistory {
  readonly calls: AuthCall[]
  readonly logins: LoginCall[]
}

export function checkAuth({ calls, logins }: AuthHistory, auth: AuthTruth, truth: Truth): string | null {
  for (const call of calls) {
    const problem = checkCall(call, auth, truth)
    if (problem !== null) return `${describe(call)}: ${problem}`
  }
  for (const { user, invokedAt, returnedAt, refusal } of logins) {
    const states = auth.during(invokedAt, returnedAt)
    const isWrong = refusal === 'auth is off' ? states.every(({ isOn }) => isOn)
      : refusal === 'its password is wrong' && states.every(({ rights }) => rights.has(user))
    if (isWrong) return `${user} logs in at ${invokedAt.toFixed(1)} and is told that ${refusal}`
  }
  return null
}

function checkCall(call: AuthCall, auth: AuthTruth, truth: Truth): string | null {
  const { user, needs, written, invokedAt, returnedAt, outcome } = call
  const isAllowed = (state: AuthState): boolean => isEnough(state, user, needs)
  if (outcome === 'denied') {
    return auth.during(invokedAt, returnedAt).every(isAllowed) ? 'it had the right all the while' : null
  }
  // A write has its moment in the log, whether its client heard of it or not.
  const doneMs = written === null ? null : writtenMs(written, truth)
  if (doneMs !== null) {
    return auth.during(doneMs, doneMs).some(isAllowed) ? null : `it was done at ${doneMs.toFixed(1)} without the right`
  }
  if (outcome === 'open' || auth.during(invokedAt, returnedAt).some(isAllowed)) return null
  return 'it never had the right'
}

function isEnough({ isOn, rights }: AuthState, user: string, needs: Rights): boolean {
  if (!isOn) return true
  const has = rights.get(user)
  return has !== undefined && (has.read || !needs.read) && (has.write || !needs.write)
}

function writtenMs({ key, value }: { key: string; value: string }, truth: Truth): number | null {
  const change = truth.changesOf(key).find((it) => it.value === value)
  return change === undefined ? null : (truth.revisions[change.modRevision]?.atMs ?? null)
}

function describe({ user, needs, invokedAt, returnedAt, outcome }: AuthCall): string {
  const what = [needs.read ? 'reads' : '', needs.write ? 'writes' : ''].filter((it) => it !== '').join(' and ')
  return `${user} [${invokedAt.toFixed(1)}, ${returnedAt.toFixed(1)}] ${what} -> ${outcome}`
}

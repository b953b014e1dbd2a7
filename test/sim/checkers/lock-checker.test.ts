/** Locks that are given to one holder after the other, and ways to break that. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LeaseLife } from '../../../src/sim/checkers/lease-checker.js'
import {
  checkLocks,
  lockKey,
  lockName,
  type LockCall,
  type LockHistory,
  type UnlockCall,
} from '../../../src/sim/checkers/lock-checker.js'
import { Truth } from '../../../src/sim/checkers/truth.js'

const A = lockName('a')
const FIRST = 0x10n
const SECOND = 0x20n

/** Revision `n` is of `n` seconds: leases take places at + and leave them at -. */
function truthOf(...steps: readonly (readonly ['+' | '-', bigint])[]): Truth {
  const truth = new Truth()
  const created = new Map<bigint, number>()
  for (const [what, leaseId] of steps) {
    const revision = truth.lastRevision + 1
    if (what === '+') created.set(leaseId, revision)
    const change = {
      key: lockKey(A, leaseId), value: what === '+' ? '' : null, modRevision: revision,
      createRevision: what === '+' ? revision : 0, version: what === '+' ? 1 : 0, leaseId: what === '+' ? leaseId : 0n,
    }
    assert.equal(truth.onRevision('m1', revision, [change], revision * 1000), null)
  }
  return truth
}

/** The first is served, then the second, who had been waiting. */
const IN_TURN = [['+', FIRST], ['+', SECOND], ['-', FIRST], ['-', SECOND]] as const

function session(leaseId: bigint, rest: Partial<LeaseLife> = {}): LeaseLife {
  return {
    name: 'k', leaseId, ttlMs: 60_000, grantSentMs: 0, grantAckMs: 1, renewals: [], renewedMs: null,
    revokeSentMs: null, endedMs: null, ...rest,
  }
}

function lock(leaseId: bigint, outcome: number | LockCall['outcome'], rest: Partial<LockCall> = {}): LockCall {
  const held = typeof outcome === 'number'
    ? { kind: 'held' as const, key: lockKey(A, leaseId), revision: outcome }
    : outcome
  return {
    client: `k${leaseId}`, lock: A, leaseId, invokedAt: 1500, fromRevision: 1, returnedAt: 5000, untilRevision: 5,
    outcome: held, ...rest,
  }
}

function unlock(leaseId: bigint, revision: number | null, rest: Partial<UnlockCall> = {}): UnlockCall {
  return {
    client: `k${leaseId}`, key: lockKey(A, leaseId), invokedAt: 3500, fromRevision: 1, untilRevision: 5, revision,
    ...rest,
  }
}

function verdict(truth: Truth, history: Partial<LockHistory>): string {
  const sessions = history.sessions ?? [session(FIRST), session(SECOND)]
  return checkLocks({ calls: [], unlocks: [], ...history, sessions }, truth) ?? 'all is well'
}

const UNLOCKS = [unlock(FIRST, 4), unlock(SECOND, 5)]

test('one holder after the other is right', () => {
  const calls = [lock(FIRST, 2), lock(SECOND, 4)]
  assert.equal(verdict(truthOf(...IN_TURN), { calls, unlocks: UNLOCKS }), 'all is well')
})

test('a lock that is given while an older key is there is found', () => {
  const calls = [lock(FIRST, 2), lock(SECOND, 3)]
  const found = verdict(truthOf(...IN_TURN), { calls, unlocks: UNLOCKS })
  assert.match(found, /k32 .* held at revision 3: lock-a\/10 of revision 2 was before it, and still there/)
})

test('a lock whose key has gone, or is not there yet, is found', () => {
  const gone = verdict(truthOf(...IN_TURN), { calls: [lock(FIRST, 4), lock(SECOND, 4)], unlocks: UNLOCKS })
  assert.match(gone, /k16 .* its key was not there/)
  const early = verdict(truthOf(...IN_TURN), { calls: [lock(FIRST, 2), lock(SECOND, 2)], unlocks: UNLOCKS })
  assert.match(early, /k32 .* its key was not there/)
})

test('a lock of a moment outside of its call is found', () => {
  const stale = [lock(FIRST, 2, { fromRevision: 3 }), lock(SECOND, 4)]
  assert.match(verdict(truthOf(...IN_TURN), { calls: stale, unlocks: UNLOCKS }), /where 3 to 5 were its time/)
  const ahead = [lock(FIRST, 2), lock(SECOND, 4, { untilRevision: 3 })]
  assert.match(verdict(truthOf(...IN_TURN), { calls: ahead, unlocks: UNLOCKS }), /where 1 to 3 were its time/)
})

test('a lock under a key of another lease is found', () => {
  const calls = [lock(FIRST, 2), lock(SECOND, { kind: 'held', key: lockKey(A, FIRST), revision: 3 })]
  assert.match(verdict(truthOf(...IN_TURN), { calls, unlocks: UNLOCKS }), /k32 .* it is given lock-a\/10/)
})

test('a session has expired when its key went during the call, and not otherwise', () => {
  const calls = [lock(FIRST, { kind: 'session expired' }), lock(SECOND, 4)]
  assert.equal(verdict(truthOf(...IN_TURN), { calls, unlocks: UNLOCKS }), 'all is well')
  const before = [lock(FIRST, { kind: 'session expired' }, { untilRevision: 3 }), lock(SECOND, 4)]
  assert.match(verdict(truthOf(...IN_TURN), { calls: before, unlocks: UNLOCKS }), /its key was there all the time/)
})

test('a lease that is not found must have had time to end', () => {
  const calls = [lock(FIRST, { kind: 'no lease' })]
  assert.match(verdict(truthOf(), { calls }), /its lease was kept until 60000.0/)
  assert.equal(verdict(truthOf(), { calls, sessions: [session(FIRST, { ttlMs: 4000 })] }), 'all is well')
  assert.equal(verdict(truthOf(), { calls, sessions: [session(FIRST, { revokeSentMs: 4000 })] }), 'all is well')
  const renewals = [{ sentMs: 2000, ackMs: 2001 }]
  assert.match(verdict(truthOf(), { calls, sessions: [session(FIRST, { ttlMs: 4000, renewals })] }), /until 6000.0/)
})

test('an unlock that leaves its key is found, and one that finds none is right', () => {
  const calls = [lock(FIRST, 2), lock(SECOND, 4)]
  const kept = verdict(truthOf(...IN_TURN), { calls, unlocks: [unlock(FIRST, 3), unlock(SECOND, 5)] })
  assert.match(kept, /k16 unlocks lock-a\/10: the key is still there at revision 3/)
  assert.equal(verdict(truthOf(...IN_TURN), { calls, unlocks: [...UNLOCKS, unlock(FIRST, 5)] }), 'all is well')
})

test('a place that goes while its lease is kept and nobody gives it up is found', () => {
  const calls = [lock(FIRST, 2), lock(SECOND, 4)]
  const lost = verdict(truthOf(...IN_TURN), { calls, unlocks: [unlock(SECOND, 5)] })
  assert.match(lost, /lock-a\/10 at revision 4: it goes at 4000.0, and its lease was kept until 60000.0/)
  const late = [unlock(FIRST, 4, { invokedAt: 4100 }), unlock(SECOND, 5)]
  assert.match(verdict(truthOf(...IN_TURN), { calls, unlocks: late }), /lock-a\/10 at revision 4: it goes/)
  const sessions = [session(FIRST, { ttlMs: 3900 }), session(SECOND)]
  assert.equal(verdict(truthOf(...IN_TURN), { calls, unlocks: [unlock(SECOND, 5)], sessions }), 'all is well')
})

test('a call without an end may give up its place at any time', () => {
  const calls = [lock(FIRST, 'unknown'), lock(SECOND, 4)]
  assert.equal(verdict(truthOf(...IN_TURN), { calls, unlocks: [unlock(SECOND, 5)] }), 'all is well')
})

test('a place that nobody asked for is found, and so is one that is taken twice by one call', () => {
  const refused = [lock(FIRST, 'refused'), lock(SECOND, 4)]
  assert.match(verdict(truthOf(...IN_TURN), { calls: refused, unlocks: UNLOCKS }), /lock-a\/10 .* asked for 0 times/)
  const twice = truthOf(['+', FIRST], ['-', FIRST], ['+', FIRST])
  const unlocks = [unlock(FIRST, 3, { invokedAt: 2500 })]
  assert.match(verdict(twice, { calls: [lock(FIRST, 2)], unlocks }), /taken for the time 2, and was asked for 1 times/)
})

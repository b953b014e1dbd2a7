/** Which changes --strict-reconfig-check lets through, for clusters in every state of health. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MemberChange } from '../../../src/cluster/member-change.js'
import type { MemberRecord } from '../../../src/cluster/member-record.js'
import { strictObjection } from '../../../src/cluster/changes/strict-reconfig.js'
import { errorById } from '../../../src/proto/etcd-errors.js'

/** `+` started and connected, `~` connected just now, `-` started but gone, `?` never started; `l` a learner. */
type Health = '+' | '~' | '-' | '?' | 'l'

const CONNECTED_MS: Readonly<Record<Health, number>> = { '+': 60_000, '~': 4999, '-': -1, '?': -1, l: 60_000 }

function object(states: string, change: MemberChange): string {
  const healths = [...states] as Health[]
  const members = healths.map((health, i): MemberRecord => ({
    id: BigInt(i + 1), peerUrls: [], isLearner: health === 'l', name: health === '?' ? '' : `m${i}`, clientUrls: [],
  }))
  const connectedMs = (id: bigint): number => CONNECTED_MS[healths[Number(id) - 1] ?? '-']
  const objection = strictObjection({ selfId: 1n, members, connectedMs }, change)
  return objection === null ? 'ok' : `${errorById(objection.error)?.symbol}: ${objection.message}`
}

const NEW: MemberRecord = { id: 99n, peerUrls: [], isLearner: false, name: '', clientUrls: [] }
const ADD: MemberChange = { kind: 'add', member: NEW }
const LEARN: MemberChange = { kind: 'add', member: { ...NEW, isLearner: true } }

test('a member is added where those who have started are a quorum with it', () => {
  assert.equal(object('+', ADD), 'ok')
  assert.equal(object('++', ADD), 'ok')
  assert.equal(object('+++', ADD), 'ok')
  // The quorum of three is two, but one of the two has never started.
  assert.match(object('+?', ADD), /^ErrGRPCMemberNotEnoughStarted: .*is 2 of 2 now and 2 of 3 after it.*only 1 of/)
  assert.match(object('?', ADD), /NotEnoughStarted/)
})

test('a member is added where a quorum is connected that does not need it', () => {
  assert.equal(object('++++-', ADD), 'ok')
  assert.match(object('++-', ADD), /^ErrGRPCUnhealthy: .*2 of 3 now and 3 of 4 after it, and only 2 have/)
  assert.match(object('++~', ADD), /Unhealthy/)
  assert.equal(object('++++~', ADD), 'ok')
  assert.match(object('+++--', ADD), /Unhealthy/)
})

test('a learner needs no quorum of starters, but connections', () => {
  assert.equal(object('+', LEARN), 'ok')
  assert.match(object('+?', LEARN), /Unhealthy/)
  assert.equal(object('+++?', LEARN), 'ok')
})

test('a member is removed where the others remain a quorum', () => {
  assert.equal(object('+++', { kind: 'remove', id: 2n }), 'ok')
  assert.match(object('+', { kind: 'remove', id: 1n }), /NotEnoughStarted: .*1 of 1 now and 1 of 0 after it/)
  assert.match(object('+?', { kind: 'remove', id: 1n }), /NotEnoughStarted/)
  assert.equal(object('++?', { kind: 'remove', id: 3n }), 'ok')
  // Whoever is gone may go for good; whoever is needed may not.
  assert.equal(object('++-', { kind: 'remove', id: 3n }), 'ok')
  assert.match(object('++-', { kind: 'remove', id: 2n }), /^ErrGRPCUnhealthy: .*2 of 3 now and 2 of 2 after it.*only 1/)
  assert.match(object('++-', { kind: 'remove', id: 1n }), /Unhealthy/)
  assert.equal(object('+-l', { kind: 'remove', id: 3n }), 'ok')
})

test('a stranger is not what a removal fails on here', () => {
  assert.equal(object('+++', { kind: 'remove', id: 50n }), 'ok')
})

test('a learner becomes a voter where the starters are a quorum with it; moving needs nothing', () => {
  assert.equal(object('+l', { kind: 'promote', id: 2n }), 'ok')
  assert.equal(object('+++?l', { kind: 'promote', id: 5n }), 'ok')
  assert.match(object('+???l', { kind: 'promote', id: 5n }), /NotEnoughStarted: promoting/)
  assert.equal(object('+--', { kind: 'update', id: 2n, peerUrls: [] }), 'ok')
})

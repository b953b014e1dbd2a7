/** Members, the cluster's version and raft's configuration as entries leave them in the store. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bootstrapEntries } from '../../src/cluster/bootstrap-entries.js'
import { encodeMemberChange, type MemberChange } from '../../src/cluster/member-change.js'
import { encodeMember, type MemberRecord } from '../../src/cluster/member-record.js'
import { decodeIds, decodeMembers } from '../../src/cluster/membership-message.js'
import { readClusterVersion, readMembers } from '../../src/cluster/membership-table.js'
import { memberPrefix, requestHigh } from '../../src/messages/request-id.js'
import { Word } from '../../src/messages/shared-words.js'
import { errorById, etcdErrors } from '../../src/proto/etcd-errors.js'
import {
  ConfChangeType, decodeConfState, encodeConfChange, encodeConfChangeV2,
} from '../../src/proto/generated/raftpb.js'
import { TABLE } from '../../src/store/store.js'
import { MEMBER_ID, MvccRig } from './support/mvcc-rig.js'

const CONF_CHANGE = 1
const CONF_CHANGE_V2 = 2
let sequence = 0
const FIRST: MemberRecord = {
  id: 0xfedc_ba98_7654_3210n,
  peerUrls: ['http://127.0.0.1:2380'],
  isLearner: false,
  name: '',
  clientUrls: [],
}
const SECOND: MemberRecord = { ...FIRST, id: 7n, peerUrls: ['http://10.0.0.2:2380'] }

function change(rig: MvccRig, type: number, member: MemberRecord): void {
  rig.append(CONF_CHANGE, encodeConfChange({ id: 0n, type, node_id: member.id, context: encodeMember(member) }))
  rig.run()
}

/** A change that the first front waits for; the symbol of the error that it hears. */
function propose(rig: MvccRig, wanted: MemberChange): string {
  const high = requestHigh(memberPrefix(MEMBER_ID), 0, ++sequence)
  rig.append(CONF_CHANGE, encodeMemberChange(BigInt(high) * 2n ** 32n + BigInt(sequence), wanted))
  rig.run()
  const answer = rig.node.fronts[0]?.take().find((message) => message['requestLow'] === sequence)
  assert.ok(answer !== undefined, 'the front was answered')
  const error = answer['error'] as number
  return error === 0 ? 'ok' : (errorById(error)?.symbol ?? 'unknown')
}

/** What raft was told about the last entries, oldest first. */
function decisions(rig: MvccRig): unknown[] {
  return rig.node.raft.take().filter(({ message }) => message === 'confApplied').map(({ ok }) => ok)
}

function members(rig: MvccRig): MemberRecord[] {
  const snapshot = rig.node.store.store.beginRead()
  const found = readMembers(snapshot)
  snapshot.close()
  return found
}

function voters(rig: MvccRig): { voters: readonly bigint[]; learners: readonly bigint[] } {
  const bytes = rig.view((view) => view.confState())
  assert.ok(bytes !== null)
  const { voters: ids, learners } = decodeConfState(bytes)
  return { voters: ids, learners }
}

test('the bootstrap entries make the members table and the configuration', () => {
  const rig = new MvccRig()
  for (const data of bootstrapEntries([FIRST, SECOND])) rig.append(CONF_CHANGE, data)
  rig.run()
  assert.deepEqual(members(rig), [SECOND, FIRST])
  assert.deepEqual(voters(rig), { voters: [7n, FIRST.id], learners: [] })
  rig.restart()
  const restored = rig.node.raft.take()[0]
  assert.deepEqual(decodeConfState(restored?.['confState'] as Uint8Array).voters, [7n, FIRST.id])
  rig.close()
})

test('a member says its name and its client URLs; what is not a member is not described', () => {
  const rig = new MvccRig()
  change(rig, ConfChangeType.ConfChangeAddNode, FIRST)
  const attributes = { name: 'n1', client_urls: ['http://127.0.0.1:2379'] }
  const described = rig.ask({
    kind: 'other',
    request: { cluster_member_attr_set: { member_ID: FIRST.id, member_attributes: attributes } },
  })
  assert.equal(described['error'], 0)
  assert.deepEqual(members(rig), [{ ...FIRST, name: 'n1', clientUrls: ['http://127.0.0.1:2379'] }])
  const stranger = rig.ask({
    kind: 'other',
    request: { cluster_member_attr_set: { member_ID: 99n, member_attributes: attributes } },
  })
  assert.equal(stranger['error'], etcdErrors.memberNotFound.id)
  rig.close()
})

test('a learner is promoted, a member moves, a member leaves for ever', () => {
  const rig = new MvccRig()
  change(rig, ConfChangeType.ConfChangeAddNode, FIRST)
  change(rig, ConfChangeType.ConfChangeAddLearnerNode, SECOND)
  assert.deepEqual(voters(rig), { voters: [FIRST.id], learners: [7n] })
  assert.deepEqual(members(rig)[0], { ...SECOND, isLearner: true })
  assert.equal(propose(rig, { kind: 'promote', id: 7n }), 'ok')
  assert.deepEqual(voters(rig), { voters: [7n, FIRST.id], learners: [] })
  assert.deepEqual(members(rig)[0], SECOND)
  change(rig, ConfChangeType.ConfChangeUpdateNode, { ...SECOND, peerUrls: ['http://10.0.0.3:2380'] })
  assert.deepEqual(members(rig)[0]?.peerUrls, ['http://10.0.0.3:2380'])
  change(rig, ConfChangeType.ConfChangeRemoveNode, SECOND)
  assert.deepEqual(members(rig), [FIRST])
  assert.deepEqual(voters(rig), { voters: [FIRST.id], learners: [] })
  const snapshot = rig.node.store.store.beginRead()
  assert.equal(snapshot.countRows(TABLE.membersRemoved, new Uint8Array(0), new Uint8Array(0)), 1)
  snapshot.close()
  rig.close()
})

test('the cluster version is what was agreed on last', () => {
  const rig = new MvccRig()
  for (const ver of ['3.6.0', '3.7.0']) rig.ask({ kind: 'other', request: { cluster_version_set: { ver } } })
  const snapshot = rig.node.store.store.beginRead()
  assert.equal(readClusterVersion(snapshot), '3.7.0')
  snapshot.close()
  rig.close()
})

test('a change that the rules do not allow changes nothing: raft hears so, and who asked hears why', () => {
  const rig = new MvccRig()
  for (const data of bootstrapEntries([FIRST, SECOND])) rig.append(CONF_CHANGE, data)
  rig.run()
  assert.deepEqual(decisions(rig), [1, 1])
  const third: MemberRecord = { ...FIRST, id: 8n, peerUrls: ['http://10.0.0.8:2380'] }
  const learner: MemberRecord = { ...third, id: 9n, peerUrls: ['http://10.0.0.9:2380'], isLearner: true }
  const before = voters(rig)
  assert.equal(propose(rig, { kind: 'add', member: SECOND }), 'ErrGRPCMemberExist')
  assert.equal(propose(rig, { kind: 'add', member: { ...third, peerUrls: SECOND.peerUrls } }), 'ErrGRPCPeerURLExist')
  assert.equal(propose(rig, { kind: 'promote', id: 7n }), 'ErrGRPCMemberNotLearner')
  assert.equal(propose(rig, { kind: 'remove', id: 8n }), 'ErrGRPCMemberNotFound')
  assert.deepEqual(voters(rig), before)
  assert.deepEqual(members(rig), [SECOND, FIRST])
  assert.equal(propose(rig, { kind: 'add', member: learner }), 'ok')
  assert.equal(propose(rig, { kind: 'add', member: { ...third, isLearner: true } }), 'ErrGRPCTooManyLearners')
  assert.equal(propose(rig, { kind: 'remove', id: 7n }), 'ok')
  assert.equal(propose(rig, { kind: 'add', member: SECOND }), 'ErrGRPCMemberNotFound')
  assert.deepEqual(decisions(rig), [0, 0, 0, 0, 1, 0, 1, 0])
  rig.restart()
  assert.deepEqual(voters(rig), { voters: [FIRST.id], learners: [9n] })
  rig.close()
})

test('an entry that is no change of one member is passed over, and raft hears so', () => {
  const rig = new MvccRig()
  rig.append(CONF_CHANGE, Buffer.from([8, 0x80]))
  rig.append(CONF_CHANGE, encodeConfChange({ id: 0n, type: 0, node_id: 7n, context: Buffer.from('no member') }))
  rig.append(2, new Uint8Array([1, 2, 3]))
  rig.run()
  assert.deepEqual(decisions(rig), [0, 0, 0])
  assert.deepEqual(members(rig), [])
  rig.close()
})

test('peer hears who the members are, at the start and after each change', () => {
  const rig = new MvccRig()
  const heard = (): unknown[] => rig.node.peer.take().map((message) => [
    decodeMembers(message['members'] as Uint8Array).map(({ id }) => id), decodeIds(message['removed'] as Uint8Array),
  ])
  rig.run()
  assert.deepEqual(heard(), [[[], []]])
  change(rig, ConfChangeType.ConfChangeAddNode, FIRST)
  change(rig, ConfChangeType.ConfChangeAddNode, SECOND)
  propose(rig, { kind: 'remove', id: 7n })
  rig.ask({ kind: 'put', put: { key: 'a', value: '1' } })
  assert.deepEqual(heard(), [[[FIRST.id], []], [[7n, FIRST.id], []], [[FIRST.id], [7n]]])
  rig.restart()
  assert.deepEqual(heard(), [[[FIRST.id], [7n]]])
  rig.close()
})

test('a member knows whether it votes, and that it has been removed, also when it starts again', () => {
  const rig = new MvccRig()
  const self: MemberRecord = { ...SECOND, id: MEMBER_ID, isLearner: true }
  change(rig, ConfChangeType.ConfChangeAddNode, FIRST)
  propose(rig, { kind: 'add', member: self })
  assert.equal(rig.words.load(Word.isLearner), 1)
  rig.restart()
  assert.equal(rig.words.load(Word.isLearner), 1)
  propose(rig, { kind: 'promote', id: MEMBER_ID })
  assert.deepEqual([rig.words.load(Word.isLearner), rig.node.removals], [0, 0])
  propose(rig, { kind: 'remove', id: MEMBER_ID })
  assert.equal(rig.node.removals, 1)
  rig.restart()
  assert.equal(rig.node.removals, 1)
  rig.close()
})

test('a start with more learners than the flag allows is refused', () => {
  const rig = new MvccRig()
  change(rig, ConfChangeType.ConfChangeAddNode, FIRST)
  propose(rig, { kind: 'add', member: { ...SECOND, isLearner: true } })
  assert.throws(() => rig.restart({ learnersMax: 0 }), /the cluster has 1 learners, and --max-learners is 0/)
})

test('an entry for a joint configuration, or to leave one, changes nothing, and the next one does', () => {
  const rig = new MvccRig()
  change(rig, ConfChangeType.ConfChangeAddNode, FIRST)
  assert.deepEqual(decisions(rig), [1])
  const changes = [7n, 8n].map((id) => ({ type: ConfChangeType.ConfChangeAddNode, node_id: id }))
  for (const data of [encodeConfChangeV2({ changes }), new Uint8Array(0)]) {
    rig.append(CONF_CHANGE_V2, data)
    rig.run()
    assert.deepEqual(decisions(rig), [0])
  }
  assert.deepEqual([members(rig), voters(rig).voters], [[FIRST], [FIRST.id]])
  change(rig, ConfChangeType.ConfChangeAddNode, SECOND)
  assert.deepEqual(decisions(rig), [1])
  assert.deepEqual(voters(rig).voters, [7n, FIRST.id])
  rig.close()
})

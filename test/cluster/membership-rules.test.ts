/** The rules for members: each refusal of etcd in a table, and what no series of allowed changes may break. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { text } from '../../src/base/bytes.js'
import { encodeMemberChange, memberChangeOf, type MemberChange } from '../../src/cluster/member-change.js'
import type { MemberRecord } from '../../src/cluster/member-record.js'
import { afterChange, countLearners, memberChangeError, type Membership } from '../../src/cluster/membership-rules.js'
import { etcdErrors, errorById } from '../../src/proto/etcd-errors.js'
import { ConfChangeType, decodeConfChange, encodeConfChange } from '../../src/proto/generated/raftpb.js'

function member(id: bigint, isLearner = false): MemberRecord {
  return { id, peerUrls: [`http://m${id}:2380`], isLearner, name: '', clientUrls: [] }
}

const THREE: Membership = { members: [member(1n), member(2n), member(3n, true)], removed: new Set([9n]) }
const LEARNERS_MAX = 1

function decide(change: MemberChange, before: Membership = THREE): string {
  const error = memberChangeError(before, change, LEARNERS_MAX)
  return error === 0 ? 'ok' : (errorById(error)?.symbol ?? 'unknown')
}

test('a member is added under an id and URLs that nobody has or had', () => {
  const add = (record: MemberRecord): string => decide({ kind: 'add', member: record })
  assert.equal(add(member(4n)), 'ok')
  assert.equal(add(member(2n)), 'ErrGRPCMemberExist')
  assert.equal(add({ ...member(4n), peerUrls: ['http://new:1', 'http://m1:2380'] }), 'ErrGRPCPeerURLExist')
  assert.equal(add(member(9n)), 'ErrGRPCMemberNotFound')
})

test('learners are as many as the flag allows', () => {
  assert.equal(decide({ kind: 'add', member: member(4n, true) }), 'ErrGRPCTooManyLearners')
  const none = { ...THREE, members: THREE.members.slice(0, 2) }
  assert.equal(decide({ kind: 'add', member: member(4n, true) }, none), 'ok')
})

test('who is promoted is a learner, who is removed or moved is a member', () => {
  assert.equal(decide({ kind: 'promote', id: 3n }), 'ok')
  assert.equal(decide({ kind: 'promote', id: 1n }), 'ErrGRPCMemberNotLearner')
  assert.equal(decide({ kind: 'promote', id: 7n }), 'ErrGRPCMemberNotFound')
  assert.equal(decide({ kind: 'remove', id: 1n }), 'ok')
  assert.equal(decide({ kind: 'remove', id: 3n }), 'ok')
  for (const id of [7n, 9n]) assert.equal(decide({ kind: 'remove', id }), 'ErrGRPCMemberNotFound')
  assert.equal(decide({ kind: 'update', id: 7n, peerUrls: [] }), 'ErrGRPCMemberNotFound')
  assert.equal(decide({ kind: 'update', id: 1n, peerUrls: ['http://m1:2380', 'http://new:1'] }), 'ok')
  assert.equal(decide({ kind: 'update', id: 1n, peerUrls: ['http://m2:2380'] }), 'ErrGRPCPeerURLExist')
})

test('the last voter stays, however many learners there are', () => {
  const alone = { members: [member(1n), member(3n, true)], removed: new Set<bigint>() }
  assert.equal(decide({ kind: 'remove', id: 1n }, alone), 'ErrGRPCMemberNotEnoughStarted')
  assert.equal(decide({ kind: 'remove', id: 3n }, alone), 'ok')
})

const id = fc.bigInt(1n, 6n)
const url = fc.integer({ min: 1, max: 6 })
const changes = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('add' as const), id, url, learns: fc.boolean() }),
    fc.record({ kind: fc.constantFrom('promote' as const, 'remove' as const), id }),
    fc.record({ kind: fc.constant('update' as const), id, url }),
  ),
  { maxLength: 40 },
)

test('no series of changes breaks what holds for every membership', () => {
  fc.assert(
    fc.property(changes, (series) => {
      let membership: Membership = { members: [member(1n)], removed: new Set() }
      for (const step of series) {
        const given = 'url' in step ? [`http://m${step.url}:2380`] : []
        const change: MemberChange = step.kind === 'add'
          ? { kind: 'add', member: { ...member(step.id, step.learns), peerUrls: given } }
          : step.kind === 'update' ? { kind: 'update', id: step.id, peerUrls: given } : step
        if (memberChangeError(membership, change, 2) !== 0) continue
        membership = afterChange(membership, change)
        const { members, removed } = membership
        const ids = members.map((it) => it.id)
        const urls = members.flatMap(({ peerUrls }) => peerUrls)
        assert.deepEqual(ids, [...new Set(ids)].sort())
        assert.equal(new Set(urls).size, urls.length)
        assert.ok(members.some(({ isLearner }) => !isLearner), 'somebody votes')
        assert.ok(countLearners(membership) <= 2)
        assert.ok(!ids.some((it) => removed.has(it)), 'nobody comes back')
      }
    }),
  )
})

test('a change survives its entry, in the bytes of etcd', () => {
  const added = { ...member(0xbdf9_b8c9_3095_fd06n), peerUrls: ['http://a:1', 'http://b:1'] }
  const series: MemberChange[] = [
    { kind: 'add', member: added },
    { kind: 'add', member: { ...added, isLearner: true } },
    { kind: 'promote', id: 2n ** 63n },
    { kind: 'remove', id: 5n },
    { kind: 'update', id: 5n, peerUrls: ['http://c:1'] },
  ]
  for (const change of series) {
    const wire = decodeConfChange(encodeMemberChange(77n, change))
    assert.equal(wire.id, 77n)
    assert.deepEqual(memberChangeOf(wire), change)
  }
  const contexts = series.map((change) => text(decodeConfChange(encodeMemberChange(1n, change)).context))
  assert.deepEqual(contexts, [
    '{"id":13689175716612406534,"peerURLs":["http://a:1","http://b:1"],"isPromote":false}',
    '{"id":13689175716612406534,"peerURLs":["http://a:1","http://b:1"],"isLearner":true,"isPromote":false}',
    '{"id":9223372036854775808,"peerURLs":[],"isPromote":true}',
    '',
    '{"id":5,"peerURLs":["http://c:1"]}',
  ])
})

test('an entry that names nobody, or whose context is no member, is none', () => {
  const wire = (fields: object) => decodeConfChange(encodeConfChange({ id: 1n, type: 0, node_id: 3n, ...fields }))
  assert.equal(memberChangeOf(wire({ node_id: 0n })), null)
  assert.equal(memberChangeOf(wire({ context: Buffer.from('{"id":') })), null)
  assert.equal(memberChangeOf(wire({ context: Buffer.from('7') })), null)
  assert.equal(memberChangeOf(wire({ type: 9, context: Buffer.from('{}') })), null)
  assert.deepEqual(memberChangeOf(wire({ type: ConfChangeType.ConfChangeRemoveNode })), { kind: 'remove', id: 3n })
  assert.equal(etcdErrors.memberNotFound.code, 5)
})

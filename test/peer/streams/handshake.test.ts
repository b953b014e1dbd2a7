/** Who is let in to a stream, and in which words the others are refused. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  acceptFields, acceptProblem, checkCaller, checkStream, featuresOf, streamKindOf, upgradeFields, type Headers,
  type OwnIdentity,
} from '../../../src/peer/streams/handshake.js'

const SELF: OwnIdentity = { clusterId: 0xc1n, memberId: 0xan, peerUrls: ['http://a:1'], features: ['one'] }
const OTHER: OwnIdentity = {
  clusterId: 0xc1n, memberId: 0xbn, peerUrls: ['http://b:1', 'http://b:2'], features: ['one', 'two'],
}
const nobody = (): boolean => false

/** As node:http hands them out. */
function heard(fields: Readonly<Record<string, string>>, changes: Readonly<Record<string, string>> = {}): Headers {
  const lower = Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value])
  return { ...Object.fromEntries(lower), ...changes } as Headers
}

function refusalOf(changes: Readonly<Record<string, string>>, isRemoved: (id: bigint) => boolean = nobody): string {
  const headers = heard(upgradeFields(OTHER, SELF.memberId), changes)
  const checked = checkCaller(headers, SELF, isRemoved)
  const refusal = 'refusal' in checked ? checked.refusal : checkStream(headers, SELF)
  return refusal === null ? 'welcome' : `${refusal.status} ${refusal.message}`
}

test('a member of the cluster is known by what it says', () => {
  assert.equal(refusalOf({}), 'welcome')
  const checked = checkCaller(heard(upgradeFields(OTHER, SELF.memberId)), SELF, nobody)
  assert.ok('caller' in checked)
  assert.equal(checked.caller.from, 0xbn)
  assert.deepEqual(checked.caller.peerUrls, ['http://b:1', 'http://b:2'])
  assert.equal(checked.caller.serverVersion, '3.7.1')
})

test('others are refused in the words of etcd', () => {
  assert.equal(refusalOf({ 'x-etcd-cluster-id': 'c2' }), '412 cluster ID mismatch')
  assert.equal(refusalOf({ 'x-etcd-cluster-id': '' }), '412 cluster ID mismatch')
  assert.equal(refusalOf({ 'x-raft-to': 'd' }), '412 to field mismatch')
  assert.equal(refusalOf({ 'x-server-from': 'not hex' }), '404 invalid from')
  assert.equal(refusalOf({ 'x-server-from': 'a' }), '404 invalid from')
  assert.equal(refusalOf({ 'x-server-from': '' }), '404 invalid from')
  assert.equal(refusalOf({ 'x-raftring-protocol': '99' }), '412 incompatible stream protocol')
  assert.equal(refusalOf({}, (id) => id === 0xbn), '410 removed member')
})

test('versions are compared both ways', () => {
  assert.equal(refusalOf({ 'x-server-version': '2.3.8' }), '412 incompatible version')
  assert.equal(refusalOf({ 'x-server-version': '' }), '412 incompatible version')
  assert.equal(refusalOf({ 'x-min-cluster-version': '4.0.0' }), '412 incompatible version')
  assert.equal(refusalOf({ 'x-min-cluster-version': '3.7.2' }), '412 incompatible version')
  assert.equal(refusalOf({ 'x-server-version': '3.10.0-alpha.1', 'x-min-cluster-version': '3.7.1' }), 'welcome')
})

test('too many URLs of an unknown member are not remembered', () => {
  const many = Array.from({ length: 1000 }, (_, i) => `http://h${i}:1`).join(',')
  const checked = checkCaller(heard(upgradeFields(OTHER, 0xan), { 'x-peerurls': many }), SELF, nobody)
  assert.ok('caller' in checked)
  assert.deepEqual(checked.caller.peerUrls, [])
})

test('who dials finds out who has answered', () => {
  assert.equal(acceptProblem(heard(acceptFields(OTHER)), SELF, 0xbn), null)
  assert.match(acceptProblem(heard(acceptFields(OTHER)), SELF, 0xdn) ?? '', /another member answers there: b/)
  const stranger = { ...OTHER, clusterId: 1n }
  assert.equal(acceptProblem(heard(acceptFields(stranger)), SELF, 0xbn), 'cluster ID mismatch')
})

test('each side names its features, and one that knows of none has none', () => {
  const asked = heard(upgradeFields(OTHER, SELF.memberId))
  const checked = checkCaller(asked, SELF, nobody)
  assert.deepEqual('caller' in checked ? checked.caller.features : [], ['one', 'two'])
  assert.deepEqual(featuresOf(heard(acceptFields(SELF))), ['one'])
  assert.deepEqual(featuresOf(heard(acceptFields({ ...SELF, features: [] }))), [])
  assert.deepEqual(featuresOf({}), [])
})

test('streams have two names', () => {
  assert.equal(streamKindOf('/raftring/stream/message'), 'message')
  assert.equal(streamKindOf('/raftring/stream/append'), 'append')
  for (const path of ['/raftring/stream/', '/raftring/stream/other', '/raft/stream/message', '']) {
    assert.equal(streamKindOf(path), null)
  }
})

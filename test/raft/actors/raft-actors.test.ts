/** Raft actors of several members: what they make of each other's messages, and what their clients see of it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Word } from '../../../src/messages/shared-words.js'
import { counters } from '../../../src/metrics/counter-catalogue.js'
import { etcdErrors } from '../../../src/proto/etcd-errors.js'
import { ConfChangeType, encodeConfChange } from '../../../src/proto/generated/raftpb.js'
import { ActorCluster } from './actor-cluster.js'
import { HEARTBEAT_MS } from './actor-rig.js'

const ELECTION_MS = 10 * HEARTBEAT_MS
const THREE = [11n, 12n, 0xfff0_0000_0000_0013n]

function elected(): ActorCluster {
  const cluster = new ActorCluster(THREE)
  cluster.elect()
  return cluster
}

function commitOf(words: { load(word: number): number }): number {
  return Math.floor(words.load(Word.commitAndSolo) / 2)
}

test('three members elect one of them, in a term that all have', () => {
  const cluster = elected()
  const terms = cluster.running.map(({ words }) => words.load(Word.term))
  assert.equal(new Set(terms).size, 1)
  assert.equal(cluster.running.filter((rig) => rig.leads).length, 1)
  for (const { words } of cluster.running) {
    assert.equal(words.load(Word.commitAndSolo) % 2, 0, 'nobody may answer reads alone')
    assert.equal(words.load(Word.leadersSeen), 1)
  }
})

test('what a follower is asked to propose is applied on every member, once and in order', () => {
  const cluster = elected()
  const [follower] = cluster.followers
  for (let i = 0; i < 50; i++) follower?.propose(`p${i}`)
  cluster.settle()
  cluster.pass(HEARTBEAT_MS)
  const expected = Array.from({ length: 50 }, (_, i) => `p${i}`)
  for (const rig of cluster.running) assert.deepEqual(rig.texts, expected)
})

test('a forwarded batch larger than a message goes in several', () => {
  const cluster = new ActorCluster(THREE, { messageBytesMax: 16 * 1024 })
  cluster.elect()
  const [follower] = cluster.followers
  const text = 'x'.repeat(2000)
  for (let i = 0; i < 100; i++) follower?.propose(`${i}-${text}`)
  cluster.pass(3 * HEARTBEAT_MS)
  for (const rig of cluster.running) assert.equal(rig.texts.length, 100)
})

test('what the ring to peer has no room for goes a moment later', () => {
  const cluster = new ActorCluster(THREE, { messageBytesMax: 16 * 1024 })
  cluster.elect()
  const [follower] = cluster.followers
  assert.ok(follower !== undefined)
  const text = 'x'.repeat(2000)
  // More than the ring takes, in two turns in which nobody reads it.
  for (let turn = 0; turn < 2; turn++) {
    for (let i = 0; i < 75; i++) follower.propose(`${turn}.${i}-${text}`)
    follower.run(cluster.nowMs)
  }
  assert.ok(follower.actor.wakeAtMs() <= cluster.nowMs + 1, 'it looks again before the next heartbeat')
  cluster.settle()
  for (const rig of cluster.running) assert.equal(rig.texts.length, 150)
})

test('a proposal without a leader waits for one, and not longer than its client', () => {
  const cluster = new ActorCluster(THREE)
  cluster.settle()
  const first = cluster.member(11n)
  first.propose('early')
  cluster.settle()
  assert.deepEqual(first.front.take(), [])
  cluster.elect()
  cluster.settle()
  for (const rig of cluster.running) assert.deepEqual(rig.texts, ['early'])
  for (const id of [12n, THREE[2] as bigint]) cluster.kill(id)
  cluster.pass(4 * ELECTION_MS)
  assert.equal(first.leader, 0n)
  first.propose('never')
  cluster.pass(8000)
  for (const id of [12n, THREE[2] as bigint]) cluster.start(id)
  cluster.elect()
  cluster.settle()
  for (const rig of cluster.running) assert.deepEqual(rig.texts, ['early'])
})

test('while the way to the leader is cut a proposal waits for the next leader, or for the way', () => {
  const cluster = elected()
  const lost = cluster.leader
  const [follower] = cluster.followers
  assert.ok(follower !== undefined)
  follower.raft.unreachable({ member: BigInt.asIntN(64, lost.memberId) })
  follower.propose('held')
  cluster.settle()
  assert.deepEqual(follower.texts, [])
  cluster.pass(HEARTBEAT_MS)
  assert.deepEqual(follower.texts, ['held'], 'the leader was heard again')
  follower.raft.unreachable({ member: BigInt.asIntN(64, lost.memberId) })
  cluster.kill(lost.memberId)
  follower.propose('kept')
  cluster.settle()
  cluster.elect()
  cluster.settle()
  for (const rig of cluster.running) assert.deepEqual(rig.texts, ['held', 'kept'])
})

test('a leader that is heard and to which no stream leads is sent nothing until there is one', () => {
  const cluster = elected()
  const [follower] = cluster.followers
  assert.ok(follower !== undefined)
  const member = BigInt.asIntN(64, cluster.leader.memberId)
  follower.raft.way({ member, open: 0 })
  follower.propose('held')
  cluster.pass(HEARTBEAT_MS)
  assert.deepEqual(follower.texts, [])
  follower.raft.way({ member, open: 1 })
  cluster.settle()
  for (const rig of cluster.running) assert.deepEqual(rig.texts, ['held'])
})

test('who asked a leader that died is told once the next one has committed, unless the request was applied', () => {
  const cluster = elected()
  const lost = cluster.leader
  const [follower] = cluster.followers
  assert.ok(follower !== undefined)
  follower.propose('done')
  cluster.settle()
  follower.front.take()
  cluster.cut.add(lost.memberId)
  follower.propose('lost')
  cluster.settle()
  assert.deepEqual(follower.front.take(), [])
  cluster.kill(lost.memberId)
  cluster.elect()
  cluster.settle()
  const told = follower.front.take().filter(({ message }) => message === 'refused')
  assert.ok(told.some(({ requestLow }) => requestLow === follower.lastRequestLow))
  for (const { error } of told) assert.equal(error, etcdErrors.timeoutDueToLeaderFail.id)
  follower.propose('next')
  cluster.settle()
  for (const rig of cluster.running) assert.deepEqual(rig.texts, ['done', 'next'])
  cluster.pass(HEARTBEAT_MS)
  assert.deepEqual(follower.front.take().filter(({ message }) => message === 'refused'), [])
})

test('read tickets are answered on every member, with an index that holds all that was committed before', () => {
  const cluster = elected()
  cluster.leader.propose('a')
  cluster.settle()
  const committed = commitOf(cluster.leader.words)
  for (const rig of cluster.running) {
    rig.raft.readIndex({ front: 0, ticket: 5 })
    cluster.settle()
    const [answer] = rig.front.take()
    assert.deepEqual([answer?.message, answer?.['ticket']], ['readReady', 5])
    assert.ok((answer?.['index'] as number) >= committed)
  }
})

test('a leader that hears nobody answers no ticket, and says that it is void once it has stepped down', () => {
  const cluster = elected()
  const { leader } = cluster
  cluster.cut.add(leader.memberId)
  leader.raft.readIndex({ front: 0, ticket: 1 })
  cluster.settle()
  assert.deepEqual(leader.front.take(), [])
  cluster.pass(2 * ELECTION_MS)
  assert.equal(leader.leader, 0n)
  assert.deepEqual(leader.front.take().map(({ message, index }) => [message, index]), [['readReady', -1]])
})

test('the others go on when the leader is killed, and it catches up when it is started again', () => {
  const cluster = elected()
  const first = cluster.leader.memberId
  cluster.leader.propose('before')
  cluster.settle()
  cluster.kill(first)
  const second = cluster.elect()
  assert.notEqual(second.memberId, first)
  cluster.followers[0]?.propose('meanwhile')
  cluster.settle()
  const again = cluster.start(first)
  cluster.elect()
  cluster.settle()
  assert.deepEqual(again.texts, ['before', 'meanwhile'])
  again.propose('after')
  cluster.settle()
  cluster.pass(HEARTBEAT_MS)
  for (const rig of cluster.running) assert.deepEqual(rig.texts, ['before', 'meanwhile', 'after'])
})

test('a leader whose disk stalls keeps its followers, and commits with theirs', () => {
  const cluster = elected()
  const { leader } = cluster
  const seen = leader.words.load(Word.leadersSeen)
  cluster.stalled.add(leader.memberId)
  leader.propose('slow')
  cluster.pass(5 * ELECTION_MS)
  assert.ok(leader.leads)
  assert.equal(leader.words.load(Word.leadersSeen), seen)
  for (const rig of cluster.followers) assert.deepEqual(rig.texts, ['slow'])
})

test('a follower whose disk stalls acknowledges nothing and hinders nobody', () => {
  const cluster = elected()
  const [slow, quick] = cluster.followers
  assert.ok(slow !== undefined && quick !== undefined)
  cluster.stalled.add(slow.memberId)
  for (let i = 0; i < 20; i++) cluster.leader.propose(`p${i}`)
  cluster.pass(2 * ELECTION_MS)
  assert.equal(quick.texts.length, 20)
  assert.equal(cluster.running.filter((rig) => rig.leads).length, 1)
  cluster.stalled.clear()
  cluster.pass(HEARTBEAT_MS)
  assert.equal(slow.disk.entries.length, cluster.leader.disk.entries.length)
})

test('entries that no quorum has go when another leads', () => {
  const cluster = elected()
  const old = cluster.leader
  cluster.cut.add(old.memberId)
  old.propose('lost')
  cluster.settle()
  cluster.elect()
  cluster.running.find((rig) => rig.leads && rig !== old)?.propose('kept')
  cluster.settle()
  cluster.cut.clear()
  cluster.elect()
  cluster.pass(2 * HEARTBEAT_MS)
  for (const rig of cluster.running) assert.deepEqual(rig.texts, ['kept'])
})

test('leadership goes where it is told to', () => {
  const cluster = elected()
  const [target] = cluster.followers
  assert.ok(target !== undefined)
  cluster.leader.raft.transferLeader({ to: BigInt.asIntN(64, target.memberId) })
  cluster.settle()
  assert.deepEqual(cluster.running.map(({ leader }) => leader), THREE.map(() => target.memberId))
})

test('a leader that is told to stop makes way first', () => {
  const cluster = elected()
  const old = cluster.leader
  cluster.settle()
  assert.equal(old.actor.isIdle(), false)
  cluster.settle()
  assert.equal(old.actor.isIdle(), true)
  assert.ok(old.leader !== 0n && !old.leads)
})

test('a leader that nobody can succeed stops after an election timeout', () => {
  const cluster = elected()
  const old = cluster.leader
  for (const { memberId } of cluster.followers) cluster.kill(memberId)
  assert.equal(old.actor.isIdle(), false)
  cluster.pass(ELECTION_MS)
  assert.equal(old.actor.isIdle(), true)
})

test('nothing after a configuration entry is given to mvcc before it has said what became of that', () => {
  const cluster = elected()
  const { leader } = cluster
  const context = Buffer.from('{"peerURLs":["http://m20:1"]}')
  const type = ConfChangeType.ConfChangeAddLearnerNode
  leader.proposeConf(encodeConfChange({ id: 5n, type, node_id: 20n, context }))
  leader.run(cluster.nowMs)
  leader.propose('behind')
  cluster.settle()
  for (const rig of cluster.running) {
    const [conf, behind] = rig.disk.applied.slice(-2)
    assert.deepEqual([conf?.type, behind?.type], [1, 0])
    assert.deepEqual(rig.texts, ['behind'])
  }
  // It is in force: the leader speaks to the new member.
  leader.run(cluster.nowMs + HEARTBEAT_MS)
  assert.ok(leader.sends().some(({ to }) => to === 20n))
})

test('a change that mvcc refuses changes nothing, and the next one is not in its way', () => {
  const cluster = elected()
  for (const rig of cluster.running) rig.allowsChanges = false
  const [follower] = cluster.followers
  const change = encodeConfChange({ id: 5n, type: ConfChangeType.ConfChangeRemoveNode, node_id: 11n })
  follower?.proposeConf(change)
  follower?.proposeConf(change)
  cluster.settle()
  cluster.pass(HEARTBEAT_MS)
  for (const rig of cluster.running) {
    assert.equal(rig.disk.applied.filter(({ type, index }) => type === 1 && index > 3).length, 2)
  }
  cluster.leader.propose('all three')
  cluster.settle()
  for (const rig of cluster.running) assert.deepEqual(rig.texts, ['all three'])
})

test('what makes no sense is counted and forgotten', () => {
  const cluster = elected()
  const { leader } = cluster
  leader.raft.received({ data: Buffer.from('not a message at all') })
  leader.raft.received({ data: new Uint8Array(0) })
  cluster.settle()
  assert.equal(leader.counters.get(counters.messagesMalformed), 2)
  assert.ok(leader.leads)
})

test('a full disk refuses what this member is asked, not what it is sent', () => {
  const cluster = elected()
  const [follower] = cluster.followers
  follower?.raft.space({ source: 0, available: 0 })
  follower?.propose('refused')
  cluster.leader.propose('applied')
  cluster.settle()
  assert.deepEqual(follower?.front.take().map(({ error }) => error), [etcdErrors.noSpace.id])
  for (const rig of cluster.running) assert.deepEqual(rig.texts, ['applied'])
})

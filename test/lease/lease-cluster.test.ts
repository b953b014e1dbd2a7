/** Leases of three members: who renews, who revokes, and when a lease may end. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { etcdErrors } from '../../src/proto/etcd-errors.js'
import { REQUEST_TIMEOUT_MS } from './cluster-member.js'
import { LeaseCluster } from './lease-cluster.js'

/** Member 0 leads; lease 1 has 10 s. */
function clusterWithLease(): LeaseCluster {
  const cluster = new LeaseCluster()
  cluster.elect(cluster.member(0))
  cluster.grant(1n, 10)
  cluster.pass(50)
  return cluster
}

test('a follower renews through the log, and answers when it has applied the renewal itself', () => {
  const cluster = clusterWithLease()
  for (let i = 0; i < 5; i++) {
    cluster.pass(9000)
    const question = cluster.keepAlive(cluster.member(1), 1n)
    assert.ok(!question.isAnswered)
    cluster.pass(50)
    assert.equal(question.answer?.ttlSeconds, 10)
  }
  assert.deepEqual(cluster.ended, [])
  cluster.pass(11_000)
  assert.deepEqual(cluster.ended, [1n])
  cluster.assertEqualStores()
})

test('a follower answers 0 for a lease that nobody knows', () => {
  const cluster = clusterWithLease()
  const question = cluster.keepAlive(cluster.member(2), 7n)
  cluster.pass(50)
  assert.deepEqual([question.answer?.ttlSeconds, question.answer?.error], [0, 0])
})

test('every member tells the same remaining time', () => {
  const cluster = clusterWithLease()
  cluster.pass(2500)
  const questions = cluster.members.map((member) => cluster.timeToLive(member, 1n))
  cluster.pass(50)
  assert.deepEqual(questions.map(({ answer }) => answer?.remaining), [7, 7, 7])
  const unknown = cluster.members.map((member) => cluster.timeToLive(member, 9n))
  cluster.pass(50)
  assert.deepEqual(unknown.map(({ answer }) => answer?.remaining), [-1, -1, -1])
})

test('a keep-alive of a follower without a leader waits for the next one', () => {
  const cluster = clusterWithLease()
  cluster.crash(cluster.member(0))
  const question = cluster.keepAlive(cluster.member(1), 1n)
  cluster.pass(2000)
  assert.ok(!question.isAnswered)
  cluster.elect(cluster.member(2))
  cluster.pass(200)
  assert.equal(question.answer?.ttlSeconds, 10)
})

test('without any leader a follower gives up after the time of a request', () => {
  const cluster = clusterWithLease()
  cluster.crash(cluster.member(0))
  const kept = cluster.keepAlive(cluster.member(1), 1n)
  const times = cluster.timeToLive(cluster.member(1), 1n)
  cluster.pass(REQUEST_TIMEOUT_MS + 200)
  for (const { answer } of [kept, times]) assert.equal(answer?.error, etcdErrors.noLeader.id)
})

test('a renewal that was lost with its leader is repeated under the next one', () => {
  const cluster = clusterWithLease()
  cluster.losesForwarded = true
  const question = cluster.keepAlive(cluster.member(1), 1n)
  cluster.pass(20)
  cluster.losesForwarded = false
  cluster.elect(cluster.member(2))
  cluster.pass(300)
  assert.equal(question.answer?.ttlSeconds, 10)
})

test('a renewal that was lost on its way is repeated', () => {
  const cluster = clusterWithLease()
  cluster.losesForwarded = true
  const question = cluster.keepAlive(cluster.member(1), 1n)
  cluster.pass(20)
  cluster.losesForwarded = false
  cluster.pass(3000)
  assert.equal(question.answer?.ttlSeconds, 10)
})

test('a paused old leader that comes back revokes nothing', () => {
  const cluster = clusterWithLease()
  cluster.pass(9000)
  cluster.pause(cluster.member(0))
  cluster.depose()
  cluster.elect(cluster.member(1))
  for (let i = 0; i < 4; i++) {
    cluster.keepAlive(cluster.member(2), 1n)
    cluster.pass(5000)
  }
  cluster.resume(cluster.member(0))
  cluster.pass(4000)
  assert.deepEqual(cluster.ended, [])
  cluster.assertEqualStores()
})

test('a lease that a follower renews in the last moment is not revoked by what the leader proposed before', () => {
  const cluster = clusterWithLease()
  cluster.commitMs = 50
  cluster.deliverMs = 40
  cluster.pass(9890)
  const question = cluster.keepAlive(cluster.member(1), 1n)
  cluster.pass(300)
  assert.equal(question.answer?.ttlSeconds, 10)
  cluster.pass(9000)
  assert.deepEqual(cluster.ended, [])
})

test('what is renewed while disks stall keeps its time under a new leader', () => {
  const cluster = clusterWithLease()
  cluster.pass(2000)
  cluster.stall(5000)
  cluster.pass(4900)
  const question = cluster.keepAlive(cluster.member(1), 1n)
  cluster.pass(120)
  assert.equal(question.answer?.ttlSeconds, 10)
  cluster.crash(cluster.member(0))
  cluster.elect(cluster.member(1))
  cluster.pass(9900)
  assert.deepEqual(cluster.ended, [])
  cluster.pass(2000)
  assert.deepEqual(cluster.ended, [1n])
})

test('many changes of leader do not add up', () => {
  const cluster = clusterWithLease()
  cluster.grant(2n, 60)
  for (let i = 1; i <= 20; i++) {
    cluster.pass(2900)
    cluster.elect(cluster.member(i))
  }
  cluster.pass(5000)
  assert.deepEqual(cluster.ended, [1n, 2n])
})

/** Disks that do not answer: who leads on, who hands over, and who stands for no election. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Word } from '../../../src/messages/shared-words.js'
import { counters } from '../../../src/metrics/counter-catalogue.js'
import { ActorCluster } from './actor-cluster.js'
import { HEARTBEAT_MS, type ActorRig } from './actor-rig.js'

const ELECTION_MS = 10 * HEARTBEAT_MS
const HANDOVER_MS = 5000
const THREE = [11n, 12n, 13n]

function elected(): { cluster: ActorCluster, leader: ActorRig } {
  const cluster = new ActorCluster(THREE)
  cluster.elect()
  return { cluster, leader: cluster.leader }
}

test('a leader whose disk stalls goes on committing with the disks of its followers', () => {
  const { cluster, leader } = elected()
  cluster.stalled.add(leader.memberId)
  for (let i = 0; i < 20; i++) {
    leader.propose(`p${i}`)
    cluster.pass(HEARTBEAT_MS)
    assert.equal(leader.texts.length, i + 1)
  }
  for (const follower of cluster.followers) assert.equal(follower.texts.length, 20)
  assert.equal(cluster.leader, leader)
})

test('a leader whose disk stalls for five seconds hands over, and gets the rest of the log when it answers', () => {
  const { cluster, leader } = elected()
  cluster.stalled.add(leader.memberId)
  leader.propose('first')
  cluster.pass(HANDOVER_MS - HEARTBEAT_MS)
  assert.ok(leader.leads)
  cluster.pass(4 * HEARTBEAT_MS)
  assert.ok(!leader.leads)
  const next = cluster.elect()
  assert.notEqual(next, leader)
  assert.equal(leader.counters.get(counters.stallHandovers), 1)
  leader.propose('second')
  cluster.pass(3 * HEARTBEAT_MS)
  assert.deepEqual(leader.texts, ['first', 'second'])
  cluster.stalled.clear()
  cluster.pass(HEARTBEAT_MS)
  assert.equal(leader.disk.entries.length, next.disk.entries.length)
})

test('a stall of less than that changes nothing', () => {
  const { cluster, leader } = elected()
  for (let i = 0; i < 3; i++) {
    cluster.stalled.add(leader.memberId)
    leader.propose(`p${i}`)
    cluster.pass(HANDOVER_MS - HEARTBEAT_MS)
    cluster.stalled.clear()
    cluster.pass(HEARTBEAT_MS)
  }
  assert.equal(cluster.leader, leader)
  assert.equal(leader.counters.get(counters.stallHandovers), 0)
  assert.equal(leader.counters.get(counters.walStalls), 3)
})

test('leadership goes to the follower that knows most, not to one that is gone', () => {
  const { cluster, leader } = elected()
  const [gone, alive] = cluster.followers as [ActorRig, ActorRig]
  cluster.stalled.add(leader.memberId)
  cluster.cut.add(gone.memberId)
  leader.propose('p')
  cluster.pass(HANDOVER_MS + 3 * HEARTBEAT_MS)
  cluster.cut.delete(gone.memberId)
  cluster.pass(2 * ELECTION_MS)
  assert.equal(cluster.leader, alive)
})

test('a member whose disk stalls does not stand for election, and does when it answers', () => {
  const { cluster, leader } = elected()
  const [stalled, other] = cluster.followers as [ActorRig, ActorRig]
  cluster.stalled.add(stalled.memberId)
  leader.propose('p')
  cluster.pass(ELECTION_MS + HEARTBEAT_MS)
  cluster.kill(leader.memberId)
  cluster.kill(other.memberId)
  const before = stalled.words.load(Word.term)
  cluster.pass(10 * ELECTION_MS)
  assert.equal(stalled.words.load(Word.term), before)
  cluster.start(other.memberId)
  cluster.stalled.clear()
  cluster.elect()
})

test('a follower whose disk stalls keeps applying what the others commit', () => {
  const { cluster, leader } = elected()
  const [stalled] = cluster.followers as [ActorRig, ActorRig]
  cluster.stalled.add(stalled.memberId)
  for (let i = 0; i < 100; i++) {
    stalled.propose(`p${i}`)
    cluster.pass(HEARTBEAT_MS)
    assert.equal(stalled.texts.length, i + 1)
  }
  assert.equal(cluster.leader, leader)
})

test('a pause of the whole process is no stall', () => {
  const { cluster, leader } = elected()
  cluster.stalled.add(leader.memberId)
  leader.propose('p')
  cluster.settle()
  cluster.nowMs += 60_000
  cluster.settle()
  cluster.stalled.clear()
  cluster.settle()
  assert.equal(leader.counters.get(counters.stallHandovers), 0)
  assert.equal(leader.counters.get(counters.walStalls), 0)
})

/** Heartbeats of a leader that come late are counted, one for each member that waited; those in time are not. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { counters } from '../../../src/metrics/counter-catalogue.js'
import { ActorCluster } from './actor-cluster.js'
import { HEARTBEAT_MS, type ActorRig } from './actor-rig.js'

const ELECTION_MS = 10 * HEARTBEAT_MS
const THREE = [11n, 12n, 13n]

function late({ counters: page }: ActorRig): number {
  return page.get(counters.heartbeatFailures)
}

/** All members stand still for so long, and then go on. */
function pause(cluster: ActorCluster, ms: number): void {
  cluster.nowMs += ms
  cluster.settle()
}

function elected(): { cluster: ActorCluster, leader: ActorRig } {
  const cluster = new ActorCluster(THREE)
  const leader = cluster.elect()
  cluster.pass(3 * HEARTBEAT_MS)
  return { cluster, leader }
}

test('a leader that ticks in time, or up to two intervals behind the last time, counts nothing', () => {
  const { cluster, leader } = elected()
  cluster.pass(50 * HEARTBEAT_MS)
  pause(cluster, 2 * HEARTBEAT_MS)
  assert.equal(late(leader), 0)
})

test('a leader that stands still for longer counts one late heartbeat to each follower', () => {
  const { cluster, leader } = elected()
  pause(cluster, 2 * HEARTBEAT_MS + 1)
  assert.equal(late(leader), 2)
  // The missed ticks that are made up for are not late once more, and neither is what follows.
  cluster.pass(10 * HEARTBEAT_MS)
  assert.equal(late(leader), 2)
  pause(cluster, 3 * HEARTBEAT_MS)
  assert.equal(late(leader), 4)
  assert.deepEqual(cluster.followers.map(late), [0, 0])
})

test('what a member sent when it led before says nothing about a later term', () => {
  const { cluster, leader } = elected()
  cluster.cut.add(leader.memberId)
  const next = cluster.elect()
  assert.notEqual(next, leader)
  cluster.cut.delete(leader.memberId)
  cluster.pass(ELECTION_MS)
  next.raft.transferLeader({ to: BigInt.asIntN(64, leader.memberId) })
  cluster.pass(5 * HEARTBEAT_MS)
  assert.ok(leader.leads)
  assert.deepEqual(cluster.running.map(late), [0, 0, 0])
})

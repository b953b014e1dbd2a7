/** A simulated cluster without faults: who its members are, and threads that were slow. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeMemberRemoveRequest } from '../../../src/proto/generated/etcdserverpb.js'
import { MemoryStoreDisk } from '../../../src/sim/devices/sim-store.js'
import { SimCluster } from '../../../src/sim/world/sim-cluster.js'
import type { SimNode } from '../../../src/sim/world/sim-node.js'
import { World } from '../../../src/sim/world/world.js'

const WATCH = '/etcdserverpb.Watch/Watch'
const REMOVE = '/etcdserverpb.Cluster/MemberRemove'

class Rig {
  leadersRemoved = 0
  readonly world = new World(5, false)
  readonly cluster = new SimCluster(this.world, {
    members: 3,
    openDisk: () => new MemoryStoreDisk(),
    onLeaderRemoved: () => {
      this.leadersRemoved++
    },
  })

  constructor() {
    for (const node of this.cluster.nodes) this.cluster.start(node)
    this.until(() => this.cluster.leader !== null && this.cluster.nodes.every((node) => node.isServing))
  }

  until(isDone: () => boolean): void {
    this.world.time.runUntil(this.world.nowMs + 20_000, () => isDone() || this.world.failure !== null)
    assert.equal(this.world.failure, null)
    assert.ok(isDone(), 'it has come to that within 20 s')
  }
}

test('a member that was removed while nobody heard the answer is no member any more, and is retired once', () => {
  const { world, cluster } = new Rig()
  const leader = cluster.leader as SimNode
  const gone = cluster.nodes.find((node) => node !== leader) as SimNode
  cluster.retireRemoved()
  assert.equal(cluster.nodes.length, 3)
  const bytes = encodeMemberRemoveRequest({ ID: gone.memberId })
  // The client gives up before the answer comes.
  cluster.connections.unary(leader, { method: REMOVE, user: '', bytes, patienceMs: 1 }, () => undefined)
  world.time.runUntil(world.nowMs + 3000, () => world.failure !== null)
  assert.equal(cluster.nodes.length, 3)
  cluster.retireRemoved()
  assert.deepEqual(cluster.nodes.includes(gone), false)
  cluster.retire(gone)
  cluster.retireRemoved()
  assert.equal(cluster.nodes.length, 2)
  cluster.remove()
})

test('a leader that has just been started again has no store to tell of, and nobody is retired', () => {
  const { cluster } = new Rig()
  const leader = cluster.leader as SimNode
  cluster.crash(leader, 'kill')
  assert.equal(leader.members(), null)
  cluster.start(leader)
  assert.equal(cluster.leader, leader)
  assert.equal(leader.members(), null)
  assert.equal(leader.imageOf(0), null)
  cluster.retireRemoved()
  assert.equal(cluster.nodes.length, 3)
  cluster.remove()
})

test('when a slow member is fast again, its threads do not wait as long as they had meant to', () => {
  const { world, cluster } = new Rig()
  const node = cluster.nodes[0] as SimNode
  node.slowness = 1e6
  world.time.runUntil(world.nowMs + 5000, () => false)
  const before = node.thread('raft')?.turn.turns ?? 0
  world.time.runUntil(world.nowMs + 1000, () => false)
  assert.ok((node.thread('raft')?.turn.turns ?? 0) - before <= 1, 'it stands')
  node.slowness = 1
  node.hurry()
  world.time.runUntil(world.nowMs + 1000, () => false)
  assert.ok((node.thread('raft')?.turn.turns ?? 0) - before > 10, 'it goes on')
  cluster.remove()
})

test('the removal of a leader is told once, that of another member is not', () => {
  const rig = new Rig()
  const { world, cluster } = rig
  const leader = cluster.leader as SimNode
  const [follower, other] = cluster.nodes.filter((node) => node !== leader) as [SimNode, SimNode]
  const remove = (node: SimNode): void => {
    const bytes = encodeMemberRemoveRequest({ ID: node.memberId })
    cluster.connections.unary(other, { method: REMOVE, user: '', bytes, patienceMs: 5000 }, () => cluster.retire(node))
    rig.until(() => !cluster.nodes.includes(node))
  }
  remove(follower)
  assert.equal(rig.leadersRemoved, 0)
  remove(leader)
  world.time.runUntil(world.nowMs + 5000, () => world.failure !== null)
  assert.equal(world.failure, null)
  assert.equal(rig.leadersRemoved, 1)
  assert.equal(cluster.leader, other)
  cluster.remove()
})

test('a stream that is closed as soon as it was opened is heard of in that order', () => {
  const { world, cluster } = new Rig()
  const node = cluster.nodes[0] as SimNode
  let ended = 0
  for (let i = 0; i < 100; i++) {
    const listener = { onMessage: () => undefined, onEnd: () => void ended++ }
    cluster.connections.stream(node, { method: WATCH, user: '' }, listener).close()
    world.time.runUntil(world.nowMs + 20, () => world.failure !== null)
  }
  assert.equal(world.failure, null)
  assert.deepEqual([node.isUp, ended], [true, 0])
  cluster.remove()
})

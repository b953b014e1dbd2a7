/** What members of a simulated cluster know of their connections. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PeerWord } from '../../../src/metrics/peer-page.js'
import { MemoryStoreDisk } from '../../../src/sim/devices/sim-store.js'
import { Links } from '../../../src/sim/network/links.js'
import { SimCluster } from '../../../src/sim/world/sim-cluster.js'
import type { SimNode } from '../../../src/sim/world/sim-node.js'
import { World } from '../../../src/sim/world/world.js'

const world = new World(5, false)
const cluster = new SimCluster(world, { members: 3, openDisk: () => new MemoryStoreDisk() })
const links = new Links(world, cluster)
const [a, b, c] = cluster.nodes as [SimNode, SimNode, SimNode]

function run(ms: number): void {
  world.time.runUntil(world.nowMs + ms, () => false)
}

/** By its own clock and page, as the front reads it. */
function ageMs(from: SimNode, to: SimNode): number {
  const sinceMs = from.peers?.find(to.memberId)?.get(PeerWord.activeSinceMs) ?? 0
  return sinceMs === 0 ? -1 : from.clockMs - sinceMs
}

for (const node of cluster.nodes) cluster.start(node)
links.start()

test('members are connected since both are up, by the clock of each', () => {
  run(6000)
  assert.ok(Math.abs(ageMs(a, b) - 6000) < 1, `${ageMs(a, b)}`)
  assert.ok(Math.abs(ageMs(b, a) - 6000) < 1)
  assert.deepEqual(links.connectedFor(5000, a, b, world.nowMs), { surely: true, maybe: true })
  // 2 s ago it had not lasted that long yet.
  assert.deepEqual(links.connectedFor(5000, a, b, world.nowMs - 2000), { surely: false, maybe: true })
  assert.deepEqual(links.connectedFor(7000, a, b, world.nowMs), { surely: false, maybe: false })
})

test('a process that ends ends its connections, and a new one has new ones', () => {
  cluster.crash(b, 'kill')
  run(1000)
  assert.equal(ageMs(a, b), -1)
  assert.deepEqual(links.connectedFor(0, a, b, world.nowMs), { surely: false, maybe: false })
  assert.deepEqual(links.connectedFor(5000, a, b, world.nowMs - 2000), { surely: false, maybe: true })
  cluster.start(b)
  run(6000)
  assert.deepEqual(links.connectedFor(5000, a, b, world.nowMs), { surely: true, maybe: true })
  // Nobody has looked since it ended again.
  cluster.crash(b, 'kill')
  cluster.start(b)
  assert.deepEqual(links.connectedFor(5000, a, b, world.nowMs), { surely: false, maybe: true })
  run(1000)
  assert.ok(ageMs(a, b) >= 500 && ageMs(a, b) <= 1000)
  assert.ok(ageMs(b, c) >= 500 && ageMs(b, c) <= 1000)
})

test('a link that is cut, one way is enough, is given up after 5 s; a shorter cut is no matter', () => {
  cluster.network.cut(a, c)
  run(3000)
  cluster.network.heal()
  run(1000)
  assert.ok(ageMs(a, c) > 10_000 && ageMs(c, a) > 10_000)
  cluster.network.cut(a, c)
  run(5500)
  assert.deepEqual([ageMs(a, c), ageMs(c, a)], [-1, -1])
  assert.ok(ageMs(a, b) > 5000)
})

test('a member that was removed is connected to nobody', () => {
  cluster.retire(b)
  run(500)
  assert.equal(ageMs(a, b), -1)
  cluster.remove()
})

/** How much one write of the log takes, and how long it waits for more. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedDisk } from './simulated-disk.js'
import { WalRig } from './wal-rig.js'

const DELAY_MS = 5

function entries(rig: WalRig, first: number, last: number, bytes = 10): void {
  for (let i = first; i <= last; i++) rig.append(i, 1, 'x'.repeat(bytes)).state(1, 1n, i - 1).flush()
}

test('a write takes no more entries once it has its bytes, and the rest goes with the next', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk, { batchBytesMax: 1000 }).start()
  const { syncs } = disk
  entries(rig, 1, 6, 400)
  while (rig.raft.durables.at(-1) !== 6) rig.run()
  // Two or three entries of 400 bytes and their records reach the bound.
  assert.ok(disk.syncs - syncs >= 2 && disk.syncs - syncs <= 3, `${disk.syncs - syncs} syncs`)
  assert.equal(rig.raft.durables.length, disk.syncs - syncs)
})

test('an entry that is larger than a write may be is written by itself', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk, { batchBytesMax: 100 }).start()
  entries(rig, 1, 3, 5000)
  for (let turn = 0; turn < 3; turn++) rig.run()
  assert.deepEqual(rig.raft.durables, [1, 2, 3])
})

test('a write waits for more entries, but no longer than it may from the first on', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk, { batchDelayMs: DELAY_MS }).start()
  const { writes, syncs } = disk
  entries(rig, 1, 2)
  rig.run()
  assert.deepEqual(rig.raft.durables, [])
  assert.equal(rig.actor.wakeAtMs(), rig.nowMs + DELAY_MS)
  rig.nowMs += DELAY_MS - 1
  entries(rig, 3, 3)
  rig.run()
  assert.deepEqual(rig.raft.durables, [])
  rig.nowMs += 1
  rig.run()
  assert.deepEqual(rig.raft.durables, [3])
  assert.deepEqual([disk.writes - writes, disk.syncs - syncs], [1, 1])
  assert.equal(rig.actor.wakeAtMs(), Infinity)
})

test('a write that is full does not wait', () => {
  const rig = new WalRig(new SimulatedDisk(), { batchDelayMs: DELAY_MS, batchBytesMax: 300 }).start()
  entries(rig, 1, 1, 400)
  rig.run()
  assert.deepEqual(rig.raft.durables, [1])
})

test('what must be on disk at the end does not wait for more', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk, { batchDelayMs: DELAY_MS }).start()
  entries(rig, 1, 1)
  rig.run()
  assert.equal(rig.actor.isIdle(), false)
  rig.close()
  assert.equal(new WalRig(disk.processKilled()).start().raft.entries.length, 1)
})

/** Checkpoints and full disks: when, how many, and what is never lost. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecentState } from '../../src/store/recent/recent-state.js'
import type { Store } from '../../src/store/store.js'
import { NOTHING_WANTED, Word } from '../../src/messages/shared-words.js'
import { MvccRig } from './support/mvcc-rig.js'
import { MemoryDisk } from './support/test-disk.js'

const PUT = { kind: 'put', put: { key: 'a', value: '1' } } as const

function messagesToRaft(rig: MvccRig): string[] {
  return rig.node.raft.take().map((message) => {
    if (message.message === 'space') return `space ${String(message['source'])} ${String(message['available'])}`
    if (message.message === 'checkpointed') return `checkpointed ${String(message['index'])} ${String(message['term'])}`
    return message.message
  })
}

test('a change has its checkpoint within five seconds, and raft hears of it', () => {
  const disk = new MemoryDisk()
  const rig = new MvccRig({ disk })
  rig.ask(PUT)
  rig.pass(4999)
  assert.equal(disk.checkpoints, 0)
  rig.pass(2)
  assert.equal(disk.checkpoints, 1)
  assert.deepEqual(messagesToRaft(rig), ['storeRestored', 'checkpointed 1 2'])
  assert.equal(rig.words.load(Word.checkpointWallMs), rig.clock.wallMs() - 1)
  rig.close()
})

test('no checkpoint is ahead of what the own log has on disk', () => {
  const disk = new MemoryDisk()
  const rig = new MvccRig({ disk })
  rig.ask(PUT)
  const applied = rig.words.load(Word.appliedIndex)
  rig.words.store(Word.notOnDiskFrom, applied)
  rig.pass(30_000)
  assert.equal(disk.checkpoints, 0)
  rig.words.store(Word.notOnDiskFrom, applied + 1)
  rig.pass(100)
  assert.equal(disk.checkpoints, 1)
  rig.ask(PUT)
  rig.close()
  assert.equal(disk.checkpoints, 1)
})

test('nothing changed: nothing to checkpoint', () => {
  const disk = new MemoryDisk()
  const rig = new MvccRig({ disk })
  rig.pass(60_000)
  assert.equal(disk.checkpoints, 0)
  rig.ask(PUT)
  rig.pass(60_000)
  assert.equal(disk.checkpoints, 1)
  // Its end puts the row into the file; the next one has nothing to do.
  rig.restart()
  assert.equal(disk.checkpoints, 2)
  rig.restart()
  rig.close()
  assert.equal(disk.checkpoints, 2)
})

test('enough bytes make a checkpoint due at once', () => {
  const disk = new MemoryDisk()
  const rig = new MvccRig({ disk, limits: { checkpointDirtyBytes: 10_000 } })
  for (let i = 0; i < 10; i++) {
    rig.ask({ kind: 'put', put: { key: `k${i}`, value: 'v'.repeat(2000) } })
    rig.clock.advance(20)
  }
  assert.ok(disk.checkpoints >= 1 && disk.checkpoints <= 5, `${disk.checkpoints} checkpoints`)
  rig.close()
})

test('on the way to a checkpoint what was written is synced now and then', () => {
  const disk = new MemoryDisk()
  const rig = new MvccRig({ disk, limits: { syncAheadBytes: 5000 } })
  for (let i = 0; i < 10; i++) {
    rig.ask({ kind: 'put', put: { key: `k${i}`, value: 'v'.repeat(2000) } })
    rig.clock.advance(20)
  }
  assert.equal(disk.checkpoints, 0)
  assert.ok(disk.syncs >= 2 && disk.syncs <= 9, `${disk.syncs} syncs`)
  rig.close()
})

test('a clean end puts all rows into the file, so that the next start makes none anew', () => {
  const disk = new MemoryDisk()
  const rig = new MvccRig({ disk, recentSlotBytes: 64 * 1024 })
  for (let i = 0; i < 300; i++) {
    rig.ask({ kind: 'put', put: { key: `key ${i % 70}`, value: `value ${i}` } })
    if (i % 9 === 0) rig.ask({ kind: 'delete', range: { key: `key ${i % 11}` } })
  }
  const revision = rig.view(({ currentRevision }) => currentRevision)
  assert.ok(settledRevision(rig.node.store.store) < revision)
  rig.node.close()
  const file = disk.open()
  assert.equal(settledRevision(file.store), revision)
  file.abandon()
  rig.startAgain()
  rig.close()
})

/** As the file itself says. */
function settledRevision(store: Store): number {
  const state = new RecentState()
  const snapshot = store.beginRead()
  state.read(snapshot)
  snapshot.close()
  return state.slot === 0 ? Infinity : state.settled
}

test('a clean end makes a last checkpoint, so that the next start has nothing to repeat', () => {
  const disk = new MemoryDisk()
  const rig = new MvccRig({ disk })
  rig.ask(PUT)
  rig.ask(PUT)
  rig.restart()
  assert.equal(disk.checkpoints, 1)
  assert.equal(rig.node.startIndex, 2)
  rig.close()
})

test('a full disk stops apply and nothing else; the same batch goes on when there is room', () => {
  const disk = new MemoryDisk()
  const rig = new MvccRig({ disk, limits: { batchEntriesMax: 3, noSpaceRetryMs: 100 } })
  rig.ask({ kind: 'grant', lease: 1n, ttl: 9 })
  rig.node.lease.take()
  rig.node.events.take()
  messagesToRaft(rig)
  disk.isFull = true
  rig.send({ kind: 'put', put: { key: 'a', value: '1', lease: 1n } })
  rig.send({ kind: 'revoke', lease: 1n })
  for (let i = 0; i < 10; i++) rig.send(PUT)
  rig.pass(1000)
  assert.deepEqual(messagesToRaft(rig), ['space 1 0'])
  assert.deepEqual(rig.node.fronts[0]?.take(), [])
  assert.deepEqual(rig.node.lease.take(), [])
  assert.deepEqual(rig.node.events.take(), [])
  assert.equal(rig.node.appliedIndex(), 1)
  assert.deepEqual(rig.view((view) => [view.currentRevision, view.hasLease(1n)]), [1, true])
  disk.isFull = false
  rig.pass(100)
  assert.deepEqual(messagesToRaft(rig), ['space 1 1'])
  const revisions = rig.node.fronts[0]?.take().map((answer) => answer['revision'])
  assert.deepEqual(revisions, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
  assert.deepEqual(rig.node.lease.take().map((fact) => fact.message), ['revoked', 'toldUpTo'])
  assert.equal(rig.node.events.take().length, 12)
  rig.close()
})

test('a batch that waits for space is remembered by the log alone when the node ends', () => {
  const disk = new MemoryDisk()
  const rig = new MvccRig({ disk })
  rig.ask(PUT)
  rig.pass(6000)
  disk.isFull = true
  rig.send({ kind: 'put', put: { key: 'b', value: '2' } })
  rig.pass(1000)
  rig.node.close()
  disk.isFull = false
  rig.startAgain()
  rig.replay()
  assert.equal(rig.view((view) => view.currentRevision), 3)
  rig.close()
})

test('a checkpoint that finds no space is tried again later, and the last one stands', () => {
  const disk = new MemoryDisk()
  const rig = new MvccRig({ disk })
  rig.ask(PUT)
  rig.pass(4000)
  disk.isFull = true
  rig.pass(6000)
  assert.equal(disk.checkpoints, 0)
  disk.isFull = false
  rig.pass(6000)
  assert.equal(disk.checkpoints, 1)
  assert.deepEqual(messagesToRaft(rig), ['storeRestored', 'checkpointed 1 2'])
  rig.close()
})

test('what compaction removes has its checkpoint too, and a start does not do it again', () => {
  const disk = new MemoryDisk()
  const rig = new MvccRig({ disk })
  for (let i = 0; i < 10; i++) rig.ask(PUT)
  rig.words.store(Word.readFloor, 5)
  rig.ask({ kind: 'compact', revision: 11 })
  rig.pass(60_000)
  assert.equal(disk.checkpoints, 1)
  rig.words.store(Word.readFloor, NOTHING_WANTED)
  rig.pass(1000)
  assert.equal(rig.words.load(Word.compactedPhysically), 11)
  rig.restart()
  assert.equal(disk.checkpoints, 2)
  rig.crash()
  assert.equal(rig.words.load(Word.compactedPhysically), 11)
  assert.equal(disk.checkpoints, 2)
  rig.close()
})

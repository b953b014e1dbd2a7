/** What the log promises raft: order, one write and one sync, cuts, purges, full disks. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Word } from '../../src/messages/shared-words.js'
import { SyncTimesReader } from '../../src/messages/sync-times.js'
import { WHILE_SYNCING_MAX } from '../../src/wal/wal-actor.js'
import { SimulatedDisk } from './simulated-disk.js'
import { WalRig } from './wal-rig.js'

const MEMBER = 0x8e9e_05c5_2164_694dn

function walNames(disk: SimulatedDisk): string[] {
  return disk.list().filter((name) => name.endsWith('.wal')).sort()
}

test('a new log says so, and a second start says that it is not new', () => {
  const disk = new SimulatedDisk()
  const first = new WalRig(disk).start()
  assert.equal(first.raft.recovered?.fresh, true)
  assert.deepEqual(walNames(disk), ['0000000000000000-0000000000000000.wal'])
  const second = new WalRig(disk.processKilled()).start()
  assert.deepEqual(second.raft.recovered, {
    fresh: false, term: 0, vote: 0n, commit: 0, snapshotIndex: 0, snapshotTerm: 0, confState: '',
  })
})

test('entries, hard state and snapshot come back as they were saved', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk).start()
  rig.append(1, 1, 'one').append(2, 1, '').append(3, 2, 'three').state(2, MEMBER, 3).flush()
  rig.run()
  rig.snapshot(2, 1, 'conf').flush()
  rig.run()
  const again = new WalRig(disk.processKilled()).start()
  assert.deepEqual(again.raft.entries, [{ term: 2, index: 3, type: 0, data: 'three' }])
  assert.deepEqual(again.raft.recovered, {
    fresh: false,
    term: 2,
    vote: BigInt.asIntN(64, MEMBER),
    commit: 3,
    snapshotIndex: 2,
    snapshotTerm: 1,
    confState: 'conf',
  })
})

test('all that waits is written once, synced once and answered once', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk).start()
  const { syncs, writes } = disk
  for (let i = 1; i <= 50; i++) {
    rig.append(i, 1, `value ${i}`).state(1, 1n, i - 1)
    rig.flush()
  }
  rig.run()
  assert.deepEqual([disk.writes - writes, disk.syncs - syncs], [1, 1])
  assert.deepEqual(rig.raft.durables, [50])
  const times = rig.raft.times[0]
  assert.ok(times !== undefined && times.writeStartMs < times.writtenMs && times.writtenMs < times.syncedMs)
})

test('what mvcc was given early is published as durable, with its times, and mvcc is rung for it alone', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk).start()
  rig.append(1, 1, 'one').state(1, 1n, 0).flush()
  rig.run()
  assert.deepEqual([rig.words.load(Word.durableIndex), rig.rungMvcc], [1, 0])
  rig.words.store(Word.commitsWhenDurable, 3)
  rig.append(2, 1, 'two').append(3, 1, 'three')
  rig.run()
  assert.deepEqual([rig.words.load(Word.durableIndex), rig.rungMvcc], [1, 0], 'no flush was asked for')
  rig.flush()
  rig.run()
  assert.deepEqual([rig.words.load(Word.durableIndex), rig.rungMvcc], [3, 1])
  const { writeStartMs, writtenMs, syncedMs } = rig.raft.times[1] ?? {}
  const { committedMs, ...times } = new SyncTimesReader(rig.syncTimes).of(3)
  assert.deepEqual(times, { writeStartMs, writtenMs, syncedMs })
  assert.ok(committedMs > times.syncedMs)
})

/** Three entries that mvcc was given before they are on disk, the last two of which are about to be written. */
function earlyRig(mvccMayWait: boolean): WalRig {
  const rig = new WalRig(new SimulatedDisk(), { mvccMayWait }).start()
  rig.append(1, 1, 'one').state(1, 1n, 0).flush()
  rig.run()
  rig.words.store(Word.commitsWhenDurable, 3)
  rig.append(2, 1, 'two').append(3, 1, 'three').flush()
  return rig
}

test('before it writes a few entries that mvcc was given it says so; a front that was told meanwhile is rung', () => {
  const rig = earlyRig(true)
  const before: unknown[] = []
  rig.onRing = () => {
    before.push([rig.words.load(Word.applyWhileSyncing), rig.words.load(Word.durableIndex)])
    // Two fronts: one has nothing of these.
    rig.words.store(Word.answeredEarly, 1)
    rig.words.store(Word.answeredEarly + 1, 3)
  }
  rig.run()
  assert.deepEqual(before, [[3, 1], [3, 3]], 'mvcc is rung before the write and after the sync')
  assert.deepEqual(rig.rungFronts, [1])
  assert.deepEqual([rig.raft.durables, rig.quietly], [[1, 2], 1], 'raft finds it when it next looks')
  rig.state(2, 1n, 3).flush()
  rig.run()
  assert.deepEqual([rig.raft.durables, rig.quietly], [[1, 2, 3], 1], 'it is woken for a vote')
})

test('nothing is announced that mvcc cannot wait for, that is many, or that it was not given', () => {
  const announced = (rig: WalRig): number => {
    rig.run()
    return rig.words.load(Word.applyWhileSyncing)
  }
  assert.equal(announced(earlyRig(false)), 0)
  const many = earlyRig(true)
  for (let index = 4; index <= 4 + WHILE_SYNCING_MAX; index++) many.append(index, 1, 'more')
  many.words.store(Word.commitsWhenDurable, 4 + WHILE_SYNCING_MAX)
  assert.equal(announced(many), 0)
  const notGiven = earlyRig(true)
  notGiven.words.store(Word.commitsWhenDurable, 2)
  assert.equal(announced(notGiven), 0)
})

test('the published index goes back when entries are replaced', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk).start()
  rig.append(1, 1, 'a').append(2, 1, 'b').append(3, 1, 'c').state(1, 1n, 1).flush()
  rig.run()
  rig.append(2, 2, 'B').state(2, 2n, 1).flush()
  rig.run()
  assert.equal(rig.words.load(Word.durableIndex), 2)
})

test('a commit index alone is written without a sync', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk).start()
  rig.append(1, 1, 'one').state(1, 1n, 0).flush()
  rig.run()
  const { syncs } = disk
  rig.state(1, 1n, 1, false)
  rig.run()
  assert.equal(disk.syncs, syncs)
  assert.deepEqual(rig.raft.durables, [1])
  assert.equal(new WalRig(disk.processKilled()).start().raft.recovered?.commit, 1)
})

test('an entry written again replaces the earlier one and what followed it', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk).start()
  rig.append(1, 1, 'a').append(2, 1, 'b').append(3, 1, 'c').state(1, 1n, 1).flush()
  rig.run()
  rig.append(2, 2, 'B').state(2, 2n, 1).flush()
  rig.run()
  const again = new WalRig(disk.processKilled()).start()
  assert.deepEqual(again.raft.entries.map((entry) => entry.data), ['a', 'B'])
})

test('the commit index on disk never names an entry that is not there', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk).start()
  rig.append(1, 1, 'a').state(1, 1n, 7).flush()
  rig.run()
  assert.equal(new WalRig(disk.processKilled()).start().raft.recovered?.commit, 1)
})

test('a log longer than the ring to raft arrives whole, over several turns', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk).start()
  const value = 'x'.repeat(1000)
  for (let i = 1; i <= 500; i++) {
    rig.append(i, 1, `${value}${i}`).state(1, 1n, i - 1).flush()
    rig.run()
  }
  const again = new WalRig(disk.processKilled(), { ringBytes: 16 * 1024, entryBytesMax: 4096 }).start()
  assert.equal(again.raft.entries.length, 500)
  assert.equal(again.raft.entries[499]?.data, `${value}500`)
  assert.equal(again.raft.recovered?.commit, 499)
})

test('a full segment is left for the next, named by its first entry, and all come back', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk, { segmentsMax: 0 }).start()
  const value = 'x'.repeat(1000)
  for (let i = 1; i <= 200; i++) {
    rig.append(i, 1, value).state(1, 1n, i - 1).flush()
    rig.run()
  }
  const names = walNames(disk)
  assert.equal(names.length, 4)
  assert.match(names[1] as string, /^0000000000000001-00000000000000[34]\w\.wal$/)
  assert.ok(disk.contents(names[0] as string).length < 66 * 1024, 'a segment that was left ends with its data')
  const again = new WalRig(disk.processKilled()).start()
  assert.equal(again.raft.entries.length, 200)
  assert.deepEqual([again.raft.recovered?.term, again.raft.recovered?.commit], [1, 199])
})

test('segments that a start from the snapshot does not need go, but never one that it needs', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk, { segmentsMax: 2 }).start()
  const value = 'x'.repeat(1000)
  for (let i = 1; i <= 400; i++) {
    rig.append(i, 1, value).state(1, 1n, i).flush()
    rig.run()
  }
  const before = walNames(disk)
  assert.ok(before.length > 4)
  rig.snapshot(150, 1, 'conf').flush()
  rig.run()
  const after = walNames(disk)
  const firstIndex = Number.parseInt((after[0] as string).slice(17, 33), 16)
  const secondIndex = Number.parseInt((after[1] as string).slice(17, 33), 16)
  assert.ok(firstIndex <= 150 && 150 < secondIndex, `${firstIndex} <= 150 < ${secondIndex}`)
  rig.snapshot(399, 1, 'conf').flush()
  rig.run()
  assert.equal(walNames(disk).length, 2)
  const again = new WalRig(disk.processKilled()).start()
  assert.equal(again.raft.recovered?.snapshotIndex, 399)
  assert.deepEqual(again.raft.entries.map((entry) => entry.index), [400])
})

test('what an interrupted purge left is neither needed nor kept', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk, { segmentsMax: 1 }).start()
  for (let i = 1; i <= 300; i++) {
    rig.append(i, 1, 'x'.repeat(1000)).state(1, 1n, i).flush()
    rig.run()
  }
  const oldest = walNames(disk)[0] as string
  const oldestBytes = disk.contents(oldest).slice()
  rig.snapshot(299, 1).flush()
  rig.run()
  assert.equal(walNames(disk).length, 1)
  disk.setContents(oldest, oldestBytes)
  const again = new WalRig(disk.processKilled()).start()
  assert.deepEqual(again.raft.entries.map((entry) => entry.index), [300])
})

test('a snapshot record lifts the commit index, so that the start finds it', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk).start()
  rig.append(1, 1, 'a').append(2, 1, 'b').state(1, 1n, 0).flush()
  rig.run()
  rig.snapshot(2, 1).flush()
  rig.run()
  const { recovered } = new WalRig(disk.processKilled()).start().raft
  assert.deepEqual([recovered?.snapshotIndex, recovered?.commit], [2, 2])
})

test('a full disk stops writes with a report, loses nothing, and goes on when there is room', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk).start()
  rig.append(1, 1, 'kept').state(1, 1n, 0).flush()
  rig.run()
  disk.capacityBytes = disk.usedBytes()
  const value = 'x'.repeat(30_000)
  for (let i = 2; i <= 5; i++) {
    rig.append(i, 1, value).state(1, 1n, i - 1).flush()
    rig.run()
  }
  assert.deepEqual(rig.raft.spaces, [0])
  assert.ok(rig.actor.isBlocked())
  const acknowledged = rig.raft.durables.at(-1) as number
  assert.ok(acknowledged >= 1 && acknowledged < 5)
  const crashed = new WalRig(disk.processKilled()).start()
  assert.ok(crashed.raft.entries.length >= acknowledged, 'a crash on the full disk loses nothing acknowledged')
  disk.capacityBytes = Infinity
  rig.run()
  assert.deepEqual(rig.raft.spaces, [0], 'it is tried again after a while only')
  rig.nowMs = rig.actor.wakeAtMs()
  for (let turns = 0; turns < 6; turns++) rig.run()
  assert.deepEqual(rig.raft.spaces, [0, 1])
  assert.equal(rig.raft.durables.at(-1), 5)
  const again = new WalRig(disk.processKilled()).start()
  assert.deepEqual(again.raft.entries.map((entry) => entry.data.length), [4, 30_000, 30_000, 30_000, 30_000])
})

test('a segment for which no successor can be made grows', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk).start()
  disk.capacityBytes = disk.usedBytes() + 40_000
  for (let i = 1; i <= 90; i++) {
    rig.append(i, 1, 'x'.repeat(1000)).state(1, 1n, i - 1).flush()
    rig.run()
    rig.nowMs += 100
  }
  assert.equal(walNames(disk).length, 1)
  assert.equal(rig.raft.durables.at(-1), 90)
  assert.ok(rig.warnings.some((line) => line.includes('could not be made ready')))
  disk.capacityBytes = Infinity
  for (let i = 91; i <= 110; i++) {
    rig.append(i, 1, 'x').state(1, 1n, i - 1).flush()
    rig.run()
    rig.run()
    rig.nowMs += 100
  }
  assert.equal(walNames(disk).length, 2)
  assert.equal(new WalRig(disk.processKilled()).start().raft.entries.length, 110)
})

test('a sync that fails ends the actor', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk).start()
  disk.failsSyncs = true
  rig.append(1, 1, 'a').state(1, 1n, 0).flush()
  assert.throws(() => rig.run(), /EIO/)
  assert.deepEqual(rig.raft.durables, [])
})

test('the log of another member is refused by name', () => {
  const disk = new SimulatedDisk()
  new WalRig(disk).start()
  const other = new WalRig(disk.processKilled(), { memberId: 0xabcn })
  assert.throws(() => other.start(), /is of member 8e9e05c52164694d of .*, not of member abc of/)
})

test('an entry longer than the ring takes is refused with the flag to set', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk).start()
  rig.append(1, 1, 'longer than ten bytes').state(1, 1n, 0).flush()
  rig.run()
  const smaller = new WalRig(disk.processKilled(), { entryBytesMax: 10 })
  assert.throws(() => smaller.start(), /--max-request-bytes at least as large/)
})

test('closing writes and syncs what is pending', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk).start()
  rig.append(1, 1, 'a').state(1, 1n, 0).flush()
  rig.run()
  rig.state(1, 1n, 1, false)
  rig.run()
  const { syncs } = disk
  rig.close()
  assert.equal(disk.syncs, syncs + 1)
})

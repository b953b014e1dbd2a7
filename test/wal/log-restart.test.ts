/** The log begins anew behind a leader's store: what it held before is of no account, whatever a crash leaves of it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedDisk } from './simulated-disk.js'
import { WalRig } from './wal-rig.js'

const MEMBER = 0x8e9e_05c5_2164_694dn
const SMALL = { segmentBytes: 4096, segmentsMax: 2 }

/** Entries 1 to `last` of term 1, the first half committed. */
function logOf(disk: SimulatedDisk, last: number, options = {}): WalRig {
  const rig = new WalRig(disk, options).start()
  rig.state(1, MEMBER, 0).flush()
  rig.run()
  for (let i = 1; i <= last; i++) {
    rig.append(i, 1, `old ${i}`.padEnd(200, '.')).state(1, MEMBER, Math.min(i, Math.floor(last / 2)), false).flush()
    rig.run()
    rig.run()
  }
  return rig
}

function found(rig: WalRig): string[] {
  return rig.raft.entries.map(({ index, data }) => `${index} ${data.replaceAll('.', '')}`)
}

test('entries before it are gone, those behind it follow, and the commit index is at it', () => {
  for (const at of [7, 10, 15]) {
    const disk = new SimulatedDisk()
    const rig = logOf(disk, 10)
    rig.restart(at, 3, 'conf').append(at + 1, 3, 'new').state(3, 0n, at).flush()
    rig.run()
    const again = new WalRig(disk.processKilled()).start()
    const { snapshotIndex, snapshotTerm, confState, commit, term } = again.raft.recovered ?? {}
    assert.deepEqual([snapshotIndex, snapshotTerm, confState, commit, term], [at, 3, 'conf', at, 3])
    assert.deepEqual(found(again), [`${at + 1} new`])
  }
})

test('alone it leaves an empty log, which goes on behind it', () => {
  const disk = new SimulatedDisk()
  const rig = logOf(disk, 10)
  rig.restart(7, 3).flush()
  rig.run()
  const killed = disk.processKilled()
  const again = new WalRig(killed).start()
  assert.deepEqual(found(again), [])
  assert.equal(again.raft.recovered?.snapshotIndex, 7)
  again.append(8, 3, 'new').flush()
  again.run()
  assert.deepEqual(found(new WalRig(killed.processKilled()).start()), ['8 new'])
})

test('a write of it that is cut off at any byte leaves the old log or the new one', () => {
  const disk = new SimulatedDisk()
  const rig = logOf(disk, 10)
  const name = disk.list().find((file) => file.endsWith('.wal')) as string
  const before = disk.contents(name).slice()
  rig.restart(7, 3).append(8, 3, 'new').state(3, 0n, 7).flush()
  rig.run()
  const after = disk.contents(name)
  const from = before.findLastIndex((byte) => byte !== 0)
  const to = after.findLastIndex((byte) => byte !== 0)
  const seen = new Set<string>()
  for (let cut = from + 1; cut <= to + 1; cut++) {
    const torn = new SimulatedDisk()
    torn.setContents(name, after.slice(0, cut))
    const again = new WalRig(torn).start()
    const entries = found(again)
    const snapshotIndex = again.raft.recovered?.snapshotIndex
    if (snapshotIndex === 0) assert.equal(entries.length, 10, `cut at ${cut}`)
    else assert.deepEqual([snapshotIndex, entries.filter((entry) => !entry.endsWith('new'))], [7, []])
    seen.add(`${snapshotIndex} ${entries.length}`)
    // Either takes the new beginning, and what follows it.
    if (snapshotIndex === 0) again.restart(7, 3)
    again.append(8, 3, 'at last').flush()
    again.run()
    assert.deepEqual(found(new WalRig(torn.processKilled()).start()), ['8 at last'], `cut at ${cut}`)
  }
  assert.deepEqual([...seen], ['0 10', '7 0', '7 1'])
})

test('segments before it go, and a start reads over what is left of them', () => {
  const disk = new SimulatedDisk()
  const rig = logOf(disk, 100, SMALL)
  const segments = disk.list().filter((file) => file.endsWith('.wal')).length
  assert.ok(segments > 4, `${segments} segments`)
  rig.restart(70, 3).flush()
  rig.run()
  assert.ok(disk.list().filter((file) => file.endsWith('.wal')).length < segments - 2)
  const killed = disk.processKilled()
  const again = new WalRig(killed, SMALL).start()
  assert.deepEqual(found(again), [])
  for (let i = 71; i <= 130; i++) {
    again.append(i, 3, `new ${i}`.padEnd(200, '.')).state(3, 0n, i, false).flush()
    again.run()
    again.run()
  }
  const killedAgain = killed.processKilled()
  const last = new WalRig(killedAgain, SMALL).start()
  assert.equal(last.raft.entries[0]?.index, 71)
  assert.equal(last.raft.entries.length, 60)
  last.snapshot(120, 3).flush()
  last.run()
  const purged = new WalRig(killedAgain.processKilled(), SMALL).start()
  assert.equal(purged.raft.recovered?.snapshotIndex, 120)
  assert.deepEqual(found(purged).at(-1), '130 new 130')
  assert.equal(purged.raft.entries.length, 10)
})

test('an entry that is replaced behind it stays replaced', () => {
  const disk = new SimulatedDisk()
  const rig = logOf(disk, 4)
  rig.restart(9, 2).append(10, 2, 'a').append(11, 2, 'b').flush()
  rig.run()
  rig.append(10, 3, 'c').flush()
  rig.run()
  assert.deepEqual(found(new WalRig(disk.processKilled()).start()), ['10 c'])
})

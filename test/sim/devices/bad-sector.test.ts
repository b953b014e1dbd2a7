/** Which sector of a simulated log goes bad, and what is noticed after that. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../../../src/base/prng.js'
import { SimDisk, type BadSector } from '../../../src/sim/devices/sim-disk.js'
import { createLog } from '../../../src/wal/log-writer.js'
import { recoverLog, type RecoveredLog } from '../../../src/wal/wal-recovery.js'

const SEGMENT_BYTES = 8192
const METADATA = { nodeId: 7n, clusterId: 9n }

function rig(): { disk: SimDisk; log: RecoveredLog } {
  const disk = new SimDisk()
  const log = createLog({ device: disk, segmentBytes: SEGMENT_BYTES, random: () => 0.5 }, METADATA)
  assert.ok(log !== null)
  return { disk, log }
}

function bytesOf(disk: SimDisk, name: string): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_BYTES)
  disk.open(name).read(bytes, 0, bytes.length, 0)
  return bytes
}

function picked(disk: SimDisk, random: Prng): BadSector {
  const sector = disk.pickSector(random)
  assert.ok(sector !== null)
  return sector
}

test('only what is on the medium is picked, and only bits of that flip', () => {
  for (let seed = 0; seed < 50; seed++) {
    const { disk, log } = rig()
    // Not synced.
    log.tail.write(new Uint8Array(1024).fill(1), 0, 1024, log.offset)
    const random = new Prng(seed)
    const sector = picked(disk, random)
    assert.deepEqual(sector, { name: log.segments[0]?.name, start: 0, end: log.offset, syncedEnd: log.offset })
    const before = bytesOf(disk, sector.name)
    disk.damage(sector, random)
    const after = bytesOf(disk, sector.name)
    const changed = [...after.keys()].filter((at) => after[at] !== before[at])
    assert.ok(changed.length >= 1 && changed.length <= 8 && changed.every((at) => at < log.offset), changed.join())
  }
})

test('a disk without a log has nothing to pick', () => {
  assert.equal(new SimDisk().pickSector(new Prng(1)), null)
})

test('a log that is refused has lost nothing; whoever cuts it off, writes over it or shortens it has', () => {
  const changes: ((log: RecoveredLog) => void)[] = [
    ({ tail }) => tail.write(new Uint8Array(8), 0, 8, 8),
    ({ tail, offset }) => tail.truncate(offset - 1),
  ]
  for (const change of changes) {
    const { disk, log } = rig()
    const random = new Prng(3)
    disk.damage(picked(disk, random), random)
    assert.equal(recoverLog(disk).ok, false)
    log.tail.write(new Uint8Array(8), 0, 8, log.offset)
    log.tail.truncate(log.offset)
    assert.equal(disk.lostRecords, false)
    change(log)
    assert.equal(disk.lostRecords, true)
  }
})

/** Opening a log after a crash, and refusing one that no crash can have left so. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recoverLog } from '../../src/wal/wal-recovery.js'
import { SECTOR_BYTES } from '../../src/wal/segment-scanner.js'
import { SimulatedDisk } from './simulated-disk.js'
import { WalRig, type ReplayedEntry } from './wal-rig.js'

const NAME = '0000000000000000-0000000000000000.wal'
const MEMBER = 0x8e9e_05c5_2164_694dn

interface Written {
  readonly bytes: Uint8Array
  /** Where the data ends in the file after each synced write. */
  readonly ends: readonly number[]
}

function dataEnd(bytes: Uint8Array): number {
  let end = bytes.length
  while (bytes[end - 1] === 0) end--
  return Math.ceil(end / 8) * 8
}

/** Synced writes of one entry each, with values that hold no run of zeros. */
function writeLog(valuesBytes: readonly number[]): Written {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk, { segmentBytes: 16 * 1024 }).start()
  const ends: number[] = []
  for (const [at, valueBytes] of valuesBytes.entries()) {
    rig.append(at + 1, 1, valueOf(at + 1, valueBytes)).state(1, MEMBER, at).flush()
    rig.run()
    ends.push(dataEnd(disk.contents(NAME)))
  }
  return { bytes: disk.contents(NAME).slice(), ends }
}

function valueOf(index: number, valueBytes: number): string {
  return `${index}:`.padEnd(valueBytes, 'v')
}

function diskWith(bytes: Uint8Array): SimulatedDisk {
  const disk = new SimulatedDisk()
  disk.setContents(NAME, bytes)
  return disk
}

/** What a start makes of these bytes: the entries, or the refusal's message. */
function open(bytes: Uint8Array): ReplayedEntry[] | string {
  const rig = new WalRig(diskWith(bytes))
  try {
    return rig.start().raft.entries
  } catch (error) {
    return (error as Error).message
  }
}

test('a log cut off at any byte of its last write keeps every entry before it and takes new ones', () => {
  const { bytes, ends } = writeLog(Array(4).fill(700))
  const from = ends[2] as number
  for (let cut = from; cut <= (ends[3] as number); cut++) {
    const disk = diskWith(bytes.slice(0, cut))
    const rig = new WalRig(disk).start()
    const found = rig.raft.entries.map((entry) => entry.index)
    assert.ok(found.length >= 3 && found.length <= 4, `cut at ${cut}: ${found.join()}`)
    rig.append(found.length + 1, 1, 'new').state(1, MEMBER, found.length).flush()
    rig.run()
    const again = new WalRig(disk.processKilled()).start()
    assert.equal(again.raft.entries.at(-1)?.data, 'new', `cut at ${cut}`)
    assert.equal(again.raft.entries.length, found.length + 1)
  }
})

test('a last write of which whole sectors are missing is cut off', () => {
  const { bytes, ends } = writeLog(Array(4).fill(3000))
  const first = Math.ceil((ends[2] as number) / 512) * 512
  for (let sector = first; sector < (ends[3] as number); sector += 512) {
    const torn = bytes.slice()
    torn.fill(0, sector, sector + 512)
    const entries = open(torn)
    assert.ok(typeof entries !== 'string', `sector at ${sector}: ${String(entries)}`)
    assert.deepEqual(entries.map((entry) => entry.index), [1, 2, 3], `sector at ${sector}`)
  }
})

test('one flipped bit is refused, or changes nothing', () => {
  const { bytes, ends } = writeLog(Array(6).fill(60))
  const end = ends[5] as number
  const truth = open(bytes)
  let refused = 0
  for (let bit = 0; bit < 8 * end; bit++) {
    const at = bit >> 3
    const flipped = bytes.slice()
    flipped[at] = (flipped[at] as number) ^ (1 << (bit & 7))
    const found = open(flipped)
    if (typeof found === 'string') {
      assert.match(found, /^corrupt write-ahead log: \/disk\/0{16}-0{16}\.wal at offset \d+: /)
      refused++
    } else {
      // Padding, the salt of a mark and the CRC of nothing are covered by nobody.
      assert.deepEqual(found, truth, `bit ${bit & 7} of byte ${at}`)
    }
  }
  assert.ok(refused > 0.8 * 8 * end, `${refused} of ${8 * end} flips refused`)
})

test('one flipped bit in a length field that ends its sector is refused, though nothing was written behind it', () => {
  const places = new Set<number>()
  for (let valueBytes = 8; valueBytes <= 512; valueBytes += 8) {
    const { bytes, ends } = writeLog([300, valueBytes, 300])
    const mark = ends[1] as number
    // The mark before the last write, and its entry.
    for (const frame of [mark, mark + 32]) {
      if (frame % SECTOR_BYTES < SECTOR_BYTES - 24) continue
      places.add(frame % SECTOR_BYTES)
      for (let bit = 0; bit < 64; bit++) {
        const flipped = bytes.slice()
        const at = frame + (bit >> 3)
        flipped[at] = (flipped[at] as number) ^ (1 << (bit & 7))
        assert.match(String(open(flipped)), /^corrupt write-ahead log: /, `bit ${bit} of the frame at ${frame}`)
      }
    }
  }
  assert.deepEqual([...places].sort(), [488, 496, 504])
})

test('a sector of zeros in front of later synced writes is damage, although it looks like the end', () => {
  const { bytes, ends } = writeLog(Array(8).fill(700))
  for (let sector = 512; sector + 512 < (ends[6] as number); sector += 512) {
    const damaged = bytes.slice()
    damaged.fill(0, sector, sector + 512)
    const found = open(damaged)
    assert.ok(typeof found === 'string' && found.startsWith('corrupt write-ahead log:'), `sector at ${sector}`)
  }
})

test('a log that is refused is left as it was found', () => {
  const { bytes, ends } = writeLog(Array(6).fill(700))
  const damaged = bytes.slice()
  damaged[(ends[2] as number) + 100] = 1
  const disk = diskWith(damaged)
  assert.equal(recoverLog(disk).ok, false)
  assert.deepEqual(disk.contents(NAME), damaged)
})

test('damage names the offset of the record', () => {
  const { bytes, ends } = writeLog(Array(6).fill(700))
  const damaged = bytes.slice()
  // Behind the second write: a mark of 32 bytes, then the entry.
  const entryAt = (ends[1] as number) + 32
  damaged[entryAt + 300] = 1
  assert.equal(open(damaged), `corrupt write-ahead log: /disk/${NAME} at offset ${entryAt}: CRC mismatch`)
})

test('what a crash left behind the valid data cannot come back with later entries', () => {
  const { bytes, ends } = writeLog(Array(4).fill(700))
  const torn = bytes.slice()
  const lost = Math.ceil((ends[2] as number) / 512) * 512
  torn.fill(0, lost, lost + 512)
  const disk = diskWith(torn)
  new WalRig(disk).start()
  const left = disk.contents(NAME)
  const markBytes = 32
  assert.ok(left.subarray((ends[2] as number) + markBytes).every((byte) => byte === 0))
  assert.equal(left.length, bytes.length, 'the segment stays preallocated')
})

test('a missing segment in the middle is refused, a missing first one is not when a snapshot covers it', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk, { segmentsMax: 0 }).start()
  for (let i = 1; i <= 300; i++) {
    rig.append(i, 1, 'x'.repeat(1000)).state(1, 1n, i).flush()
    rig.run()
  }
  const names = disk.list().filter((name) => name.endsWith('.wal')).sort()
  const without = disk.processKilled()
  without.remove(names[1] as string)
  assert.throws(() => new WalRig(without).start(), /no snapshot record/)
  rig.snapshot(299, 1).flush()
  rig.run()
  const covered = disk.processKilled()
  covered.remove(names[0] as string)
  assert.deepEqual(new WalRig(covered).start().raft.entries.map((entry) => entry.index), [300])
})

test('damage in a segment that was left for the next one is refused even at its end', () => {
  const disk = new SimulatedDisk()
  const rig = new WalRig(disk).start()
  for (let i = 1; i <= 80; i++) {
    rig.append(i, 1, 'x'.repeat(1000)).state(1, 1n, i).flush()
    rig.run()
  }
  const left = disk.contents(NAME)
  for (const damaged of [left.slice(0, left.length - 8), left.slice(0, left.length - 1024)]) {
    const cut = disk.processKilled()
    cut.setContents(NAME, damaged)
    assert.throws(() => new WalRig(cut).start(), /corrupt write-ahead log/)
  }
})

test('a temporary file of an interrupted cut is removed', () => {
  const disk = new SimulatedDisk()
  new WalRig(disk).start()
  const killed = disk.processKilled()
  killed.setContents('1.tmp', new Uint8Array(100).fill(9))
  new WalRig(killed).start()
  assert.deepEqual(killed.list(), [NAME])
})

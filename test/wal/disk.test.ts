/** The log on a real disk with its real helper thread. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { spawnThread } from '../../src/actor/threads/spawn.js'
import { Doorbell } from '../../src/ring/doorbell.js'
import { readWalMetadata } from '../../src/wal/open-wal.js'
import { ThreadSegmentSupply, type PreallocatorStart } from '../../src/wal/preallocator.js'
import { WalDirectory } from '../../src/wal/wal-file.js'
import { WalRig } from './wal-rig.js'

const PATIENCE_MS = 20_000
const MIB = 1024 * 1024

interface Helper {
  readonly supply: ThreadSegmentSupply
  /** Parks this thread, as the log's is parked, until the helper has reported. */
  report(isThere: () => boolean): void
}

function scratch(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'raftring-wal-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function helper(t: TestContext, directory: string, fileBytes: number): Helper {
  let worker: Worker | null = null
  let reportBell: Doorbell | null = null
  const supply = new ThreadSegmentSupply({ directory, fileBytes, noFsync: false }, (start: PreallocatorStart) => {
    worker = spawnThread('prealloc', 'prealloc', start)
    reportBell = new Doorbell(start.reportBell)
  })
  t.after(async () => {
    supply.close()
    if (worker !== null) await once(worker, 'exit')
  })
  return {
    supply,
    report(isThere) {
      reportBell?.park(PATIENCE_MS, isThere)
      assert.ok(isThere(), 'the helper has reported')
    },
  }
}

test('the helper fills a file with zeros while the thread that asked is parked', (t) => {
  const directory = scratch(t)
  const { supply, report } = helper(t, directory, 5 * MIB + 17)
  assert.equal(supply.status(), 'idle')
  supply.prepare('0.tmp')
  report(() => supply.status() === 'ready')
  const bytes = readFileSync(join(directory, '0.tmp'))
  assert.equal(bytes.length, 5 * MIB + 17)
  assert.ok(bytes.every((byte) => byte === 0))
  assert.equal(statSync(join(directory, '0.tmp')).mode & 0o777, 0o600)
  supply.take()
  supply.discard('0.tmp')
  report(() => readdirSync(directory).length === 0)
  assert.equal(supply.discardFailure(), 0)
})

test('a file that cannot be made is reported with its error number', (t) => {
  const { supply, report } = helper(t, '/nowhere/at/all', MIB)
  supply.prepare('0.tmp')
  report(() => supply.status() === 'failed')
  assert.equal(supply.failure(), -2)
})

test('a log on disk is cut with files of the helper and comes back whole', (t) => {
  const directory = join(scratch(t), 'member', 'wal')
  const segmentBytes = MIB
  const device = new WalDirectory(directory, { noFsync: false })
  const { supply, report } = helper(t, directory, segmentBytes)
  const rig = new WalRig(device, { supply, segmentBytes, segmentsMax: 0 }).start()
  const value = 'x'.repeat(100_000)
  for (let i = 1; i <= 24; i++) {
    rig.append(i, 1, value).state(1, 1n, i - 1).flush()
    if (supply.status() === 'preparing') report(() => supply.status() === 'ready')
    rig.run()
    rig.run()
  }
  const segments = readdirSync(directory).filter((name) => name.endsWith('.wal'))
  assert.equal(segments.length, 3)
  rig.close()
  const again = new WalRig(device, { segmentBytes }).start()
  assert.equal(again.raft.entries.length, 24)
  assert.ok(again.raft.entries.every((entry) => entry.data === value))
})

test('the identity of a log is read without changing anything', (t) => {
  const directory = join(scratch(t), 'wal')
  assert.deepEqual(readWalMetadata(directory), { ok: true, metadata: null })
  new WalRig(new WalDirectory(directory, { noFsync: false }), { segmentBytes: 4096 }).start()
  writeFileSync(join(directory, 'other'), 'x')
  const before = readdirSync(directory)
  assert.deepEqual(readWalMetadata(directory), {
    ok: true,
    metadata: { nodeId: 0x8e9e_05c5_2164_694dn, clusterId: 0xcdf8_1819_4e3a_8c32n },
  })
  assert.deepEqual(readdirSync(directory), before)
  const name = before.find((entry) => entry.endsWith('.wal')) as string
  writeFileSync(join(directory, name), 'not a segment at all')
  const damaged = readWalMetadata(directory)
  assert.ok(!damaged.ok && damaged.message.includes(`${name} at offset 0`))
})

/** Only root can mount a file system of its own; elsewhere the simulated disk's test stands alone. */
const isRoot = process.getuid?.() === 0

test('a real full disk refuses nothing that was acknowledged, and the log goes on when there is room', (t) => {
  if (!isRoot) return t.diagnostic('needs root for a small file system; see the simulated full disk')
  const mount = scratch(t)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount])
  try {
    fillUp(mount)
  } finally {
    execFileSync('umount', ['--lazy', mount])
  }
})

function fillUp(mount: string): void {
  const device = new WalDirectory(join(mount, 'wal'), { noFsync: false })
  mkdirSync(join(mount, 'other'))
  writeFileSync(join(mount, 'other', 'ballast'), Buffer.alloc(200 * 1024))
  const rig = new WalRig(device, { segmentBytes: 64 * 1024 }).start()
  const value = 'x'.repeat(50_000)
  let index = 0
  while (rig.raft.spaces.length === 0) {
    rig.append(++index, 1, value).state(1, 1n, index - 1).flush()
    for (let turns = 0; turns < 3; turns++) rig.run()
    assert.ok(index < 100, 'the disk has to get full')
  }
  const acknowledged = rig.raft.durables.at(-1) as number
  assert.equal(acknowledged, index - 1)
  rmSync(join(mount, 'other', 'ballast'))
  rig.nowMs = rig.actor.wakeAtMs()
  for (let turns = 0; turns < 3; turns++) rig.run()
  assert.deepEqual(rig.raft.spaces, [0, 1])
  assert.equal(rig.raft.durables.at(-1), index)
  rig.close()
  const again = new WalRig(device).start()
  assert.equal(again.raft.entries.length, index)
  again.close()
}

/** What is said at the start about settings and surroundings that hurt later. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { readHostFacts, type HostFacts } from '../../src/main/host-facts.js'
import { findTraps } from '../../src/main/traps.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { readdirSync } from 'node:fs'

const directory = temporaryDirectory()
after(() => directory.remove())

const MIB = 1024 * 1024
const CONFIG = {
  autoCompaction: { mode: 'periodic', periodMs: 1 },
  unsafeNoFsync: false,
  connectionsMax: 20_000,
  walDir: '/data/wal',
  quotaBytes: 1,
} as const
const HOST: HostFacts = {
  wallMs: 1_000_000,
  newestFileMs: 999_000,
  memoryLimitBytes: 4096 * MIB,
  openFilesMax: 65_536,
  syncMs: 0.5,
  fileSystem: null,
}

test('a good machine with a retention gives nothing to say', () => {
  assert.deepEqual(findTraps(CONFIG, HOST), [])
  const unknown = { newestFileMs: null, memoryLimitBytes: null, openFilesMax: null, syncMs: null, fileSystem: null }
  assert.deepEqual(findTraps(CONFIG, { ...HOST, ...unknown }), [])
})

test('each trap is named with its numbers', () => {
  const said: readonly (readonly [Partial<HostFacts>, RegExp])[] = [
    [{ newestFileMs: 1_061_000 }, /clock.* 61 s in the future/],
    [{ memoryLimitBytes: 256 * MIB }, /memory limit is 256 MiB; a node needs 512 MiB/],
    [{ openFilesMax: 1024 }, /at most 1024 files may be open.*--max-connections 20000/],
    [{ syncMs: 24.25 }, /disk is slow: a sync in \/data\/wal takes 24\.3 ms/],
    [{ fileSystem: 'nfs' }, /on nfs, over a network/],
  ]
  for (const [facts, expected] of said) {
    const traps = findTraps(CONFIG, { ...HOST, ...facts })
    assert.equal(traps.length, 1, traps.join('\n'))
    assert.match(traps[0] ?? '', expected)
  }
})

test('retention that is off and syncs that are off are traps of the options', () => {
  assert.match(findTraps({ ...CONFIG, autoCompaction: { mode: 'off' } }, HOST)[0] ?? '', /history is kept for ever/)
  assert.match(findTraps({ ...CONFIG, unsafeNoFsync: true }, { ...HOST, syncMs: 50 }).join(), /^--unsafe-no-fsync: a/)
})

test('a machine is asked without leaving a trace', () => {
  const facts = readHostFacts({ dataDir: directory.root, walDir: directory.root })
  assert.ok(facts.syncMs !== null && facts.syncMs >= 0)
  assert.ok(facts.openFilesMax !== null && facts.openFilesMax > 0)
  assert.deepEqual(readdirSync(directory.root), [])
  const nowhere = readHostFacts({ dataDir: directory.path('no'), walDir: directory.path('no') })
  assert.deepEqual([nowhere.syncMs, nowhere.newestFileMs, nowhere.fileSystem], [null, null, null])
})

/** raftringctl's snapshot commands, as they are typed. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { utf8 } from '../../src/base/bytes.js'
import { Prng } from '../../src/base/prng.js'
import { Slice } from '../../src/base/slice.js'
import { buildProgram, normalArguments } from '../../src/ctl/program.js'
import { KeyspaceView } from '../../src/keyspace/keyspace-view.js'
import { KeyspaceWriter } from '../../src/keyspace/keyspace-writer.js'
import { readMembers } from '../../src/cluster/membership-table.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import { restoreStore } from '../../src/store/restore-store.js'
import { recoverLog } from '../../src/wal/wal-recovery.js'
import { WalDirectory } from '../../src/wal/wal-file.js'
import { bytesOf } from '../snapshot/memory-image.js'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.js'

interface Ended {
  readonly code: number
  readonly lines: readonly string[]
  readonly error: string
}

class Failure extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}

async function ctl(...args: readonly string[]): Promise<Ended> {
  const lines: string[] = []
  const program = buildProgram({
    print: (line) => void lines.push(line),
    fail: (message, exitCode) => {
      throw new Failure(message, exitCode)
    },
    nowMs: () => 0,
    random: () => 0.5,
  })
  try {
    await program.parseAsync(normalArguments(args), { from: 'user' })
    return { code: 0, lines, error: '' }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { code: error.exitCode, lines, error: error.message }
  }
}

function scratch(t: TestContext): TemporaryDirectory {
  const directory = temporaryDirectory()
  t.after(() => directory.remove())
  return directory
}

/** Three keys at revision 6, one of them deleted, revisions below 3 compacted. */
function snapshotFile(directory: TemporaryDirectory, hasHash = true): string {
  const store = new MemoryStore()
  const writer = new KeyspaceWriter()
  store.transact((transaction) => {
    writer.begin(transaction)
    const put = (key: string, main: number): unknown => writer.put(sliceOf(key), sliceOf('v'.repeat(3000)), 0n, main, 0)
    for (const [i, key] of ['a', 'b', 'c', 'a'].entries()) put(key, i + 2)
    writer.remove(sliceOf('b'), 6, 0)
    writer.setCurrentRevision(6)
    writer.setCompactRevision(3)
    writer.finish()
  })
  const { bytes } = bytesOf(store)
  const path = directory.path('saved.db')
  writeFileSync(path, hasHash ? Buffer.concat([bytes, createHash('sha256').update(bytes).digest()]) : bytes)
  return path
}

test('status in every format', async (t) => {
  const file = snapshotFile(scratch(t))
  const { lines: [json = ''] } = await ctl('snapshot', 'status', file, '-w', 'json')
  const { hash, ...rest } = JSON.parse(json) as Record<string, number>
  assert.deepEqual(rest, { revision: 6, totalKey: 2, totalSize: rest['totalSize'], version: '3.7.0' })
  const hex = (hash ?? 0).toString(16)
  assert.deepEqual((await ctl('snapshot', 'status', file)).lines, [`${hex}, 6, 2, 37 kB, 3.7.0`])
  assert.deepEqual((await ctl('-w', 'fields', 'snapshot', 'status', file)).lines, [
    `"Hash" : ${hash}`, '"Revision" : 6', '"Keys" : 2', `"Size" : ${rest['totalSize']}`, '"Version" : 3.7.0',
  ])
  const [table = ''] = (await ctl('snapshot', 'status', file, '--write-out=table')).lines
  const [top = '', titles = '', middle = '', row = ''] = table.split('\n')
  assert.match(top, /^┌─+┬─{10}┬─{12}┬─{12}┬─{9}┐$/)
  assert.match(titles, /^│ +HASH +│ REVISION │ TOTAL KEYS │ TOTAL SIZE │ VERSION │$/)
  assert.match(middle, /^├─+┼─{10}┼/)
  assert.match(row, /^│ +[0-9a-f]+ │ {8}6 │ {10}2 │ {6}37 kB │ {3}3\.7\.0 │$/)
  const refused = await ctl('snapshot', 'status', file, '-w', 'protobuf')
  assert.deepEqual([refused.code, refused.error], [4, 'protobuf not supported as output format'])
  assert.equal((await ctl('snapshot', 'status', file, '-w', 'xml')).code, 128)
})

test('hashkv up to a revision that is there, and not beyond', async (t) => {
  const file = snapshotFile(scratch(t))
  const [now = ''] = (await ctl('hashkv', file, '-w', 'json')).lines
  assert.deepEqual(Object.keys(JSON.parse(now) as object), ['hash', 'hashRevision', 'compactRevision'])
  assert.deepEqual((await ctl('snapshot', 'hashkv', file, '-w', 'json')).lines, [now])
  assert.match((await ctl('hashkv', file, '--rev', '4')).lines[0] ?? '', /^\d+, 4, 3$/)
  assert.match((await ctl('hashkv', file, '--rev', '7')).error, /required revision is a future revision/)
  assert.match((await ctl('hashkv', file, '--rev', '2')).error, /required revision has been compacted/)
})

test('a restored directory has store, log and mark, and is made once', async (t) => {
  const directory = scratch(t)
  const file = snapshotFile(directory)
  const dataDir = directory.path('data')
  const walDir = directory.path('elsewhere')
  const args = ['snapshot', 'restore', file, '--data-dir', dataDir, '--wal-dir', walDir]
  // What an interrupted one has left is in nobody's way.
  mkdirSync(`${dataDir}.part/member/store`, { recursive: true })
  writeFileSync(`${dataDir}.part/member/store/1.mdb`, 'half')
  assert.equal((await ctl(...args)).code, 0)
  assert.deepEqual(readdirSync(directory.root).toSorted(), ['data', 'elsewhere', 'saved.db'])
  assert.deepEqual(readdirSync(dataDir).toSorted(), ['member', 'raftring-format'])
  const log = recoverLog(new WalDirectory(walDir, { noFsync: true }))
  assert(log.ok && log.log !== null)
  assert.deepEqual([log.log.lastIndex, log.log.snapshot.index, log.log.hardState.commit], [1, 1, 1])
  log.log.tail.close()
  const again = await ctl(...args)
  assert.deepEqual([again.code, again.error], [1, `data-dir "${dataDir}" not empty or could not be read`])
})

test('a raised revision starts where the compaction ends', async (t) => {
  const directory = scratch(t)
  const file = snapshotFile(directory)
  const dataDir = directory.path('data')
  const alone = await ctl('snapshot', 'restore', file, '--data-dir', dataDir, '--bump-revision', '1000')
  assert.match(alone.error, /must all be set; missing \[mark-compacted\]/)
  const args = ['--bump-revision=1000', '--mark-compacted=true']
  assert.equal((await ctl('snapshot', 'restore', file, '--data-dir', dataDir, ...args)).code, 0)
  const view = viewOf(dataDir)
  assert.deepEqual([view.currentRevision, view.compactRevision], [1006, 1006])
})

test('a member of three is one of the new cluster', async (t) => {
  const directory = scratch(t)
  const file = snapshotFile(directory)
  const dataDir = directory.path('data')
  const cluster = 'm1=http://a:1,m2=http://b:1,m3=http://c:1'
  const args = ['--name', 'm2', '--initial-cluster', cluster, '--initial-cluster-token', 'token']
  const wrong = await ctl('snapshot', 'restore', file, '--data-dir', dataDir, ...args)
  assert.match(wrong.error, /--initial-cluster has m2=http:\/\/b:1 but missing from --initial-advertise-peer-urls/)
  const urls = ['--initial-advertise-peer-urls', 'http://b:1']
  assert.equal((await ctl('snapshot', 'restore', file, '--data-dir', dataDir, ...args, ...urls)).code, 0)
  const restored = restoreStore(`${dataDir}/member/store`)
  assert(restored.ok)
  const view = restored.store.beginRead()
  assert.deepEqual(readMembers(view).map(({ name }) => name).toSorted(), ['m1', 'm2', 'm3'])
  view.close()
  restored.store.close()
  assert.equal(restored.appliedIndex, 3)
})

test('a file without a hash is restored only when one says so', async (t) => {
  const directory = scratch(t)
  const file = snapshotFile(directory, false)
  const dataDir = directory.path('data')
  const refused = await ctl('snapshot', 'restore', file, '--data-dir', dataDir)
  assert.equal(refused.error, 'snapshot missing hash but --skip-hash-check=false')
  assert(!existsSync(dataDir))
  assert.equal((await ctl('snapshot', 'restore', file, '--data-dir', dataDir, '--skip-hash-check')).code, 0)
})

test('short and damaged files are refused with a reason, and leave nothing', async (t) => {
  const directory = scratch(t)
  const whole = readFileSync(snapshotFile(directory))
  const file = directory.path('bad.db')
  const dataDir = directory.path('data')
  const seed = 1
  const prng = new Prng(seed)
  const refuse = async (bytes: Uint8Array, flags: readonly string[]): Promise<string> => {
    writeFileSync(file, bytes)
    const { code, error } = await ctl('snapshot', 'restore', file, '--data-dir', dataDir, ...flags)
    assert.deepEqual([code, existsSync(dataDir), existsSync(`${dataDir}.part`)], [1, false, false], error)
    return error
  }
  for (const length of [0, 31, 32, 4096, whole.length - 4096, whole.length - 1]) {
    await refuse(whole.subarray(0, length), [])
  }
  for (let i = 0; i < 20; i++) {
    const damaged = Buffer.from(whole)
    const at = prng.between(0, whole.length - 1)
    damaged[at] = (damaged[at] as number) ^ (1 << prng.between(0, 7))
    assert.match(await refuse(damaged, []), /expected sha256 [0-9a-f]{64}, got [0-9a-f]{64}/)
  }
  // Without its hash it is the pages that tell.
  const torn = Buffer.from(whole)
  torn.fill(0, 4 * 4096, 5 * 4096)
  assert.match(await refuse(torn, ['--skip-hash-check']), /integrity check failed: page \d+/)
  assert.match((await ctl('snapshot', 'status', directory.path('none.db'))).error, /no such file/)
})

test('a snapshot of a newer storage is refused', async (t) => {
  const directory = scratch(t)
  const path = snapshotFile(directory, false)
  const bytes = readFileSync(path)
  bytes.write('3.8.0', bytes.lastIndexOf('3.7.0'))
  writeFileSync(path, bytes)
  const refused = await ctl('snapshot', 'restore', path, '--data-dir', directory.path('d'), '--skip-hash-check')
  assert.match(refused.error, /storage version 3\.8\.0, which is newer than 3\.7\.0/)
})

test('flags of etcdutl that mean nothing here are taken, and unknown ones are not', async (t) => {
  const directory = scratch(t)
  const file = snapshotFile(directory)
  const restore = ['snapshot', 'restore', file, '--data-dir', directory.path('data')]
  assert.equal((await ctl(...restore, '--initial-memory-map-size', '4096')).code, 0)
  const unknown = await ctl(...restore, '--no-such-flag')
  assert.deepEqual([unknown.code, unknown.error], [1, "unknown option '--no-such-flag'"])
})

test('its version is told beside that of the API', async () => {
  const { lines } = await ctl('version')
  assert.match(lines[0] ?? '', /^raftringctl version: \d+\.\d+\.\d+$/)
  assert.equal(lines[1], 'API version: 3.7')
})

function viewOf(dataDir: string): KeyspaceView {
  const restored = restoreStore(`${dataDir}/member/store`)
  assert(restored.ok)
  const snapshot = restored.store.beginRead()
  const view = new KeyspaceView(snapshot)
  snapshot.close()
  restored.store.close()
  return view
}

function sliceOf(text: string): Slice {
  const bytes = utf8(text)
  return new Slice().at(bytes, 0, bytes.length)
}

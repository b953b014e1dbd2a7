/** etcd itself reads a log that we wrote, and we read one that it wrote. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { EMPTY_BYTES, utf8 } from '../../src/base/bytes.js'
import { bootstrapEntries } from '../../src/cluster/bootstrap-entries.js'
import { clusterIdOf, memberIdOf } from '../../src/cluster/member-ids.js'
import { decodeInternalRaftRequest, encodeInternalRaftRequest } from '../../src/proto/generated/etcdserverpb.js'
import { decodeEntry } from '../../src/proto/generated/raftpb.js'
import { SegmentScanner } from '../../src/wal/segment-scanner.js'
import { WalDirectory } from '../../src/wal/wal-file.js'
import { RecordType } from '../../src/wal/wal-record.js'
import { ServerProcess, type ServerSpec } from '../support/server-process.js'
import { WalRig } from './wal-rig.js'

const CLIENT_PORT = 22_090
const PEER_PORT = 22_091
const PEER_URL = `http://127.0.0.1:${PEER_PORT}`
const TOKEN = 'etcd-cluster'
const NAME = 'n1'
/** Field 4 of an InternalRaftRequest, length-delimited. */
const PUT_TAG = 0x22

const isThere = existsSync('/usr/bin/etcd') && existsSync('/usr/bin/etcdctl')
/** With REQUIRE_ETCD the tests fail where it is missing. */
const skip = isThere || process.env['REQUIRE_ETCD'] === '1' ? false : 'needs the packages etcd-server and etcd-client'

function scratch(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'raftring-etcd-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function specOf(dataDir: string): ServerSpec {
  return { kind: 'etcd', dataDir, clientPort: CLIENT_PORT, peerPort: PEER_PORT, name: NAME }
}

function etcdctl(...words: string[]): string {
  const env = { ...process.env, ETCDCTL_API: '3' }
  return execFileSync('etcdctl', [`--endpoints=http://127.0.0.1:${CLIENT_PORT}`, ...words], { env, encoding: 'utf8' })
}

function put(id: number, key: string, value: string): Uint8Array {
  return encodeInternalRaftRequest({ header: { ID: BigInt(id) }, put: { key: utf8(key), value: utf8(value) } })
}

/** A log with a bootstrap entry, an election, puts over several segments, and an entry that was overwritten. */
function writeOurLog(directory: string): void {
  const memberId = memberIdOf([PEER_URL], TOKEN)
  const device = new WalDirectory(directory, { noFsync: false })
  const clusterId = clusterIdOf([memberId])
  const sizes = { segmentBytes: 256 * 1024, segmentsMax: 0, ringBytes: 4 * 1024 * 1024 }
  const rig = new WalRig(device, { memberId, clusterId, ...sizes }).start()
  const member = { id: memberId, peerUrls: [PEER_URL], isLearner: false, name: NAME, clientUrls: [] }
  rig.appendBytes(1, 1, 1, bootstrapEntries([member])[0] as Uint8Array).state(1, 0n, 1).flush()
  rig.run()
  rig.appendBytes(2, 2, 0, EMPTY_BYTES).state(2, memberId, 2).flush()
  rig.run()
  for (let index = 3; index <= 200; index++) {
    rig.appendBytes(index, 2, 0, put(index, `key-${index}`, `${index}`.padEnd(5000, '.')))
    rig.state(2, memberId, index - 1).flush()
    rig.run()
    rig.run()
  }
  rig.appendBytes(201, 2, 0, put(201, 'overwritten', 'never')).state(2, memberId, 200).flush()
  rig.run()
  rig.appendBytes(201, 3, 0, put(201, 'last', 'one')).state(3, memberId, 201).flush()
  rig.run()
  rig.close()
}

test('etcd replays our log: segments, sync marks, overwritten entries and all', { skip }, async (t) => {
  const dataDir = scratch(t)
  writeOurLog(join(dataDir, 'member', 'wal'))
  const etcd = await ServerProcess.start(specOf(dataDir))
  t.after(() => etcd.stop())
  const keys = etcdctl('get', '', '--prefix', '--keys-only').split('\n').filter((line) => line !== '')
  assert.equal(keys.length, 199)
  assert.ok(keys.includes('last') && !keys.includes('overwritten'))
  const value = `${etcdctl('get', 'key-150', '--print-value-only')}`.trim()
  assert.equal(value, '150'.padEnd(5000, '.'))
  const list = JSON.parse(etcdctl('member', 'list', '-w', 'json')) as { members: { peerURLs: string[] }[] }
  assert.deepEqual(list.members.map((member) => member.peerURLs), [[PEER_URL]])
})

test('our scanner reads every record of a log that etcd wrote', { skip }, async (t) => {
  const dataDir = scratch(t)
  const etcd = await ServerProcess.start(specOf(dataDir))
  for (let i = 0; i < 20; i++) etcdctl('put', `key-${i}`, `value ${i}`)
  await etcd.stop()
  const device = new WalDirectory(join(dataDir, 'member', 'wal'), { noFsync: true })
  const [name] = device.list().filter((entry) => entry.endsWith('.wal'))
  const scanner = new SegmentScanner(device.open(name as string, 'read'), null)
  const puts: string[] = []
  let step = scanner.next()
  for (; step === 'record'; step = scanner.next()) {
    const { type, bytes, dataStart, dataEnd } = scanner.record
    if (type !== RecordType.entry) continue
    const entry = decodeEntry(bytes, dataStart, dataEnd)
    // Version 3.4 also writes requests of its older API, which no longer exists; those begin with another field.
    if (entry.Type !== 0 || entry.Data[0] !== PUT_TAG) continue
    puts.push(Buffer.from(decodeInternalRaftRequest(entry.Data).put?.key ?? EMPTY_BYTES).toString())
  }
  assert.equal(step, 'end')
  assert.deepEqual(puts, Array.from({ length: 20 }, (_, i) => `key-${i}`))
})

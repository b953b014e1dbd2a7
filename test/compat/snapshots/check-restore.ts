/** A snapshot of one server, restored by the tools of another, is the same to a client. */

import { strict as assert } from 'node:assert'
import { EtcdClient } from '../../support/etcd-client.js'
import type { Report } from '../../support/report.js'
import { ServerProcess, type ServerKind } from '../../support/server-process.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { ROOT, contents, enableAuth, fill, rights } from './contents.js'
import { etcdctl, printed, raftringctl } from './programs.js'

const CLIENT_PORT = 21_120
const PEER_PORT = 21_121
const PEER_URL = `http://127.0.0.1:${PEER_PORT}`
const ENDPOINT = `127.0.0.1:${CLIENT_PORT}`

interface Way {
  readonly from: ServerKind
  readonly to: ServerKind
  readonly seed: number
}

export async function checkRestore(report: Report, { from, to, seed }: Way): Promise<void> {
  const directory = temporaryDirectory()
  const way = `${from} to ${to}`
  const file = directory.path('saved.db')
  const dataDir = directory.path('restored')
  let expected: Expected | null = null
  try {
    await report.check(`${way}: both clients save the same`, async () => {
      expected = await makeSource(from, directory.path('source'), file, seed)
    })
    await report.check(`${way}: raftringctl tells of the file what etcdctl tells`, () => compareStatus(file))
    await report.check(`${way}: the restored server has all that the first one had`, async () => {
      await printed(restore(to, file, dataDir))
      const restored = await restoredContents(to, dataDir)
      assert.deepEqual({ ...restored, hashKv: null }, { ...expected, hashKv: null })
      const hash = restored.hashKv ?? expected?.hashKv ?? null
      if (hash !== null) assert.equal(await hashOf(file), hash)
    })
  } finally {
    directory.remove()
  }
}

interface Expected {
  readonly contents: readonly string[]
  readonly rights: readonly string[]
  /** Null where the server is not etcd: it is etcd's that counts. */
  readonly hashKv: string | null
}

async function makeSource(kind: ServerKind, dataDir: string, file: string, seed: number): Promise<Expected> {
  const server = await start(kind, dataDir)
  const client = new EtcdClient(ENDPOINT)
  try {
    await fill(client, seed)
    await enableAuth(ENDPOINT)
    await printed(etcdctl('--endpoints', ENDPOINT, '--user', ROOT, 'snapshot', 'save', file))
    const status = await printed(raftringctl('snapshot', 'status', file))
    await printed(raftringctl('snapshot', 'save', '--endpoints', ENDPOINT, '--user', ROOT, `${file}.ours`))
    const ours = await printed(raftringctl('snapshot', 'status', `${file}.ours`))
    // Between the two, users have logged in; the consistent index of that makes another hash.
    assert.deepEqual(ours.split(', ').slice(1), status.split(', ').slice(1))
    const hashKv = kind === 'etcd' ? await askHash() : null
    return { rights: await rights(ENDPOINT), contents: await contents(client), hashKv }
  } finally {
    client.close()
    await server.stop()
  }
}

async function askHash(): Promise<string> {
  const answer = await printed(etcdctl('--endpoints', ENDPOINT, '--user', ROOT, 'endpoint', 'hashkv'))
  return answer.trim().split(', ')[1] ?? ''
}

/** etcdctl 3.4 counts the pairs of all buckets where 3.7 counts keys; the rest is the same. */
async function compareStatus(file: string): Promise<void> {
  const [theirs, ours] = await Promise.all([
    printed(etcdctl('snapshot', 'status', file, '-w', 'json')),
    printed(raftringctl('snapshot', 'status', file, '-w', 'json')),
  ])
  const { totalKey: _, ...expected } = JSON.parse(theirs) as Record<string, unknown>
  const { totalKey, version, ...found } = JSON.parse(ours) as Record<string, unknown>
  assert.deepEqual(found, expected)
  assert(Number(totalKey) > 0 && typeof version === 'string')
}

async function hashOf(file: string): Promise<string> {
  const hashed = await printed(raftringctl('snapshot', 'hashkv', file, '-w', 'json'))
  return String((JSON.parse(hashed) as { readonly hash: number }).hash)
}

function restore(to: ServerKind, file: string, dataDir: string): ReturnType<typeof etcdctl> {
  const program = to === 'etcd' ? etcdctl : raftringctl
  return program(
    'snapshot', 'restore', file, '--data-dir', dataDir, '--name', 'n1', '--initial-cluster', `n1=${PEER_URL}`,
    '--initial-advertise-peer-urls', PEER_URL,
  )
}

async function restoredContents(kind: ServerKind, dataDir: string): Promise<Expected> {
  const server = await start(kind, dataDir)
  const client = new EtcdClient(ENDPOINT)
  try {
    const hashKv = kind === 'etcd' ? await askHash() : null
    const restored = { rights: await rights(ENDPOINT), contents: await contents(client), hashKv }
    const { members } = await client.memberList()
    assert.deepEqual(members.map(({ name, peerUrls }) => [name, peerUrls]), [['n1', [PEER_URL]]])
    // It goes on where it was.
    await client.put({ key: 'restored', value: 'yes' })
    return restored
  } finally {
    client.close()
    await server.stop()
  }
}

function start(kind: ServerKind, dataDir: string): Promise<ServerProcess> {
  return ServerProcess.start({ kind, dataDir, clientPort: CLIENT_PORT, peerPort: PEER_PORT })
}

/** What single flags change, seen from outside one process that was started with many of them. */

import { strict as assert } from 'node:assert'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { connect, type Settings } from 'node:http2'
import { after, before, test } from 'node:test'
import { AuthClient } from '../auth/auth-client.js'
import { EtcdClient } from '../support/etcd-client.js'
import { expectError } from '../support/expect.js'
import { scrape } from '../support/metrics/scrape-server.js'
import { ServerProcess } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const directory = temporaryDirectory()
const PORT = 21_600
const OTHER_PORT = 21_602
const TICKS_MS = 40
const ELECTION_MS = 2000
let server: ServerProcess
let client: EtcdClient
let startedMs = 0
let readyMs = 0

before(async () => {
  startedMs = performance.now()
  server = await ServerProcess.start({
    kind: 'raftring',
    name: 'effects',
    dataDir: directory.path('data'),
    clientPort: PORT,
    peerPort: PORT + 1,
    flags: [
      '--wal-dir', directory.path('wal'),
      '--listen-client-urls', `http://127.0.0.1:${PORT},http://127.0.0.1:${OTHER_PORT}`,
      '--advertise-client-urls', 'http://10.1.2.3:2379,http://10.1.2.4:2379',
      '--initial-cluster-token', 'a-token',
      '--max-txn-ops', '3',
      '--max-request-bytes', '4096',
      '--max-concurrent-streams', '77',
      '--heartbeat-interval', String(TICKS_MS),
      '--election-timeout', String(ELECTION_MS),
      '--initial-election-tick-advance=false',
      '--watch-progress-notify-interval', '150ms',
      '--warning-unary-request-duration', '1ns',
      '--warning-apply-duration', '1ns',
      '--compaction-batch-limit', '10',
      '--compaction-sleep-interval', '20ms',
      '--actor-threads', 'dedicated',
      '--front-workers', '2',
      '--watch-workers', '2',
      '--bcrypt-cost', '4',
    ],
  })
  readyMs = performance.now()
  client = new EtcdClient(server.endpoint)
})

after(async () => {
  client.close()
  await server.kill()
  directory.remove()
})

test('--name and the advertised URLs are what the member list tells', async () => {
  const { members } = await client.memberList()
  assert.equal(members.length, 1)
  assert.equal(members[0]?.name, 'effects')
  assert.deepEqual(members[0]?.clientUrls, ['http://10.1.2.3:2379', 'http://10.1.2.4:2379'])
  assert.deepEqual(members[0]?.peerUrls, [`http://127.0.0.1:${PORT + 1}`])
})

test('every URL of --listen-client-urls is served', async () => {
  const other = new EtcdClient(`127.0.0.1:${OTHER_PORT}`)
  await other.put({ key: 'from', value: 'other' })
  assert.equal((await client.range({ key: 'from' })).kvs[0]?.value.toString(), 'other')
  other.close()
})

test('--data-dir is private, and --wal-dir holds the log', () => {
  assert.equal(statSync(directory.path('data')).mode & 0o777, 0o700)
  assert.ok(readdirSync(directory.path('wal')).some((name) => name.endsWith('.wal')))
  assert.equal(existsSync(directory.path('data/member/wal')), false)
})

test('--max-txn-ops and --max-request-bytes bound a request', async () => {
  const puts = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ requestPut: { key: `t${i}`, value: 'v' } }))
  await client.txn({ compare: [], success: puts(3), failure: [] })
  const tooMany = client.txn({ compare: [], success: puts(4), failure: [] })
  await expectError(tooMany, 'InvalidArgument etcdserver: too many operations in txn request')
  await client.put({ key: 'k', value: 'v'.repeat(3900) })
  const tooLarge = client.put({ key: 'k', value: 'v'.repeat(4100) })
  await expectError(tooLarge, 'InvalidArgument etcdserver: request is too large')
})

test('--max-concurrent-streams is what a connection is told', async () => {
  const session = connect(`http://127.0.0.1:${PORT}`)
  const [settings] = (await once(session, 'remoteSettings')) as [Settings]
  assert.equal(settings.maxConcurrentStreams, 77)
  session.close()
})

test('--initial-election-tick-advance=false makes a member alone wait for --election-timeout', () => {
  assert.ok(readyMs - startedMs >= ELECTION_MS, `${readyMs - startedMs} ms`)
})

test('--election-timeout sets the shortest lease', async () => {
  assert.equal((await client.leaseGrant({ ttl: 1 })).ttl, (1.5 * ELECTION_MS) / 1000)
})

test('--watch-progress-notify-interval is how often a quiet watcher is told the revision', async () => {
  const stream = client.watch()
  await stream.send({ createRequest: { key: 'quiet', progressNotify: true } })
  assert.equal((await stream.next()).created, true)
  for (let i = 0; i < 2; i++) assert.deepEqual((await stream.next()).events, [])
  stream.cancel()
})

test('--warning-unary-request-duration and --warning-apply-duration log what took longer', async () => {
  await client.put({ key: 'slow', value: 'v' })
  await server.logged(/"msg":"apply request took too long".*"request":"put"/, 10_000)
  await server.logged(/"msg":"applying committed entries took too long".*"expected-duration":"0.000001ms"/, 10_000)
})

test('--compaction-batch-limit and --compaction-sleep-interval spread a compaction', async () => {
  for (let i = 0; i < 100; i++) await client.put({ key: 'compacted', value: String(i) })
  const revision = Number((await client.put({ key: 'compacted', value: 'last' })).header?.revision)
  const beganMs = performance.now()
  await client.compact({ revision, physical: true })
  // A hundred revisions in slices of ten, with twenty milliseconds between two.
  assert.ok(performance.now() - beganMs >= 9 * 20)
})

test('--bcrypt-cost is in the hash that goes into the log', async () => {
  await new AuthClient(client).addUser({ name: 'somebody', password: 'secret' })
  const [segment] = readdirSync(directory.path('wal')).filter((name) => name.endsWith('.wal'))
  const log = readFileSync(directory.path(`wal/${segment}`), 'latin1')
  // "$2a$04$" and its like in base64, as etcd logs them.
  const costs = [...log.matchAll(/JDJ[hij]J(DA0|DEw)J/g)].map(([, cost]) => cost)
  assert.deepEqual(costs, ['DA0'])
})

test('--actor-threads, --front-workers and --watch-workers are the threads that take turns', async () => {
  const turns = (await scrape(server.endpoint)).families.get('raftring_turns_total')
  const names = ['front-0', 'front-1', 'lease-0', 'mvcc', 'peer', 'raft', 'wal', 'watch-0', 'watch-1']
  assert.deepEqual([...(turns?.values.keys() ?? [])].sort(), names.map((name) => `thread=${name}`))
})

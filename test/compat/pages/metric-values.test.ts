/**
 * /metrics of a running server against what the same member says of itself in Status, AuthStatus and /version, and
 * what only moves when something is slow. test/cluster/without-leader.test.ts has what needs a lost leader.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { encodeWatchRequest } from '../../../src/proto/generated/etcdserverpb.js'
import { AuthClient } from '../../auth/auth-client.js'
import { EtcdClient } from '../../support/etcd-client.js'
import { present } from '../../support/expect.js'
import type { Scrape } from '../../support/metrics/prometheus-text.js'
import { getPage, scrape } from '../../support/metrics/scrape-server.js'
import { frame, openSession } from '../../support/raw-call.js'
import { ServerProcess } from '../../support/server-process.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const PORT = 21_484
const QUOTA_BYTES = 123_456_789
const SLOW_WATCHERS = 'etcd_debugging_mvcc_slow_watcher_total'
const SCRAPES_MAX = 1000
const BIDI_WATCH = { grpc_type: 'bidi_stream', grpc_service: 'etcdserverpb.Watch', grpc_method: 'Watch' }

const directory = temporaryDirectory()
let server: ServerProcess
let client: EtcdClient

before(async () => {
  const ports = { clientPort: PORT, peerPort: PORT + 1 }
  // Every entry takes longer to apply than a nanosecond.
  const flags = ['--quota-backend-bytes', String(QUOTA_BYTES), '--warning-apply-duration', '1ns']
  server = await ServerProcess.start({ kind: 'raftring', dataDir: directory.path('data'), ...ports, flags })
  client = new EtcdClient(server.endpoint)
})

after(async () => {
  client.close()
  await server.kill()
  directory.remove()
})

/** The series of a gauge that says all by its labels: each has the value 1. */
function labelsOf(seen: Scrape, name: string): string[] {
  const { values } = present(seen.families.get(name))
  assert.deepEqual([...new Set(values.values())], [1], name)
  return [...values.keys()]
}

test('sizes and quota are those of Status', async () => {
  await client.put({ key: 'sizes', value: Buffer.alloc(500_000, 'v') })
  // Sizes are up to a second old.
  let first = await client.status()
  for (; first.dbSizeInUse < 500_000; first = await client.status()) await delay(10)
  const seen = await scrape(server.endpoint)
  const last = await client.status()
  const size = seen.value('etcd_mvcc_db_total_size_in_bytes')
  const inUse = seen.value('etcd_mvcc_db_total_size_in_use_in_bytes')
  // A checkpoint may come between any two of the three.
  assert.ok(isBetween(size, first.dbSize, last.dbSize), `${size} is not ${first.dbSize}..${last.dbSize}`)
  assert.ok(isBetween(inUse, first.dbSizeInUse, last.dbSizeInUse), `${inUse} in use, not ${first.dbSizeInUse}`)
  assert.ok(inUse > 500_000 && inUse <= size, `${inUse} bytes of ${size} are in use`)
  assert.equal(seen.value('etcd_server_quota_backend_bytes'), QUOTA_BYTES)
  assert.equal(last.dbSizeQuota, QUOTA_BYTES)
})

function isBetween(value: number, a: number, b: number): boolean {
  return value >= Math.min(a, b) && value <= Math.max(a, b)
}

test('who leads is what Status says', async () => {
  const { header, leader } = await client.status()
  assert.equal(leader, present(header).memberId)
  const seen = await scrape(server.endpoint)
  assert.equal(seen.value('etcd_server_has_leader'), 1)
  assert.equal(seen.value('etcd_server_is_leader'), 1)
  assert.equal(seen.value('etcd_server_is_learner'), 0)
  // The member itself, when it was elected.
  assert.equal(seen.value('etcd_server_leader_changes_seen_total'), 1)
})

test('id and versions are those of Status and /version', async () => {
  const { header, version } = await client.status()
  const page = await getPage(server.endpoint, '/version')
  const { etcdserver, etcdcluster } = JSON.parse(page.body.toString()) as Record<string, string>
  const seen = await scrape(server.endpoint)
  assert.deepEqual(labelsOf(seen, 'etcd_server_id'), [`server_id=${present(header).memberId.toString(16)}`])
  assert.deepEqual(labelsOf(seen, 'etcd_server_version'), [`server_version=${version}`])
  assert.equal(version, etcdserver)
  const [major, minor] = present(etcdcluster).split('.')
  assert.deepEqual(labelsOf(seen, 'etcd_cluster_version'), [`cluster_version=${major}.${minor}`])
})

test('the revision of users and roles is that of AuthStatus', async () => {
  const auth = new AuthClient(client)
  const revisions: number[] = []
  for (const change of [() => undefined, () => auth.addRole('some'), () => auth.deleteRole('some')]) {
    await change()
    const { authRevision } = await auth.status()
    assert.equal((await scrape(server.endpoint)).value('etcd_debugging_auth_revision'), authRevision)
    revisions.push(authRevision)
  }
  const [first = 0] = revisions
  assert.deepEqual(revisions, [first, first + 1, first + 2])
})

test('entries slower than --warning-apply-duration are counted, and nothing waits or has failed', async () => {
  const start = await scrape(server.endpoint)
  for (let i = 0; i < 3; i++) await client.put({ key: 'slow', value: '' })
  const end = await scrape(server.endpoint)
  const slow = 'etcd_server_slow_apply_total'
  assert.equal(end.value(slow) - start.value(slow), 3)
  for (const idle of ['proposals_pending', 'proposals_failed_total', 'read_indexes_failed_total']) {
    assert.ok(end.families.has(`etcd_server_${idle}`))
    assert.equal(end.value(`etcd_server_${idle}`), 0, idle)
  }
  assert.equal(end.value('etcd_disk_defrag_inflight'), 0)
})

test('a watcher that its client does not let catch up is slow until it has', async (t) => {
  const session = await openSession(server.endpoint)
  t.after(() => session.destroy())
  const key = Buffer.from('history')
  // More than a stream's window and what the server queues for it.
  const value = Buffer.alloc(1_000_000, 'v')
  const { header } = await client.put({ key, value })
  for (let i = 0; i < 9; i++) await client.put({ key, value })
  const start = await scrape(server.endpoint)
  assert.equal(start.value(SLOW_WATCHERS), 0)
  const stream = session.request({
    ':method': 'POST', ':path': '/etcdserverpb.Watch/Watch', 'content-type': 'application/grpc', te: 'trailers',
  })
  stream.on('error', () => undefined)
  const create_request = { key, start_revision: present(header).revision }
  stream.write(frame(Buffer.from(encodeWatchRequest({ create_request }))))
  await once(stream, 'readable')
  const during = await scrape(server.endpoint)
  assert.equal(during.value(SLOW_WATCHERS), 1)
  for (const name of ['grpc_server_started_total', 'grpc_server_msg_received_total']) {
    assert.equal(during.value(name, BIDI_WATCH) - start.value(name, BIDI_WATCH), 1, name)
  }
  let bytes = 0
  for await (const chunk of stream) if ((bytes += (chunk as Buffer).length) > 10 * value.length) break
  let isSlow = true
  for (let i = 0; i < SCRAPES_MAX && isSlow; i++) isSlow = (await scrape(server.endpoint)).value(SLOW_WATCHERS) > 0
  assert.ok(!isSlow, 'it has caught up')
  const sent = (await scrape(server.endpoint)).value('grpc_server_msg_sent_total', BIDI_WATCH)
  assert.ok(sent > start.value('grpc_server_msg_sent_total', BIDI_WATCH) + 1, 'what it was sent is counted')
})

/**
 * /metrics of a running server: every metric of test/compat/rows/metrics.tsv that is said to be there is, with its
 * type, labels and buckets; each moves when what it counts happens; what etcd itself shows has the same types there.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { parseArea, type Row } from '../../../scripts/compatibility-rows.js'
import { EtcdClient } from '../../support/etcd-client.js'
import { errorOf } from '../../support/expect.js'
import { Scrape } from '../../support/metrics/prometheus-text.js'
import { getPage, scrape } from '../../support/metrics/scrape-server.js'
import { commandOf, ServerProcess, withServer } from '../../support/server-process.js'
import { message } from '../../support/wire-message.js'
import { ALARM, ALARM_ACTION, MaintenanceClient } from '../../space/maintenance-client.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const PORT = 21_480
const ROWS = fileURLToPath(new URL('../../../../test/compat/rows/metrics.tsv', import.meta.url))
const WHERE = /^(counter|gauge|histogram|summary)(?: \{([^}]*)\})?(?: (.+))?$/
const EXPONENTIAL = /^exp\(([\d.]+),([\d.]+),(\d+)\)$/
const DEFAULT_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

const directory = temporaryDirectory()
let server: ServerProcess
let client: EtcdClient

before(async () => {
  const ports = { clientPort: PORT, peerPort: PORT + 1 }
  const flags = ['--metrics', 'extensive', '--watch-progress-notify-interval', '200ms']
  server = await ServerProcess.start({ kind: 'raftring', dataDir: directory.path('data'), ...ports, flags })
  client = new EtcdClient(server.endpoint)
})

after(async () => {
  client.close()
  await server.kill()
  directory.remove()
})

/** What moved while `body` ran, by name and labels. */
async function moved(
  names: readonly (readonly [string, Record<string, string>?])[],
  body: () => Promise<void>,
): Promise<number[]> {
  const start = await scrape(server.endpoint)
  await body()
  const end = await scrape(server.endpoint)
  return names.map(([name, labels]) => end.value(name, labels) - start.value(name, labels))
}

function rpc(method: string): Record<string, string> {
  return { grpc_method: method }
}

test('a put and a range are counted at every stage of their way', async () => {
  const deltas = await moved([
    ['grpc_server_started_total', rpc('Put')],
    ['grpc_server_handled_total', { ...rpc('Put'), grpc_code: 'OK' }],
    ['grpc_server_msg_received_total', rpc('Put')],
    ['grpc_server_msg_sent_total', rpc('Put')],
    ['grpc_server_handling_seconds', rpc('Put')],
    ['grpc_server_started_total', rpc('Range')],
    ['etcd_server_request_duration_seconds', { type: 'Put', success: 'true' }],
    ['etcd_server_request_duration_seconds', { type: 'Range', success: 'true' }],
    ['etcd_server_client_requests_total', { type: 'unary', client_api_version: 'unknown' }],
    ['etcd_server_range_duration_seconds', { success: 'true' }],
    ['etcd_server_apply_duration_seconds', { version: 'v3', op: 'Put', success: 'true' }],
    ['etcd_mvcc_put_total'],
    ['etcd_mvcc_range_total'],
    ['etcd_debugging_mvcc_total_put_size_in_bytes'],
    ['etcd_debugging_mvcc_keys_total'],
    ['etcd_debugging_mvcc_current_revision'],
  ], async () => {
    await client.put({ key: 'metrics/a', value: '12345' })
    await client.range({ key: 'metrics/a' })
  })
  assert.deepEqual(deltas, [1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 14, 1, 1])
})

test('bytes, log writes, commits and proposals move with a put', async () => {
  const value = 'v'.repeat(1000)
  const [received, sent, fsyncs, writes, written, commits, committed, applied] = await moved([
    ['etcd_network_client_grpc_received_bytes_total'],
    ['etcd_network_client_grpc_sent_bytes_total'],
    ['etcd_disk_wal_fsync_duration_seconds'],
    ['etcd_disk_wal_write_duration_seconds'],
    ['etcd_disk_wal_write_bytes_total'],
    ['etcd_disk_backend_commit_duration_seconds'],
    ['etcd_server_proposals_committed_total'],
    ['etcd_server_proposals_applied_total'],
  ], async () => void (await client.put({ key: 'metrics/b', value }))) as [
    number, number, number, number, number, number, number, number,
  ]
  assert.ok(received > 1000 && received < 1100 && sent > 0 && sent < 100)
  assert.ok(fsyncs >= 1 && writes >= 1 && written > 1000 && commits >= 1)
  assert.ok(committed >= 1 && applied >= 1)
})

test('failures are counted under their code, and under the version that the client says it has', async () => {
  const deltas = await moved([
    ['grpc_server_handled_total', { ...rpc('Range'), grpc_code: 'OutOfRange' }],
    ['grpc_server_handled_total', { ...rpc('Put'), grpc_code: 'InvalidArgument' }],
    ['etcd_server_range_duration_seconds', { success: 'false' }],
    ['etcd_server_request_duration_seconds', { type: 'Put', success: 'false' }],
    ['etcd_server_client_requests_total', { client_api_version: '3.7' }],
  ], async () => {
    await errorOf(client.range({ key: 'metrics/a', revision: 1_000_000 }))
    await errorOf(client.put({ key: '', value: 'x' }, { metadata: { 'client-api-version': '3.7' } }))
  })
  assert.deepEqual(deltas, [1, 1, 1, 1, 1])
})

test('a request through the gateway is counted as the RPC that it is', async () => {
  const deltas = await moved([
    ['grpc_server_handled_total', { ...rpc('Put'), grpc_code: 'OK' }],
    ['grpc_server_handled_total', { ...rpc('Put'), grpc_code: 'InvalidArgument' }],
    ['grpc_server_msg_sent_total', rpc('Put')],
    ['etcd_mvcc_put_total'],
  ], async () => {
    const put = (body: string) => getPage(server.endpoint, '/v3/kv/put', { method: 'POST', body })
    assert.equal((await put('{"key":"bWV0cmljcw==","value":"eA=="}')).status, 200)
    assert.equal((await put('{}')).status, 400)
  })
  assert.deepEqual(deltas, [1, 1, 1, 1])
})

test('transactions, deletes and compactions are counted by what they do', async () => {
  const put = (key: string) => ({ requestPut: { key, value: 'x' } })
  const range = { requestRange: { key: 'metrics/a' } }
  const deltas = await moved([
    ['etcd_mvcc_txn_total'],
    ['etcd_mvcc_put_total'],
    ['etcd_mvcc_range_total'],
    ['etcd_mvcc_delete_total'],
    ['etcd_server_request_duration_seconds', { type: 'Txn' }],
    ['etcd_server_request_duration_seconds', { type: 'ReadonlyTxn' }],
    ['etcd_server_apply_duration_seconds', { op: 'Txn' }],
    ['etcd_server_apply_duration_seconds', { op: 'DeleteRange' }],
    ['etcd_server_apply_duration_seconds', { op: 'Compaction' }],
    ['etcd_debugging_mvcc_index_compaction_pause_duration_milliseconds'],
    ['etcd_debugging_mvcc_db_compaction_total_duration_milliseconds'],
  ], async () => {
    await client.txn({ success: [put('metrics/c'), put('metrics/d'), range] })
    await client.txn({ success: [range, range] })
    const { header } = await client.deleteRange({ key: 'metrics/c' })
    await client.compact({ revision: header?.revision ?? 0, physical: true })
  })
  assert.deepEqual(deltas, [2, 2, 3, 1, 1, 1, 1, 1, 1, 1, 1])
  const after = await scrape(server.endpoint)
  assert.ok(after.value('etcd_debugging_mvcc_db_compaction_keys_total') > 0)
  assert.ok(after.value('etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds') > 0)
  assert.ok(Math.abs(after.value('etcd_debugging_mvcc_db_compaction_last') - Date.now() / 1000) < 60)
})

test('leases are counted when they are granted, renewed, revoked and when they expire', async () => {
  const deltas = await moved([
    ['etcd_debugging_lease_granted_total'],
    ['etcd_debugging_lease_renewed_total'],
    ['etcd_debugging_lease_revoked_total'],
    ['etcd_debugging_server_lease_expired_total'],
    ['etcd_debugging_lease_ttl_total'],
    ['grpc_server_started_total', rpc('LeaseKeepAlive')],
  ], async () => {
    const { id } = await client.leaseGrant({ ttl: 60 })
    const stream = client.leaseKeepAlive()
    stream.send({ id })
    await stream.next()
    stream.cancel()
    await client.leaseRevoke(id)
    const watch = client.watch()
    watch.send({ createRequest: { key: 'metrics/leased' } })
    await watch.next()
    const { id: short } = await client.leaseGrant({ ttl: 1 })
    await client.put({ key: 'metrics/leased', value: 'x', lease: short })
    await watch.next()
    // Its second event is the end of the lease.
    await watch.next()
    watch.cancel()
  })
  assert.deepEqual(deltas, [2, 1, 2, 1, 2, 1])
})

test('watches are counted while they last, and their events once for each watcher', async () => {
  const watch = client.watch()
  for (let i = 0; i < 3; i++) watch.send({ createRequest: { key: 'metrics/w', progressNotify: i === 0 } })
  for (let i = 0; i < 3; i++) await watch.next()
  const during = await scrape(server.endpoint)
  assert.equal(during.value('etcd_debugging_mvcc_watch_stream_total'), 1)
  assert.equal(during.value('etcd_debugging_mvcc_watcher_total'), 3)
  const [events, responses, perEvent, notices] = await moved([
    ['etcd_debugging_mvcc_events_total'],
    ['etcd_debugging_server_watch_send_loop_watch_stream_duration_seconds'],
    ['etcd_debugging_server_watch_send_loop_watch_stream_duration_per_event_seconds'],
    ['etcd_debugging_server_watch_send_loop_progress_duration_seconds'],
  ], async () => {
    await client.put({ key: 'metrics/w', value: '1' })
    let events = 0
    while (events < 3) events += (await watch.next()).events.length
    // A notice that comes behind the events was sent behind them.
    while ((await watch.next()).events.length > 0);
  }) as [number, number, number, number]
  assert.deepEqual([events, responses, perEvent], [3, 3, 3])
  assert.ok(notices >= 1)
  watch.cancel()
  // Events that come when their stream has gone are not owed to anybody.
  await client.put({ key: 'metrics/w', value: '2' })
  await client.range({ key: 'metrics/w' })
  assert.equal((await scrape(server.endpoint)).value('etcd_debugging_mvcc_pending_events_total'), 0)
  const control = during.value('etcd_debugging_server_watch_send_loop_control_stream_duration_seconds')
  assert.ok(control >= 3)
})

test('a watch that its client ends is handled as canceled', async () => {
  const canceled = { ...rpc('Watch'), grpc_code: 'Canceled' }
  const [handled] = await moved([['grpc_server_handled_total', canceled]], async () => {
    const watch = client.watch()
    watch.send({ createRequest: { key: 'metrics/x' } })
    await watch.next()
    watch.cancel()
    await client.range({ key: 'metrics/x' })
  })
  assert.equal(handled, 1)
})

test('hashes, snapshots and rewritings of the store are timed', async () => {
  const maintenance = new MaintenanceClient(client)
  const deltas = await moved([
    ['etcd_mvcc_hash_duration_seconds'],
    ['etcd_mvcc_hash_rev_duration_seconds'],
    ['etcd_disk_backend_defrag_duration_seconds'],
    ['etcd_disk_backend_snapshot_duration_seconds'],
  ], async () => {
    await maintenance.hash()
    await maintenance.hashKv(0)
    await maintenance.defragment()
    await takeSnapshot()
  })
  assert.deepEqual(deltas, [1, 1, 1, 1])
})

test('an alarm is shown while it is active, and makes the member unhealthy', async () => {
  const maintenance = new MaintenanceClient(client)
  const active = async (): Promise<number> => {
    return (await scrape(server.endpoint)).value('etcd_debugging_server_alarms', { alarm_type: 'NOSPACE' })
  }
  assert.equal(await active(), 0)
  const { memberId = 0n } = (await client.status()).header ?? {}
  await maintenance.alarm(ALARM_ACTION.ACTIVATE, ALARM.NOSPACE, memberId)
  assert.equal(await active(), 1)
  const { status, body } = await getPage(server.endpoint, '/health')
  assert.equal(`${status} ${body.toString()}`, '503 {"health":"false","reason":"ALARM NOSPACE"}\n')
  assert.equal((await getPage(server.endpoint, '/health?exclude=NOSPACE')).status, 200)
  assert.equal((await getPage(server.endpoint, '/readyz')).status, 200)
  await maintenance.alarm(ALARM_ACTION.DEACTIVATE, ALARM.NOSPACE, memberId)
  assert.equal(await active(), 0)
})

const OF_OTHER_MEMBERS = /^etcd_network_(?!client_)/

test('every metric that is said to be there is, with its type, its labels and its buckets', async () => {
  await getPage(server.endpoint, '/readyz')
  await getPage(server.endpoint, '/livez')
  const seen = await scrape(server.endpoint)
  for (const { id, where } of rows('done')) {
    // Series of other members: test/metrics/peer-metrics.test.ts and test/peer have those.
    if (OF_OTHER_MEMBERS.test(id)) continue
    const [, type, labels = '', buckets = ''] = WHERE.exec(where) ?? []
    const family = seen.families.get(id)
    assert.ok(family !== undefined, `${id} is shown`)
    assert.equal(family.type, type, id)
    assert.deepEqual([...family.labelNames].sort(), labels.split(',').filter((name) => name !== '').sort(), id)
    if (type === 'histogram') assert.deepEqual(family.bounds, boundsOf(buckets), id)
  }
})

test('what has another state than done is not shown', async () => {
  const seen = await scrape(server.endpoint)
  const areas = parseArea('metrics', readFileSync(ROWS, 'utf8')).rows.filter(({ state }) => state !== 'done')
  assert.deepEqual(areas.map(({ id }) => id).filter((id) => seen.families.has(id)), [])
})

test('every RPC is there before it is called', async () => {
  const started = (await scrape(server.endpoint)).families.get('grpc_server_started_total')
  const series = [...(started?.values.keys() ?? [])]
  for (const method of ['AuthEnable', 'Snapshot', 'MemberPromote', 'Lock', 'Observe', 'Check']) {
    assert.ok(series.some((labels) => labels.includes(`grpc_method=${method},`)), method)
  }
  assert.ok(series.some((labels) => labels.includes('grpc_type=server_stream')))
})

test('threads, rings, stages and checkpoints are told', async () => {
  const seen = await scrape(server.endpoint)
  for (const thread of ['front-0', 'raft', 'wal', 'mvcc', 'others']) {
    assert.ok(seen.families.get('raftring_thread_cpu_seconds_total')?.values.has(`mode=user,thread=${thread}`), thread)
  }
  for (const thread of ['front-0', 'raft', 'wal', 'mvcc']) {
    assert.ok(seen.value('raftring_turns_total', { thread }) > 0, thread)
    assert.ok(seen.value('raftring_turn_seconds', { thread }) > 0, thread)
  }
  assert.ok(seen.value('raftring_event_loop_delay_seconds', { thread: 'front-0' }) > 0)
  assert.ok(seen.value('raftring_ring_records_total', { ring: 'front 0 -> raft 0' }) > 0)
  assert.ok(seen.value('raftring_ring_high_water_bytes', { ring: 'raft 0 -> wal 0' }) > 0)
  for (const stage of ['queue_raft', 'fsync', 'apply', 'total']) {
    assert.ok(seen.value('raftring_stage_seconds', { stage }) > 0, stage)
  }
  assert.ok(seen.value('raftring_http2_streams_total') > 0)
  assert.ok(seen.value('raftring_http1_requests_total') > 0)
  assert.ok(seen.value('raftring_http2_bytes_total', { direction: 'received' }) > 0)
  assert.ok(seen.value('raftring_checkpoint_age_seconds') < 60)
  assert.ok(seen.value('raftring_oldest_reader_age_seconds') < 10)
})

test('a scrape may be compressed, and counts itself', async () => {
  const asked = { headers: { 'accept-encoding': 'gzip' } }
  const { headers, body, status } = await getPage(server.endpoint, '/metrics', asked)
  assert.equal(status, 200)
  assert.equal(headers['content-encoding'], 'gzip')
  assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  const text = new Scrape(gunzipSync(body).toString('utf8'))
  assert.equal(text.value('promhttp_metric_handler_requests_in_flight'), 1)
  assert.ok(text.value('promhttp_metric_handler_requests_total', { code: '200' }) > 0)
})

test('without --metrics=extensive the times of every method are left out', async () => {
  await withServer({ kind: 'raftring', clientPort: PORT + 10 }, async ({ endpoint }) => {
    const seen = await scrape(endpoint)
    assert.equal(seen.families.has('grpc_server_handling_seconds'), false)
    assert.equal(seen.families.has('grpc_server_handled_total'), true)
  })
})

test('with an actor to each thread and several fronts, any front tells the sums of all', async () => {
  const flags = ['--actor-threads', 'dedicated', '--front-workers', '2', '--watch-workers', '2']
  await withServer({ kind: 'raftring', clientPort: PORT + 30, flags }, async ({ endpoint }) => {
    // Connections fall to fronts as it happens; with ten of them hardly all to one.
    const clients = Array.from({ length: 10 }, () => new EtcdClient(endpoint))
    await Promise.all(clients.map((each, i) => each.put({ key: `k${i}`, value: 'x' })))
    for (const each of clients) each.close()
    for (let i = 0; i < 5; i++) {
      const seen = await scrape(endpoint)
      assert.equal(seen.value('grpc_server_handled_total', { ...rpc('Put'), grpc_code: 'OK' }), 10)
      assert.equal(seen.value('etcd_mvcc_put_total'), 10)
      const threads = [...(seen.families.get('raftring_turns_total')?.values.keys() ?? [])]
      const names = ['front-0', 'front-1', 'lease-0', 'mvcc', 'peer', 'raft', 'wal', 'watch-0', 'watch-1']
      assert.deepEqual(threads.sort(), names.map((name) => `thread=${name}`))
    }
  })
})

/** With REQUIRE_ETCD the test fails where it is missing. */
const hasEtcd = existsSync(commandOf('etcd')[0] ?? '') || process.env['REQUIRE_ETCD'] === '1'

test('what etcd 3.4 shows has the same type here', { skip: hasEtcd ? false : 'etcd is not installed' }, async () => {
  await withServer({ kind: 'etcd', clientPort: PORT + 20, flags: ['--metrics', 'extensive'] }, async ({ endpoint }) => {
    const theirs = await scrape(endpoint)
    const ours = await scrape(server.endpoint)
    const done = new Set(rows('done').map(({ id }) => id))
    const shared = [...theirs.families.values()].filter(({ name }) => ours.families.has(name))
    for (const { name, type, labelNames, bounds } of shared) {
      const own = ours.families.get(name)
      assert.equal(own?.type, type, name)
      if (labelNames.size > 0) assert.deepEqual([...(own?.labelNames ?? [])].sort(), [...labelNames].sort(), name)
      if (type === 'histogram') assert.deepEqual(own?.bounds, bounds, name)
    }
    assert.ok(shared.length > 60)
    const missing = [...theirs.families.keys()].filter((name) => done.has(name) && !ours.families.has(name))
    assert.deepEqual(missing, [])
  })
})

/** Reads a snapshot to its end. */
async function takeSnapshot(): Promise<void> {
  const Nothing = message({})
  const call = client.duplex('/etcdserverpb.Maintenance/Snapshot', Nothing, Nothing)
  call.resume()
  call.end({})
  await once(call, 'end')
}

function rows(state: string): Row[] {
  const { rows: all, problems } = parseArea('metrics', readFileSync(ROWS, 'utf8'))
  assert.deepEqual(problems, [])
  return all.filter((row) => row.state === state)
}

function boundsOf(text: string): readonly number[] {
  const match = EXPONENTIAL.exec(text)
  if (match === null) return DEFAULT_BOUNDS
  const [start, factor, count] = match.slice(1).map(Number) as [number, number, number]
  return Array.from({ length: count }, (_, i) => Number((start * factor ** i).toPrecision(12)))
}

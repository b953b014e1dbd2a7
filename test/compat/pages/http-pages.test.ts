/** The pages beside gRPC and the gateway, asked over HTTP as monitors and people ask them. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { Profile } from 'pprof-format'
import { EtcdClient } from '../../support/etcd-client.js'
import { getPage, scrape, type Page } from '../../support/metrics/scrape-server.js'
import { ServerProcess, withServer } from '../../support/server-process.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const PORT = 21_520
const METRICS_PORT = PORT + 5
const CHECKS = ['data_corruption', 'serializable_read', 'linearizable_read', 'non_learner']

const directory = temporaryDirectory()
let server: ServerProcess

before(async () => {
  const ports = { clientPort: PORT, peerPort: PORT + 1 }
  const flags = ['--enable-pprof', '--listen-metrics-urls', `http://127.0.0.1:${METRICS_PORT}`]
  server = await ServerProcess.start({ kind: 'raftring', dataDir: directory.path('data'), ...ports, flags })
})

after(async () => {
  await server.kill()
  directory.remove()
})

function get(path: string, method = 'GET'): Promise<Page> {
  return getPage(server.endpoint, path, { method })
}

async function textOf(path: string): Promise<string> {
  const { status, body } = await get(path)
  return `${status} ${body.toString('utf8')}`
}

test('the version is told as JSON', async () => {
  const { status, headers, body } = await get('/version')
  assert.equal(status, 200)
  assert.equal(headers['content-type'], 'application/json')
  const versions = { etcdserver: '3.7.1', etcdcluster: '3.7.0', storage: '3.7.0' }
  assert.deepEqual(JSON.parse(body.toString('utf8')), versions)
})

test('health says true, also to a read that asks no leader, and is counted', async () => {
  const start = await scrape(server.endpoint)
  assert.equal(await textOf('/health'), '200 {"health":"true","reason":""}')
  assert.equal(await textOf('/health?serializable=true&exclude=NOSPACE'), '200 {"health":"true","reason":""}')
  const end = await scrape(server.endpoint)
  assert.equal(end.value('etcd_server_health_success') - start.value('etcd_server_health_success'), 2)
})

test('every check of livez and readyz passes, and verbose tells each', async () => {
  assert.equal(await textOf('/livez'), '200 ok\n')
  assert.equal(await textOf('/readyz'), '200 ok\n')
  assert.equal(await textOf('/livez?verbose'), '200 [+]serializable_read ok\nok\n')
  assert.equal(await textOf('/readyz?verbose=1'), `200 ${CHECKS.map((name) => `[+]${name} ok\n`).join('')}ok\n`)
  const { headers } = await get('/readyz')
  assert.equal(headers['content-type'], 'text/plain; charset=utf-8')
  assert.equal(headers['x-content-type-options'], 'nosniff')
})

test('a check has a page of its own', async () => {
  for (const name of CHECKS) assert.equal(await textOf(`/readyz/${name}?verbose`), `200 [+]${name} ok\nok\n`)
  assert.equal(await textOf('/livez/serializable_read'), '200 ok\n')
  for (const path of ['/livez/linearizable_read', '/readyz/nothing', '/readyz/non_learner/x']) {
    assert.equal((await get(path)).status, 404, path)
  }
})

test('checks are left out, or are the only ones, by name; unknown names change nothing', async () => {
  const [, ...others] = CHECKS
  const lines = (names: readonly string[]): string => `200 ${names.map((name) => `[+]${name} ok\n`).join('')}ok\n`
  assert.equal(await textOf('/readyz?verbose&exclude=data_corruption&exclude=nothing'), lines(others))
  assert.equal(await textOf('/readyz?verbose&allowlist=non_learner'), lines(['non_learner']))
  assert.equal(await textOf('/livez?verbose&exclude=serializable_read'), '200 ok\n')
})

test('each check is counted, and its last result is shown', async () => {
  const labels = { type: 'readyz', name: 'linearizable_read' }
  const start = await scrape(server.endpoint)
  await get('/readyz')
  const end = await scrape(server.endpoint)
  assert.equal(end.value('etcd_server_healthcheck', labels), 1)
  const passed = { ...labels, status: 'success' }
  const before = start.value('etcd_server_healthchecks_total', passed)
  assert.equal(end.value('etcd_server_healthchecks_total', passed) - before, 1)
})

test('other methods are refused', async () => {
  for (const path of ['/health', '/version', '/livez', '/readyz/non_learner', '/debug/vars']) {
    const { status, headers, body } = await get(path, 'POST')
    assert.deepEqual([status, headers['allow'], body.toString('utf8')], [405, 'GET', 'Method Not Allowed\n'], path)
  }
})

test('unknown paths are not there', async () => {
  for (const path of ['/', '/healthz', '/metrics/', '/debug', '/debug/requests']) {
    assert.equal(await textOf(path), '404 404 page not found\n', path)
  }
})

test('variables of the process and of raft are told as JSON', async () => {
  const { headers, body } = await get('/debug/vars')
  assert.equal(headers['content-type'], 'application/json; charset=utf-8')
  const variables = JSON.parse(body.toString('utf8')) as Record<string, unknown> & {
    readonly cmdline: readonly string[]
    readonly memstats: { readonly HeapAlloc: number }
    readonly 'raft.status': { readonly id: string; readonly lead: string; readonly raftState: string }
  }
  assert.ok(variables.cmdline.includes('--data-dir') && variables.memstats.HeapAlloc > 0)
  assert.ok(Number(variables['file_descriptor_limit']) > 100)
  const { id, lead, raftState } = variables['raft.status']
  assert.deepEqual([id, raftState], [lead, 'StateLeader'])
})

test('a CPU profile tells of all threads, those that are parked too', async () => {
  const client = new EtcdClient(server.endpoint)
  const taking = get('/debug/pprof/profile?seconds=1')
  const end = Date.now() + 900
  for (let i = 0; Date.now() < end; i++) await client.put({ key: `profile/${i}`, value: 'x' })
  const { status, headers, body } = await taking
  client.close()
  assert.equal(status, 200)
  assert.equal(headers['content-type'], 'application/octet-stream')
  const { sample, stringTable } = Profile.decode(gunzipSync(body))
  const text = (index: number | bigint): string => stringTable.strings[Number(index)] ?? ''
  const threads = new Set(sample.flatMap(({ label }) => label.map(({ str }) => text(str))))
  assert.deepEqual([...threads].sort(), ['front-0', 'mvcc', 'peer', 'raft', 'wal'])
  assert.ok(stringTable.strings.includes('cpu') && stringTable.strings.some((name) => name.endsWith('turn.js')))
})

test('a heap profile tells what was allocated, and V8 profiles are of one thread', async () => {
  const { status, body } = await get('/debug/pprof/heap?seconds=0.2&thread=mvcc')
  assert.equal(status, 200)
  assert.ok(Profile.decode(gunzipSync(body)).stringTable.strings.includes('inuse_space'))
  const asJson = await get('/debug/pprof/profile?seconds=0.1&thread=raft&format=v8')
  const profile = JSON.parse(asJson.body.toString('utf8')) as { readonly nodes: readonly unknown[] }
  assert.ok(profile.nodes.length > 0)
})

test('one profile at a time, of threads that exist, for a bounded time', async () => {
  const first = get('/debug/pprof/profile?seconds=0.5&thread=wal')
  const answers = await Promise.all([first, get('/debug/pprof/profile?seconds=0.5&thread=wal')])
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 500])
  assert.equal((await get('/debug/pprof/profile?thread=nobody')).status, 404)
  for (const seconds of ['0', '-1', '601', 'x']) {
    assert.equal((await get(`/debug/pprof/profile?seconds=${seconds}`)).status, 400, seconds)
  }
  assert.equal(await textOf('/debug/pprof/goroutine'), '404 Unknown profile\n')
  assert.ok((await textOf('/debug/pprof/cmdline')).includes('--data-dir'))
  assert.ok((await textOf('/debug/pprof/')).includes('front-0'))
  assert.equal(await textOf('/debug/pprof/symbol'), '200 num_symbols: 1\n')
})

test('monitors have URLs of their own, which serve nothing else', async () => {
  const endpoint = `127.0.0.1:${METRICS_PORT}`
  for (const path of ['/metrics', '/health', '/livez', '/readyz', '/readyz/non_learner']) {
    assert.equal((await getPage(endpoint, path)).status, 200, path)
  }
  for (const path of ['/version', '/debug/vars', '/debug/pprof/', '/v3/kv/range']) {
    assert.equal((await getPage(endpoint, path)).status, 404, path)
  }
})

test('profiles are there only when they were asked for', async () => {
  await withServer({ kind: 'raftring', clientPort: PORT + 10 }, async ({ endpoint }) => {
    assert.equal((await getPage(endpoint, '/debug/pprof/')).status, 404)
    assert.equal((await getPage(endpoint, '/debug/vars')).status, 200)
  })
  const flags = ['--log-level', 'debug']
  await withServer({ kind: 'raftring', clientPort: PORT + 20, flags }, async ({ endpoint }) => {
    assert.equal((await getPage(endpoint, '/debug/pprof/')).status, 200)
  })
})

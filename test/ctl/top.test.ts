/** raftringctl top on a running server. */

import { strict as assert } from 'node:assert'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { after, before, test } from 'node:test'
import type { NodeView } from '../../src/ctl/view/node-view.js'
import { top, type TopTerminal } from '../../src/ctl/view/top.js'
import { WRITE_STAGES } from '../../src/metrics/stage-histogram.js'
import { EtcdClient } from '../support/etcd-client.js'
import { ServerProcess } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const run = promisify(execFile)
const MAIN = fileURLToPath(new URL('../../src/ctl/main.js', import.meta.url))
const PORT = 21_480
const directory = temporaryDirectory()
let server: ServerProcess
let client: EtcdClient
let isLoading = true
let loading: Promise<void>

before(async () => {
  const dataDir = directory.path('data')
  server = await ServerProcess.start({ kind: 'raftring', dataDir, clientPort: PORT, peerPort: PORT + 1 })
  client = new EtcdClient(server.endpoint)
  loading = (async () => {
    while (isLoading) {
      await client.put({ key: 'k', value: 'v' })
      await client.range({ key: 'k' })
    }
  })()
})

after(async () => {
  isLoading = false
  await loading
  client.close()
  await server.stop()
  directory.remove()
})

async function ctl(...args: readonly string[]): Promise<string> {
  const flags = [`--endpoints=${server.endpoint}`, '--interval=300ms', ...args]
  const { stdout } = await run(process.execPath, [MAIN, 'top', ...flags])
  return stdout
}

test('one view as JSON has rates, stages, batches, threads and rings', async () => {
  const lines = (await ctl('--once', '--json')).trim().split('\n')
  assert.equal(lines.length, 1)
  const view = JSON.parse(lines[0] as string) as NodeView
  const rate = (name: string): number => view.rates.find((one) => one.name === name)?.perSecond ?? NaN
  assert.ok(rate('puts') > 0 && rate('ranges') > 0 && rate('bytes in') > 0)
  const called = view.calls.find(({ method }) => method === 'KV.Put')?.perSecond ?? NaN
  assert.ok(Math.abs(rate('puts') - called) <= 4 / view.seconds)
  const stage = (name: string) => view.stages.find((one) => one.stage === name)
  assert.ok((stage('fsync')?.p99Ms ?? 0) > 0 && (stage('read_total')?.count ?? 0) > 0)
  // The stages of a kind of request are all of its time.
  const share = WRITE_STAGES.reduce((sum, name) => sum + (stage(name)?.share ?? 0), 0)
  assert.ok(Math.abs(share - 1) < 1e-6, `${share}`)
  assert.deepEqual(view.batches.map(({ name, mean }) => [name, mean >= 1]), [['wal', true], ['apply', true]])
  assert.deepEqual(view.threads.map(({ thread }) => thread), ['front-0', 'raft', 'peer', 'wal', 'mvcc', 'others'])
  assert.deepEqual(view.threads[1]?.actors, ['raft 0'])
  assert.ok(view.threads.every(({ cpuShare }) => cpuShare >= 0) && view.cpuCores > 0)
  const ring = view.rings.find((one) => one.ring === 'front 0 -> raft 0')
  assert.ok(ring !== undefined && ring.recordsPerSecond > 0 && ring.recordsPerPublish >= 1 && ring.capacityBytes > 0)
  assert.equal(view.facts['leader'], 1)
})

test('one view as text has a line for each of them', async () => {
  const text = await ctl('--once', '--all')
  for (const word of ['KV.Put', 'apply_queue', 'read_index', 'store transactions', 'wal', 'front -> watch', 'leader']) {
    assert.ok(text.includes(word), `${word} in\n${text}`)
  }
  assert.ok(!text.includes('NaN') && !text.includes('undefined'), text)
})

test('a terminal sees one view after the other in place, and its own text again at the end', async () => {
  const written: string[] = []
  let pauses = 0
  const terminal: TopTerminal = {
    print: () => assert.fail('nothing is printed below'),
    isLive: true,
    rows: () => 12,
    write: (text) => void written.push(text),
    pause: async () => {
      await client.range({ key: 'k' })
      return ++pauses > 2
    },
    close: () => undefined,
  }
  const result = await top({
    endpoint: server.endpoint, timeoutMs: 5000, caFile: '', certFile: '', keyFile: '', insecureSkipVerify: false,
    intervalMs: 1, isOnce: false, isJson: false, isWhole: false, nowMs: () => 0,
  }, terminal)
  assert.deepEqual(result, { ok: true })
  assert.equal(written[0], '\u001b[?1049h\u001b[?25l')
  assert.equal(written.at(-1), '\u001b[?25h\u001b[?1049l')
  const views = written.slice(1, -1)
  assert.equal(views.length, 2)
  for (const view of views) assert.ok(view.startsWith('\u001b[H') && view.split('\n').length <= 11)
})

test('a server that is not there is told in one line', async () => {
  const asked = run(process.execPath, [MAIN, 'top', '--endpoints=127.0.0.1:9', '--once'])
  await assert.rejects(asked, { code: 1, stderr: /^Error: cannot reach 127\.0\.0\.1:9: .*ECONNREFUSED.*\n$/ })
})

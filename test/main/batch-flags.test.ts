/** Flags of threads and batches, seen in what a server does with them. */

import { strict as assert } from 'node:assert'
import { after, before, test } from 'node:test'
import { Metrics } from '../../src/ctl/view/metrics-text.js'
import { stageSummaries } from '../../src/ctl/view/node-view.js'
import type { StagePage } from '../../src/front/pages/stage-page.js'
import { EtcdClient } from '../support/etcd-client.js'
import { ServerProcess } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const PORT = 21_500
const DELAY_MS = 8
const ENTRIES_MAX = 2
const directory = temporaryDirectory()
let server: ServerProcess
let client: EtcdClient

before(async () => {
  server = await ServerProcess.start({
    kind: 'raftring',
    dataDir: directory.path('data'),
    clientPort: PORT,
    peerPort: PORT + 1,
    flags: [
      '--wal-batch-delay', `${DELAY_MS}ms`, '--apply-batch-entries', String(ENTRIES_MAX), '--snapshot-workers', '1',
      '--idle-strategy', 'spin', '--actor-threads', 'shared', '--front-workers', '1',
    ],
  })
  client = new EtcdClient(server.endpoint)
})

after(async () => {
  client.close()
  await server.stop()
  directory.remove()
})

async function page(path: string): Promise<string> {
  return (await fetch(`http://${server.endpoint}${path}`)).text()
}

test('--wal-batch-delay lets puts gather for a sync', async () => {
  for (let i = 0; i < 5; i++) await client.put({ key: `k${i}`, value: 'v' })
  const queue = stageSummaries(null, JSON.parse(await page('/debug/stages')) as StagePage)
    .find(({ stage }) => stage === 'wal_queue')
  assert.ok((queue?.quantileMs(0.01) ?? 0) >= DELAY_MS - 0.5, `${queue?.quantileMs(0.01)} ms`)
})

test('--apply-batch-entries is the most of one transaction', async () => {
  const before = new Metrics(await page('/metrics'))
  await Promise.all(Array.from({ length: 64 }, (_, i) => client.put({ key: `b${i}`, value: 'v' })))
  const after_ = new Metrics(await page('/metrics'))
  const count = (bound: string): number => [after_, before]
    .map((metrics) => metrics.value('raftring_apply_batch_entries_bucket', { le: bound }))
    .reduce((later, earlier) => later - earlier)
  assert.ok(count('+Inf') >= 64 / ENTRIES_MAX, `${count('+Inf')} transactions`)
  assert.equal(count(String(ENTRIES_MAX)), count('+Inf'), 'none is larger')
})

test('how threads wait is said at the start', () => {
  assert.match(server.log, /"idle-strategy":"(spin|park)"/)
})

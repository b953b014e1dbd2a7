/** A reader of the log that stops reading delays no request. */

import { strict as assert } from 'node:assert'
import { after, test } from 'node:test'
import { EtcdClient } from '../support/etcd-client.js'
import { ServerProcess } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const directory = temporaryDirectory()
after(() => directory.remove())

/** Far more than a pipe and the log's ring hold together. */
const LINES_ASKED = 4000
const PUT_MS_MAX = 2000

test('requests are answered while nobody reads the log', async () => {
  const server = await ServerProcess.start({
    kind: 'raftring',
    dataDir: directory.path('data'),
    clientPort: 21_240,
    peerPort: 21_241,
    // Every request is slower than this, so every request is logged.
    flags: ['--log-level', 'debug', '--warning-unary-request-duration', '1ns'],
    deafAfterReady: true,
  })
  const client = new EtcdClient(server.endpoint)
  let slowestMs = 0
  for (let i = 0; i < LINES_ASKED / 20; i++) {
    server.signal('SIGUSR2')
    const startedAt = performance.now()
    await Promise.all(
      Array.from({ length: 20 }, (_, j) => client.put({ key: `k${j}`, value: `${i}` })),
    )
    slowestMs = Math.max(slowestMs, performance.now() - startedAt)
  }
  assert(slowestMs < PUT_MS_MAX, `a put took ${slowestMs} ms`)
  assert.equal((await client.range({ key: 'k0' })).kvs[0]?.value.toString(), `${LINES_ASKED / 20 - 1}`)
  client.close()
  const stopped = server.stop()
  assert.deepEqual(await stopped, { code: 0, signal: null })
})

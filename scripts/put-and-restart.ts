/**
 * The least that a node must do on any Node version: load, take puts, and have them after a clean stop and after
 * kill -9. Run it with the Node to be tested: `path/to/node dist/scripts/put-and-restart.js`.
 */

import { strict as assert } from 'node:assert'
import { scriptOptions } from './support/script-options.js'
import { EtcdClient } from '../test/support/etcd-client.js'
import { Report } from '../test/support/report.js'
import { ServerProcess, type ServerSpec } from '../test/support/server-process.js'
import { temporaryDirectory } from '../test/support/temporary-directory.js'

const KEYS = 200

async function withServer(spec: ServerSpec, use: (client: EtcdClient) => Promise<void>): Promise<ServerProcess> {
  const server = await ServerProcess.start(spec)
  const client = new EtcdClient(server.endpoint)
  await use(client)
  client.close()
  return server
}

async function putAll(client: EtcdClient): Promise<void> {
  for (let i = 0; i < KEYS; i++) {
    await client.put({ key: Buffer.from(`key-${i}`), value: Buffer.from(`value-${i}`) })
  }
}

async function checkAll(client: EtcdClient): Promise<void> {
  const { kvs } = await client.range({ key: Buffer.from('key-'), rangeEnd: Buffer.from('key.') })
  assert.equal(kvs.length, KEYS)
  for (const { key, value } of kvs) {
    assert.equal(Buffer.from(value).toString(), Buffer.from(key).toString().replace('key', 'value'))
  }
}

scriptOptions({ does: 'The least that a node must do on any Node version: puts, and restarts that keep them.' })
const report = new Report('')
const directory = temporaryDirectory()
const spec: ServerSpec = { kind: 'raftring', dataDir: directory.path('data'), clientPort: 23_010, peerPort: 23_011 }
await report.check(`Node ${process.version}: puts, and a clean stop`, async () => {
  const server = await withServer(spec, putAll)
  assert.deepEqual(await server.stop(), { code: 0, signal: null })
})
await report.check(`Node ${process.version}: everything is there after the restart, then kill -9`, async () => {
  const server = await withServer(spec, checkAll)
  await server.kill()
})
await report.check(`Node ${process.version}: everything is there after kill -9`, async () => {
  const server = await withServer(spec, checkAll)
  await server.stop()
})
directory.remove()
report.end()

/** SIGTERM under load: a clean end within a bound, with nothing acknowledged lost. */

import { strict as assert } from 'node:assert'
import { after, test } from 'node:test'
import { EtcdClient, EtcdError } from '../support/etcd-client.js'
import { ServerProcess, type ServerSpec } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { openWatch } from '../support/watch-stream.js'

const directory = temporaryDirectory()
after(() => directory.remove())

const STOP_MS_MAX = 10_000
const CLIENTS = 10

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} under load drains and ends with 0`, async () => {
    const spec: ServerSpec = {
      kind: 'raftring',
      dataDir: directory.path(signal),
      clientPort: 21_230,
      peerPort: 21_231,
    }
    const server = await ServerProcess.start(spec)
    const idle = new EtcdClient(server.endpoint)
    const { stream } = await openWatch(idle, { key: 'c', rangeEnd: 'd' })
    const keepAlive = idle.leaseKeepAlive()
    keepAlive.send({ id: (await idle.leaseGrant({ ttl: 100 })).id })
    await keepAlive.next()
    const acknowledged: string[] = []
    const writers = Array.from({ length: CLIENTS }, (_, i) => write(server, i, acknowledged))
    await stream.next()
    const askedAt = performance.now()
    server.signal(signal)
    const exit = await server.exited
    assert.deepEqual(exit, { code: 0, signal: null }, server.log.slice(-1500))
    assert(performance.now() - askedAt < STOP_MS_MAX)
    await Promise.all(writers)
    assert.notEqual((await stream.ended).code, 0)
    assert.notEqual((await keepAlive.ended).code, 0)
    idle.close()
    await assertAllThere(spec, acknowledged)
  })
}

/** Puts until the server does not answer any more. */
async function write(server: ServerProcess, client: number, acknowledged: string[]): Promise<void> {
  const connection = new EtcdClient(server.endpoint, { deadlineMs: 2000 })
  try {
    for (let i = 0; ; i++) {
      const key = `c${client}/${i}`
      await connection.put({ key, value: 'v' })
      acknowledged.push(key)
    }
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error
  } finally {
    connection.close()
  }
}

async function assertAllThere(spec: ServerSpec, acknowledged: readonly string[]): Promise<void> {
  const server = await ServerProcess.start(spec)
  const client = new EtcdClient(server.endpoint)
  const { kvs } = await client.range({ key: 'c', rangeEnd: 'd', keysOnly: true })
  const there = new Set(kvs.map((kv) => kv.key.toString()))
  assert(acknowledged.length > 0)
  assert.deepEqual(
    acknowledged.filter((key) => !there.has(key)),
    [],
  )
  client.close()
  await server.kill()
}

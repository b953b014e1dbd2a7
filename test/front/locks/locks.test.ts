/** Locks over the end of a node. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startNode } from 'raftring'
import { EtcdClient, prefixEnd } from '../../support/etcd-client.js'
import { errorOf, pairs } from '../../support/expect.js'
import { LockClient } from '../../support/lock-messages.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

/** A drain is cut short after 5 s: those who wait must be gone long before. */
const DRAIN_MS_MAX = 4500

const directory = temporaryDirectory()
after(() => directory.remove())

test('a node that stops tells those who wait, takes them out of the line, and keeps who holds the lock', async () => {
  const options = { dataDir: directory.path('data'), threads: 'inline' } as const
  const node = await startNode(options)
  const client = new EtcdClient(node.endpoint)
  const locks = new LockClient(client)
  const held = await locks.lock({ name: 'a' })
  const line = client.watch()
  line.send({ createRequest: { key: 'a/', rangeEnd: prefixEnd('a/') } })
  await line.next()
  const waiting = errorOf(locks.lock({ name: 'a' }))
  await line.next()
  const closing = performance.now()
  await node.close()
  assert.ok(performance.now() - closing < DRAIN_MS_MAX, 'nobody waits for calls that are over')
  assert.equal(await waiting, 'Unavailable etcdserver: server stopped')
  client.close()
  const again = await startNode(options)
  const later = new EtcdClient(again.endpoint)
  const { kvs } = await later.range({ key: 'a/', rangeEnd: prefixEnd('a/') })
  assert.deepEqual(pairs(kvs), [`${held.key.toString()}=`])
  later.close()
  await again.close()
})

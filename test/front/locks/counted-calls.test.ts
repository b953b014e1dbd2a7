/** What a lock asks of its own member is no client's call, and is counted as etcd counts it. */

import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { startNode, type EmbeddedNode } from 'raftring'
import { EtcdClient } from '../../support/etcd-client.js'
import { LockClient } from '../../support/lock-messages.js'
import { scrape } from '../../support/metrics/scrape-server.js'

const INNER = ['LeaseGrant', 'Txn', 'Range', 'Watch', 'DeleteRange']

let node: EmbeddedNode
let client: EtcdClient

beforeEach(async () => {
  node = await startNode()
  client = new EtcdClient(node.endpoint)
})

afterEach(async () => {
  client.close()
  await node.close()
})

test('what a lock asks of its own member counts as requests, but as no calls', async () => {
  const locks = new LockClient(client)
  const { key } = await locks.lock({ name: 'a' })
  const waits = locks.openLock({ name: 'a' })
  await locks.unlock(key)
  await waits.next()
  const seen = await scrape(node.endpoint)
  for (const grpc_method of INNER) {
    assert.equal(seen.value('grpc_server_started_total', { grpc_method }), 0, grpc_method)
    assert.equal(seen.value('grpc_server_msg_received_total', { grpc_method }), 0, grpc_method)
  }
  const answered = (grpc_method: string): number => {
    return seen.value('grpc_server_handled_total', { grpc_method, grpc_code: 'OK' })
  }
  assert.deepEqual([answered('Lock'), answered('Unlock')], [2, 1])
  assert.equal(seen.value('etcd_server_client_requests_total'), 3)
  const took = (type: string): number => seen.value('etcd_server_request_duration_seconds', { type, success: 'true' })
  assert.deepEqual([took('LeaseGrant'), took('DeleteRange')], [2, 1])
})

test('a method whose answer is a stream counts as one', async () => {
  const locks = new LockClient(client)
  const observing = locks.observe('a')
  await locks.campaign({ name: 'a', value: 'me' })
  await observing.next()
  observing.cancel()
  const seen = await scrape(node.endpoint)
  const asked = (type: string): number => seen.value('etcd_server_client_requests_total', { type })
  assert.deepEqual([asked('stream'), asked('unary')], [1, 1])
})

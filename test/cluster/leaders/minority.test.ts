/** A member that has lost its cluster: what it still does, and what it says about the rest. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { status } from '@grpc/grpc-js'
import { ClusterProcess, type ClusterMember } from '../../support/cluster/cluster-process.js'
import { errorOf } from '../../support/expect.js'
import { LockClient } from '../../support/lock-messages.js'
import { scrape } from '../../support/metrics/scrape-server.js'
import { openWatch } from '../../support/watch-stream.js'

/** Above the server's own patience of 5 s and two election timeouts. */
const DEADLINE_MS = 20_000
const KEY = Buffer.from('minority')
const HAS_LEADER = { metadata: { hasleader: 'true' } }

let cluster: ClusterProcess
let left: ClusterMember

before(async () => {
  cluster = await ClusterProcess.start({ size: 3 })
  const leader = await cluster.leader()
  left = cluster.members.find((member) => member !== leader) as ClusterMember
  await left.client.put({ key: KEY, value: Buffer.from('1') })
})

after(() => cluster.remove())

test('streams that want a leader are ended when there is none for long, another one stays', async () => {
  const wanting = await openWatch(left.client, { key: KEY }, HAS_LEADER)
  const patient = await openWatch(left.client, { key: KEY })
  const others = [new LockClient(left.client).observe('minority', HAS_LEADER), left.client.leaseKeepAlive(HAS_LEADER)]
  for (const member of cluster.members) if (member !== left) await member.kill()
  let isPatientEnded = false
  void patient.stream.ended.then(() => {
    isPatientEnded = true
  })
  for (const { ended } of [wanting.stream, ...others]) {
    assert.deepEqual(await ended, { code: status.UNAVAILABLE, message: 'etcdserver: no leader' })
  }
  assert.equal(isPatientEnded, false)
  // The watch by which the election was observed is gone as well.
  assert.equal((await scrape(left.server.endpoint)).value('etcd_debugging_mvcc_watch_stream_total'), 1)
  patient.stream.cancel()
})

test('a call that wants a leader is refused at once', async () => {
  assert.equal(await errorOf(left.client.range({ key: KEY }, HAS_LEADER)), 'Unavailable etcdserver: no leader')
})

test('serializable reads go on, and the status tells that there is no leader', async () => {
  const { kvs } = await left.client.range({ key: KEY, serializable: true })
  assert.equal(kvs[0]?.value.toString(), '1')
  const { leader, errors } = await left.client.status()
  assert.deepEqual([leader, errors], [0n, ['etcdserver: no leader']])
})

test('a put and a linearizable read fail when their time is up, with the texts of etcd', async () => {
  const [put, read] = await Promise.all([
    errorOf(left.client.put({ key: KEY, value: Buffer.from('2') }, { deadlineMs: DEADLINE_MS })),
    errorOf(left.client.range({ key: KEY }, { deadlineMs: DEADLINE_MS })),
  ])
  assert.equal(put, 'DeadlineExceeded context deadline exceeded')
  assert.equal(read, 'Unavailable etcdserver: request timed out')
})

test('when the others come back there is a leader again, and everything goes on', async () => {
  await Promise.all(cluster.members.filter((member) => member !== left).map((member) => member.start()))
  await cluster.leader()
  await left.client.put({ key: KEY, value: Buffer.from('3') }, { deadlineMs: DEADLINE_MS })
  for (const { client } of cluster.members) {
    const { kvs } = await client.range({ key: KEY }, { deadlineMs: DEADLINE_MS })
    assert.equal(kvs[0]?.value.toString(), '3')
  }
})

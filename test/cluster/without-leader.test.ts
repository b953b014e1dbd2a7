/** One member of three that is left alone: what it still answers, and what it says to the rest. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { scrape } from '../support/metrics/scrape-server.js'
import { ClusterProcess } from '../support/cluster/cluster-process.js'
import { EtcdError, type EtcdClient } from '../support/etcd-client.js'
import { serverKind } from '../support/server-process.js'

const DEADLINE = { deadlineMs: 20_000 }
const TIMEOUT_MS = 7000
const EARLY_MS = 1500
const LATE_MS = 4000
/** 3.4 has no code of its own for what ran out of time before anybody took it. */
const NOT_PROPOSED = `${serverKind() === 'etcd' ? 'Unknown' : 'DeadlineExceeded'} context deadline exceeded`
const TIMED_OUT = 'Unavailable etcdserver: request timed out'
const NO_LEADER = 'Unavailable etcdserver: no leader'

let cluster: ClusterProcess
let client: EtcdClient
let leaseId: bigint

before(async () => {
  cluster = await ClusterProcess.start({ size: 3 })
  const [left, other] = await cluster.followers()
  assert.ok(left !== undefined && other !== undefined)
  client = left.client
  await client.put({ key: 'k', value: 'v' })
  leaseId = (await client.leaseGrant({ ttl: 1000n })).id
  await Promise.all([(await cluster.leader()).kill(), other.kill()])
  const giveUpAt = Date.now() + TIMEOUT_MS
  while ((await client.status()).leader !== 0n) assert.ok(Date.now() < giveUpAt, 'the leader is still believed in')
})

after(() => cluster.remove())

async function keepAlive(): Promise<unknown> {
  const stream = client.leaseKeepAlive()
  stream.send({ id: leaseId })
  return stream.next()
}

const WAITING: readonly (readonly [string, string, () => Promise<unknown>])[] = [
  ['a put', NOT_PROPOSED, () => client.put({ key: 'k', value: 'w' }, DEADLINE)],
  ['a delete', NOT_PROPOSED, () => client.deleteRange({ key: 'k' }, DEADLINE)],
  ['a compaction', NOT_PROPOSED, () => client.compact({ revision: 1n }, DEADLINE)],
  ['a grant', NOT_PROPOSED, () => client.leaseGrant({ ttl: 10n }, DEADLINE)],
  ['a revoke', NOT_PROPOSED, () => client.leaseRevoke(leaseId, DEADLINE)],
  ['a linearizable range', TIMED_OUT, () => client.range({ key: 'k' }, DEADLINE)],
  ['the remaining time of a lease', NO_LEADER, () => client.leaseTimeToLive(leaseId, false, DEADLINE)],
  ['a keep-alive', NO_LEADER, keepAlive],
]
/** Of these, those that go through the log. */
const PROPOSALS = 5

test('what needs a leader waits for one as long as a request may take, and then has its own error', async () => {
  const since = Date.now()
  const start = await scrape(client.endpoint)
  const waiting = Promise.all(WAITING.map(async ([name, text, ask]) => {
    const error: unknown = await ask().then(() => null, (reason: unknown) => reason)
    const waitedMs = Date.now() - since
    assert.ok(error instanceof Error, `${name} was answered`)
    const told = error instanceof EtcdError ? error.toText() : error.message
    assert.ok(told.endsWith(text) || told.endsWith(text.replace('Unavailable', '14')), `${name}: ${told}`)
    assert.ok(waitedMs > TIMEOUT_MS - EARLY_MS && waitedMs < TIMEOUT_MS + LATE_MS, `${name} took ${waitedMs} ms`)
  }))
  // Answered behind the calls that were made before it on its connection.
  await client.status()
  const during = await scrape(client.endpoint)
  await waiting
  const end = await scrape(client.endpoint)
  assert.equal(end.value('etcd_server_has_leader'), 0)
  assert.equal(end.value('etcd_server_is_leader'), 0)
  const moved = (name: string): number => end.value(name) - start.value(name)
  assert.equal(moved('etcd_server_proposals_failed_total'), PROPOSALS)
  assert.equal(moved('etcd_server_slow_read_indexes_total'), 1)
  assert.equal(moved('etcd_server_read_indexes_failed_total'), 0)
  assert.equal(end.value('etcd_server_proposals_pending'), 0)
  // etcd counts as pending only what it has handed to raft.
  if (serverKind() !== 'etcd') assert.ok(during.value('etcd_server_proposals_pending') >= PROPOSALS)
})

test('what the member knows by itself it still tells', async () => {
  const { kvs } = await client.range({ key: 'k', serializable: true })
  assert.equal(kvs.length, 1)
  const { leases } = await client.leaseLeases()
  assert.deepEqual(leases.map(({ id }) => id), [leaseId])
  assert.equal((await client.memberList(false)).members.length, 3)
  const status = await client.status()
  assert.equal(status.leader, 0n)
  assert.deepEqual(status.errors, ['etcdserver: no leader'])
})

test('who wants a leader is refused at once', async () => {
  const since = Date.now()
  const wanted = { metadata: { hasleader: 'true' } }
  for (const serializable of [false, true]) {
    await assert.rejects(client.range({ key: 'k', serializable }, wanted), /etcdserver: no leader/)
  }
  assert.ok(Date.now() - since < TIMEOUT_MS / 2)
})

test('with the others back everything goes on', async () => {
  await Promise.all(cluster.members.filter((member) => !member.isRunning).map((member) => member.start()))
  await cluster.leader()
  assert.equal((await scrape(client.endpoint)).value('etcd_server_has_leader'), 1)
  await client.put({ key: 'k', value: 'later' })
  assert.ok((await client.leaseTimeToLive(leaseId)).ttl > 900)
})

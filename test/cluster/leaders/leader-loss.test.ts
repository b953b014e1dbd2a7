/** Leaders that stop answering or are told to make way, as the clients of other members see it. */

import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { after, before, test } from 'node:test'
import { MaintenanceClient } from '../../space/maintenance-client.js'
import { ClusterProcess, type ClusterMember } from '../../support/cluster/cluster-process.js'
import { errorOf, present } from '../../support/expect.js'
import { scrape } from '../../support/metrics/scrape-server.js'

const DEADLINE_MS = 20_000
const KEY = Buffer.from('leader-loss')

let cluster: ClusterProcess

before(async () => {
  cluster = await ClusterProcess.start({ size: 3 })
})

after(() => cluster.remove())

async function idOf(member: ClusterMember): Promise<bigint> {
  return present((await member.client.status()).header).memberId
}

function moveLeader(member: ClusterMember, targetId: bigint): Promise<unknown> {
  return new MaintenanceClient(member.client).moveLeader(targetId)
}

test('a frozen leader loses its place; what waited for it fails as in etcd, and later requests do not', async () => {
  const leader = await cluster.leader()
  const [follower] = await cluster.followers()
  assert.ok(follower !== undefined)
  const { client } = follower
  await client.put({ key: KEY, value: Buffer.from('before') })
  const start = await scrape(client.endpoint)
  leader.server.pause()
  const put = errorOf(client.put({ key: KEY, value: Buffer.from('lost') }, { deadlineMs: DEADLINE_MS }))
  const read = errorOf(client.range({ key: KEY }, { deadlineMs: DEADLINE_MS }))
  // On a machine so busy that the election takes longer than anybody waits, it says that its time is up.
  assert.match(await read, /^Unavailable (etcdserver: leader changed|etcdserver: request timed out)$/)
  const end = await scrape(client.endpoint)
  const moved = (name: string): number => end.value(name) - start.value(name)
  const isFailed = (await read).endsWith('leader changed')
  assert.equal(moved('etcd_server_read_indexes_failed_total'), isFailed ? 1 : 0)
  assert.equal(moved('etcd_server_slow_read_indexes_total'), isFailed ? 0 : 1)
  if (isFailed) assert.ok(moved('etcd_server_leader_changes_seen_total') > 0)
  await client.put({ key: KEY, value: Buffer.from('after') }, { deadlineMs: DEADLINE_MS })
  // With more words if the election took less than two election timeouts.
  assert.match(await put, /^Unavailable etcdserver: request timed out/)
  leader.server.resume()
  await cluster.leader()
  const { kvs } = await leader.client.range({ key: KEY }, { deadlineMs: DEADLINE_MS })
  // The frozen leader had the lost put in its socket at most, and what it took in there it could not commit.
  assert.equal(kvs[0]?.value.toString(), 'after')
})

test('a leader moves where it is told to, and only it can be told', async () => {
  const leader = await cluster.leader()
  const [first, second] = await cluster.followers()
  assert.ok(first !== undefined && second !== undefined)
  const target = await idOf(second)
  assert.equal(await errorOf(moveLeader(first, target)), 'FailedPrecondition etcdserver: not leader')
  assert.equal(await errorOf(moveLeader(leader, 77n)), 'FailedPrecondition etcdserver: bad leader transferee')
  await moveLeader(leader, target)
  assert.equal((await cluster.leader()).name, second.name)
  for (const member of cluster.members) await member.client.put({ key: KEY, value: Buffer.from(member.name) })
})

test('to a member that is down no leader moves, and the cluster goes on', async () => {
  const leader = await cluster.leader()
  const [down] = await cluster.followers()
  assert.ok(down !== undefined)
  const target = await idOf(down)
  await down.kill()
  const error = await errorOf(moveLeader(leader, target))
  assert.equal(error, 'Unknown etcdserver: request timed out, leader transfer took too long')
  for (let tries = 0; ; tries++) {
    // Proposals are dropped while a hand-over is tried, for an election timeout.
    const outcome = await errorOf(leader.client.put({ key: KEY, value: Buffer.from('on') }))
    if (outcome === 'no error') break
    assert.equal(outcome, 'Unknown raft proposal dropped')
    assert.ok(tries < 100)
    await delay(50)
  }
  await down.start()
})

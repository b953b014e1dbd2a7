/** A member with another value in its store than the others is found by the hash of its keys, in all of etcd's ways. */

import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'node:test'
import { ALARM, ALARM_ACTION, MaintenanceClient } from '../../space/maintenance-client.js'
import { ClusterProcess, type ClusterMember } from '../../support/cluster/cluster-process.js'
import { errorOf, present, revisionOf } from '../../support/expect.js'
import { askPeerHash } from '../../support/cluster/peer-hash.js'
import { BAD_VALUE, GOOD_VALUE, replaceValue } from './altered-store.js'

const KEY = Buffer.from('key')
const CORRUPT = 'DataLoss etcdserver: corrupt cluster'
const COMPACTED = 'mvcc: required revision has been compacted\n'
const FUTURE = 'mvcc: required revision is a future revision\n'
const CHECK_MS_MAX = 30_000
const TRIES_MAX = 100

async function idOf(member: ClusterMember): Promise<bigint> {
  return present((await member.client.status()).header).memberId
}

async function put(member: ClusterMember, value: Buffer): Promise<number> {
  return revisionOf(await member.client.put({ key: KEY, value }))
}

/** A follower, down, in whose store another value stands. */
async function alterOne(cluster: ClusterProcess): Promise<{ leader: ClusterMember; sick: ClusterMember; id: bigint }> {
  const leader = await cluster.leader()
  await put(leader, GOOD_VALUE)
  await Promise.all(cluster.members.map((member) => member.client.range({ key: KEY })))
  const sick = cluster.members.find((member) => member !== leader) as ClusterMember
  const id = await idOf(sick)
  await sick.stop()
  replaceValue(sick, GOOD_VALUE, BAD_VALUE)
  return { leader, sick, id }
}

/** Waits for the first alarm: it comes through the log a moment after the check. */
async function alarmOf(cluster: ClusterProcess, leader: ClusterMember): Promise<readonly bigint[]> {
  const maintenance = new MaintenanceClient(leader.client)
  for (let tries = 0; ; tries++) {
    const { alarms } = await maintenance.alarm(ALARM_ACTION.GET, ALARM.CORRUPT)
    if (alarms.length > 0) return alarms.map(({ memberId }) => memberId)
    assert.ok(tries < TRIES_MAX, `there is no alarm\n${cluster.logs()}`)
    await delay(50)
  }
}

/** etcd's members go on serving what they have. */
async function expectFenced(cluster: ClusterProcess, sick: ClusterMember): Promise<void> {
  if (sick.spec.kind === 'etcd') return
  const read = { key: KEY, serializable: true }
  for (let tries = 0; (await errorOf(sick.client.range(read))) !== CORRUPT; tries++) {
    assert.ok(tries < TRIES_MAX, `it was never fenced\n${cluster.logs()}`)
    await delay(50)
  }
}

test('by the clock the leader finds who has other keys, and raises the alarm for that member', async () => {
  await ClusterProcess.with({ size: 3, flags: ['--corrupt-check-time=500ms'] }, async (cluster) => {
    const { leader, sick, id } = await alterOne(cluster)
    await leader.server.logged(/finished peer corruption check/u, CHECK_MS_MAX)
    await sick.start()
    await leader.server.logged(/same compact revision then hashes must match/u, CHECK_MS_MAX)
    assert.deepEqual(await alarmOf(cluster, leader), [id])
    await expectFenced(cluster, sick)
    assert.equal(await errorOf(leader.client.put({ key: KEY, value: 'v' })), CORRUPT)
  })
})

test('the leader finds who came to another hash at a compaction', async () => {
  const flags = ['--feature-gates=CompactHashCheck=true', '--compact-hash-check-time=500ms']
  await ClusterProcess.with({ size: 3, flags }, async (cluster) => {
    const revision = await put(await cluster.leader(), Buffer.from('first'))
    const { leader, sick, id } = await alterOne(cluster)
    await sick.start()
    // The value is the key's still at this revision, so it is hashed.
    const compacted = revision + 1
    await put(leader, Buffer.from('last'))
    await leader.client.compact({ revision: compacted, physical: true })
    await leader.server.logged(/Detected compaction hash mismatch/u, CHECK_MS_MAX)
    assert.deepEqual(await alarmOf(cluster, leader), [id])
    await expectFenced(cluster, sick)
  })
})

test('members that agree on their compactions say so, and raise no alarm', async () => {
  const flags = [
    '--feature-gates=CompactHashCheck=true', '--compact-hash-check-time=500ms', '--corrupt-check-time=500ms',
  ]
  await ClusterProcess.with({ size: 3, flags }, async (cluster) => {
    const leader = await cluster.leader()
    let revision = 0
    for (let i = 0; i < 50; i++) revision = await put(leader, Buffer.from(`${i}`))
    await leader.client.compact({ revision: revision - 10, physical: true })
    await leader.server.logged(/successfully checked hash on whole cluster/u, CHECK_MS_MAX)
    await leader.server.logged(/finished peer corruption check","number-of-peers-checked":2/u, CHECK_MS_MAX)
    const { alarms } = await new MaintenanceClient(leader.client).alarm(ALARM_ACTION.GET, ALARM.CORRUPT)
    assert.deepEqual(alarms, [])
  })
})

test('a member with other keys refuses to start when it is to compare them first', async () => {
  await ClusterProcess.with({ size: 3, flags: ['--feature-gates=InitialCorruptCheck=true'] }, async (cluster) => {
    const { sick, id } = await alterOne(cluster)
    const refused = sick.spawn()
    assert.equal((await refused.exited).code, 1, refused.log)
    assert.match(refused.log, new RegExp(`${id.toString(16)} found data inconsistency with peers`, 'u'))
    assert.doesNotMatch(refused.log, /ready to serve client requests/u)
    replaceValue(sick, BAD_VALUE, GOOD_VALUE)
    await sick.start()
    assert.match(sick.server.log, /initial corruption checking passed; no corruption/u)
    assert.equal(String((await sick.client.range({ key: KEY })).kvs[0]?.value), String(GOOD_VALUE))
  })
})

test('on its peer port a member answers what HashKV answers', async () => {
  await ClusterProcess.with({ size: 3 }, async (cluster) => {
    const leader = await cluster.leader()
    let revision = 0
    for (let i = 0; i < 20; i++) revision = await put(leader, Buffer.from(`${i}`))
    await leader.client.compact({ revision: revision - 5, physical: true })
    for (const member of cluster.members) {
      await member.client.range({ key: KEY })
      const asked = new MaintenanceClient(member.client)
      for (const wanted of [0, revision, revision - 2]) {
        const { hash, compactRevision, hashRevision } = await asked.hashKv(wanted)
        const { status, body } = await askPeerHash(member.peerUrl, { body: `{"revision":${wanted}}` })
        const found = JSON.parse(body) as Record<string, unknown>
        assert.deepEqual(
          [status, found['hash'], found['compact_revision'], found['hash_revision']],
          [200, hash, compactRevision, hashRevision],
        )
      }
    }
    const [gone, future] = [revision - 6, revision + 1]
    for (const [wanted, body] of [[gone, COMPACTED], [future, FUTURE]] as const) {
      const answer = await askPeerHash(leader.peerUrl, { body: `{"revision":${wanted}}` })
      assert.deepEqual([answer.status, answer.body], [400, body])
    }
  })
})

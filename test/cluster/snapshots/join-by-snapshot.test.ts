/** A member that joins a cluster whose log begins long after its first entry: it begins with the leader's store. */

import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { after, before, test } from 'node:test'
import { ClusterProcess, type ClusterMember } from '../../support/cluster/cluster-process.js'
import { MemberClient } from '../../support/cluster/member-client.js'

const FLAGS = ['--snapshot-count=100', '--snapshot-catchup-entries=50']
/** Strict checks want connections that have lasted. */
const CONNECTED_MS = 5500
const INSTALLED = /the store is a leader's/
const INSTALL_MS_MAX = 60_000
const VALUE = Buffer.alloc(500, 'v')
const ALL = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) }
const TRIES_MAX = 150

let cluster: ClusterProcess
let fresh: ClusterMember

before(async () => {
  cluster = await ClusterProcess.start({ size: 3, flags: FLAGS })
  const { client } = await cluster.leader()
  for (let i = 0; i < 1000; i += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, at) =>
      client.put({ key: Buffer.from(`key ${i + at}`), value: VALUE })))
  }
  await delay(CONNECTED_MS)
})

after(() => cluster.remove())

async function countAt(member: ClusterMember): Promise<number> {
  const { kvs } = await member.client.range({ ...ALL, serializable: true })
  return kvs.length
}

/** A busy machine may take its time until the cluster is found healthy. */
async function insist(change: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await change()
      return
    } catch (error) {
      assert.ok(tries < TRIES_MAX, String(error))
      await delay(100)
    }
  }
}

test('a learner begins with the store of the leader, and can be promoted', async () => {
  const { client } = await cluster.leader()
  fresh = await cluster.add('m4', FLAGS)
  await insist(() => new MemberClient(client).add([fresh.peerUrl], true))
  await fresh.start()
  await fresh.server.logged(INSTALLED, INSTALL_MS_MAX)
  for (let tries = 0; (await countAt(fresh)) < 1000; tries++) {
    assert.ok(tries < TRIES_MAX, 'the learner never had everything')
    await delay(100)
  }
  const { members } = await client.memberList()
  const id = members.find(({ peerUrls }) => peerUrls.includes(fresh.peerUrl))?.id as bigint
  await insist(() => new MemberClient(client).promote(id))
})

test('as a voter it commits what two of the others do not see, and outlives a crash', async () => {
  await fresh.kill()
  await fresh.start()
  assert.doesNotMatch(fresh.server.log, INSTALLED)
  const leader = await cluster.leader()
  const other = cluster.members.find((member) => member !== leader && member !== fresh) as ClusterMember
  await other.kill()
  await leader.client.put({ key: Buffer.from('with its vote'), value: VALUE })
  const { kvs } = await fresh.client.range({ key: Buffer.from('with its vote') })
  assert.equal(kvs.length, 1)
})

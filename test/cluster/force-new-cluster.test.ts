/** --force-new-cluster: one member goes on with all that it knows to be committed, and the cluster grows again. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { ClusterProcess } from '../support/cluster/cluster-process.js'
import { MemberClient } from '../support/cluster/member-client.js'
import { ServerProcess } from '../support/server-process.js'

let cluster: ClusterProcess | null = null
after(() => cluster?.remove())

test('the member that is left goes on alone, starts again without the flag, and takes in others', async () => {
  cluster = await ClusterProcess.start({ size: 3 })
  const leader = await cluster.leader()
  for (let i = 0; i < 20; i++) await leader.client.put({ key: Buffer.from(`k${i}`), value: Buffer.from('1') })
  const left = (await cluster.followers())[0]
  assert.ok(left !== undefined)
  const before = await left.client.range({ key: Buffer.from('k'), rangeEnd: Buffer.from('l') })
  assert.equal(before.kvs.length, 20)
  await Promise.all(cluster.members.map((member) => (member === left ? null : member.kill())))
  // What a member knows to be committed is in its log when it stops; one that is killed may not know its last second.
  await left.stop()

  const forced = await ServerProcess.start({ ...left.spec, flags: ['--force-new-cluster'] })
  assert.match(forced.log, /forcing a new cluster of this member alone/)
  const { members, header } = await left.client.memberList()
  assert.deepEqual(members.map(({ name }) => name), [left.name])
  assert.equal(header?.clusterId, before.header?.clusterId)
  assert.equal(header?.memberId, before.header?.memberId)
  const all = { key: Buffer.from('k'), rangeEnd: Buffer.from('l') }
  const kept = await left.client.range(all)
  assert.equal(kept.kvs.length, 20)
  await left.client.put({ key: Buffer.from('k-alone'), value: Buffer.from('1') })
  const exit = await forced.stop()
  assert.equal(exit.code, 0)

  await left.start()
  const again = await left.client.range(all)
  assert.equal(again.kvs.length, 21)
  cluster.members.splice(0, 3, left)
  const fresh = await cluster.add('m4')
  await new MemberClient(left.client).add([fresh.peerUrl])
  await fresh.start()
  const copied = await fresh.client.range(all)
  assert.equal(copied.kvs.length, 21)
})

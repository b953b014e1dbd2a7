/** Three processes on loopback: any of them serves clients, and the cluster outlives any one of them. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ClusterProcess, type ClusterMember } from '../../support/cluster/cluster-process.js'
import type { EtcdClient } from '../../support/etcd-client.js'

let cluster: ClusterProcess

before(async () => {
  cluster = await ClusterProcess.start({ size: 3 })
})

after(() => cluster.remove())

async function valueAt(client: EtcdClient, key: string): Promise<string | undefined> {
  const { kvs } = await client.range({ key: Buffer.from(key) })
  return kvs[0] === undefined ? undefined : Buffer.from(kvs[0].value).toString()
}

async function put(member: ClusterMember, key: string, value: string): Promise<void> {
  await member.client.put({ key: Buffer.from(key), value: Buffer.from(value) })
}

test('a put through any member is read through any other, at once', async () => {
  await cluster.leader()
  for (const writer of cluster.members) {
    for (let round = 0; round < 5; round++) {
      await put(writer, `from-${writer.name}`, `${round}`)
      for (const reader of cluster.members) {
        const value = await valueAt(reader.client, `from-${writer.name}`)
        assert.equal(value, `${round}`, `${writer.name} to ${reader.name}`)
      }
    }
  }
})

test('all members list the same members, by name and client URL', async () => {
  const lists = await Promise.all(cluster.members.map(({ client }) => client.memberList()))
  const [first] = lists
  assert.deepEqual(first?.members.map(({ name }) => name).toSorted(), ['m1', 'm2', 'm3'])
  for (const list of lists) assert.deepEqual(list.members, first?.members)
})

test('many puts through all members at the same time are all there', async () => {
  const count = 300
  await Promise.all(cluster.members.flatMap((member) =>
    Array.from({ length: count }, (_, i) => put(member, `many/${member.name}/${i}`, 'x'))))
  for (const { client } of cluster.members) {
    const { count: found } = await client.range({
      key: Buffer.from('many/'), rangeEnd: Buffer.from('many0'), countOnly: true,
    })
    assert.equal(found, 3 * count)
  }
})

test('the others go on when the leader is killed, and it catches up when it is started again', async () => {
  for (let round = 0; round < 2; round++) {
    const leader = await cluster.leader()
    await put(leader, 'killed', `before ${round}`)
    await leader.kill()
    const second = await cluster.leader()
    assert.notEqual(second.name, leader.name)
    for (const member of cluster.running) {
      assert.equal(await valueAt(member.client, 'killed'), `before ${round}`)
      await put(member, `while-${leader.name}-was-down`, `${round}`)
    }
    await leader.start()
    assert.equal(await valueAt(leader.client, `while-${leader.name}-was-down`), `${round}`)
    await put(leader, 'killed', `after ${round}`)
    assert.equal(await valueAt(second.client, 'killed'), `after ${round}`)
  }
})

test('a leader that is stopped hands over first: its cluster hardly misses it', async () => {
  const leader = await cluster.leader()
  const exit = await leader.stop()
  assert.deepEqual(exit, { code: 0, signal: null })
  const since = Date.now()
  const second = await cluster.leader()
  await put(second, 'handed-over', 'yes')
  // Half of an election timeout, which is how long the others would wait at least.
  assert.ok(Date.now() - since < 500, `${Date.now() - since} ms`)
  await leader.start()
  assert.equal(await valueAt(leader.client, 'handed-over'), 'yes')
})

test('all of them killed together come back with all that was acknowledged', async () => {
  await Promise.all(cluster.members.map((member, i) => put(member, `all-killed/${i}`, 'kept')))
  await Promise.all(cluster.members.map((member) => member.kill()))
  await Promise.all(cluster.members.map((member) => member.start()))
  for (const { client } of cluster.members) {
    for (const i of cluster.members.keys()) assert.equal(await valueAt(client, `all-killed/${i}`), 'kept')
  }
})

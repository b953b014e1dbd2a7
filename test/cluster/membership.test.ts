/** Members come, learn, are promoted, move and leave, with real processes and the exact errors of etcd. */

import assert from 'node:assert/strict'
import { existsSync, rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { after, before, test } from 'node:test'
import { ClusterProcess, type ClusterMember } from '../support/cluster/cluster-process.js'
import { freePorts } from '../support/cluster/free-ports.js'
import { MemberClient } from '../support/cluster/member-client.js'
import { errorOf, expectError } from '../support/expect.js'
import { StartError } from '../support/server-process.js'

/** Strict checks want connections that have lasted. */
const CONNECTED_MS = 5500

let cluster: ClusterProcess

before(async () => {
  cluster = await ClusterProcess.start({ size: 3 })
  await cluster.leader()
  await delay(CONNECTED_MS)
})

after(() => cluster.remove())

function membersOf(member: ClusterMember): MemberClient {
  return new MemberClient(member.client)
}

async function idOf(member: ClusterMember, at = cluster.member(0)): Promise<bigint> {
  const { members } = await at.client.memberList(false)
  const found = members.find(({ peerUrls }) => peerUrls.includes(member.peerUrl))
  assert.ok(found !== undefined, `${member.name} is a member`)
  return found.id
}

async function metric(member: ClusterMember, name: string): Promise<string | undefined> {
  const response = await fetch(`http://127.0.0.1:${member.spec.clientPort}/metrics`)
  const line = (await response.text()).split('\n').find((text) => text.startsWith(`${name} `))
  return line?.slice(name.length + 1)
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries++) {
    assert.ok(tries < 150, `it never came to this: ${what}`)
    await delay(100)
  }
}

function isThere(member: ClusterMember, key: string): Promise<boolean> {
  const read = member.client.range({ key: Buffer.from(key), serializable: true })
  return read.then(({ kvs }) => kvs.length > 0, () => false)
}

test('changes that cannot be are refused with the codes and texts of etcd, whichever member is asked', async () => {
  const [first] = cluster.members as [ClusterMember]
  const known = await idOf(first)
  for (const member of cluster.members) {
    const client = membersOf(member)
    await expectError(client.add(['nonsense']), 'InvalidArgument etcdserver: given member URLs are invalid')
    await expectError(client.add([]), 'InvalidArgument etcdserver: given member URLs are invalid')
    await expectError(client.add(['http://a:1/']), 'InvalidArgument etcdserver: given member URLs are invalid')
    await expectError(client.add([first.peerUrl]), 'FailedPrecondition etcdserver: Peer URLs already exists')
    await expectError(client.remove(77n), 'NotFound etcdserver: member not found')
    await expectError(client.update(77n, ['http://a:1']), 'NotFound etcdserver: member not found')
    const other = cluster.members.find((one) => one !== first) as ClusterMember
    await expectError(client.update(known, [other.peerUrl]), 'FailedPrecondition etcdserver: Peer URLs already exists')
    await expectError(client.promote(77n), 'NotFound etcdserver: member not found')
    const notLearner = 'FailedPrecondition etcdserver: can only promote a learner member'
    await until('a voter is up to date', async () => (await errorOf(client.promote(known))) === notLearner)
  }
})

test('a learner is added, learns, serves what learners serve, and is promoted through a follower', async () => {
  await cluster.member(0).client.put({ key: Buffer.from('before'), value: Buffer.from('1') })
  const learner = await cluster.add('m4')
  const [follower] = (await cluster.followers()) as [ClusterMember]
  const client = membersOf(follower)
  const added = await client.add([learner.peerUrl], true)
  assert.deepEqual(
    [added.member?.peerURLs, added.member?.isLearner, added.member?.name, added.members.length],
    [[learner.peerUrl], true, '', 4],
  )
  assert.equal(added.header?.revision, 0)
  const id = added.member?.ID as bigint
  const tooMany = 'FailedPrecondition etcdserver: too many learner members in cluster'
  await expectError(client.add(['http://a:1'], true), tooMany)
  const notReady = 'FailedPrecondition etcdserver: can only promote a learner member which is in sync with leader'
  await expectError(client.promote(id), notReady)
  await learner.start()
  await until('the learner has all', () => isThere(learner, 'before'))
  const refused = 'FailedPrecondition etcdserver: rpc not supported for learner'
  await expectError(learner.client.range({ key: Buffer.from('before') }), refused)
  await expectError(learner.client.put({ key: Buffer.from('x'), value: Buffer.from('1') }), refused)
  await expectError(learner.client.memberList(), refused)
  const status = await learner.client.status()
  assert.equal(status.isLearner, true)
  assert.equal(await metric(learner, 'etcd_server_is_learner'), '1')
  const ready = await fetch(`http://127.0.0.1:${learner.spec.clientPort}/readyz/non_learner`)
  assert.equal(ready.status, 503)
  const promoted = await client.promote(id)
  assert.equal(promoted.members.find(({ ID }) => ID === id)?.isLearner, false)
  await until('it serves everything', async () => {
    return (await errorOf(learner.client.range({ key: Buffer.from('before') }))) === 'no error'
  })
  // Who led then counts it, whoever leads by now.
  const total = async (name: string): Promise<number> => {
    const counts = await Promise.all(cluster.running.map((member) => metric(member, name)))
    return counts.reduce((sum, count) => sum + Number(count), 0)
  }
  assert.equal(await total('etcd_server_learner_promote_successes'), 1)
  const failure = 'etcd_server_learner_promote_failures{Reason='
  const text = 'etcdserver: can only promote a learner member which is in sync with leader'
  assert.ok(await total(`${failure}"${text}"}`) >= 1)
})

test('a removed member stops and says why, and starts no more', async () => {
  const member = cluster.member(3)
  const id = await idOf(member)
  const left = await membersOf(cluster.member(0)).remove(id)
  assert.equal(left.members.length, 3)
  const exit = await member.server.exited
  assert.deepEqual([exit.code, exit.signal], [0, null])
  assert.match(member.server.log, /the member has been permanently removed from the cluster/)
  const again = await member.start().then(() => null, (error: unknown) => error)
  assert.ok(again instanceof StartError)
  assert.match(again.log, /the member has been permanently removed from the cluster/)
  await expectError(membersOf(cluster.member(0)).remove(id), 'NotFound etcdserver: member not found')
  await member.kill()
  cluster.members.splice(3, 1)
})

test('a member that is dead is replaced, and the new one has all', async () => {
  const dead = cluster.member(2)
  const id = await idOf(dead)
  await dead.kill()
  await cluster.leader()
  const client = membersOf(cluster.member(0))
  const unhealthy = 'Unavailable etcdserver: unhealthy cluster'
  await expectError(client.add(['http://a:1']), unhealthy)
  await expectError(client.remove(await idOf(cluster.member(1))), unhealthy)
  await client.remove(id)
  cluster.members.splice(2, 1)
  const fresh = await cluster.add('m5')
  await client.add([fresh.peerUrl])
  const notEnough = 'Unknown etcdserver: re-configuration failed due to not enough started members'
  await expectError(client.add(['http://a:1']), notEnough)
  await expectError(client.remove(await idOf(cluster.member(1))), notEnough)
  await fresh.start()
  const read = await fresh.client.range({ key: Buffer.from('before') })
  assert.equal(read.kvs.length, 1)
  assert.ok(cluster.running.length === 3)
})

test('a member moves to another URL while it is down', async () => {
  const member = cluster.member(2)
  const id = await idOf(member)
  const [port] = (await freePorts(1)) as [number]
  await member.kill()
  const moved = await membersOf(cluster.member(0)).update(id, [`http://127.0.0.1:${port}`])
  assert.deepEqual(moved.members.find(({ ID }) => ID === id)?.peerURLs, [`http://127.0.0.1:${port}`])
  const again = cluster.moved(2, port)
  await cluster.member(0).client.put({ key: Buffer.from('moved'), value: Buffer.from('1') })
  await again.start()
  await until('it has what was put while it was away', () => isThere(again, 'moved'))
})

test('a member that is not known, or known under other URLs, does not join', async () => {
  const stranger = await cluster.add('m6')
  const refused = await stranger.start().then(() => null, (error: unknown) => error)
  assert.ok(refused instanceof StartError)
  assert.match(refused.log, /error validating peerURLs .*member count is unequal/)
  cluster.members.pop()
})

test('the gateway changes members, too', async () => {
  const post = async (path: string, body: object): Promise<Record<string, unknown>> => {
    const url = `http://127.0.0.1:${cluster.member(0).spec.clientPort}/v3/cluster/member/${path}`
    const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
    return await response.json() as Record<string, unknown>
  }
  await delay(CONNECTED_MS)
  const added = await post('add', { peerURLs: ['http://127.0.0.1:1'], isLearner: true })
  const { ID } = added['member'] as { ID: string }
  assert.equal((added['members'] as unknown[]).length, 4)
  const updated = await post('update', { ID, peerURLs: ['http://127.0.0.1:2'] })
  assert.ok(JSON.stringify(updated).includes('http://127.0.0.1:2'))
  const promoted = await post('promote', { ID })
  assert.equal(promoted['message'], 'etcdserver: can only promote a learner member which is in sync with leader')
  const removed = await post('remove', { ID })
  assert.equal((removed['members'] as unknown[]).length, 3)
})

test('a member that has lost its data does not start as if it were new', async () => {
  const member = cluster.member(1)
  await member.kill()
  rmSync(member.spec.dataDir, { recursive: true })
  const refused = await member.start().then(() => null, (error: unknown) => error)
  assert.ok(refused instanceof StartError)
  assert.match(refused.log, /has already been bootstrapped/)
  assert.equal(existsSync(member.spec.dataDir), false)
})

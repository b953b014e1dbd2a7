/** What a cluster of several agrees on: its version, a downgrade, and what one snapshot is restored to. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  DowngradeRequestDowngradeAction as Action,
  decodeDowngradeResponse,
  decodeStatusResponse,
  encodeDowngradeRequest,
} from '../../src/proto/generated/etcdserverpb.js'
import { ClusterProcess, type ClusterMember } from '../support/cluster/cluster-process.js'
import { errorOf } from '../support/expect.js'

const CTL = new URL('../../src/ctl/main.js', import.meta.url).pathname

let cluster: ClusterProcess

before(async () => {
  cluster = await ClusterProcess.start({ size: 3 })
  await cluster.leader()
})

after(() => cluster.remove())

async function clusterVersion({ spec }: ClusterMember, port = spec.clientPort): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/version`)
  return ((await response.json()) as { etcdcluster: string }).etcdcluster
}

async function allAgreeOn(version: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    const versions = await Promise.all(cluster.members.map((member) => clusterVersion(member)))
    if (versions.every((one) => one === version)) return
    assert.ok(tries < 200, `${versions.join()} instead of ${version}`)
    await delay(100)
  }
}

async function downgrade(member: ClusterMember, action: number, version = ''): Promise<string> {
  const request = Buffer.from(encodeDowngradeRequest({ action, version }))
  return decodeDowngradeResponse(await member.client.raw('/etcdserverpb.Maintenance/Downgrade', request)).version
}

test('the leader decides on the version when it knows those of all', async () => {
  await allAgreeOn('3.7.0')
})

test('a downgrade is enabled and cancelled through any member, and all follow', async () => {
  const [first, second, third] = cluster.members as [ClusterMember, ClusterMember, ClusterMember]
  assert.equal(await downgrade(first, Action.VALIDATE, '3.6.0'), '3.7')
  assert.equal(await downgrade(second, Action.ENABLE, '3.6.0'), '3.7')
  await allAgreeOn('3.6.0')
  const inProcess = 'FailedPrecondition etcdserver: cluster has a downgrade job in progress'
  assert.equal(await errorOf(downgrade(third, Action.ENABLE, '3.5.0')), inProcess)
  const status = decodeStatusResponse(await third.client.raw('/etcdserverpb.Maintenance/Status', Buffer.alloc(0)))
  assert.deepEqual(status.downgradeInfo, { enabled: true, targetVersion: '3.6.0' })
  await downgrade(third, Action.CANCEL)
  await allAgreeOn('3.7.0')
})

test('one snapshot is restored to three new members', async () => {
  const [first] = cluster.members as [ClusterMember]
  for (let i = 0; i < 50; i++) await first.client.put({ key: Buffer.from(`s${i}`), value: Buffer.from('1') })
  const file = cluster.directory.path('snapshot.db')
  run('snapshot', 'save', '--endpoints', `127.0.0.1:${first.spec.clientPort}`, file)
  const restored = await ClusterProcess.prepare({ size: 3 })
  try {
    const initialCluster = restored.members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',')
    for (const { name, peerUrl, spec } of restored.members) {
      run(
        'snapshot', 'restore', file, '--name', name, '--data-dir', spec.dataDir, '--initial-cluster', initialCluster,
        '--initial-cluster-token', 'restored', '--initial-advertise-peer-urls', peerUrl,
      )
    }
    await Promise.all(restored.members.map((member) => member.start()))
    await restored.leader()
    for (const { client } of restored.members) {
      const { count } = await client.range({ key: Buffer.from('s'), rangeEnd: Buffer.from('t'), countOnly: true })
      assert.equal(count, 50)
      const { members } = await client.memberList()
      assert.deepEqual(members.map(({ name }) => name).toSorted(), ['m1', 'm2', 'm3'])
    }
    const before = await first.client.memberList()
    const now = await restored.member(0).client.memberList()
    assert.notEqual(now.header?.clusterId, before.header?.clusterId)
  } finally {
    await restored.remove()
  }
})

function run(...words: string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [CTL, ...words], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
}

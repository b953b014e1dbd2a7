/** Members that have missed more than the leader keeps of its log: real processes, whose clients go on meanwhile. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ClusterProcess, type ClusterMember } from '../../support/cluster/cluster-process.js'
import { openWatch } from '../../support/watch-stream.js'

const FLAGS = ['--snapshot-count=100', '--snapshot-catchup-entries=50', '--log-level=info']
const INSTALLED = /the store is a leader's/
const INSTALL_MS_MAX = 60_000
const VALUE = Buffer.alloc(1000, 'v')
/** With so many of these a stream to a member that stands still is full. */
const LARGE = Buffer.alloc(100_000, 'v')
const LARGE_COUNT = 600
const ALL = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) }
const LEASE = 4711n

let cluster: ClusterProcess
let leader: ClusterMember
let behind: ClusterMember

before(async () => {
  cluster = await ClusterProcess.start({ size: 3, flags: FLAGS })
  await findOut()
})

after(() => cluster.remove())

async function findOut(): Promise<void> {
  leader = await cluster.leader()
  behind = cluster.members.find((member) => member !== leader) as ClusterMember
}

async function putMany(count: number, value = VALUE): Promise<void> {
  for (let i = 0; i < count; i += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, at) =>
      leader.client.put({ key: Buffer.from(`key ${i + at}`), value })))
  }
}

/** One put after the other until it is told to stop. Resolves with how many there were. */
function putOn(): { stop: () => Promise<number> } {
  let isOver = false
  let count = 0
  const done = (async () => {
    while (!isOver) await leader.client.put({ key: Buffer.from(`going on ${count++}`), value: VALUE })
  })()
  return {
    stop: async () => {
      isOver = true
      await done
      return count
    },
  }
}

async function assertEqualStores(): Promise<void> {
  const [mine, theirs] = await Promise.all([behind, leader].map(({ client }) => client.range(ALL)))
  assert.equal(mine?.kvs.length, theirs?.kvs.length)
  assert.deepEqual(mine?.kvs, theirs?.kvs)
}

test('a member that was down comes back by a snapshot while puts go on', async () => {
  await putMany(100)
  await behind.kill()
  await putMany(1500)
  await leader.client.leaseGrant({ ttl: 600, id: LEASE })
  await leader.client.put({ key: Buffer.from('held'), value: VALUE, lease: LEASE })
  const putting = putOn()
  await behind.start()
  await behind.server.logged(INSTALLED, INSTALL_MS_MAX)
  const count = await putting.stop()
  assert.ok(count > 10, `${count} puts meanwhile`)
  await assertEqualStores()
  const lease = await behind.client.leaseTimeToLive(LEASE, true)
  assert.deepEqual(lease.keys.map(String), ['held'])
})

test('both members count it', async () => {
  const [sent, received] = await Promise.all([leader, behind].map(async ({ spec }) => {
    const answer = await fetch(`http://127.0.0.1:${spec.clientPort}/metrics`)
    return answer.text()
  }))
  assert.match(sent ?? '', /^etcd_network_snapshot_send_success\{To="[0-9a-f]+"\} 1$/m)
  assert.match(received ?? '', /^etcd_network_snapshot_receive_success\{From="[0-9a-f]+"\} 1$/m)
  assert.match(received ?? '', /^etcd_snap_db_save_total_duration_seconds_count 1$/m)
  assert.match(received ?? '', /^etcd_snap_db_fsync_duration_seconds_count 1$/m)
  assert.match(received ?? '', /^etcd_server_snapshot_apply_in_progress_total 0$/m)
})

test('what it has got outlives it', async () => {
  await behind.kill()
  await behind.start()
  await assertEqualStores()
  assert.doesNotMatch(behind.server.log, INSTALLED)
})

test('a member that stood still keeps its watchers, who miss nothing', async () => {
  const { stream } = await openWatch(behind.client, { key: Buffer.from('watched'), rangeEnd: Buffer.from('watchee') })
  behind.server.pause()
  // Some of these are on their way already, and are applied when it goes on.
  await putMany(LARGE_COUNT, LARGE)
  for (let i = 0; i < 20; i++) await leader.client.put({ key: Buffer.from(`watched ${i}`), value: VALUE })
  await putMany(100)
  const installed = behind.server.logged(INSTALLED, INSTALL_MS_MAX)
  behind.server.resume()
  await installed
  const keys: string[] = []
  while (keys.length < 20) {
    const { events } = await stream.next()
    keys.push(...events.map(({ kv }) => String(kv?.key)))
  }
  assert.deepEqual(keys, Array.from({ length: 20 }, (_, i) => `watched ${i}`))
  stream.cancel()
  await assertEqualStores()
})

test('a watcher whose past was compacted away meanwhile hears so', async () => {
  // Behind again: the log of its process tells of another store.
  await behind.kill()
  await behind.start()
  const { stream } = await openWatch(behind.client, { key: Buffer.from('lost') })
  behind.server.pause()
  await putMany(LARGE_COUNT, LARGE)
  await leader.client.put({ key: Buffer.from('lost'), value: VALUE })
  await putMany(100)
  const { header } = await leader.client.put({ key: Buffer.from('last'), value: VALUE })
  const revision = header?.revision ?? 0
  await leader.client.compact({ revision })
  const installed = behind.server.logged(INSTALLED, INSTALL_MS_MAX)
  behind.server.resume()
  await installed
  const response = await stream.next()
  assert.deepEqual([response.canceled, response.compactRevision], [true, revision])
  await assertEqualStores()
})

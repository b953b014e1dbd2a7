/** Three processes that speak TLS with each other: what they count of each other, and a member that stops moving. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { ClusterProcess } from '../support/cluster/cluster-process.js'
import { freePorts } from '../support/cluster/free-ports.js'
import { EtcdClient } from '../support/etcd-client.js'
import { scrape } from '../support/metrics/scrape-server.js'
import { ServerProcess } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const NAMES = ['m1', 'm2', 'm3'] as const
/** A link is given up after so much silence, the least that the flag takes. */
const PATIENCE_MS = 5000
const POLL_MS = 50

const directory = temporaryDirectory()
const servers: ServerProcess[] = []
const clients: EtcdClient[] = []

before(async () => {
  const ports = await freePorts(2 * NAMES.length)
  const peerUrls = NAMES.map((_, i) => `https://127.0.0.1:${ports[2 * i + 1]}`)
  const initialCluster = NAMES.map((name, i) => `${name}=${peerUrls[i]}`).join(',')
  const starting = NAMES.map((name, i) => {
    const [clientPort, peerPort] = [ports[2 * i] as number, ports[2 * i + 1] as number]
    const url = peerUrls[i] as string
    const flags = [
      '--peer-auto-tls', '--listen-peer-urls', url, '--initial-advertise-peer-urls', url,
      '--raft-read-timeout', `${PATIENCE_MS}ms`,
    ]
    return ServerProcess.start({
      kind: 'raftring', name, dataDir: directory.path(name), clientPort, peerPort, initialCluster, flags,
      readyTimeoutMs: 120_000,
    })
  })
  servers.push(...(await Promise.all(starting)))
  clients.push(...servers.map(({ endpoint }) => new EtcdClient(endpoint)))
})

after(async () => {
  for (const client of clients) client.close()
  await Promise.all(servers.map((server) => server.kill()))
  directory.remove()
})

/** Values of a metric by the other member's id. */
async function valuesOf(server: ServerProcess, name: string): Promise<number[]> {
  const seen = await scrape(server.endpoint)
  return [...(seen.families.get(name)?.values.values() ?? [])]
}

async function until(what: string, condition: () => Promise<boolean>, patienceMs = 60_000): Promise<void> {
  const deadlineMs = Date.now() + patienceMs
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error(`${what} did not happen`)
    await delay(POLL_MS)
  }
}

test('a put through each member arrives at all of them', async () => {
  for (const [i, client] of clients.entries()) {
    await client.put({ key: `from ${i}`, value: 'x' })
    for (const other of clients) assert.equal((await other.range({ key: `from ${i}` })).kvs.length, 1)
  }
})

test('each member counts what goes between it and each other one', async () => {
  for (const server of servers) {
    await until('both reached', async () => (await valuesOf(server, 'etcd_network_active_peers')).join() === '1,1')
    assert.deepEqual(await valuesOf(server, 'etcd_network_known_peers'), [1, 1])
    for (const name of ['etcd_network_peer_sent_bytes_total', 'etcd_network_peer_received_bytes_total']) {
      const values = await valuesOf(server, name)
      assert.ok(values.length === 2 && values.every((value) => value > 0), `${name} ${values}`)
    }
    const trips = (await scrape(server.endpoint)).families.get('etcd_network_peer_round_trip_time_seconds')
    const counts = [...(trips?.counts.values() ?? [])]
    assert.ok(counts.length === 2)
  }
})

test('a member that stops moving is noticed although its connections stand, and comes back', async () => {
  const [first, , third] = servers as [ServerProcess, ServerProcess, ServerProcess]
  third.signal('SIGSTOP')
  await until('the loss', async () => (await valuesOf(first, 'etcd_network_active_peers')).includes(0))
  await clients[0]?.put({ key: 'while it stood still', value: 'x' })
  third.signal('SIGCONT')
  await until('the return', async () => (await valuesOf(first, 'etcd_network_active_peers')).join() === '1,1')
  await until('the key', async () => {
    const answer = await clients[2]?.range({ key: 'while it stood still' }).catch(() => null)
    return answer?.kvs.length === 1
  })
  assert.ok((await valuesOf(first, 'etcd_network_disconnected_peers_total')).some((value) => value > 0))
})

test('with a small --max-request-bytes a member that was down catches up by messages of many entries', async () => {
  const options = { size: 3, flags: ['--max-request-bytes', '10000'], spec: { readyTimeoutMs: 120_000 } }
  await ClusterProcess.with(options, async (cluster) => {
    const [follower] = await cluster.followers()
    await follower?.kill()
    const leader = await cluster.leader()
    const value = 'x'.repeat(6000)
    await Promise.all(Array.from({ length: 600 }, (_, i) => leader.client.put({ key: `k${i}`, value })))
    await follower?.start()
    await follower?.client.put({ key: 'through it', value: 'x' })
    const answer = await follower?.client.range({ key: 'k599' })
    assert.equal(answer?.kvs.length, 1)
    assert.doesNotMatch(follower?.server.log ?? '', /a frame of/)
  })
})

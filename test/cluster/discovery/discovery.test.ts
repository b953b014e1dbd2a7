/** First configurations out of DNS, and out of a discovery service, which is a raftring itself here. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { startNode } from 'raftring'
import { DiscoveryClientSocket } from '../../../src/cluster/discovery/discovery-client-socket.js'
import { initialClusterFromSrv, type SrvOptions, type SrvRecord } from '../../../src/cluster/discovery/srv-records.js'
import { discoverCluster, type V3DiscoveryResult } from '../../../src/cluster/discovery/v3-discovery.js'
import type { DiscoveryConfig } from '../../../src/config/sections/cluster-config.js'
import {
  encodeAuthEnableRequest,
  encodeAuthRoleAddRequest,
  encodeAuthUserAddRequest,
  encodeAuthUserGrantRoleRequest,
} from '../../../src/proto/generated/etcdserverpb.js'
import { TestAuthority } from '../../support/certificates.js'
import { freePorts } from '../../support/cluster/free-ports.js'
import { EtcdClient } from '../../support/etcd-client.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const node = await startNode()
after(() => node.close())
const user = { user: '', password: '' }

function configOf(token: string, changes: Partial<DiscoveryConfig> = {}): DiscoveryConfig {
  return {
    endpoints: [node.endpoint], token, dialTimeoutMs: 2000, requestTimeoutMs: 5000, keepaliveTimeMs: 2000,
    keepaliveTimeoutMs: 6000, insecureTransport: true, insecureSkipTlsVerify: false, certFile: '', keyFile: '',
    caFile: '', ...user, ...changes,
  }
}

async function discover(
  name: string, memberId: bigint, config: DiscoveryConfig, attemptsMax = 0,
): Promise<V3DiscoveryResult & { readonly log: string[] }> {
  const client = new DiscoveryClientSocket(config)
  const log: string[] = []
  try {
    const result = await discoverCluster({
      token: config.token, memberId, self: `${name}=http://${name}:2380`, client,
      pause: (attempt, problem) => {
        log.push(problem)
        return attempt > attemptsMax ? Promise.reject(new Error(problem)) : Promise.resolve()
      },
      log: (message) => log.push(message),
    })
    return { ...result, log }
  } finally {
    client.close()
  }
}

async function setSize(token: string, size: string): Promise<void> {
  const client = new DiscoveryClientSocket(configOf(token))
  await client.put(`/_etcd/registry/${token}/_config/size`, size)
  client.close()
}

test('members wait for one another, and the first so many are the cluster', async () => {
  await setSize('three', '3')
  const first = discover('a', 0xan, configOf('three'))
  const second = discover('b', 0xbn, configOf('three'))
  const third = await discover('c', 0xcn, configOf('three'))
  const results = [await first, await second, third]
  for (const result of results) {
    assert.ok(result.ok)
    const parts = result.initialCluster.split(',').sort()
    assert.deepEqual(parts, ['a=http://a:2380', 'b=http://b:2380', 'c=http://c:2380'])
  }
  const late = await discover('d', 0xdn, configOf('three'))
  assert.deepEqual([late.ok, late.ok ? '' : late.message], [false, 'discovery: cluster is full'])
  // Who has registered may ask again: it may have stopped before it had its log.
  const again = await discover('b', 0xbn, configOf('three'))
  assert.ok(again.ok)
})

test('a token that nobody gave a size, or no number, is refused', async () => {
  const unknown = await discover('a', 1n, configOf('nowhere'))
  assert.deepEqual([unknown.ok, unknown.ok ? '' : unknown.message], [false, 'discovery: size key not found'])
  await setSize('bad', 'many')
  const bad = await discover('a', 1n, configOf('bad'))
  assert.deepEqual([bad.ok, bad.ok ? '' : bad.message], [false, 'discovery: size key is bad'])
})

test('the next endpoint is asked when one does not answer', async () => {
  await setSize('one', '1')
  const endpoints = ['127.0.0.1:1', node.endpoint]
  const found = await discover('a', 1n, configOf('one', { endpoints, requestTimeoutMs: 500 }), 1)
  assert.ok(found.ok)
  assert.equal(found.initialCluster, 'a=http://a:2380')
  await assert.rejects(discover('a', 1n, configOf('one', { endpoints: ['127.0.0.1:1'], requestTimeoutMs: 300 })))
})

test('a service with users is asked as one of them', async () => {
  await setSize('users', '1')
  const etcd = new EtcdClient(node.endpoint)
  const auth = (name: string, request: Uint8Array) => etcd.raw(`/etcdserverpb.Auth/${name}`, Buffer.from(request))
  await auth('UserAdd', encodeAuthUserAddRequest({ name: 'root', password: 'pw' }))
  await auth('UserGrantRole', encodeAuthUserGrantRoleRequest({ user: 'root', role: 'root' }))
  await auth('RoleAdd', encodeAuthRoleAddRequest({ name: 'root' }))
  await auth('AuthEnable', encodeAuthEnableRequest({}))
  etcd.close()
  await assert.rejects(discover('a', 1n, configOf('users')), /user name is empty/)
  const named = await discover('a', 1n, configOf('users', { user: 'root:pw' }))
  assert.ok(named.ok)
  const apart = await discover('a', 1n, configOf('users', { user: 'root', password: 'pw' }))
  assert.ok(apart.ok)
})

test('a service with TLS is asked as its scheme or the flags say, with a certificate of this member', async () => {
  const directory = temporaryDirectory()
  const authority = await TestAuthority.make()
  const { cert, key } = await authority.issue({ commonName: 'discoverer' })
  const file = (name: string, contents: string): string => {
    writeFileSync(directory.path(name), contents)
    return directory.path(name)
  }
  const files = { caFile: file('ca', authority.cert), certFile: file('cert', cert), keyFile: file('key', key) }
  const [port] = (await freePorts(1)) as [number]
  const urls = `https://127.0.0.1:${port}`
  const service = await startNode({ flags: {
    'listen-client-urls': urls, 'advertise-client-urls': urls, 'cert-file': files.certFile, 'key-file': files.keyFile,
    'trusted-ca-file': files.caFile, 'client-cert-auth': true,
  } })
  const ask = async (endpoint: string, changes: Partial<DiscoveryConfig>): Promise<string> => {
    const config = configOf('tls', { endpoints: [endpoint], requestTimeoutMs: 1000, dialTimeoutMs: 1000, ...changes })
    return discover('a', 1n, config).then((result) => (result.ok ? 'ok' : result.message), () => 'no answer')
  }
  try {
    const unsized = 'discovery: size key not found'
    assert.equal(await ask(urls, files), unsized)
    assert.equal(await ask(`127.0.0.1:${port}`, files), unsized)
    assert.equal(await ask(urls, { ...files, certFile: '', keyFile: '' }), 'no answer')
    assert.equal(await ask(urls, { ...files, caFile: '' }), 'no answer')
    assert.equal(await ask(urls, { ...files, caFile: '', insecureSkipTlsVerify: true }), unsized)
    assert.equal(await ask(`127.0.0.1:${port}`, {}), 'no answer')
    assert.equal(await ask(`127.0.0.1:${node.endpoint.split(':')[1]}`, { insecureTransport: false }), 'no answer')
  } finally {
    await service.close()
    directory.remove()
  }
})

/** Takes connections and says `greeting`, then nothing. */
async function silentServer(greeting: Uint8Array): Promise<{ endpoint: string; close(): void }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.resume()
    socket.write(greeting)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = (): void => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { endpoint: `127.0.0.1:${port}`, close }
}

test('a service that is silent is given up: before it has begun, and when it answers no ping', async () => {
  const mute = await silentServer(new Uint8Array(0))
  const first = new DiscoveryClientSocket(configOf('x', { endpoints: [mute.endpoint], dialTimeoutMs: 300 }))
  await assert.rejects(first.list('/'), /Failed to connect before the deadline/)
  first.close()
  mute.close()
  // The settings that HTTP/2 begins with, and the acknowledgement of the client's.
  const greeting = Buffer.from('000000040000000000' + '000000040100000000', 'hex')
  const deaf = await silentServer(greeting)
  const config = configOf('x', { endpoints: [deaf.endpoint], keepaliveTimeMs: 200, keepaliveTimeoutMs: 200 })
  const second = new DiscoveryClientSocket(config)
  await assert.rejects(second.changed('/', 1), /UNAVAILABLE/)
  second.close()
  deaf.close()
})

const ADDRESSES: Readonly<Record<string, string>> = {
  'm1.test': '10.0.0.1', 'm2.test': '10.0.0.2', '10.0.0.2': '10.0.0.2',
}

function srv(records: Readonly<Record<string, readonly SrvRecord[]>>, changes: Partial<SrvOptions> = {}) {
  return initialClusterFromSrv({
    domain: 'test', serviceName: '', name: 'own', advertisePeerUrls: ['http://10.0.0.2:2380'],
    dns: {
      resolveSrv: (name) => {
        const found = records[name]
        return found === undefined ? Promise.reject(new Error(`lookup ${name}: no such host`)) : Promise.resolve(found)
      },
      resolveHost: (host) => Promise.resolve(ADDRESSES[host] ?? null),
    },
    ...changes,
  })
}

const BOTH = [{ name: 'm1.test.', port: 2380 }, { name: 'm2.test', port: 2380 }]

test('records name the members, and the own one is known by its address', async () => {
  const found = await srv({ '_etcd-server._tcp.test': BOTH })
  assert.ok(found.ok)
  assert.equal(found.initialCluster, '0=http://m1.test:2380,own=http://m2.test:2380')
  assert.match(found.notes.join(), /_etcd-server-ssl lookup .*no such host/)
  const suffixed = await srv({ '_etcd-server-prod._tcp.test': BOTH }, { serviceName: 'prod' })
  assert.ok(suffixed.ok)
})

test('records of TLS come first; the scheme must be the one that is advertised', async () => {
  const advertisePeerUrls = ['https://10.0.0.2:2380']
  const found = await srv({ '_etcd-server-ssl._tcp.test': BOTH }, { advertisePeerUrls })
  assert.ok(found.ok)
  assert.equal(found.initialCluster, '0=https://m1.test:2380,own=https://m2.test:2380')
  const mismatch = await srv({ '_etcd-server-ssl._tcp.test': [BOTH[1] as SrvRecord] })
  assert.match(mismatch.ok ? '' : mismatch.message, /scheme mismatch with expected peer http/)
})

test('without this member among the records there is no cluster to start', async () => {
  const alone = await srv({ '_etcd-server._tcp.test': [BOTH[0] as SrvRecord] })
  assert.deepEqual(alone, { ok: false, message: 'cannot find local etcd member "own" in SRV records' })
  const nothing = await srv({})
  const message = nothing.ok ? '' : nothing.message
  assert.match(message, /error querying DNS SRV records for _etcd-server-ssl .*\n.*_etcd-server /)
})

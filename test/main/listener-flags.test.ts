/** Flags of listeners, HTTP, keep-alive and TLS, seen from outside two processes: one in plain text, one with TLS. */

import { strict as assert } from 'node:assert'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { TestAuthority } from '../support/certificates.js'
import { EtcdClient } from '../support/etcd-client.js'
import { ServerProcess } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const directory = temporaryDirectory()
const PORT = 21_620
const HTTP_PORT = 21_622
const METRICS_PORT = 21_623
const TLS_PORT = 21_630
const YEAR_MS = 365 * 86_400_000
let plain: ServerProcess
let secure: ServerProcess

before(async () => {
  plain = await ServerProcess.start({
    kind: 'raftring',
    dataDir: directory.path('plain'),
    clientPort: PORT,
    peerPort: PORT + 1,
    flags: [
      '--listen-client-http-urls', `http://127.0.0.1:${HTTP_PORT}`,
      '--listen-metrics-urls', `http://127.0.0.1:${METRICS_PORT}`,
      '--cors', 'https://app.example,https://other.example',
      '--host-whitelist', '127.0.0.1,node.example',
      '--enable-grpc-gateway=false',
      '--grpc-keepalive-min-time', '1ns',
      '--grpc-keepalive-interval', '300ms',
      '--grpc-keepalive-timeout', '200ms',
    ],
  })
  const url = `https://127.0.0.1:${TLS_PORT}`
  const peerUrl = `https://127.0.0.1:${TLS_PORT + 1}`
  secure = await ServerProcess.start({
    kind: 'raftring',
    dataDir: directory.path('secure'),
    clientPort: TLS_PORT,
    peerPort: TLS_PORT + 1,
    flags: [
      '--listen-client-urls', url, '--advertise-client-urls', url,
      '--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl, '--initial-cluster', `n1=${peerUrl}`,
      '--auto-tls', '--peer-auto-tls', '--self-signed-cert-validity', '3',
      '--tls-max-version', 'TLS1.2', '--cipher-suites', 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
    ],
  })
})

after(async () => {
  await Promise.all([plain.kill(), secure.kill()])
  directory.remove()
})

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
}

async function get(port: number, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const call = request({ host: '127.0.0.1', port, path, method, headers, agent: false }).end()
  const [answer] = (await once(call, 'response')) as [IncomingMessage]
  answer.resume()
  await once(answer, 'end')
  return { status: answer.statusCode ?? 0, headers: answer.headers }
}

test('with --listen-client-http-urls one address serves HTTP, the other gRPC alone', async () => {
  assert.equal((await get(HTTP_PORT, '/version')).status, 200)
  await assert.rejects(get(PORT, '/version'))
  const client = new EtcdClient(plain.endpoint)
  await client.put({ key: 'k', value: 'v' })
  client.close()
})

test('--listen-metrics-urls serves health beside the client URLs, and nothing for clients', async () => {
  assert.equal((await get(METRICS_PORT, '/health')).status, 200)
  assert.equal((await get(METRICS_PORT, '/v3/kv/range', {}, 'POST')).status, 404)
})

test('--listen-peer-urls serves what other members ask for', async () => {
  assert.equal((await get(PORT + 1, '/version')).status, 200)
  assert.equal((await get(PORT + 1, '/members')).status, 200)
  assert.equal((await get(PORT + 1, '/health')).status, 404)
})

test('--cors names the origins that may read answers', async () => {
  const origin = async (name: string): Promise<unknown> =>
    (await get(HTTP_PORT, '/version', { origin: name })).headers['access-control-allow-origin']
  assert.equal(await origin('https://app.example'), 'https://app.example')
  assert.equal(await origin('https://other.example'), 'https://other.example')
  assert.equal(await origin('https://evil.example'), undefined)
})

test('--host-whitelist names the hosts by which plain HTTP may be asked', async () => {
  assert.equal((await get(HTTP_PORT, '/version', { host: 'node.example:1' })).status, 200)
  assert.equal((await get(HTTP_PORT, '/version', { host: 'evil.example' })).status, 421)
})

test('--enable-grpc-gateway=false takes the JSON paths away', async () => {
  assert.equal((await get(HTTP_PORT, '/v3/kv/range', {}, 'POST')).status, 404)
})

test('--grpc-keepalive-min-time is how often a client with a call may ping', async () => {
  const session = connectHttp2(`http://127.0.0.1:${PORT}`)
  const call = session.request({
    ':method': 'POST', ':path': '/etcdserverpb.Watch/Watch', 'content-type': 'application/grpc', te: 'trailers',
  })
  await once(session, 'remoteSettings')
  let goaways = 0
  session.on('goaway', () => goaways++)
  // Three within five seconds would be too many by default.
  for (let i = 0; i < 10; i++) {
    await new Promise<void>((resolve, reject) => {
      session.ping((error) => (error === null ? resolve() : reject(error)))
    })
  }
  assert.equal(goaways, 0)
  call.destroy()
  session.destroy()
})

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
const PING_TYPE = 6

test('--grpc-keepalive-interval asks a silent client, --grpc-keepalive-timeout cuts it', async () => {
  const socket: Socket = connect(PORT, '127.0.0.1')
  const startedMs = performance.now()
  let pingMs = 0
  socket.on('data', (chunk: Buffer) => {
    for (let at = 0; at + 9 <= chunk.length; at += 9 + chunk.readUIntBE(at, 3)) {
      if (chunk[at + 3] === PING_TYPE && pingMs === 0) pingMs = performance.now() - startedMs
    }
  })
  socket.on('error', () => undefined)
  socket.write(Buffer.concat([PREFACE, SETTINGS]))
  await once(socket, 'close')
  const cutMs = performance.now() - startedMs
  assert.ok(pingMs >= 290, `a ping after ${pingMs} ms`)
  assert.ok(cutMs >= 490 && cutMs < 10_000, `cut after ${cutMs} ms`)
})

async function handshake(options: object, port = TLS_PORT): Promise<TLSSocket> {
  const socket = connectTls({
    host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'], ...options,
  })
  await once(socket, 'secureConnect')
  return socket
}

test('--auto-tls and --peer-auto-tls make certificates that --self-signed-cert-validity bounds', async () => {
  for (const side of ['client', 'peer']) {
    const path = directory.path(`secure/fixtures/${side}`)
    const certificate = new X509Certificate(readFileSync(`${path}/cert.pem`))
    const lastsMs = Date.parse(certificate.validTo) - Date.now()
    assert.ok(Math.abs(lastsMs - 3 * YEAR_MS) < 5 * 86_400_000, certificate.validTo)
    assert.equal(statSync(`${path}/key.pem`).mode & 0o077, 0)
  }
  for (const [side, port] of [['client', TLS_PORT], ['peer', TLS_PORT + 1]] as const) {
    const socket = await handshake({}, port)
    const made = new X509Certificate(readFileSync(directory.path(`secure/fixtures/${side}/cert.pem`)))
    assert.equal(socket.getPeerCertificate().fingerprint256, made.fingerprint256)
    socket.destroy()
  }
})

test('--auto-tls beside --trusted-ca-file makes the own certificate, and asks clients for theirs', async (t) => {
  const [authority, stranger] = [await TestAuthority.make(), await TestAuthority.make()]
  const caFile = directory.path('ca.pem')
  writeFileSync(caFile, authority.cert)
  const clientPort = TLS_PORT + 2
  const url = `https://127.0.0.1:${clientPort}`
  const dataDir = directory.path('asking')
  const flags = [
    '--auto-tls', '--trusted-ca-file', caFile, '--listen-client-urls', url, '--advertise-client-urls', url,
    '--tls-max-version', 'TLS1.2',
  ]
  const asking = await ServerProcess.start({ kind: 'raftring', dataDir, clientPort, peerPort: clientPort + 1, flags })
  t.after(() => asking.kill())
  await assert.rejects(handshake({}, clientPort))
  await assert.rejects(handshake(await stranger.issue(), clientPort))
  const socket = await handshake(await authority.issue(), clientPort)
  const made = new X509Certificate(readFileSync(`${dataDir}/fixtures/client/cert.pem`))
  assert.equal(socket.getPeerCertificate().fingerprint256, made.fingerprint256)
  socket.destroy()
})

test('--tls-max-version and --cipher-suites are what a handshake may agree on', async () => {
  const socket = await handshake({})
  assert.equal(socket.getProtocol(), 'TLSv1.2')
  assert.equal(socket.getCipher().standardName, 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384')
  socket.destroy()
  await assert.rejects(handshake({ minVersion: 'TLSv1.3' }))
  await assert.rejects(handshake({ ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }))
})

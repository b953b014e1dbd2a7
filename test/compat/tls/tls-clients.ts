/**
 * Real clients of a server with TLS: etcdctl, openssl, curl, the npm package etcd3; certificates that change meanwhile,
 * unix sockets, several front workers on the port.
 *   node dist/test/compat/tls/tls-clients.js            with SERVER=etcd the checks are tried on etcd itself
 */

import { strict as assert } from 'node:assert'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { Client, credentials } from '@grpc/grpc-js'
import { Etcd3 } from 'etcd3'
import { scriptOptions } from '../../../scripts/support/script-options.js'
import { TestAuthority } from '../../support/certificates.js'
import { Report } from '../../support/report.js'
import { serverKind, ServerProcess } from '../../support/server-process.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const PORT = 23_320
const URL = `https://127.0.0.1:${PORT}`
scriptOptions({ does: 'Real clients of a server with TLS; SERVER=etcd asks etcd instead.' })
const directory = temporaryDirectory()
const report = new Report()
const isOurs = serverKind() === 'raftring'

function write(name: string, content: string | Buffer): string {
  writeFileSync(directory.path(name), content)
  return directory.path(name)
}

interface Run {
  readonly code: number
  readonly out: string
}

async function run(program: string, ...words: string[]): Promise<Run> {
  const env = { ...process.env, ETCDCTL_API: '3' }
  const child = spawn(program, words, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (out += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number]
  return { code, out }
}

const authority = await TestAuthority.make()
const stranger = await (await TestAuthority.make('CN=another')).issue({ commonName: 'alice' })
const server1 = await authority.issue({ serial: '1111' })
const server2 = await authority.issue({ serial: '2222' })
const alice = await authority.issue({ commonName: 'alice', serial: '3333' })
const revoked = await authority.issue({ commonName: 'mallory', serial: '4444' })
const ca = write('ca.pem', authority.cert)
const certFile = write('server.pem', server1.cert)
const keyFile = write('server.key', server1.key)
const crlFile = write('crl', await authority.revoke(['4444']))
for (const [name, pair] of Object.entries({ alice, stranger, revoked })) {
  write(`${name}.pem`, pair.cert)
  write(`${name}.key`, pair.key)
}

function etcdctl(as: string | null, ...words: string[]): Promise<Run> {
  const own = as === null ? [] : ['--cert', directory.path(`${as}.pem`), '--key', directory.path(`${as}.key`)]
  return run('etcdctl', '--endpoints', URL, '--cacert', ca, ...own, '--command-timeout', '3s', ...words)
}

async function openssl(...words: string[]): Promise<Run> {
  const own = ['-cert', directory.path('alice.pem'), '-key', directory.path('alice.key')]
  const shell = ['s_client', '-connect', `127.0.0.1:${PORT}`, '-CAfile', ca, ...own, ...words].join(' ')
  return run('sh', '-c', `openssl ${shell} </dev/null`)
}

function curl(path: string, ...words: string[]): Promise<Run> {
  const own = ['--cert', directory.path('alice.pem'), '--key', directory.path('alice.key')]
  return run('curl', '-sS', '--cacert', ca, ...own, ...words, `${URL}${path}`)
}

async function etcdctlChecks(): Promise<void> {
  await report.check('etcdctl with a certificate of the authority puts and gets', async () => {
    assert.deepEqual(await etcdctl('alice', 'put', 'k', 'v'), { code: 0, out: 'OK\n' })
    assert.deepEqual(await etcdctl('alice', 'get', 'k'), { code: 0, out: 'k\nv\n' })
  })
  const refused = [[null, 'no'], ['stranger', "a stranger's"], ['revoked', 'a revoked']] as const
  for (const [who, what] of refused) {
    await report.check(`etcdctl with ${what} certificate is refused`, async () => {
      assert.notEqual((await etcdctl(who, 'get', 'k')).code, 0)
    })
  }
}

async function otherChecks(server: ServerProcess): Promise<void> {
  await report.check('openssl agrees on HTTP/2 by ALPN, and not on TLS 1.1', async () => {
    const { out } = await openssl('-alpn', 'h2')
    assert.match(out, /ALPN protocol: h2/u)
    assert.match(out, /Verify return code: 0 \(ok\)/u)
    assert.doesNotMatch((await openssl('-tls1_1')).out, /Cipher is (?!\(NONE\))/u)
  })
  await report.check('curl gets /health over HTTP/1.1 and HTTP/2', async () => {
    for (const version of ['--http1.1', '--http2']) {
      assert.match((await curl('/health', version)).out, /^\{"health":"true"/u, version)
    }
  })
  await report.check('the npm package etcd3 puts and gets with a certificate', async () => {
    const [rootCertificate, privateKey, certChain] = [ca, directory.path('alice.key'), directory.path('alice.pem')].map(
      (path) => readFileSync(path),
    ) as [Buffer, Buffer, Buffer]
    const client = new Etcd3({ hosts: URL, credentials: { rootCertificate, privateKey, certChain } })
    await client.put('npm').value('etcd3')
    assert.equal(await client.get('npm').string(), 'etcd3')
    client.close()
  })
  await report.check('a certificate that is replaced is shown from the next handshake on', async () => {
    const serialOf = async (): Promise<string | undefined> => {
      const { out } = await run('sh', '-c', `openssl s_client -connect 127.0.0.1:${PORT} -CAfile ${ca} \
        -cert ${directory.path('alice.pem')} -key ${directory.path('alice.key')} </dev/null 2>/dev/null \
        | openssl x509 -noout -serial`)
      return /serial=(\w+)/u.exec(out)?.[1]
    }
    assert.equal(await serialOf(), '1111')
    write('server.pem', server2.cert)
    write('server.key', server2.key)
    // More handshakes than front workers: each of them has to look.
    for (let i = 0; i < 6; i++) assert.equal(await serialOf(), '2222')
    assert.equal((await etcdctl('alice', 'get', 'k')).code, 0)
    assert.equal(server.exit, undefined)
  })
}

async function socketChecks(): Promise<void> {
  const socket = directory.path('plain.sock')
  await report.check('etcdctl over a unix socket needs no certificate', async () => {
    assert.deepEqual(await run('etcdctl', '--endpoints', `unix://${socket}`, 'get', 'k'), { code: 0, out: 'k\nv\n' })
  })
  await report.check('a unix socket with TLS asks for one', async () => {
    const target = `unix:${directory.path('secure.sock')}`
    const options = { 'grpc.ssl_target_name_override': 'localhost', 'grpc.default_authority': 'localhost' }
    const ask = (channel: ReturnType<typeof credentials.createSsl>): Promise<string> =>
      new Promise((resolve) => {
        const client = new Client(target, channel, options)
        const same = (bytes: Buffer): Buffer => bytes
        const deadline = { deadline: Date.now() + 3000 }
        client.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, Buffer.alloc(0), deadline, (error) => {
          client.close()
          resolve(error === null ? 'answered' : 'refused')
        })
      })
    const [root, key, cert] = [authority.cert, alice.key, alice.cert].map((text) => Buffer.from(text))
    assert.equal(await ask(credentials.createSsl(root as Buffer, key as Buffer, cert as Buffer)), 'answered')
    assert.equal(await ask(credentials.createSsl(root as Buffer)), 'refused')
  })
  await report.check('handshakes are counted by what became of them', async () => {
    const { out } = await run('curl', '-sS', `http://127.0.0.1:${PORT + 2}/metrics`)
    for (const result of ['good', 'failed', 'certificate refused']) {
      const count = new RegExp(`raftring_tls_handshakes_total\\{result="${result}"\\} (\\d+)`, 'u').exec(out)?.[1]
      assert.ok(Number(count) > 0, `${result}: ${count}`)
    }
  })
  await report.check('localhost answers over IPv4 and IPv6', async () => {
    for (const address of ['127.0.0.1', '[::1]']) {
      const { out } = await run('curl', '-sS', `http://${address}:${PORT + 2}/version`)
      assert.match(out, /"etcdserver"/u, address)
    }
  })
}

const sockets = ['plain', 'secure'].map((name, i) => `unix${i === 1 ? 's' : ''}://${directory.path(`${name}.sock`)}`)
const server = await ServerProcess.start({
  kind: serverKind(),
  dataDir: directory.path('data'),
  clientPort: PORT,
  peerPort: PORT + 1,
  flags: [
    '--listen-client-urls', isOurs ? [URL, `http://localhost:${PORT + 2}`, ...sockets].join(',') : URL,
    '--advertise-client-urls', URL,
    '--cert-file', certFile, '--key-file', keyFile, '--trusted-ca-file', ca, '--client-crl-file', crlFile,
    ...(isOurs ? ['--actor-threads', 'shared', '--front-workers', '3'] : []),
  ],
})
try {
  await etcdctlChecks()
  await otherChecks(server)
  if (isOurs) await socketChecks()
} finally {
  await server.kill()
  directory.remove()
}
report.end()

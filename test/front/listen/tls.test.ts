/** TLS as clients meet it: protocols, whose certificates are let in, files that change, handshakes without end. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rmSync, symlinkSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { get } from 'node:https'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, test } from 'node:test'
import { Client, credentials } from '@grpc/grpc-js'
import { tlsProblem } from '../../../src/listen/tls-material-file.js'
import { TestAuthority } from '../../support/certificates.js'
import { message } from '../http2/support/frames.js'
import { ECHO } from '../grpc/support/echo-service.js'
import { TlsRig } from './tls-rig.js'

let rig: TlsRig

beforeEach(async () => {
  rig = await TlsRig.make()
})

afterEach(async () => {
  await rig.close()
})

const same = (bytes: Buffer): Buffer => bytes

function refusals(): number {
  return rig.lines.filter(({ msg }) => msg === 'rejected connection on client endpoint').length
}

test('HTTP/2 is agreed on by ALPN, and HTTP/1.1 beside it', async () => {
  const { port } = await rig.start(await rig.side())
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: rig.authority.cert })
  const stream = session.request({ ':method': 'POST', ':path': `${ECHO}Unary`, 'content-type': 'application/grpc' })
  const parts: Buffer[] = []
  stream.on('data', (part: Buffer) => parts.push(part))
  stream.end(message('secret'))
  await once(stream, 'end')
  session.destroy()
  assert.deepEqual(Buffer.concat(parts), message('secret'))
  const answer = await new Promise<string>((resolve) => {
    const options = { ca: rig.authority.cert, headers: { connection: 'close' } }
    get(`https://127.0.0.1:${port}/version`, options, (response) => {
      response.on('data', (chunk: Buffer) => resolve(chunk.toString()))
    })
  })
  assert.equal(answer, 'GET /version')
})

test('a listener for gRPC alone agrees on nothing but HTTP/2, and hangs up on HTTP/1.1', async () => {
  const { listener } = await rig.start(await rig.side(), { listen: { role: 'grpc' } })
  assert.equal((await rig.shake({ ALPNProtocols: ['http/1.1'] })).ok, false)
  const shaken = await rig.shake()
  assert.ok(shaken.ok)
  assert.equal(shaken.alpn, 'h2')
  assert.equal(listener.counters.handedToHttp, 0)
})

test('one port answers plain text and TLS, by the first octet', async () => {
  const { port } = await rig.start(await rig.side(), { listen: { isPlainToo: true } })
  assert.ok((await rig.shake()).ok)
  const plain = await fetch(`http://127.0.0.1:${port}/health`, { headers: { connection: 'close' } })
  assert.equal(await plain.text(), 'GET /health')
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  const answer = await new Promise((resolve) => {
    client.makeUnaryRequest(`${ECHO}Unary`, same, same, Buffer.from('plain'), (_, bytes) => resolve(String(bytes)))
  })
  client.close()
  assert.equal(answer, 'plain')
})

test('an authority alone makes certificates of clients mandatory, and their common name is told', async () => {
  const { service } = await rig.start(await rig.demanding())
  assert.equal((await rig.shake()).ok, false)
  const stranger = await (await TestAuthority.make('CN=another')).issue({ commonName: 'alice' })
  assert.equal((await rig.shake({ client: stranger })).ok, false)
  const alice = await rig.authority.issue({ commonName: 'alice' })
  const [ca, key, cert] = [rig.authority.cert, alice.key, alice.cert].map((text) => Buffer.from(text))
  const channel = credentials.createSsl(ca, key, cert)
  const client = new Client(`127.0.0.1:${rig.server?.port}`, channel)
  await new Promise((resolve) => client.makeUnaryRequest(`${ECHO}Unary`, same, same, Buffer.from('x'), resolve))
  client.close()
  assert.deepEqual(service.started.map(({ certificateName }) => certificateName), ['alice'])
})

test('only certificates with an allowed common name come in', async () => {
  const { counters } = await rig.start(await rig.demanding({ allowedNames: ['m1', 'm2'] }))
  assert.ok((await rig.shake({ client: await rig.authority.issue({ commonName: 'm2' }) })).ok)
  assert.equal((await rig.shake({ client: await rig.authority.issue({ commonName: 'm3' }) })).ok, false)
  assert.equal((await rig.shake({ client: await rig.authority.issue({}) })).ok, false)
  assert.equal(counters.tls.certificatesRefused, 2)
  assert.equal(rig.lines.at(-1)?.fields['error'], 'client certificate authentication failed')
})

test('only certificates for an allowed host come in, by alternative names and their wildcards', async () => {
  await rig.start(await rig.demanding({ allowedHostnames: ['a.example.com', '10.0.0.1'] }))
  const issue = (dns: string[], ips: string[], commonName = 'a.example.com') =>
    rig.authority.issue({ commonName, dns, ips })
  assert.ok((await rig.shake({ client: await issue(['a.example.com'], []) })).ok)
  assert.ok((await rig.shake({ client: await issue(['*.example.com'], []) })).ok)
  assert.ok((await rig.shake({ client: await issue(['x'], ['10.0.0.1']) })).ok)
  assert.equal((await rig.shake({ client: await issue(['b.example.com'], []) })).ok, false)
})

test('a revoked certificate is refused, and a new list counts without a restart', async () => {
  const crlFile = rig.write('crl', await rig.authority.revoke(['0abc']))
  await rig.start(await rig.demanding({ crlFile }))
  const revoked = await rig.authority.issue({ serial: '0abc' })
  const good = await rig.authority.issue({ serial: '0abd' })
  assert.equal((await rig.shake({ client: revoked })).ok, false)
  assert.equal(rig.lines.at(-1)?.fields['error'], 'transport: certificate serial abc revoked')
  assert.ok((await rig.shake({ client: good })).ok)
  const next = (await rig.authority.revoke(['0abd', '0abe'])).toString('base64')
  rig.write('crl', `-----BEGIN X509 CRL-----\n${next}\n-----END X509 CRL-----\n`)
  assert.equal((await rig.shake({ client: good })).ok, false)
  assert.ok((await rig.shake({ client: revoked })).ok)
})

test('a new certificate is shown from the next handshake on, and open connections live', async () => {
  const { listener } = await rig.start(await rig.side())
  const session = connectHttp2(`https://127.0.0.1:${rig.server?.port}`, { ca: rig.authority.cert })
  await once(session, 'connect')
  const before = await rig.shake()
  rig.writePair(await rig.authority.issue({ serial: '7777' }))
  const after = await rig.shake()
  assert.ok(before.ok && after.ok)
  assert.notEqual(before.serial, '7777')
  assert.equal(after.serial, '7777')
  assert.equal(session.destroyed, false)
  assert.ok(listener.connectionCount >= 1)
  session.destroy()
})

test('another authority counts from the next handshake on', async () => {
  const other = await TestAuthority.make('CN=another')
  await rig.start(await rig.demanding())
  const client = await other.issue({ commonName: 'bob' })
  assert.equal((await rig.shake({ client })).ok, false)
  rig.write('ca.pem', rig.authority.cert + other.cert)
  assert.ok((await rig.shake({ client })).ok)
})

test('files that do not fit together are said in the log, and the last good ones go on serving', async () => {
  await rig.start(await rig.side())
  const before = await rig.shake()
  const next = await rig.authority.issue({ serial: '7777' })
  rig.write('cert.pem', next.cert)
  const between = await rig.shake()
  rig.write('cert.pem', 'no certificate')
  const broken = await rig.shake()
  rig.writePair(next)
  const after = await rig.shake()
  assert.ok(before.ok && between.ok && broken.ok && after.ok)
  assert.deepEqual([between.serial, broken.serial, after.serial], [before.serial, before.serial, '7777'])
  const told = rig.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields['error'])
  assert.deepEqual(told, [
    'tls: private key does not match public key',
    'tls: failed to find any PEM data in certificate input',
  ])
})

test('a file that cannot be looked at for a while is said in the log, and the last good one serves', async () => {
  await rig.start(await rig.side())
  const before = await rig.shake()
  // A loop of links is refused to every user, root included.
  const certFile = rig.directory.path('cert.pem')
  rmSync(certFile)
  symlinkSync(certFile, certFile)
  const between = await rig.shake()
  const again = await rig.shake()
  rmSync(certFile)
  rig.writePair(await rig.authority.issue({ serial: '7777' }))
  const after = await rig.shake()
  assert.ok(before.ok && between.ok && again.ok && after.ok)
  assert.deepEqual([between.serial, again.serial, after.serial], [before.serial, before.serial, '7777'])
  const told = rig.lines.filter(({ level }) => level === 'warn').map(({ fields }) => String(fields['error']))
  assert.equal(told.length, 1)
  assert.match(told[0] as string, /^open .*cert\.pem: ELOOP/)
})

test('versions and cipher suites are those that were asked for', async () => {
  const ciphers = 'TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES256-GCM-SHA384'
  await rig.start(await rig.side({ maxVersion: 'TLSv1.2', ciphers }))
  const shaken = await rig.shake()
  assert.ok(shaken.ok)
  assert.equal(shaken.version, 'TLSv1.2')
  assert.equal(shaken.cipher, 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384')
  assert.equal((await rig.shake({ ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })).ok, false)
  await rig.server?.close()
  await rig.start(await rig.side({ minVersion: 'TLSv1.3' }))
  assert.equal((await rig.shake({ maxVersion: 'TLSv1.2' })).ok, false)
  const newest = await rig.shake()
  assert.ok(newest.ok)
  assert.equal(newest.version, 'TLSv1.3')
})

test('a handshake that does not come to its end in time is cut', async () => {
  const { counters, port } = await rig.start(await rig.side(), { limits: { handshakeMs: 100 } })
  const silent = connect(port, '127.0.0.1')
  silent.resume()
  await once(silent, 'close')
  assert.equal(counters.tls.tlsErrors, 1)
  assert.equal(refusals(), 1)
})

test('above the limit of handshakes under way connections are closed at once, and room comes back', async () => {
  const { counters, port } = await rig.start(await rig.side(), { handshakesMax: 2 })
  const slow: Socket[] = []
  while (slow.length < 2) {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.on('error', () => undefined)
    slow.push(socket)
  }
  assert.equal((await rig.shake()).ok, false)
  assert.equal(counters.tls.handshakesRefused, 1)
  for (const socket of slow) socket.end('no handshake at all\r\n').resume()
  await Promise.all(slow.map((socket) => once(socket, 'close')))
  assert.ok((await rig.shake()).ok)
})

test('plain text on a TLS port is refused and counted', async () => {
  const { counters, port } = await rig.start(await rig.side())
  const socket = connect(port, '127.0.0.1').resume()
  socket.on('error', () => undefined)
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await once(socket, 'close')
  assert.equal(counters.tls.tlsErrors, 1)
})

test('what is wrong with a file is said in words that users of etcd know', async () => {
  const good = await rig.side()
  const other = await rig.authority.issue()
  const problems = [
    await tlsProblem({ ...good, certFile: '/nowhere/cert.pem' }),
    await tlsProblem({ ...good, keyFile: rig.write('other-key', other.key) }),
    await tlsProblem({ ...good, certFile: rig.write('text', 'text') }),
    await tlsProblem({ ...good, keyFile: rig.write('text', 'text') }),
    await tlsProblem({ ...good, trustedCaFile: rig.write('empty', '') }),
    await tlsProblem({ ...good, crlFile: rig.write('no-list', 'no list') }),
    await tlsProblem({ ...good, crlFile: '/nowhere/crl' }),
    await tlsProblem(good),
  ]
  assert.deepEqual(problems, [
    'open /nowhere/cert.pem: no such file or directory',
    'tls: private key does not match public key',
    'tls: failed to find any PEM data in certificate input',
    'tls: failed to find any PEM data in key input',
    `no certificate in ${rig.directory.path('empty')}`,
    `malformed list of revoked certificates in ${rig.directory.path('no-list')}`,
    'open /nowhere/crl: no such file or directory',
    null,
  ])
})

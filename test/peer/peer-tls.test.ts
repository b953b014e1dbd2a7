/** TLS between members: who shows what, whom they believe, and what is refused. */

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { after, afterEach, before, test } from 'node:test'
import type { MemberRecord } from '../../src/cluster/member-record.js'
import type { TlsSide } from '../../src/config/sections/tls-config.js'
import { addressProblem, type Resolver } from '../../src/listen/address-check-socket.js'
import { ensureSelfSigned } from '../../src/listen/self-signed-file.js'
import { openTlsMaterial, type TlsMaterial } from '../../src/listen/tls-material-file.js'
import { TestAuthority, type CertificateOptions } from '../support/certificates.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { throwingLogger } from '../support/throwing-logger.js'
import { tlsSide } from '../front/listen/tls-rig.js'
import { freePort } from '../support/cluster/free-ports.js'
import { PeerRig, member } from './peer-rig.js'

const A = 0xan
const B = 0xbn

const directory = temporaryDirectory()
const rigs: PeerRig[] = []
let authority: TestAuthority
let caFile = ''
let files = 0

before(async () => {
  authority = await TestAuthority.make()
  caFile = write(authority.cert)
})

afterEach(async () => {
  await Promise.all(rigs.splice(0).map((rig) => rig.stop()))
})

after(() => directory.remove())

function write(content: string | Buffer): string {
  const path = directory.path(`file-${files++}`)
  writeFileSync(path, content)
  return path
}

async function open(side: TlsSide): Promise<TlsMaterial> {
  const opened = await openTlsMaterial(side, throwingLogger)
  assert.ok(opened.ok, opened.ok ? '' : opened.message)
  return opened.material
}

/** A certificate of the authority, which members demand of each other. */
async function mutual(certificate: CertificateOptions = {}, more: Partial<TlsSide> = {}): Promise<TlsMaterial> {
  const { cert, key } = await authority.issue(certificate)
  const pair = { certFile: write(cert), keyFile: write(key) }
  return open(tlsSide(pair, { trustedCaFile: caFile, requiresCertificates: true, ...more }))
}

/** Two members, each with files of its own. */
async function start(materials: readonly [TlsMaterial, TlsMaterial]): Promise<[PeerRig, PeerRig]> {
  const members: MemberRecord[] = []
  for (const id of [A, B]) members.push(member(id, await freePort(), 'https'))
  const started: PeerRig[] = []
  for (const [i, { id, peerUrls }] of members.entries()) {
    const port = Number(new URL(peerUrls[0] as string).port)
    started.push(await PeerRig.start({ id, members, port, material: materials[i] as TlsMaterial }))
  }
  rigs.push(...started)
  return started as [PeerRig, PeerRig]
}

async function expectTalk(a: PeerRig, b: PeerRig): Promise<void> {
  await Promise.all([a.untilActive(B), b.untilActive(A)])
  a.send(B, 'over TLS', false)
  b.send(A, 'and back')
  await b.until('the message', () => b.heard.includes('over TLS'))
  await a.until('the answer', () => a.heard.includes('and back'))
}

test('members with certificates of one authority talk, each asking the other for its own', async () => {
  const [a, b] = await start([await mutual(), await mutual()])
  await expectTalk(a, b)
})

test('certificates that members have made for themselves encrypt, and nobody checks who signed them', async () => {
  const made = async (name: string): Promise<TlsMaterial> => {
    const [certFile, keyFile] = [directory.path(`${name}.pem`), directory.path(`${name}-key.pem`)]
    const tls = tlsSide({ certFile, keyFile }, { isSelfSigned: true })
    await ensureSelfSigned({ tls, hosts: ['127.0.0.1'], years: 1, isForMembers: true, wallMs: Date.UTC(2026, 0, 1) })
    assert.ok(existsSync(certFile))
    return open(tls)
  }
  const [a, b] = await start([await made('a'), await made('b')])
  await expectTalk(a, b)
})

test('a member without a certificate of the authority gets nowhere', async () => {
  const stranger = await (await TestAuthority.make('CN=another authority')).issue()
  const pair = { certFile: write(stranger.cert), keyFile: write(stranger.key) }
  const wrong = await open(tlsSide(pair, { trustedCaFile: caFile }))
  const [a, b] = await start([await mutual(), wrong])
  await a.untilLogged('rejected connection on peer endpoint')
  await b.untilLogged('cannot reach a member')
  await a.untilLogged('unable to verify the first certificate')
  assert.deepEqual(a.heard, [])
})

test('plain text on a port with TLS gets nowhere', async () => {
  const [a] = await start([await mutual(), await mutual()])
  const plain = await PeerRig.start({ id: 0xcn, members: [member(A, a.port)] })
  rigs.push(plain)
  await plain.untilLogged('cannot reach a member')
  await a.untilLogged('rejected connection on peer endpoint')
})

test('a pair for calls is shown in place of the one for listening', async () => {
  const outgoing = await authority.issue({ commonName: 'caller' })
  const files = { clientCertFile: write(outgoing.cert), clientKeyFile: write(outgoing.key) }
  const a = await mutual({ commonName: 'listener' }, files)
  // B lets in callers alone, and A's listener is not one, so B must not dial A by that name either.
  const b = await mutual({ commonName: 'caller' }, { allowedNames: ['caller', 'listener'] })
  const [first, second] = await start([a, b])
  await expectTalk(first, second)
})

test('only certificates with an allowed common name come in', async () => {
  const picky = await mutual({ commonName: 'good' }, { allowedNames: ['good'] })
  const [a, b] = await start([picky, await mutual({ commonName: 'bad' })])
  await a.untilLogged('client certificate authentication failed')
  // Nor does A talk to a listener of that name.
  await a.until('both sides', () => a.log.filter((line) => line.includes('authentication failed')).length >= 2)
  assert.equal(b.log.some((line) => line.includes('peer became active')), false)
})

test('only certificates for an allowed host come in', async () => {
  const picky = await mutual({ dns: ['node.good'] }, { allowedHostnames: ['node.good'] })
  const [a] = await start([picky, await mutual({ dns: ['node.bad'] })])
  await a.untilLogged('client certificate authentication failed')
})

test('a revoked certificate is refused', async () => {
  const crlFile = write(await authority.revoke(['0abc']))
  const [a] = await start([await mutual({}, { crlFile }), await mutual({ serial: '0abc' })])
  await a.untilLogged('certificate serial abc revoked')
})

test('a certificate for another place is refused, unless places are not looked at', async () => {
  const elsewhere = { dns: [], ips: ['10.9.8.7'] }
  const [a] = await start([await mutual(), await mutual(elsewhere)])
  await a.untilLogged('x509: certificate is valid for 10.9.8.7, not 127.0.0.1')
  await Promise.all(rigs.splice(0).map((rig) => rig.stop()))

  const lenient = await mutual({}, { skipsSanVerification: true })
  const [c, d] = await start([lenient, await mutual(elsewhere)])
  // Who is dialed must be who was meant, whatever the flag for callers says.
  await d.untilActive(A)
  d.send(A, 'from elsewhere')
  await c.until('the message', () => c.heard.includes('from elsewhere'))
  await c.untilLogged('cannot reach a member')
})

test('the place of a certificate is an address, or what its names resolve to', async () => {
  const resolver: Resolver = {
    addressesOf: (name) =>
      name === 'a.example'
        ? Promise.resolve(['10.0.0.1'])
        : Promise.reject(Object.assign(new Error('nothing there'), { code: 'ENOTFOUND' })),
    namesOf: (address) => Promise.resolve(address === '10.0.0.2' ? ['x.wild.example'] : ['x.y.wild.example']),
  }
  const check = async (options: CertificateOptions, address: string): Promise<string | null> =>
    addressProblem(new X509Certificate((await authority.issue(options)).cert), address, resolver)
  assert.equal(await check({ dns: [], ips: ['10.0.0.9'] }, '::ffff:10.0.0.9'), null)
  assert.equal(await check({ dns: ['a.example'], ips: [] }, '10.0.0.1'), null)
  assert.equal(await check({ dns: ['b.example', 'a.example'], ips: ['10.0.0.9'] }, '10.0.0.1'), null)
  assert.match(await check({ dns: ['b.example'], ips: [] }, '10.0.0.1') ?? '', /^tls: "10.0.0.1" does not match any of/)
  assert.equal(await check({ dns: ['*.wild.example'], ips: [] }, '10.0.0.2'), null)
  assert.notEqual(await check({ dns: ['*.wild.example'], ips: [] }, '10.0.0.3'), null)
})

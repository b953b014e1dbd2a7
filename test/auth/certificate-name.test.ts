/** With --client-cert-auth the common name of a client's certificate says which user it is. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { credentials } from '@grpc/grpc-js'
import { TestAuthority } from '../support/certificates.js'
import { EtcdClient } from '../support/etcd-client.js'
import { expectError } from '../support/expect.js'
import { ServerProcess, serverKind } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { AuthClient, withToken } from './auth-client.js'

const PORT = 21_870
const URL = `https://127.0.0.1:${PORT}`
const DENIED = 'PermissionDenied etcdserver: permission denied'
const directory = temporaryDirectory()
const kind = serverKind()
const clients: EtcdClient[] = []
let server: ServerProcess
let authority: TestAuthority

before(async () => {
  authority = await TestAuthority.make()
  const pair = await authority.issue({ commonName: 'server' })
  for (const [name, pem] of [['ca', authority.cert], ['cert', pair.cert], ['key', pair.key]] as const) {
    writeFileSync(directory.path(name), pem)
  }
  const files = ['--cert-file', directory.path('cert'), '--key-file', directory.path('key')]
  const trust = ['--trusted-ca-file', directory.path('ca'), '--client-cert-auth=true']
  const urls = ['--listen-client-urls', URL, '--advertise-client-urls', URL]
  server = await ServerProcess.start({
    kind,
    dataDir: directory.path('data'),
    clientPort: PORT,
    peerPort: PORT + 1,
    flags: [...urls, ...files, ...trust, '--bcrypt-cost', '4'],
  })
  const setUp = new AuthClient(await clientOf('root'))
  await setUp.addUser({ name: 'root', password: 'root secret' })
  await setUp.grantRole('root', 'root')
  await setUp.addRole('keys')
  await setUp.grant('keys', 'READWRITE', 'p/', 'p0')
  await setUp.addUser({ name: 'alice', options: { no_password: true } })
  await setUp.grantRole('alice', 'keys')
  await setUp.enable()
})

after(async () => {
  for (const client of clients) client.close()
  await server.kill()
  directory.remove()
})

async function clientOf(commonName?: string): Promise<EtcdClient> {
  const pair = await authority.issue(commonName === undefined ? {} : { commonName })
  const ssl = credentials.createSsl(Buffer.from(authority.cert), Buffer.from(pair.key), Buffer.from(pair.cert))
  const client = new EtcdClient(`127.0.0.1:${PORT}`, { credentials: ssl })
  clients.push(client)
  return client
}

test('the name is the user, with its rights and no others', async () => {
  const alice = await clientOf('alice')
  await alice.put({ key: 'p/k', value: 'v' })
  assert.equal((await alice.range({ key: 'p/k' })).kvs.length, 1)
  await expectError(alice.put({ key: 'q', value: 'v' }), DENIED)
  await expectError(alice.range({ key: 'q' }), DENIED)
  await expectError(new AuthClient(alice).listUsers(), DENIED)
  const watch = alice.watch()
  watch.send({ createRequest: { key: 'p/k' } })
  assert.equal((await watch.next()).created, true)
  watch.cancel()
})

test('root by certificate administers', async () => {
  const root = new AuthClient(await clientOf('root'))
  assert.deepEqual(await root.listUsers(), ['alice', 'root'])
  await root.addRole('by-certificate')
})

test('a token counts before the certificate', async () => {
  const alice = await clientOf('alice')
  const token = await new AuthClient(alice).authenticate('root', 'root secret')
  await alice.put({ key: 'q', value: 'v' }, withToken(token))
  const bad = 'Unauthenticated etcdserver: invalid auth token'
  await expectError(alice.range({ key: 'p/k' }, withToken('junk')), bad)
})

test('a name that no user has gives no rights', async () => {
  const mallory = await clientOf('mallory')
  await expectError(mallory.range({ key: 'p/k' }), DENIED)
  await expectError(mallory.put({ key: 'p/k', value: 'v' }), DENIED)
})

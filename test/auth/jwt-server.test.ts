/** Servers whose tokens are JSON Web Tokens, and one that gives none. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { AuthClient, withToken, withUsers } from './auth-client.js'
import { EtcdClient } from '../support/etcd-client.js'
import { expectError } from '../support/expect.js'
import { ServerProcess } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { jwtSpec } from './jwt-key-pairs.js'

const PORT = 21_860
const directory = temporaryDirectory()
after(() => directory.remove())
const keys = jwtSpec(directory, 'ES256', 'server')
const BOTH = `pub-key=${keys.publicKeyFile},priv-key=${keys.privateKeyFile}`
const BAD_TOKEN = 'Unauthenticated etcdserver: invalid auth token'

async function withServer(authToken: string, body: (client: EtcdClient) => Promise<void>): Promise<void> {
  const server = await ServerProcess.start({
    kind: 'raftring',
    dataDir: directory.path(`data-${Math.abs(authToken.length)}`),
    clientPort: PORT,
    peerPort: PORT + 1,
    flags: ['--auth-token', authToken, '--bcrypt-cost', '4'],
  })
  const client = new EtcdClient(server.endpoint)
  try {
    await body(client)
  } finally {
    client.close()
    await server.kill()
  }
}

test('a token says who it is, is good for reads and writes, and is old once users have changed', async () => {
  await withServer(`jwt,sign-method=ES256,${BOTH},ttl=1h`, (client) =>
    withUsers(client, 'p/', async ({ root, alice, nobody }) => {
      const token = alice.options.metadata?.['token'] ?? ''
      const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
      const { username, revision } = JSON.parse(payload) as Record<string, unknown>
      assert.deepEqual([username, revision], ['alice', 7])
      const writes = Array.from({ length: 50 }, (_, i) => client.put({ key: `p/${i}`, value: 'v' }, alice.options))
      await Promise.all(writes)
      assert.equal((await client.range({ key: 'p/7' }, alice.options)).kvs.length, 1)
      await expectError(client.range({ key: 'q' }, alice.options), 'PermissionDenied etcdserver: permission denied')
      await expectError(client.range({ key: 'p/7' }, withToken(`${token}x`)), BAD_TOKEN)
      await expectError(client.put({ key: 'p/7', value: 'v' }, withToken('AAAAAAAAAAAAAAAA.5')), BAD_TOKEN)
      const watch = client.watch(alice.options)
      watch.send({ createRequest: { key: 'p/7' } })
      assert.equal((await watch.next()).created, true)
      watch.cancel()
      await root.addRole('more')
      const old = 'InvalidArgument etcdserver: revision of auth store is old'
      await expectError(client.range({ key: 'p/7' }, alice.options), old)
      await expectError(client.put({ key: 'p/7', value: 'v' }, alice.options), old)
      const again = await nobody.logIn('alice', 'alice secret')
      await client.put({ key: 'p/7', value: 'v' }, again.options)
    }),
  )
})

test('a member with the public key alone gives no tokens', async () => {
  await withServer(`jwt,sign-method=ES256,pub-key=${keys.publicKeyFile}`, async (client) => {
    const auth = new AuthClient(client)
    await auth.addUser({ name: 'root', password: 'p' })
    await auth.grantRole('root', 'root')
    await auth.enable()
    await expectError(
      auth.authenticate('root', 'p'),
      'Unknown auth: token signing attempted with verify-only key',
    )
  })
})

test('without tokens nobody logs in', async () => {
  await withServer('', async (client) => {
    const auth = new AuthClient(client)
    await auth.addUser({ name: 'root', password: 'p' })
    await auth.grantRole('root', 'root')
    await auth.enable()
    await expectError(
      auth.authenticate('root', 'p'),
      'InvalidArgument etcdserver: authentication failed, invalid user ID or password',
    )
  })
})

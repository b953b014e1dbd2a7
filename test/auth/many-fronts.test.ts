/** Connections that are served by different threads: what one of them was told holds on all others at once. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { EtcdClient, type EtcdError } from '../support/etcd-client.js'
import { expectError } from '../support/expect.js'
import { ServerProcess } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { ALICE_PASSWORD, AuthClient, withToken, withUsers } from './auth-client.js'

const PORT = 21_880
const CONNECTIONS = 12
const ROUNDS = 4
const LOGINS = 900
const REFUSED = 'InvalidArgument etcdserver: authentication failed, invalid user ID or password'
const directory = temporaryDirectory()
const clients: EtcdClient[] = []
let server: ServerProcess

before(async () => {
  server = await ServerProcess.start({
    kind: 'raftring',
    dataDir: directory.path('data'),
    clientPort: PORT,
    peerPort: PORT + 1,
    flags: ['--actor-threads', 'dedicated', '--front-workers', '3', '--bcrypt-cost', '4'],
  })
  for (let i = 0; i < CONNECTIONS; i++) clients.push(new EtcdClient(server.endpoint))
  await Promise.all(clients.map((client) => client.range({ key: 'k' })))
})

after(async () => {
  for (const client of clients) client.close()
  await server.kill()
  directory.remove()
})

function clientOf(i: number): EtcdClient {
  return clients[i % CONNECTIONS] as EtcdClient
}

test('a token is good on every connection as soon as it was given, and on none once it is void', async () => {
  await withUsers(clientOf(0), 'p/', async ({ root }) => {
    for (let round = 0; round < ROUNDS; round++) {
      const password = `secret ${round}`
      await new AuthClient(clientOf(round), root.options).changePassword('alice', password)
      const token = withToken(await new AuthClient(clientOf(round + 1)).authenticate('alice', password))
      const uses = clients.map((client, i) =>
        i % 2 === 0 ? client.put({ key: 'p/k', value: 'v' }, token) : client.range({ key: 'p/k' }, token),
      )
      await Promise.all(uses)
      await new AuthClient(clientOf(round + 2), root.options).changePassword('alice', 'another')
      const refused = 'Unauthenticated etcdserver: invalid auth token'
      await Promise.all(clients.map((client) => expectError(client.range({ key: 'p/k' }, token), refused)))
      await Promise.all(clients.map((client) => expectError(client.put({ key: 'p/k', value: 'v' }, token), refused)))
    }
  })
})

test('a right that was given or taken holds on every connection with the next request', async () => {
  await withUsers(clientOf(0), 'p/', async ({ root, alice }) => {
    for (let round = 0; round < ROUNDS; round++) {
      const key = `other/${round}`
      await new AuthClient(clientOf(round), root.options).grant('keys', 'READWRITE', key)
      await Promise.all(clients.map((client) => client.put({ key, value: 'v' }, alice.options)))
      await new AuthClient(clientOf(round + 1), root.options).revoke('keys', key)
      const denied = 'PermissionDenied etcdserver: permission denied'
      await Promise.all(clients.map((client) => expectError(client.range({ key }, alice.options), denied)))
    }
  })
})

test('switching auth on and off holds on every connection with the next request', async () => {
  await withUsers(clientOf(0), 'p/', async ({ root, nobody }) => {
    let token = root.options
    for (let round = 0; round < ROUNDS; round++) {
      await new AuthClient(clientOf(round), token).disable()
      await Promise.all(clients.map((client) => client.put({ key: 'p/k', value: 'v' })))
      await new AuthClient(clientOf(round + 1)).enable()
      const outcomes = await Promise.allSettled(clients.map((client) => client.range({ key: 'p/k' })))
      for (const outcome of outcomes) {
        const text = outcome.status === 'rejected' ? (outcome.reason as EtcdError).toText() : 'answered'
        assert.equal(text, 'InvalidArgument etcdserver: user name is empty')
      }
      token = (await nobody.logIn('root', 'root secret')).options
    }
  })
})

test('of many log-ins at once each hears its own outcome, and a put behind them does not wait for all', async () => {
  await withUsers(clientOf(0), 'p/', async ({ root }) => {
    const auth = new AuthClient(clientOf(1))
    const answered: string[] = []
    const logins = Array.from({ length: LOGINS }, async (_, i) => {
      if (i % 3 === 0) return expectError(auth.authenticate('alice', `wrong ${i % 6}`), REFUSED)
      if (i % 3 === 1) return expectError(auth.authenticate('nobody', 'secret'), REFUSED)
      assert.match(await auth.authenticate('alice', ALICE_PASSWORD), /^[A-Za-z]{16}\.\d+$/)
      answered.push('log-in')
      return undefined
    })
    const put = clientOf(1).put({ key: 'p/k', value: 'v' }, root.options).then(() => answered.push('put'))
    await Promise.all([...logins, put])
    assert.equal(answered.length, LOGINS / 3 + 1)
    assert.ok(answered.indexOf('put') < LOGINS / 6, `the put came after ${answered.indexOf('put')} log-ins`)
  })
})

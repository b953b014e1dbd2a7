/** What a member does by itself goes on while auth is enabled, and after a restart with users. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EtcdClient } from '../support/etcd-client.js'
import { expectError, revisionOf } from '../support/expect.js'
import { ServerProcess } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { AuthClient, withUsers } from './auth-client.js'

const PORT = 21_890
const COMPACTED = 'OutOfRange etcdserver: mvcc: required revision has been compacted'

function start(dataDir: string): Promise<ServerProcess> {
  const flags = ['--auto-compaction-retention', '1s', '--bcrypt-cost', '4']
  return ServerProcess.start({ kind: 'raftring', dataDir, clientPort: PORT, peerPort: PORT + 1, flags })
}

test('history is compacted and leases end although nobody logged in', async () => {
  const directory = temporaryDirectory()
  const server = await start(directory.path('data'))
  const client = new EtcdClient(server.endpoint)
  await withUsers(client, 'p/', async ({ alice }) => {
    const { id } = await client.leaseGrant({ ttl: 2 }, alice.options)
    const watch = client.watch(alice.options)
    watch.send({ createRequest: { key: 'p/', rangeEnd: 'p0' } })
    await watch.next()
    const first = revisionOf(await client.put({ key: 'p/leased', value: '1', lease: id }, alice.options))
    await client.put({ key: 'p/k', value: '1' }, alice.options)
    const second = revisionOf(await client.put({ key: 'p/k', value: '2' }, alice.options))
    await server.logged(new RegExp(`completed auto compaction","revision":${second}`, 'u'), 10_000)
    await expectError(client.range({ key: 'p/k', revision: first }, alice.options), COMPACTED)
    const kinds: number[] = []
    while (kinds.length < 4) kinds.push(...(await watch.next()).events.map(({ type }) => type))
    assert.deepEqual(kinds, [0, 0, 0, 1])
    watch.cancel()
  })
  client.close()
  await server.kill()
  directory.remove()
})

test('a member that starts again has its users, and none of the tokens that it gave', async () => {
  const directory = temporaryDirectory()
  const before = await start(directory.path('data'))
  const first = new EtcdClient(before.endpoint)
  const root = await rootOf(new AuthClient(first))
  await first.put({ key: 'k', value: 'v' }, root.options)
  first.close()
  await before.kill()
  const after = await start(directory.path('data'))
  const client = new EtcdClient(after.endpoint)
  await expectError(client.range({ key: 'k' }), 'InvalidArgument etcdserver: user name is empty')
  await expectError(client.range({ key: 'k' }, root.options), 'Unauthenticated etcdserver: invalid auth token')
  const again = await new AuthClient(client).logIn('root', 'p')
  assert.equal((await client.range({ key: 'k' }, again.options)).kvs.length, 1)
  client.close()
  await after.kill()
  directory.remove()
})

async function rootOf(auth: AuthClient): Promise<AuthClient> {
  await auth.addUser({ name: 'root', password: 'p' })
  await auth.grantRole('root', 'root')
  await auth.enable()
  return auth.logIn('root', 'p')
}

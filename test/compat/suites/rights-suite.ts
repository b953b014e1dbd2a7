/** What a user may do to keys, leases and watches, by its token and roles. */

import { strict as assert } from 'node:assert'
import { encodeAlarmRequest } from '../../../src/proto/generated/etcdserverpb.js'
import { encodeCampaignRequest } from '../../../src/proto/generated/v3electionpb.js'
import { encodeLockRequest } from '../../../src/proto/generated/v3lockpb.js'
import { ALICE_PASSWORD, afterPrefix, withToken, withUsers } from '../../auth/auth-client.js'
import { CheckSuite } from '../../support/check-suite.js'
import type { CallOptions, EtcdError } from '../../support/etcd-client.js'
import { RangeRequest, RangeStreamResponse } from '../../support/etcd-messages.js'
import { expectError } from '../../support/expect.js'
import { MessageStream } from '../../support/message-stream.js'

export const RIGHTS_SUITE = new CheckSuite('rights')
const suite = RIGHTS_SUITE

const DENIED = 'PermissionDenied etcdserver: permission denied'
const NO_USER = 'InvalidArgument etcdserver: user name is empty'
const BAD_TOKEN = 'Unauthenticated etcdserver: invalid auth token'
const FAILED = 'InvalidArgument etcdserver: authentication failed, invalid user ID or password'

suite.add('a token lets its user at its keys and at no others', async ({ client, prefix }) => {
  await withUsers(client, prefix, async ({ root, alice, nobody }) => {
    const key = `${prefix}k`
    const other = `other-${prefix}`
    await client.put({ key: other, value: '1' }, root.options)
    await client.put({ key, value: '1' }, alice.options)
    assert.equal((await client.range({ key }, alice.options)).kvs.length, 1)
    const all = { key: prefix, rangeEnd: afterPrefix(prefix) }
    assert.equal((await client.range(all, alice.options)).kvs.length, 1)
    await expectError(client.range({ key: other }, alice.options), DENIED)
    await expectError(client.range({ ...all, serializable: true, rangeEnd: '\0' }, alice.options), DENIED)
    await expectError(client.put({ key: other, value: '2' }, alice.options), DENIED)
    await expectError(client.deleteRange({ key: other }, alice.options), DENIED)
    await expectError(client.range({ key }, nobody.options), NO_USER)
    await expectError(client.put({ key, value: '2' }, nobody.options), NO_USER)
    await expectError(client.range({ key }, withToken('junk')), BAD_TOKEN)
    await expectError(client.put({ key, value: '2' }, withToken('AAAAAAAAAAAAAAAA.1')), BAD_TOKEN)
    const bearer = { metadata: { authorization: alice.options.metadata?.['token'] ?? '' } }
    assert.equal((await client.range({ key }, bearer)).kvs.length, 1)
    assert.equal((await client.deleteRange({ key }, alice.options)).deleted, 1)
  })
})

suite.add('both branches of a transaction, and what it compares, need rights', async ({ client, prefix }) => {
  await withUsers(client, prefix, async ({ alice }) => {
    const mine = `${prefix}k`
    const other = `other-${prefix}`
    const put = (key: string): object => ({ requestPut: { key, value: 'v' } })
    const get = (key: string): object => ({ requestRange: { key } })
    await client.txn({ success: [put(mine)], failure: [get(mine)] }, alice.options)
    await expectError(client.txn({ success: [put(mine)], failure: [put(other)] }, alice.options), DENIED)
    await expectError(client.txn({ success: [get(mine)], failure: [get(other)] }, alice.options), DENIED)
    const compare = [{ key: other, target: 0, result: 0, version: 0 }]
    await expectError(client.txn({ compare, success: [get(mine)] }, alice.options), DENIED)
  })
})

suite.add('nested transactions need the same rights', async ({ client, prefix }) => {
  await withUsers(client, prefix, async ({ alice }) => {
    const put = { requestPut: { key: `other-${prefix}`, value: 'v' } }
    const nested = { requestTxn: { success: [{ requestTxn: { failure: [put] } }] } }
    await expectError(client.txn({ success: [nested] }, alice.options), DENIED)
  })
}, { since: '3.6.9' })

suite.add('previous values are read', async ({ client, prefix }) => {
  await withUsers(client, prefix, async ({ root, nobody }) => {
    const key = `wonly-${prefix}`
    await root.addRole('w')
    await root.grant('w', 'WRITE', key)
    await root.addUser({ name: 'writer', password: 'p' })
    await root.grantRole('writer', 'w')
    const writer = await nobody.logIn('writer', 'p')
    await client.put({ key, value: '1' }, writer.options)
    await expectError(client.put({ key, value: '2', prevKv: true }, writer.options), DENIED)
    await expectError(client.deleteRange({ key, prevKv: true }, writer.options), DENIED)
    await expectError(client.range({ key }, writer.options), DENIED)
    assert.equal((await client.deleteRange({ key }, writer.options)).deleted, 1)
  })
})

suite.add('who may not write what hangs on a lease may not attach to it or revoke it', async ({ client, prefix }) => {
  await withUsers(client, prefix, async ({ root, alice }) => {
    const { id } = await client.leaseGrant({ ttl: 500 }, alice.options)
    await client.put({ key: `${prefix}k`, value: 'v', lease: id }, alice.options)
    await client.put({ key: `other-${prefix}`, value: 'v', lease: id }, root.options)
    await expectError(client.put({ key: `${prefix}l`, value: 'v', lease: id }, alice.options), DENIED)
    await expectError(client.leaseRevoke(id, alice.options), DENIED)
    assert.equal((await client.leaseTimeToLive(id, true, root.options)).keys.length, 2)
    await client.leaseRevoke(id, root.options)
  })
})

suite.add('leases need a user', async ({ client, prefix }) => {
  await withUsers(client, prefix, async ({ root, alice, nobody }) => {
    await expectError(client.leaseGrant({ ttl: 500 }, nobody.options), NO_USER)
    const { id } = await client.leaseGrant({ ttl: 500 }, alice.options)
    await expectError(client.leaseTimeToLive(id, false, nobody.options), NO_USER)
    await expectError(client.leaseLeases(nobody.options), NO_USER)
    await client.put({ key: `other-${prefix}`, value: 'v', lease: id }, root.options)
    await expectError(client.leaseLeases(alice.options), DENIED)
    await expectError(client.leaseTimeToLive(id, true, alice.options), DENIED)
    assert((await client.leaseLeases(root.options)).leases.some((lease) => lease.id === id))
    const stream = client.leaseKeepAlive(alice.options)
    stream.send({ id })
    await assert.rejects(stream.next(), /7 etcdserver: permission denied/u)
    const anonymous = client.leaseKeepAlive()
    anonymous.send({ id })
    await assert.rejects(anonymous.next(), /3 etcdserver: user name is empty/u)
    const renewing = client.leaseKeepAlive(root.options)
    for (let i = 0; i < 3; i++) renewing.send({ id })
    renewing.halfClose()
    for (let i = 0; i < 3; i++) assert.equal((await renewing.next()).ttl, 500)
    await client.leaseRevoke(id, root.options)
  })
}, { since: '3.7' })

suite.add('a watch that is not permitted is refused inside its stream', async ({ client, prefix }) => {
  await withUsers(client, prefix, async ({ alice }) => {
    const watch = client.watch(alice.options)
    watch.send({ createRequest: { key: `other-${prefix}` } })
    const refused = await watch.next()
    assert.deepEqual([refused.created, refused.canceled], [true, true])
    assert.equal(refused.cancelReason, 'rpc error: code = PermissionDenied desc = etcdserver: permission denied')
    watch.send({ createRequest: { key: `${prefix}k` } })
    assert.deepEqual([(await watch.next()).created], [true])
    await client.put({ key: `${prefix}k`, value: 'v' }, alice.options)
    assert.equal((await watch.next()).events.length, 1)
    watch.cancel()
  })
})

suite.add('a refused watch says what is wrong with who asks, and has the id -1', async ({ client, prefix }) => {
  await withUsers(client, prefix, async ({ nobody, alice }) => {
    const reasonOf = async (options: CallOptions, key: string, rangeEnd = ''): Promise<string> => {
      const watch = client.watch(options)
      watch.send({ createRequest: { key, rangeEnd } })
      const { canceled, watchId, cancelReason } = await watch.next()
      assert.deepEqual([canceled, watchId], [true, -1])
      watch.cancel()
      return cancelReason
    }
    const error = (code: string, text: string): string => `rpc error: code = ${code} desc = etcdserver: ${text}`
    assert.equal(await reasonOf(nobody.options, prefix), error('InvalidArgument', 'user name is empty'))
    assert.equal(await reasonOf(withToken('junk'), prefix), error('Unauthenticated', 'invalid auth token'))
    assert.equal(await reasonOf(alice.options, `${prefix}k`, '\0'), error('PermissionDenied', 'permission denied'))
  })
}, { since: '3.7' })

suite.add('a role that changes changes what the token may do at once', async ({ client, prefix }) => {
  await withUsers(client, prefix, async ({ root, alice }) => {
    const other = `other-${prefix}`
    await expectError(client.put({ key: other, value: 'v' }, alice.options), DENIED)
    await root.grant('keys', 'READWRITE', other)
    await client.put({ key: other, value: 'v' }, alice.options)
    assert.equal((await client.range({ key: other }, alice.options)).kvs.length, 1)
    await root.revoke('keys', other)
    await expectError(client.range({ key: other }, alice.options), DENIED)
    await root.revokeRole('alice', 'keys')
    await expectError(client.put({ key: `${prefix}k`, value: 'v' }, alice.options), DENIED)
  })
})

suite.add('a changed password and a deleted user make tokens void', async ({ client, prefix }) => {
  await withUsers(client, prefix, async ({ root, alice, nobody }) => {
    const get = { key: `${prefix}k` }
    await root.changePassword('alice', 'new')
    await expectError(client.range(get, alice.options), BAD_TOKEN)
    await expectError(nobody.authenticate('alice', ALICE_PASSWORD), FAILED)
    const again = await nobody.logIn('alice', 'new')
    await client.range(get, again.options)
    await root.deleteUser('alice')
    await expectError(client.put({ ...get, value: 'v' }, again.options), BAD_TOKEN)
  })
})

suite.add('a token is not looked at while auth is off, and void when it is on again', async ({ client, prefix }) => {
  await withUsers(client, prefix, async ({ root, nobody }) => {
    const get = { key: `${prefix}k` }
    await root.disable()
    await client.range(get, root.options)
    await client.put({ key: `${prefix}k`, value: 'v' }, withToken('ignored'))
    await nobody.enable()
    await expectError(client.range(get, root.options), BAD_TOKEN)
  })
}, { since: '3.5' })

suite.add('status and members need a user', async ({ client, prefix }) => {
  await withUsers(client, prefix, async ({ alice, nobody }) => {
    await expectError(client.status(nobody.options), NO_USER)
    assert.notEqual((await client.status(alice.options)).version, '')
    const members = '/etcdserverpb.Cluster/MemberList'
    await expectError(client.raw(members, Buffer.alloc(0), nobody.options), NO_USER)
    await client.raw(members, Buffer.alloc(0), alice.options)
    await expectError(client.compact({ revision: 1 }, alice.options), DENIED)
  })
}, { since: '3.7' })

suite.add('a stream of a range ends when users change on its way', async ({ client, prefix }) => {
  await withUsers(client, prefix, async ({ root, alice }) => {
    const value = Buffer.alloc(100_000, 'v')
    for (let from = 0; from < 200; from += 10) {
      const keys = Array.from({ length: 10 }, (_, i) => `${prefix}${from + i}`)
      await client.txn({ success: keys.map((key) => ({ requestPut: { key, value } })) }, alice.options)
    }
    const path = '/etcdserverpb.KV/RangeStream'
    const request = { key: prefix, rangeEnd: afterPrefix(prefix) }
    await expectError(client.rangeStream({ ...request, rangeEnd: '\0' }, alice.options), DENIED)
    const stream = new MessageStream(client.duplex(path, RangeRequest, RangeStreamResponse, alice.options))
    stream.pause()
    stream.send(request)
    stream.halfClose()
    // The stream cannot end while nobody reads it: it is larger than all windows.
    await client.range({ key: `${prefix}0`, keysOnly: true }, alice.options)
    await root.addRole('later')
    stream.resume()
    await assert.rejects(async () => {
      for (;;) await stream.next()
    }, /3 etcdserver: revision of auth store is old/u)
  })
}, { since: '3.7' })

suite.add('maintenance is for root', async ({ client, prefix }) => {
  await withUsers(client, prefix, async ({ alice, nobody }) => {
    for (const method of ['Defragment', 'Hash', 'HashKV', 'Snapshot', 'MoveLeader', 'Downgrade']) {
      const path = `/etcdserverpb.Maintenance/${method}`
      await expectError(client.raw(path, Buffer.alloc(0), alice.options), DENIED)
      await expectError(client.raw(path, Buffer.alloc(0), nobody.options), NO_USER)
    }
    const alarm = '/etcdserverpb.Maintenance/Alarm'
    const activate = Buffer.from(encodeAlarmRequest({ action: 1, alarm: 1 }))
    await expectError(client.raw(alarm, activate, alice.options), DENIED)
    await expectError(client.raw(alarm, Buffer.alloc(0), nobody.options), NO_USER)
    await client.raw(alarm, Buffer.alloc(0), alice.options)
  })
}, { since: '3.7' })

suite.add('locks and elections need rights to their keys', async ({ client, prefix }) => {
  await withUsers(client, prefix, async ({ alice, nobody, root }) => {
    const { id } = await client.leaseGrant({ ttl: 500 }, alice.options)
    const lock = (name: string, options: CallOptions): Promise<Buffer> =>
      client.raw('/v3lockpb.Lock/Lock', Buffer.from(encodeLockRequest({ name: Buffer.from(name), lease: id })), options)
    const campaign = (name: string, options: CallOptions): Promise<Buffer> =>
      client.raw(
        '/v3electionpb.Election/Campaign',
        Buffer.from(encodeCampaignRequest({ name: Buffer.from(name), lease: id })),
        options,
      )
    for (const ask of [lock, campaign]) {
      assert.notEqual((await ask(`${prefix}l`, alice.options)).length, 0)
      // Errors of requests that these services make themselves have the code Unknown.
      await expectError(ask('elsewhere', alice.options), 'Unknown etcdserver: permission denied')
      await expectError(ask(`${prefix}l`, nobody.options), 'Unknown etcdserver: user name is empty')
    }
    await client.leaseRevoke(id, root.options)
  })
})

suite.add('many log-ins of one user at once all succeed', async ({ client, prefix }) => {
  await withUsers(client, prefix, async ({ nobody }) => {
    const tokens = await Promise.all(Array.from({ length: 100 }, () => nobody.authenticate('alice', ALICE_PASSWORD)))
    assert.equal(new Set(tokens).size, 100)
    const reads = tokens.map((token) => client.range({ key: `${prefix}k` }, withToken(token)))
    await Promise.all(reads)
  })
})

suite.add('requests on their way while users change are answered one way or the other', async ({ client, prefix }) => {
  await withUsers(client, prefix, async ({ root, alice }) => {
    const outcomes = new Set<string>()
    const ask = async (i: number): Promise<void> => {
      try {
        if (i % 2 === 0) await client.put({ key: `${prefix}k`, value: 'v' }, alice.options)
        else await client.range({ key: `${prefix}k` }, alice.options)
      } catch (error) {
        outcomes.add((error as EtcdError).toText())
      }
    }
    for (let round = 0; round < 5; round++) {
      const requests = Array.from({ length: 50 }, (_, i) => ask(i))
      await root.addRole(`r${round}`)
      await Promise.all(requests)
    }
    const allowed = new Set(['InvalidArgument etcdserver: revision of auth store is old'])
    assert.deepEqual([...outcomes].filter((outcome) => !allowed.has(outcome)), [])
  })
})

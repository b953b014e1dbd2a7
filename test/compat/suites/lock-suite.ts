/** v3lockpb: who holds a lock, who waits, and what ends either. */

import { strict as assert } from 'node:assert'
import { withUsers } from '../../auth/auth-client.js'
import { CheckSuite, type CheckContext } from '../../support/check-suite.js'
import { prefixEnd, type EtcdClient } from '../../support/etcd-client.js'
import { errorOf, eventTexts, expectError, names, present, revisionOf } from '../../support/expect.js'
import { LockClient } from '../../support/lock-messages.js'

export const LOCK_SUITE = new CheckSuite('lock')
const suite = LOCK_SUITE

let leases = 0x10c_0000_0000n

/** A lease of its own, and its name in keys. */
async function newLease({ client }: CheckContext, ttl = 500): Promise<{ id: bigint; hex: string }> {
  const id = ++leases
  await client.leaseGrant({ id, ttl })
  return { id, hex: id.toString(16) }
}

/** Sees every change of the line of `name`. */
async function watchLine({ client }: CheckContext, name: string): Promise<ReturnType<EtcdClient['watch']>> {
  const startRevision = revisionOf(await client.range({ key: name })) + 1
  const watch = client.watch()
  const key = `${name}/`
  watch.send({ createRequest: { key, rangeEnd: prefixEnd(key), startRevision } })
  assert.equal((await watch.next()).created, true)
  return watch
}

suite.add('a free lock is taken at once, under its name and its lease in hexadecimal', async (context) => {
  const { client, prefix } = context
  const { id, hex } = await newLease(context)
  const locked = await new LockClient(client).lock({ name: `${prefix}a`, lease: id })
  assert.equal(locked.key.toString(), `${prefix}a/${hex}`)
  const kv = present((await client.range({ key: locked.key })).kvs[0])
  assert.deepEqual([kv.value.length, kv.lease, kv.version], [0, id, 1])
  assert.equal(revisionOf(locked), kv.createRevision)
})

suite.add('a lock without a lease gets one of 60 seconds', async ({ client, prefix }) => {
  const { key } = await new LockClient(client).lock({ name: `${prefix}a` })
  const { lease } = present((await client.range({ key })).kvs[0])
  assert.equal(key.toString(), `${prefix}a/${lease.toString(16)}`)
  const left = await client.leaseTimeToLive(lease)
  assert.equal(left.grantedTtl, 60)
  assert(left.ttl <= 60 && left.ttl > 50)
})

suite.add('a negative lease id is written with its sign', async ({ client, prefix }) => {
  const id = -0xabcn - BigInt(process.pid)
  await client.leaseGrant({ id, ttl: 500 })
  const { key } = await new LockClient(client).lock({ name: `${prefix}a`, lease: id })
  assert.equal(key.toString(), `${prefix}a/${id.toString(16)}`)
  await client.leaseRevoke(id)
})

suite.add('the same lease gets its lock again at once', async (context) => {
  const { client, prefix } = context
  const { id } = await newLease(context)
  const locks = new LockClient(client)
  const first = await locks.lock({ name: `${prefix}a`, lease: id })
  const later = revisionOf(await client.put({ key: `${prefix}other`, value: 'v' }))
  const again = await locks.lock({ name: `${prefix}a`, lease: id })
  assert.deepEqual(again.key, first.key)
  assert.equal(revisionOf(again), later)
})

suite.add('those who wait get the lock one after another, in the order they came', async (context) => {
  const { client, prefix } = context
  const name = `${prefix}a`
  const locks = new LockClient(client)
  const line = await watchLine(context, name)
  const held = await locks.lock({ name, lease: (await newLease(context)).id })
  await line.next()
  const second = locks.openLock({ name, lease: (await newLease(context)).id })
  await line.next()
  const third = locks.openLock({ name, lease: (await newLease(context)).id })
  await line.next()
  const freed = revisionOf(await locks.unlock(held.key))
  const next = await second.next()
  assert(revisionOf(next) >= freed)
  assert.equal(await third.poll(50), undefined)
  await locks.unlock(next.key)
  const last = await third.next()
  assert.equal((await third.ended).code, 0)
  assert.deepEqual(names((await client.range({ key: `${name}/`, rangeEnd: prefixEnd(`${name}/`) })).kvs), [
    last.key.toString().slice(name.length + 1),
  ])
  line.cancel()
})

suite.add('a lock goes on when the lease of its holder is revoked', async (context) => {
  const { client, prefix } = context
  const name = `${prefix}a`
  const locks = new LockClient(client)
  const holder = await newLease(context)
  await locks.lock({ name, lease: holder.id })
  const line = await watchLine(context, name)
  const waiting = locks.openLock({ name, lease: (await newLease(context)).id })
  await line.next()
  await client.leaseRevoke(holder.id)
  await waiting.next()
  line.cancel()
})

suite.add('anybody may unlock, twice too', async (context) => {
  const { client, prefix } = context
  const locks = new LockClient(client)
  const { key } = await locks.lock({ name: `${prefix}a`, lease: (await newLease(context)).id })
  const freed = revisionOf(await locks.unlock(key))
  assert.equal((await client.range({ key })).count, 0)
  assert.equal(revisionOf(await locks.unlock(key)), freed)
})

suite.add('a name below another name stands in the line of both', async (context) => {
  const { client, prefix } = context
  const locks = new LockClient(client)
  const below = await locks.lock({ name: `${prefix}a/b`, lease: (await newLease(context)).id })
  const line = await watchLine(context, `${prefix}a`)
  const above = locks.openLock({ name: `${prefix}a`, lease: (await newLease(context)).id })
  await line.next()
  assert.equal(await above.poll(50), undefined)
  await locks.unlock(below.key)
  await above.next()
  line.cancel()
})

suite.add('a cancelled lock leaves the line', async (context) => {
  const { client, prefix } = context
  const name = `${prefix}a`
  const locks = new LockClient(client)
  const held = await locks.lock({ name, lease: (await newLease(context)).id })
  const line = await watchLine(context, name)
  const second = await newLease(context)
  const cancelled = locks.openLock({ name, lease: second.id })
  await line.next()
  const third = locks.openLock({ name, lease: (await newLease(context)).id })
  await line.next()
  // The wait has begun once the call is known to hold nothing.
  assert.equal(await cancelled.poll(50), undefined)
  cancelled.cancel()
  assert.deepEqual(eventTexts(await line.next()), [`DELETE ${second.hex}`])
  assert.equal(await third.poll(50), undefined)
  await locks.unlock(held.key)
  await third.next()
  line.cancel()
})

suite.add('a lock whose deadline passes leaves the line', async (context) => {
  const { client, prefix } = context
  const name = `${prefix}a`
  const locks = new LockClient(client)
  await locks.lock({ name, lease: (await newLease(context)).id })
  const line = await watchLine(context, name)
  const { id, hex } = await newLease(context)
  const error = await errorOf(locks.lock({ name, lease: id }, { deadlineMs: 300 }))
  assert.match(error, /^DeadlineExceeded /u)
  assert.deepEqual(eventTexts(await line.next()), [`PUT ${hex}=`])
  assert.deepEqual(eventTexts(await line.next()), [`DELETE ${hex}`])
  line.cancel()
})

suite.add('a lock whose lease ends while it waits is told so when its turn comes', async (context) => {
  const { client, prefix } = context
  const name = `${prefix}a`
  const locks = new LockClient(client)
  const held = await locks.lock({ name, lease: (await newLease(context)).id })
  const line = await watchLine(context, name)
  const waiter = await newLease(context)
  const waiting = locks.lock({ name, lease: waiter.id })
  await line.next()
  await client.leaseRevoke(waiter.id)
  // Looked at from now on: the refusal may come before the answer to the unlock does.
  const refused = expectError(waiting, 'Unknown mutex: session is expired')
  await locks.unlock(held.key)
  await refused
  line.cancel()
}, { since: '3.5' })

suite.add('an unknown lease and a missing key are refused as texts without a code', async ({ client, prefix }) => {
  const locks = new LockClient(client)
  const lease = 0x7777_0000n
  await expectError(locks.lock({ name: `${prefix}a`, lease }), 'Unknown etcdserver: requested lease not found')
  await expectError(locks.unlock(''), 'Unknown etcdserver: key is not provided')
  const { kvs } = await client.range({ key: prefix, rangeEnd: prefixEnd(prefix) })
  assert.deepEqual(kvs, [])
})

suite.add('of fifty contenders one at a time is inside', async (context) => {
  const { client, prefix } = context
  const locks = new LockClient(client)
  const counter = `${prefix}counter`
  await client.put({ key: counter, value: '0' })
  const contend = async (): Promise<void> => {
    const request = { name: `${prefix}a`, lease: (await newLease(context)).id }
    const { key } = await locks.lock(request, { deadlineMs: 30_000 })
    const value = Number(present((await client.range({ key: counter })).kvs[0]).value.toString())
    await client.put({ key: counter, value: String(value + 1) })
    await locks.unlock(key)
  }
  await Promise.all(Array.from({ length: 50 }, contend))
  assert.equal(present((await client.range({ key: counter })).kvs[0]).value.toString(), '50')
})

suite.add('with authentication a lock needs the rights to its line', async (context) => {
  const { client, prefix } = context
  const locks = new LockClient(client)
  await withUsers(client, prefix, async ({ alice, nobody }) => {
    const id = ++leases
    await client.leaseGrant({ id, ttl: 500 }, alice.options)
    const { key } = await locks.lock({ name: `${prefix}a`, lease: id }, alice.options)
    assert.equal((await client.range({ key }, alice.options)).count, 1)
    const foreign = locks.lock({ name: `other-${prefix}`, lease: id }, alice.options)
    await expectError(foreign, 'Unknown etcdserver: permission denied')
    const noUser = 'Unknown etcdserver: user name is empty'
    await expectError(locks.lock({ name: `${prefix}b`, lease: id }, nobody.options), noUser)
    await expectError(locks.unlock(key, nobody.options), noUser)
    await locks.unlock(key, alice.options)
  })
})

/** Leases over gRPC: grant, attach, keep alive, revoke, expire. */

import { strict as assert } from 'node:assert'
import { CheckSuite } from '../../support/check-suite.js'
import { prefixEnd } from '../../support/etcd-client.js'
import { eventTexts, expectError, nameOf, names, pairs, present, revisionOf } from '../../support/expect.js'

export const LEASE_SUITE = new CheckSuite('lease')
const suite = LEASE_SUITE

const NOT_FOUND = 'NotFound etcdserver: requested lease not found'
let ids = 0x5eed_0000_0000n

suite.add('the server chooses a positive id, or takes the given one', async ({ client }) => {
  const chosen = await client.leaseGrant({ ttl: 100 })
  assert(chosen.id > 0n)
  assert.deepEqual([chosen.ttl, chosen.error], [100, ''])
  const id = ids++
  assert.equal((await client.leaseGrant({ ttl: 100, id })).id, id)
  const negative = -5n - BigInt(process.pid)
  assert.equal((await client.leaseGrant({ ttl: 100, id: negative })).id, negative)
  const { leases } = await client.leaseLeases()
  const listed = leases.map((lease) => lease.id)
  for (const one of [chosen.id, id, negative]) assert(listed.includes(one))
  await client.leaseRevoke(negative)
})

suite.add('an id in use is refused', async ({ client }) => {
  const id = ids++
  await client.leaseGrant({ ttl: 100, id })
  await expectError(
    client.leaseGrant({ ttl: 100, id }),
    'FailedPrecondition etcdserver: lease already exists',
  )
  await client.leaseRevoke(id)
  await client.leaseGrant({ ttl: 100, id })
})

suite.add('a short time to live is raised to two seconds', async ({ client }) => {
  for (const ttl of [1, 0, -7]) assert.equal((await client.leaseGrant({ ttl })).ttl, 2)
  assert.equal((await client.leaseGrant({ ttl: 3 })).ttl, 3)
})

suite.add('the longest time to live is 9,000,000,000 s', async ({ client }) => {
  const text = 'OutOfRange etcdserver: too large lease TTL'
  await expectError(client.leaseGrant({ ttl: 9_000_000_001 }), text)
  await expectError(client.leaseGrant({ ttl: 2n ** 63n - 1n }), text)
  const { ttl, id } = await client.leaseGrant({ ttl: 9_000_000_000 })
  assert.equal(ttl, 9_000_000_000)
  assert((await client.leaseTimeToLive(id)).ttl > 8_999_999_000)
})

suite.add('time to live tells what is left and which keys hang on it', async (context) => {
  const { client, prefix } = context
  const { id } = await client.leaseGrant({ ttl: 500 })
  for (const name of ['b', 'a']) await client.put({ key: prefix + name, value: 'v', lease: id })
  const short = await client.leaseTimeToLive(id)
  assert.deepEqual([short.id, short.grantedTtl, short.keys], [id, 500, []])
  assert(short.ttl > 480 && short.ttl <= 500)
  const long = await client.leaseTimeToLive(id, true)
  assert.deepEqual(long.keys.map(nameOf).toSorted(), ['a', 'b'])
  await client.deleteRange({ key: `${prefix}a` })
  assert.deepEqual((await client.leaseTimeToLive(id, true)).keys.map(nameOf), ['b'])
})

suite.add('an unknown lease has time to live -1', async ({ client }) => {
  const answer = await client.leaseTimeToLive(123_456n, true)
  assert.deepEqual([answer.id, answer.ttl, answer.grantedTtl, answer.keys], [123_456n, -1, 0, []])
})

suite.add('a key moves from lease to lease', async ({ client, prefix }) => {
  const key = `${prefix}k`
  const first = (await client.leaseGrant({ ttl: 500 })).id
  const second = (await client.leaseGrant({ ttl: 500 })).id
  await client.put({ key, value: 'v', lease: first })
  await client.put({ key, value: 'w', lease: second })
  assert.deepEqual((await client.leaseTimeToLive(first, true)).keys, [])
  assert.deepEqual((await client.leaseTimeToLive(second, true)).keys.map(nameOf), ['k'])
  await client.leaseRevoke(first)
  assert.deepEqual(pairs((await client.range({ key })).kvs), [`${key}=w`])
})

suite.add('revoke deletes the keys in order under one revision', async ({ client, prefix }) => {
  const { id } = await client.leaseGrant({ ttl: 500 })
  for (const name of ['c', 'a', 'b']) await client.put({ key: prefix + name, value: 'v', lease: id })
  const kept = revisionOf(await client.put({ key: `${prefix}kept`, value: 'v' }))
  const watch = client.watch()
  watch.send({
    createRequest: { key: prefix, rangeEnd: prefixEnd(prefix), startRevision: kept + 1 },
  })
  assert.equal((await watch.next()).created, true)
  assert.equal(revisionOf(await client.leaseRevoke(id)), kept + 1)
  const response = await watch.next()
  assert.deepEqual(eventTexts(response), ['DELETE a', 'DELETE b', 'DELETE c'])
  assert.equal(revisionOf(response), kept + 1)
  watch.cancel()
  const { kvs } = await client.range({ key: prefix, rangeEnd: prefixEnd(prefix) })
  assert.deepEqual(names(kvs), ['kept'])
  await expectError(client.leaseRevoke(id), NOT_FOUND)
  assert.equal((await client.leaseTimeToLive(id)).ttl, -1)
})

suite.add('revoking a lease without keys takes no revision', async ({ client, prefix }) => {
  const before = revisionOf(await client.put({ key: `${prefix}k`, value: 'v' }))
  const granted = await client.leaseGrant({ ttl: 500 })
  assert.equal(revisionOf(granted), before)
  assert.equal(revisionOf(await client.leaseRevoke(granted.id)), before)
  await expectError(client.leaseRevoke(99_999_999n), NOT_FOUND)
})

suite.add('keep-alive answers each request in order', async ({ client }) => {
  const { id } = await client.leaseGrant({ ttl: 50 })
  const second = (await client.leaseGrant({ ttl: 60 })).id
  const stream = client.leaseKeepAlive()
  for (const lease of [id, 4242n, second, id]) stream.send({ id: lease })
  for (const [lease, ttl] of [
    [id, 50],
    [4242n, 0],
    [second, 60],
    [id, 50],
  ] as const) {
    const answer = await stream.next()
    assert.deepEqual([answer.id, answer.ttl], [lease, ttl])
    assert(answer.header !== undefined)
  }
  stream.halfClose()
  assert.equal((await stream.ended).code, 0)
})

suite.add('keep-alive right after the grant finds the lease', async ({ client }) => {
  const stream = client.leaseKeepAlive()
  for (let i = 0; i < 100; i++) {
    const { id } = await client.leaseGrant({ ttl: 77 })
    stream.send({ id })
    assert.equal((await stream.next()).ttl, 77)
  }
  stream.cancel()
})

suite.add('keep-alive after the revoke does not', async ({ client }) => {
  const stream = client.leaseKeepAlive()
  for (let i = 0; i < 50; i++) {
    const { id } = await client.leaseGrant({ ttl: 77 })
    await client.leaseRevoke(id)
    stream.send({ id })
    assert.equal((await stream.next()).ttl, 0)
  }
  stream.cancel()
})

suite.add('leases lists what is granted', async ({ client }) => {
  const { id } = await client.leaseGrant({ ttl: 500 })
  const has = async (): Promise<boolean> =>
    (await client.leaseLeases()).leases.some((lease) => lease.id === id)
  assert.equal(await has(), true)
  await client.leaseRevoke(id)
  assert.equal(await has(), false)
})

suite.add('a lease with thousands of keys goes at once', async ({ client, prefix }) => {
  const { id } = await client.leaseGrant({ ttl: 500 })
  for (let i = 0; i < 2000; i += 100) {
    const success = Array.from({ length: 100 }, (_, j) => ({
      requestPut: { key: `${prefix}${i + j}`, value: 'v', lease: id },
    }))
    await client.txn({ success })
  }
  assert.equal((await client.leaseTimeToLive(id, true)).keys.length, 2000)
  const revision = revisionOf(await client.leaseRevoke(id))
  const range = { key: prefix, rangeEnd: prefixEnd(prefix), countOnly: true }
  assert.equal((await client.range(range)).count, 0)
  assert.equal((await client.range({ ...range, revision: revision - 1 })).count, 2000)
})

suite.add(
  'a lease that nobody renews expires with its keys, a renewed one stays',
  async ({ client, prefix }) => {
    const dying = (await client.leaseGrant({ ttl: 2 })).id
    const renewed = (await client.leaseGrant({ ttl: 2 })).id
    const grantedAt = performance.now()
    await client.put({ key: `${prefix}dying`, value: 'v', lease: dying })
    await client.put({ key: `${prefix}renewed`, value: 'v', lease: renewed })
    const from = revisionOf(await client.range({ key: prefix }))
    const watch = client.watch()
    watch.send({
      createRequest: { key: prefix, rangeEnd: prefixEnd(prefix), startRevision: from + 1 },
    })
    assert.equal((await watch.next()).created, true)
    const keepAlive = client.leaseKeepAlive()
    let event
    while (event === undefined) {
      keepAlive.send({ id: renewed })
      assert.equal((await keepAlive.next()).ttl, 2)
      assert(performance.now() - grantedAt < 8000, 'the lease outlives its time')
      event = await watch.poll(300)
    }
    const tookMs = performance.now() - grantedAt
    assert(tookMs >= 1990, `expired after ${tookMs} ms`)
    assert.deepEqual(eventTexts(event), ['DELETE dying'])
    assert.equal((await client.leaseTimeToLive(dying)).ttl, -1)
    assert.equal(present((await client.range({ key: `${prefix}renewed` })).kvs[0]).lease, renewed)
    keepAlive.cancel()
    watch.cancel()
  },
  { slow: true },
)

suite.add(
  'many leases expire together',
  async ({ client, prefix }) => {
    const granted = await Promise.all(
      Array.from({ length: 300 }, () => client.leaseGrant({ ttl: 2 })),
    )
    const put = ({ id }: { id: bigint }) => client.put({ key: `${prefix}${id}`, value: 'v', lease: id })
    const start = Math.max(...(await Promise.all(granted.map(put))).map(revisionOf)) + 1
    const watch = client.watch()
    watch.send({ createRequest: { key: prefix, rangeEnd: prefixEnd(prefix), startRevision: start } })
    await watch.next()
    let gone = 0
    while (gone < 300) gone += (await watch.next(10_000)).events.length
    assert.equal((await client.range({ key: prefix, rangeEnd: prefixEnd(prefix) })).count, 0)
    watch.cancel()
  },
  { slow: true },
)

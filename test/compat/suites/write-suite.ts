/** Put and DeleteRange over gRPC. */

import { strict as assert } from 'node:assert'
import { CheckSuite } from '../../support/check-suite.js'
import { prefixEnd } from '../../support/etcd-client.js'
import { expectError, names, pairs, present, revisionOf } from '../../support/expect.js'

export const WRITE_SUITE = new CheckSuite('write')
const suite = WRITE_SUITE

suite.add('each put takes the next revision, same value or not', async ({ client, prefix }) => {
  const key = `${prefix}k`
  const first = revisionOf(await client.put({ key, value: 'v' }))
  assert.equal(revisionOf(await client.put({ key, value: 'v' })), first + 1)
  const kv = present((await client.range({ key })).kvs[0])
  assert.deepEqual([kv.createRevision, kv.modRevision, kv.version], [first, first + 1, 2])
})

suite.add('an empty value and a binary one are kept as they are', async ({ client, prefix }) => {
  const binary = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
  await client.put({ key: `${prefix}empty` })
  await client.put({ key: Buffer.concat([Buffer.from(prefix), binary]), value: binary })
  const { kvs } = await client.range({ key: prefix, rangeEnd: prefixEnd(prefix) })
  assert.deepEqual(kvs[0]?.value, binary)
  assert.deepEqual(kvs[1]?.value, Buffer.alloc(0))
})

suite.add('values of every size come back whole', async ({ client, prefix }) => {
  const sizes = [1, 1023, 1024, 1025, 4096, 16_384, 65_535, 65_536, 300_000, 1_500_000]
  for (const size of sizes) {
    const value = Buffer.alloc(size, `${size}-`)
    const revision = revisionOf(await client.put({ key: `${prefix}${size}`, value }))
    const kv = present((await client.range({ key: `${prefix}${size}` })).kvs[0])
    assert(kv.value.equals(value), `${size} bytes`)
    await client.put({ key: `${prefix}${size}`, value: 'short' })
    const old = present((await client.range({ key: `${prefix}${size}`, revision })).kvs[0])
    assert(old.value.equals(value), `${size} bytes at an old revision`)
  }
})

suite.add('prev_kv is what the put replaced, absent for a new key', async ({ client, prefix }) => {
  const key = `${prefix}k`
  assert.equal((await client.put({ key, value: 'a', prevKv: true })).prevKv, undefined)
  const before = present((await client.range({ key })).kvs[0])
  assert.deepEqual((await client.put({ key, value: 'b', prevKv: true })).prevKv, before)
  await client.deleteRange({ key })
  assert.equal((await client.put({ key, value: 'c', prevKv: true })).prevKv, undefined)
  assert.equal((await client.put({ key, value: 'd' })).prevKv, undefined)
})

suite.add('ignore_value keeps the value and changes the lease', async ({ client, prefix }) => {
  const key = `${prefix}k`
  const { id } = await client.leaseGrant({ ttl: 600 })
  await client.put({ key, value: 'kept' })
  await client.put({ key, lease: id, ignoreValue: true })
  const kv = present((await client.range({ key })).kvs[0])
  assert.deepEqual([kv.value.toString(), kv.lease, kv.version], ['kept', id, 2])
})

suite.add('ignore_lease keeps the lease and changes the value', async ({ client, prefix }) => {
  const key = `${prefix}k`
  const { id } = await client.leaseGrant({ ttl: 600 })
  await client.put({ key, value: 'a', lease: id })
  await client.put({ key, value: 'b', ignoreLease: true })
  const kv = present((await client.range({ key })).kvs[0])
  assert.deepEqual([kv.value.toString(), kv.lease], ['b', id])
  await client.put({ key, ignoreLease: true, ignoreValue: true })
  const again = present((await client.range({ key })).kvs[0])
  assert.deepEqual([again.value.toString(), again.lease, again.version], ['b', id, 3])
})

suite.add('a put without a lease detaches the key', async ({ client, prefix }) => {
  const key = `${prefix}k`
  const { id } = await client.leaseGrant({ ttl: 600 })
  await client.put({ key, value: 'a', lease: id })
  await client.put({ key, value: 'b' })
  assert.equal((await client.range({ key })).kvs[0]?.lease, 0n)
  assert.deepEqual((await client.leaseTimeToLive(id, true)).keys, [])
  await client.leaseRevoke(id)
  assert.deepEqual(pairs((await client.range({ key })).kvs), [`${key}=b`])
})

suite.add('deleting nothing answers 0 and takes no revision', async ({ client, prefix }) => {
  const before = revisionOf(await client.put({ key: `${prefix}k`, value: 'v' }))
  for (const range of [
    { key: `${prefix}none` },
    { key: `${prefix}x`, rangeEnd: `${prefix}z` },
    { key: `${prefix}z`, rangeEnd: `${prefix}a` },
  ]) {
    const answer = await client.deleteRange({ ...range, prevKv: true })
    assert.deepEqual([answer.deleted, answer.prevKvs, revisionOf(answer)], [0, [], before])
  }
  assert.equal(revisionOf(await client.put({ key: `${prefix}k`, value: 'v' })), before + 1)
})

suite.add('deleting a range takes one revision and answers in key order', async (context) => {
  const { client, prefix } = context
  for (const name of ['c', 'a', 'd', 'b']) await client.put({ key: prefix + name, value: name })
  const { kvs } = await client.range({ key: `${prefix}a`, rangeEnd: `${prefix}d` })
  const before = revisionOf(await client.range({ key: prefix }))
  const request = { key: `${prefix}a`, rangeEnd: `${prefix}d`, prevKv: true }
  const answer = await client.deleteRange(request)
  assert.deepEqual([answer.deleted, revisionOf(answer)], [3, before + 1])
  assert.deepEqual(answer.prevKvs, kvs)
  const left = await client.range({ key: prefix, rangeEnd: prefixEnd(prefix) })
  assert.deepEqual(names(left.kvs), ['d'])
})

suite.add('deleting without prev_kv tells only how many', async ({ client, prefix }) => {
  await client.put({ key: `${prefix}a`, value: 'v' })
  await client.put({ key: `${prefix}b`, value: 'v' })
  const answer = await client.deleteRange({ key: prefix, rangeEnd: prefixEnd(prefix) })
  assert.deepEqual([answer.deleted, answer.prevKvs], [2, []])
})

suite.add('from a key on to the end can be deleted', async ({ client }) => {
  const head = Buffer.from([0xff, 0xfe])
  for (let i = 0; i < 5; i++)
    await client.put({ key: Buffer.concat([head, Buffer.from([i])]), value: 'v' })
  const answer = await client.deleteRange({
    key: Buffer.concat([head, Buffer.from([2])]),
    rangeEnd: Buffer.from([0]),
  })
  assert(answer.deleted >= 3)
  assert.equal((await client.range({ key: head, rangeEnd: Buffer.from([0]) })).count, 2)
})

suite.add('thousands of keys go in one delete', async ({ client, prefix }) => {
  for (let i = 0; i < 2000; i += 100) {
    const success = Array.from({ length: 100 }, (_, j) => ({
      requestPut: { key: `${prefix}${String(i + j).padStart(5, '0')}`, value: `${i + j}` },
    }))
    await client.txn({ success })
  }
  const range = { key: prefix, rangeEnd: prefixEnd(prefix) }
  const answer = await client.deleteRange({ ...range, prevKv: true })
  assert.deepEqual([answer.deleted, answer.prevKvs.length], [2000, 2000])
  assert(answer.prevKvs.every((kv, i) => kv.value.toString() === `${i}`))
  assert.equal((await client.range({ ...range, revision: revisionOf(answer) - 1 })).count, 2000)
  assert.equal((await client.range(range)).count, 0)
})

suite.add('puts that run together get each a revision of its own', async ({ client, prefix }) => {
  const before = revisionOf(await client.range({ key: prefix }))
  const answers = await Promise.all(
    Array.from({ length: 500 }, (_, i) => client.put({ key: `${prefix}${i % 50}`, value: `${i}` })),
  )
  const revisions = answers.map(revisionOf).toSorted((a, b) => a - b)
  assert.deepEqual(
    revisions,
    Array.from({ length: 500 }, (_, i) => before + 1 + i),
  )
  const kvs = (await client.range({ key: prefix, rangeEnd: prefixEnd(prefix) })).kvs
  assert.equal(kvs.length, 50)
  for (const kv of kvs) {
    assert.equal(kv.version, 10)
    const writer = Number(kv.value.toString())
    assert.equal(revisionOf(present(answers[writer])), kv.modRevision)
  }
})

suite.add('writes are refused with the exact reason', async ({ client, prefix }) => {
  const key = `${prefix}k`
  const invalid = 'InvalidArgument etcdserver: '
  const before = revisionOf(await client.put({ key, value: 'v' }))
  await expectError(client.put({ key: '', value: 'v' }), `${invalid}key is not provided`)
  await expectError(
    client.put({ key, value: 'x', ignoreValue: true }),
    `${invalid}value is provided`,
  )
  await expectError(
    client.put({ key, lease: 1n, ignoreLease: true }),
    `${invalid}lease is provided`,
  )
  const missing = `${prefix}missing`
  await expectError(client.put({ key: missing, ignoreValue: true }), `${invalid}key not found`)
  await expectError(client.put({ key: missing, ignoreLease: true }), `${invalid}key not found`)
  await expectError(
    client.put({ key, lease: 987654321n }),
    'NotFound etcdserver: requested lease not found',
  )
  await expectError(client.deleteRange({ key: '' }), `${invalid}key is not provided`)
  assert.equal(revisionOf(await client.range({ key })), before, 'a refused write takes no revision')
})

/** Txn over gRPC: compares, order of effects, nesting. */

import { strict as assert } from 'node:assert'
import { CheckSuite, type CheckContext } from '../../support/check-suite.js'
import { prefixEnd } from '../../support/etcd-client.js'
import { COMPARE_RESULT, COMPARE_TARGET, type TxnRequestIn } from '../../support/etcd-messages.js'
import { names, pairs, present, revisionOf } from '../../support/expect.js'

export const TXN_SUITE = new CheckSuite('txn')
const suite = TXN_SUITE

const { EQUAL, GREATER, LESS, NOT_EQUAL } = COMPARE_RESULT
const { VERSION, CREATE, MOD, VALUE, LEASE } = COMPARE_TARGET
type Compare = NonNullable<TxnRequestIn['compare']>[number]

async function holds({ client }: CheckContext, ...compare: Compare[]): Promise<boolean> {
  return (await client.txn({ compare })).succeeded
}

suite.add('no compares succeed, and the failure branch is left alone', async (context) => {
  const { client, prefix } = context
  const answer = await client.txn({
    success: [{ requestPut: { key: `${prefix}yes`, value: '1' } }],
    failure: [{ requestPut: { key: `${prefix}no`, value: '1' } }],
  })
  assert.deepEqual([answer.succeeded, answer.responses.length], [true, 1])
  const { kvs } = await client.range({ key: prefix, rangeEnd: prefixEnd(prefix) })
  assert.deepEqual(names(kvs), ['yes'])
})

suite.add('every target compares with every result', async (context) => {
  const { client, prefix } = context
  const key = `${prefix}k`
  const { id } = await client.leaseGrant({ ttl: 600 })
  const create = revisionOf(await client.put({ key, value: 'm' }))
  const mod = revisionOf(await client.put({ key, value: 'm', lease: id }))
  const number = (field: string, actual: number | bigint) =>
    [-1, 0, 1].map((step) => ({
      [field]: typeof actual === 'bigint' ? actual + BigInt(step) : actual + step,
    }))
  const targets: readonly [number, readonly object[]][] = [
    [VERSION, number('version', 2)],
    [CREATE, number('createRevision', create)],
    [MOD, number('modRevision', mod)],
    [LEASE, number('lease', id)],
    [VALUE, [{ value: 'l' }, { value: 'm' }, { value: 'ma' }]],
  ]
  for (const [target, [below, same, above]] of targets) {
    const table: readonly [number, object | undefined, boolean][] = [
      [EQUAL, same, true],
      [EQUAL, below, false],
      [NOT_EQUAL, same, false],
      [NOT_EQUAL, above, true],
      [GREATER, below, true],
      [GREATER, same, false],
      [GREATER, above, false],
      [LESS, above, true],
      [LESS, same, false],
      [LESS, below, false],
    ]
    for (const [result, against, expected] of table) {
      const compare = { target, result, key, ...against }
      assert.equal(await holds(context, compare), expected, `${target} ${result}`)
    }
  }
})

suite.add('a missing key counts as 0, and no value compare holds', async (context) => {
  const key = `${context.prefix}none`
  for (const target of [VERSION, CREATE, MOD, LEASE]) {
    assert.equal(await holds(context, { target, result: EQUAL, key }), true)
    assert.equal(await holds(context, { target, result: GREATER, key }), false)
    assert.equal(await holds(context, { target, result: NOT_EQUAL, key }), false)
  }
  for (const result of [EQUAL, NOT_EQUAL, GREATER, LESS])
    assert.equal(await holds(context, { target: VALUE, result, key, value: 'x' }), false)
})

suite.add('a range compare must hold for every key', async (context) => {
  const { client, prefix } = context
  for (const name of ['a', 'b', 'c']) await client.put({ key: prefix + name, value: 'same' })
  const all = { key: prefix, rangeEnd: prefixEnd(prefix) }
  const same = { target: VALUE, result: EQUAL, ...all, value: 'same' }
  assert.equal(await holds(context, same), true)
  await client.put({ key: `${prefix}b`, value: 'other' })
  assert.equal(await holds(context, same), false)
  const empty = { key: `${prefix}x`, rangeEnd: `${prefix}z` }
  assert.equal(await holds(context, { target: VALUE, result: EQUAL, ...empty, value: 'v' }), false)
  assert.equal(await holds(context, { target: VERSION, result: EQUAL, ...empty }), true)
  assert.equal(await holds(context, { target: CREATE, result: GREATER, ...all }), true)
})

suite.add('a field of another target counts as nothing', async (context) => {
  const key = `${context.prefix}k`
  await context.client.put({ key, value: 'v' })
  assert.equal(await holds(context, { target: VERSION, result: EQUAL, key, modRevision: 1 }), false)
  assert.equal(await holds(context, { target: VALUE, result: GREATER, key, version: 9 }), true)
})

suite.add('all compares must hold', async (context) => {
  const key = `${context.prefix}k`
  await context.client.put({ key, value: 'v' })
  const good = { target: VERSION, result: EQUAL, key, version: 1 }
  const bad = { target: VALUE, result: EQUAL, key, value: 'w' }
  assert.equal(await holds(context, good, good), true)
  assert.equal(await holds(context, good, bad), false)
  assert.equal(await holds(context, bad, good), false)
})

suite.add('later operations see earlier ones; one revision for all', async (context) => {
  const { client, prefix } = context
  const all = { key: prefix, rangeEnd: prefixEnd(prefix) }
  const before = revisionOf(await client.put({ key: `${prefix}old`, value: 'o' }))
  const answer = await client.txn({
    success: [
      { requestRange: all },
      { requestPut: { key: `${prefix}a`, value: '1', prevKv: true } },
      { requestRange: all },
      { requestDeleteRange: { key: `${prefix}old`, prevKv: true } },
      { requestPut: { key: `${prefix}b`, value: '2' } },
      { requestRange: all },
      { requestRange: { ...all, revision: before } },
    ],
  })
  const now = before + 1
  assert.equal(revisionOf(answer), now)
  const [first, put, second, del, , third, old] = answer.responses
  assert.deepEqual(names(present(first?.responseRange).kvs), ['old'])
  assert.equal(revisionOf(present(first?.responseRange)), before)
  assert.deepEqual(
    [put?.responsePut?.header?.revision, put?.responsePut?.prevKv],
    [now, undefined],
  )
  assert.deepEqual(names(present(second?.responseRange).kvs), ['a', 'old'])
  assert.equal(revisionOf(present(second?.responseRange)), now)
  assert.equal(present(del?.responseDeleteRange).deleted, 1)
  assert.deepEqual(names(present(del?.responseDeleteRange).prevKvs), ['old'])
  const kvs = present(third?.responseRange).kvs
  assert.deepEqual(names(kvs), ['a', 'b'])
  assert(kvs.every((kv) => kv.modRevision === now && kv.createRevision === now))
  assert.deepEqual(names(present(old?.responseRange).kvs), ['old'])
})

suite.add('a key deleted and a key put again in one txn', async ({ client, prefix }) => {
  const key = `${prefix}k`
  await client.put({ key, value: 'old' })
  // The put is checked against deletes of the same key, so the delete sits in a nested branch not
  // taken together with it; here only neighbours are deleted.
  await client.put({ key: `${prefix}n`, value: 'n' })
  const answer = await client.txn({
    success: [
      { requestDeleteRange: { key: `${prefix}n`, prevKv: true } },
      { requestPut: { key, value: 'new', prevKv: true } },
    ],
  })
  assert.equal(answer.responses[1]?.responsePut?.prevKv?.value.toString(), 'old')
  const { kvs } = await client.range({ key: prefix, rangeEnd: prefixEnd(prefix) })
  assert.deepEqual(pairs(kvs), [`${key}=new`])
})

suite.add('overlapping deletes delete each key once', async ({ client, prefix }) => {
  for (const name of ['a', 'b', 'c']) await client.put({ key: prefix + name, value: name })
  const answer = await client.txn({
    success: [
      { requestDeleteRange: { key: `${prefix}a`, rangeEnd: `${prefix}c` } },
      { requestDeleteRange: { key: prefix, rangeEnd: prefixEnd(prefix), prevKv: true } },
      { requestDeleteRange: { key: `${prefix}a` } },
    ],
  })
  const deletes = answer.responses.map((response) => present(response.responseDeleteRange))
  assert.deepEqual(
    deletes.map((del) => del.deleted),
    [2, 1, 0],
  )
  assert.deepEqual(names(present(deletes[1]).prevKvs), ['c'])
})

suite.add('a branch that changes nothing takes no revision', async ({ client, prefix }) => {
  const before = revisionOf(await client.put({ key: `${prefix}k`, value: 'v' }))
  const answer = await client.txn({
    compare: [{ target: VERSION, result: EQUAL, key: `${prefix}k`, version: 5 }],
    success: [{ requestPut: { key: `${prefix}k`, value: 'never' } }],
    failure: [
      { requestDeleteRange: { key: `${prefix}none` } },
      { requestRange: { key: `${prefix}k` } },
    ],
  })
  assert.deepEqual([answer.succeeded, revisionOf(answer)], [false, before])
  assert.equal(answer.responses[0]?.responseDeleteRange?.deleted, 0)
  assert.equal(answer.responses[1]?.responseRange?.count, 1)
  assert.equal(revisionOf(await client.range({ key: prefix })), before)
})

suite.add('an empty txn answers succeeded and nothing else', async ({ client }) => {
  const answer = await client.txn({})
  assert.deepEqual([answer.succeeded, answer.responses], [true, []])
  assert(revisionOf(answer) >= 1)
})

suite.add('nested txns: compares first, on the state before any write', async (context) => {
  const { client, prefix } = context
  const a = `${prefix}a`
  const b = `${prefix}b`
  const isAbsent = { target: VERSION, result: EQUAL, key: a, version: 0 }
  const before = revisionOf(await client.range({ key: a }))
  const answer = await client.txn({
    compare: [isAbsent],
    success: [
      { requestPut: { key: a, value: 'outer' } },
      {
        requestTxn: {
          // The put above is not visible to this compare.
          compare: [isAbsent],
          success: [
            { requestPut: { key: b, value: 'inner' } },
            { requestRange: { key: a } },
            { requestTxn: { success: [{ requestRange: { key: b } }] } },
          ],
          failure: [{ requestPut: { key: b, value: 'wrong' } }],
        },
      },
      { requestRange: { key: b } },
    ],
  })
  const inner = present(answer.responses[1]?.responseTxn)
  assert.deepEqual([answer.succeeded, inner.succeeded], [true, true])
  assert.equal(inner.header?.revision ?? 0, 0)
  assert.deepEqual(pairs(present(inner.responses[1]?.responseRange).kvs), [`${a}=outer`])
  const innermost = present(inner.responses[2]?.responseTxn)
  assert.deepEqual(pairs(present(innermost.responses[0]?.responseRange).kvs), [`${b}=inner`])
  assert.deepEqual(pairs(present(answer.responses[2]?.responseRange).kvs), [`${b}=inner`])
  const { kvs } = await client.range({ key: prefix, rangeEnd: prefixEnd(prefix) })
  assert(kvs.every((kv) => kv.modRevision === before + 1))
})

suite.add('a nested txn that fails runs its own failure branch', async ({ client, prefix }) => {
  const answer = await client.txn({
    success: [
      {
        requestTxn: {
          compare: [{ target: VERSION, result: GREATER, key: `${prefix}none`, version: 0 }],
          success: [{ requestPut: { key: `${prefix}k`, value: 'yes' } }],
          failure: [{ requestPut: { key: `${prefix}k`, value: 'no' } }],
        },
      },
    ],
  })
  assert.deepEqual([answer.succeeded, answer.responses[0]?.responseTxn?.succeeded], [true, false])
  assert.deepEqual(pairs((await client.range({ key: `${prefix}k` })).kvs), [`${prefix}k=no`])
})

suite.add('one key may be put in both branches', async ({ client, prefix }) => {
  const put = (value: string) => ({ requestPut: { key: `${prefix}k`, value } })
  assert.equal((await client.txn({ success: [put('s')], failure: [put('f')] })).succeeded, true)
  const nested = { requestTxn: { success: [put('s2')], failure: [put('f2')] } }
  assert.equal((await client.txn({ success: [nested] })).succeeded, true)
  assert.deepEqual(pairs((await client.range({ key: `${prefix}k` })).kvs), [`${prefix}k=s2`])
})

suite.add('range options work inside a txn', async ({ client, prefix }) => {
  for (const name of ['a', 'b', 'c']) await client.put({ key: prefix + name, value: name })
  const all = { key: prefix, rangeEnd: prefixEnd(prefix) }
  const answer = await client.txn({
    success: [
      { requestRange: { ...all, limit: 2, sortOrder: 2 } },
      { requestRange: { ...all, countOnly: true } },
      { requestRange: { ...all, keysOnly: true, limit: 1 } },
    ],
  })
  const [sorted, count, keys] = answer.responses.map((one) => present(one.responseRange))
  assert.deepEqual([names(present(sorted).kvs), sorted?.more], [['c', 'b'], true])
  assert.deepEqual([count?.count, count?.kvs], [3, []])
  assert.deepEqual([names(present(keys).kvs), keys?.kvs[0]?.value.length], [['a'], 0])
})

suite.add('compare and swap lets exactly one of many win', async ({ client, prefix }) => {
  const key = `${prefix}counter`
  const { modRevision } = present(
    (await client.put({ key, value: '0' }), (await client.range({ key })).kvs[0]),
  )
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      client.txn({
        compare: [{ target: MOD, result: EQUAL, key, modRevision }],
        success: [{ requestPut: { key, value: `${i + 1}` } }],
        failure: [{ requestRange: { key } }],
      }),
    ),
  )
  const winners = answers.flatMap((answer, i) => (answer.succeeded ? [i + 1] : []))
  assert.equal(winners.length, 1)
  for (const loser of answers.filter((answer) => !answer.succeeded)) {
    const [kv] = present(loser.responses[0]?.responseRange).kvs
    assert.deepEqual([kv?.value.toString(), kv?.version], [`${winners[0]}`, 2])
  }
})

suite.add('a full txn of 128 puts is one revision', async ({ client, prefix }) => {
  const success = Array.from({ length: 128 }, (_, i) => ({
    requestPut: { key: `${prefix}${i}`, value: `${i}` },
  }))
  const revision = revisionOf(await client.txn({ success }))
  const { kvs } = await client.range({ key: prefix, rangeEnd: prefixEnd(prefix) })
  assert.equal(kvs.length, 128)
  assert(kvs.every((kv) => kv.modRevision === revision))
})

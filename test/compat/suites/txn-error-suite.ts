/** What Txn refuses, and that a refused txn leaves nothing behind. */

import { strict as assert } from 'node:assert'
import { inspect } from 'node:util'
import { CheckSuite, type CheckContext } from '../../support/check-suite.js'
import { COMPARE_RESULT, COMPARE_TARGET, type TxnRequestIn } from '../../support/etcd-messages.js'
import { errorOf, revisionOf } from '../../support/expect.js'

export const TXN_ERROR_SUITE = new CheckSuite('txn errors')
const suite = TXN_ERROR_SUITE

const EMPTY_KEY = 'InvalidArgument etcdserver: key is not provided'
const NOT_FOUND = 'InvalidArgument etcdserver: key not found'
const TOO_MANY = 'InvalidArgument etcdserver: too many operations in txn request'
const DUPLICATE = 'InvalidArgument etcdserver: duplicate key given in txn request'

/** Each request is refused with this error and takes no revision. */
async function refuses(
  { client, prefix }: CheckContext,
  text: string,
  requests: readonly TxnRequestIn[],
): Promise<void> {
  const before = revisionOf(await client.range({ key: prefix }))
  for (const request of requests) assert.equal(await errorOf(client.txn(request)), text, inspect(request, { depth: 9 }))
  assert.equal(revisionOf(await client.range({ key: prefix })), before)
}

suite.add('an empty key anywhere', async (context) => {
  await refuses(context, EMPTY_KEY, [
    { compare: [{ key: '' }] },
    { success: [{ requestPut: { key: '' } }] },
    { success: [{ requestRange: { key: '' } }] },
    { failure: [{ requestDeleteRange: { key: '' } }] },
    { failure: [{ requestTxn: { compare: [{ key: '' }] } }] },
    { success: [{ requestTxn: { failure: [{ requestPut: { key: '' } }] } }] },
  ])
})

suite.add('an operation that is none', async (context) => {
  await refuses(context, NOT_FOUND, [{ success: [{}] }, { failure: [{}] }])
})

suite.add('more operations than 128', async (context) => {
  const key = `${context.prefix}k`
  const ranges = (count: number) => Array.from({ length: count }, () => ({ requestRange: { key } }))
  const compare = (count: number) => Array.from({ length: count }, () => ({ key }))
  await refuses(context, TOO_MANY, [
    { success: ranges(129) },
    { failure: ranges(129) },
    { compare: compare(129) },
    // A nested txn has what its parent leaves.
    { success: [...ranges(99), { requestTxn: { success: ranges(29) } }] },
    { success: [{ requestTxn: { compare: compare(128) } }] },
    { compare: compare(128), success: [{ requestTxn: { success: ranges(1) } }] },
  ])
  await context.client.txn({ success: ranges(128), failure: ranges(128), compare: compare(128) })
  await context.client.txn({ success: [...ranges(99), { requestTxn: { success: ranges(28) } }] })
})

suite.add('one key written twice', async (context) => {
  const { prefix } = context
  const put = (name: string) => ({ requestPut: { key: prefix + name, value: 'v' } })
  const del = (from: string, to?: string) => ({
    requestDeleteRange: { key: prefix + from, rangeEnd: to === undefined ? '' : prefix + to },
  })
  await refuses(context, DUPLICATE, [
    { success: [put('a'), put('a')] },
    { failure: [put('a'), put('b'), put('a')] },
    { success: [put('a'), del('a')] },
    { success: [del('a'), put('a')] },
    { success: [del('a', 'c'), put('b')] },
    { success: [put('a'), { requestTxn: { success: [put('a')] } }] },
    { success: [put('a'), { requestTxn: { failure: [put('a')] } }] },
    { success: [{ requestTxn: { success: [del('a', 'z')] } }, put('m')] },
    { success: [put('m'), { requestTxn: { failure: [{ requestTxn: { success: [del('m')] } }] } }] },
    {
      success: [
        { requestTxn: { success: [put('x')] } },
        { requestTxn: { failure: [put('x')] } },
      ],
    },
  ])
  const { client } = context
  await client.txn({ success: [del('a', 'c'), put('c'), del('a'), del('a', 'b')] })
  await client.txn({ success: [put('a')], failure: [put('a'), del('b')] })
})

suite.add('what etcd lets pass: a delete to the end, a delete behind a nested put', async (context) => {
  const { client, prefix } = context
  const put = { requestPut: { key: `${prefix}m`, value: 'v' } }
  const toEnd = { key: `${prefix}a`, rangeEnd: Buffer.from([0]) }
  await client.txn({ success: [put, { requestDeleteRange: toEnd }] })
  assert.equal((await client.range({ key: `${prefix}m` })).count, 0)
  await client.txn({ success: [{ requestDeleteRange: toEnd }, put] })
  assert.equal((await client.range({ key: `${prefix}m` })).count, 1)
  const del = { requestDeleteRange: { key: `${prefix}m` } }
  await client.txn({
    success: [{ requestTxn: { success: [put] } }, { requestTxn: { success: [del] } }],
  })
  assert.equal((await client.range({ key: `${prefix}m` })).count, 0)
})

suite.add('a put that its own check refuses', async (context) => {
  const { prefix } = context
  const key = `${prefix}k`
  const value = 'v'
  const put = (fields: object): TxnRequestIn => ({
    success: [{ requestPut: { key: `${prefix}other`, value } }, { requestPut: { key, ...fields } }],
  })
  await refuses(context, 'InvalidArgument etcdserver: value is provided', [
    put({ value, ignoreValue: true }),
  ])
  await refuses(context, 'InvalidArgument etcdserver: lease is provided', [
    put({ lease: 1n, ignoreLease: true }),
  ])
  await refuses(context, NOT_FOUND, [put({ ignoreValue: true }), put({ ignoreLease: true, value })])
  await refuses(context, 'NotFound etcdserver: requested lease not found', [
    put({ value, lease: 424242n }),
  ])
})

suite.add('checks of a branch not taken do not count', async ({ client, prefix }) => {
  const never = {
    target: COMPARE_TARGET.VERSION,
    result: COMPARE_RESULT.GREATER,
    key: `${prefix}none`,
  }
  const answer = await client.txn({
    compare: [never],
    success: [
      { requestPut: { key: `${prefix}a`, lease: 424242n } },
      { requestPut: { key: `${prefix}b`, ignoreValue: true } },
      { requestRange: { key: prefix, revision: 1e12 } },
    ],
    failure: [{ requestPut: { key: `${prefix}c`, value: 'v' } }],
  })
  assert.equal(answer.succeeded, false)
  assert.equal((await client.range({ key: `${prefix}c` })).count, 1)
})

suite.add('a read at a revision that is not there', async (context) => {
  const { client, prefix } = context
  const revision = revisionOf(await client.put({ key: `${prefix}k`, value: 'v' }))
  const put = { requestPut: { key: `${prefix}w`, value: 'v' } }
  const read = (at: number): TxnRequestIn['success'] => [
    { requestRange: { key: `${prefix}k`, revision: at } },
  ]
  await client.compact({ revision: revision - 1 })
  const future = 'OutOfRange etcdserver: mvcc: required revision is a future revision'
  const compacted = 'OutOfRange etcdserver: mvcc: required revision has been compacted'
  await refuses(context, future, [
    { success: [...(read(revision + 1) ?? [])] },
    { success: [put, ...(read(revision + 5) ?? [])] },
  ])
  await refuses(context, compacted, [
    { success: [...(read(revision - 2) ?? [])] },
    { success: [put, ...(read(1) ?? [])] },
  ])
})

suite.add(
  'an unknown order in a range of a txn',
  async (context) => {
    await refuses(context, 'InvalidArgument etcdserver: invalid sort option', [
      { success: [{ requestRange: { key: 'k', sortOrder: 9 } }] },
    ])
  },
  { since: '3.5' },
)

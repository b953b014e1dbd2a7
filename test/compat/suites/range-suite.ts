/** Range over gRPC: ranges of keys, limits, sort orders, filters, old revisions. */

import { strict as assert } from 'node:assert'
import { CheckSuite, type CheckContext } from '../../support/check-suite.js'
import { prefixEnd } from '../../support/etcd-client.js'
import { SORT_ORDER, SORT_TARGET } from '../../support/etcd-messages.js'
import { expectError, names, pairs, present, revisionOf } from '../../support/expect.js'

export const RANGE_SUITE = new CheckSuite('range')
const suite = RANGE_SUITE

interface Filled {
  /** The whole prefix. */
  readonly all: { readonly key: string; readonly rangeEnd: Buffer }
  /** Revision of each put in order. */
  readonly revisions: readonly number[]
}

/** a..e with values 5..1; `b` put three times and `d` twice; in this order. */
async function fill({ client, prefix }: CheckContext): Promise<Filled> {
  const revisions: number[] = []
  const puts = ['a=5', 'c=3', 'b=9', 'e=1', 'd=7', 'b=8', 'd=2', 'b=4']
  for (const put of puts) {
    const [name, value] = put.split('=') as [string, string]
    revisions.push(revisionOf(await client.put({ key: `${prefix}${name}`, value })))
  }
  return { all: { key: prefix, rangeEnd: prefixEnd(prefix) }, revisions }
}

suite.add('a missing key answers no kvs and count 0', async ({ client, prefix }) => {
  const answer = await client.range({ key: `${prefix}none` })
  assert.deepEqual([answer.kvs, answer.count, answer.more], [[], 0, false])
  assert(revisionOf(answer) >= 1)
})

suite.add('a key carries its revisions, version and lease', async ({ client, prefix }) => {
  const { id } = await client.leaseGrant({ ttl: 600 })
  const created = revisionOf(await client.put({ key: `${prefix}k`, value: 'one' }))
  const modified = revisionOf(await client.put({ key: `${prefix}k`, value: 'two', lease: id }))
  const [kv] = (await client.range({ key: `${prefix}k` })).kvs
  assert.deepEqual(kv, {
    key: Buffer.from(`${prefix}k`),
    createRevision: created,
    modRevision: modified,
    version: 2,
    value: Buffer.from('two'),
    lease: id,
  })
})

suite.add('a deleted key starts again at version 1', async ({ client, prefix }) => {
  const key = `${prefix}k`
  await client.put({ key, value: '1' })
  await client.put({ key, value: '2' })
  await client.deleteRange({ key })
  const revision = revisionOf(await client.put({ key, value: '3' }))
  const kv = present((await client.range({ key })).kvs[0])
  assert.deepEqual([kv.version, kv.createRevision, kv.modRevision], [1, revision, revision])
})

suite.add('the end of a range is not part of it', async (context) => {
  await fill(context)
  const { client, prefix } = context
  const answer = await client.range({ key: `${prefix}b`, rangeEnd: `${prefix}d` })
  assert.deepEqual([names(answer.kvs), answer.count], [['b', 'c'], 2])
})

suite.add('a range that ends before it begins is empty', async (context) => {
  await fill(context)
  const { client, prefix } = context
  for (const rangeEnd of [`${prefix}a`, `${prefix}c`]) {
    const answer = await client.range({ key: `${prefix}c`, rangeEnd })
    assert.deepEqual([answer.kvs, answer.count, answer.more], [[], 0, false])
  }
})

suite.add('range end 0x00 reads to the end of the key space', async ({ client, prefix }) => {
  await client.put({ key: `${prefix}k`, value: 'v' })
  await client.put({ key: Buffer.from([0xff, 0xff, 0xff]), value: 'last' })
  const rangeEnd = Buffer.from([0])
  const answer = await client.range({ key: `${prefix}k`, rangeEnd })
  assert.deepEqual(answer.kvs[0]?.key, Buffer.from(`${prefix}k`))
  assert.deepEqual(answer.kvs.at(-1)?.key, Buffer.from([0xff, 0xff, 0xff]))
  const whole = await client.range({ key: rangeEnd, rangeEnd, countOnly: true })
  assert(whole.count >= answer.count)
})

suite.add('keys are ordered by bytes, whatever they are', async ({ client, prefix }) => {
  const head = Buffer.from(prefix)
  const tails = [[], [0], [0, 0], [0, 1], [1], [0x7f], [0x80], [0xfe, 0xff], [0xff], [0xff, 0]]
  for (const tail of tails.toReversed())
    await client.put({ key: Buffer.concat([head, Buffer.from(tail)]), value: 'x' })
  const answer = await client.range({ key: head, rangeEnd: prefixEnd(head) })
  assert.deepEqual(
    answer.kvs.map((kv) => [...kv.key.subarray(head.length)]),
    tails,
  )
})

suite.add('keys of any length keep their order', async ({ client, prefix }) => {
  const lengths = [10, 510, 511, 512, 1900, 1977, 1978, 1979, 1980, 4000, 20_000, 100_000]
  const keys = lengths.map((length) => prefix + 'x'.repeat(length))
  keys.push(`${prefix}${'x'.repeat(1990)}y`, `${prefix}${'x'.repeat(1979)}\u0001`)
  for (const key of keys) await client.put({ key, value: `${key.length}` })
  const answer = await client.range({ key: prefix, rangeEnd: prefixEnd(prefix) })
  const sorted = keys.toSorted()
  assert.deepEqual(
    answer.kvs.map((kv) => kv.key.toString('latin1')),
    sorted,
  )
  assert.deepEqual(pairs((await client.range({ key: present(keys[9]) })).kvs), [
    `${keys[9]}=${keys[9]?.length}`,
  ])
  const from = present(sorted[5])
  const to = present(sorted[9])
  const part = await client.range({ key: from, rangeEnd: to })
  assert.equal(part.count, 4)
  const deleted = await client.deleteRange({ key: from, rangeEnd: to })
  assert.equal(deleted.deleted, 4)
  assert.equal((await client.range({ key: prefix, rangeEnd: prefixEnd(prefix) })).count, 10)
})

suite.add('limit cuts the kvs, sets more, and leaves count alone', async (context) => {
  const { all } = await fill(context)
  const cut = await context.client.range({ ...all, limit: 2 })
  assert.deepEqual([names(cut.kvs), cut.more, cut.count], [['a', 'b'], true, 5])
  const exact = await context.client.range({ ...all, limit: 5 })
  assert.deepEqual([names(exact.kvs).length, exact.more, exact.count], [5, false, 5])
  const beyond = await context.client.range({ ...all, limit: 50 })
  assert.deepEqual([names(beyond.kvs).length, beyond.more], [5, false])
  const negative = await context.client.range({ ...all, limit: -3 })
  assert.deepEqual([names(negative.kvs).length, negative.more], [5, false])
})

suite.add('count_only answers the count alone', async (context) => {
  const { all } = await fill(context)
  const answer = await context.client.range({ ...all, countOnly: true, limit: 2 })
  assert.deepEqual([answer.kvs, answer.count, answer.more], [[], 5, false])
})

suite.add('keys_only leaves out the values', async (context) => {
  const { all, revisions } = await fill(context)
  const answer = await context.client.range({ ...all, keysOnly: true })
  assert.deepEqual(names(answer.kvs), ['a', 'b', 'c', 'd', 'e'])
  assert(answer.kvs.every((kv) => kv.value.length === 0))
  assert.deepEqual(answer.kvs[1]?.modRevision, revisions[7])
  assert.equal(answer.kvs[1]?.version, 3)
})

suite.add(
  'keys_only leaves out the lease too',
  async ({ client, prefix }) => {
    const { id } = await client.leaseGrant({ ttl: 600 })
    await client.put({ key: `${prefix}k`, value: 'v', lease: id })
    const key = `${prefix}k`
    assert.equal((await client.range({ key, keysOnly: true })).kvs[0]?.lease, 0n)
    const sortTarget = SORT_TARGET.VALUE
    assert.equal((await client.range({ key, keysOnly: true, sortTarget })).kvs[0]?.lease, id)
    assert.equal((await client.range({ key })).kvs[0]?.lease, id)
  },
  { since: '3.7' },
)

const ORDERS: readonly [keyof typeof SORT_TARGET, string][] = [
  ['KEY', 'abcde'],
  ['CREATE', 'acbed'],
  ['MOD', 'acedb'],
  ['VALUE', 'edcba'],
]

for (const [target, ascending] of ORDERS) {
  suite.add(`sorts by ${target} both ways, before the limit cuts`, async (context) => {
    const { all } = await fill(context)
    const sortTarget = SORT_TARGET[target]
    const up = await context.client.range({ ...all, sortTarget, sortOrder: SORT_ORDER.ASCEND })
    assert.equal(names(up.kvs).join(''), ascending)
    const down = { ...all, sortTarget, sortOrder: SORT_ORDER.DESCEND }
    const descending = [...ascending].toReversed().join('')
    assert.equal(names((await context.client.range(down)).kvs).join(''), descending)
    const cut = await context.client.range({ ...down, limit: 2 })
    assert.deepEqual(
      [names(cut.kvs).join(''), cut.more, cut.count],
      [descending.slice(0, 2), true, 5],
    )
  })
}

suite.add('a sorted range of several megabytes has all of its limit', async ({ client, prefix }) => {
  const value = Buffer.alloc(200_000, 'v')
  for (let i = 0; i < 20; i++) await client.put({ key: `${prefix}${String(i).padStart(2, '0')}`, value })
  const rangeEnd = `${prefix.slice(0, -1)}0`
  const answer = await client.range({ key: prefix, rangeEnd, sortOrder: SORT_ORDER.DESCEND, limit: 15 })
  assert.deepEqual([answer.kvs.length, answer.count, answer.more], [15, 20, true])
  assert.deepEqual(answer.kvs.at(-1)?.key.toString(), `${prefix}05`)
})

suite.add('sorts by VERSION both ways', async (context) => {
  const { all } = await fill(context)
  const sortTarget = SORT_TARGET.VERSION
  const versions = async (sortOrder: number): Promise<number[]> =>
    (await context.client.range({ ...all, sortTarget, sortOrder })).kvs.map((kv) => kv.version)
  assert.deepEqual(await versions(SORT_ORDER.ASCEND), [1, 1, 1, 2, 3])
  assert.deepEqual(await versions(SORT_ORDER.DESCEND), [3, 2, 1, 1, 1])
})

suite.add('a sort target without an order sorts after the limit cut', async (context) => {
  const { all } = await fill(context)
  const sorted = { ...all, sortTarget: SORT_TARGET.VALUE, sortOrder: SORT_ORDER.NONE }
  assert.equal(names((await context.client.range(sorted)).kvs).join(''), 'edcba')
  const cut = await context.client.range({ ...sorted, limit: 2 })
  // Three keys are fetched in key order (limit + 1), sorted by value, and then cut to two.
  assert.deepEqual([names(cut.kvs).join(''), cut.more, cut.count], ['cb', true, 5])
})

suite.add('filters by revision are inclusive and leave count alone', async (context) => {
  const { all, revisions } = await fill(context)
  const { client } = context
  const [r0, r1, , r3, r4, , r6] = revisions as [number, number, number, number, number, number, number]
  const named = async (filter: object): Promise<string> => {
    const answer = await client.range({ ...all, ...filter })
    assert.equal(answer.count, 5)
    return names(answer.kvs).join('')
  }
  assert.equal(await named({ minModRevision: r3 }), 'bde')
  assert.equal(await named({ maxModRevision: r3 }), 'ace')
  assert.equal(await named({ minModRevision: r1, maxModRevision: r6 }), 'cde')
  assert.equal(await named({ minCreateRevision: r3 }), 'de')
  assert.equal(await named({ maxCreateRevision: r1 }), 'ac')
  assert.equal(await named({ minCreateRevision: r1, maxCreateRevision: r4, maxModRevision: r6 }), 'cde')
  assert.equal(await named({ minModRevision: r6 + 100 }), '')
  assert.equal(await named({ maxModRevision: r0 }), 'a')
})

suite.add('filters apply before the limit', async (context) => {
  const { all, revisions } = await fill(context)
  const minModRevision = present(revisions[3])
  const cut = await context.client.range({ ...all, minModRevision, limit: 2 })
  assert.deepEqual([names(cut.kvs).join(''), cut.more, cut.count], ['bd', true, 5])
  const all3 = await context.client.range({ ...all, minModRevision, limit: 3 })
  assert.deepEqual([names(all3.kvs).join(''), all3.more], ['bde', false])
})

suite.add('an old revision shows the keys as they were', async (context) => {
  const { all, revisions } = await fill(context)
  const { client, prefix } = context
  await client.deleteRange({ key: `${prefix}a` })
  const last = revisionOf(await client.put({ key: `${prefix}f`, value: 'new' }))
  const at = async (revision: number): Promise<string> => {
    const answer = await client.range({ ...all, revision })
    assert.equal(revisionOf(answer), last, 'the header shows the current revision')
    assert.equal(answer.count, answer.kvs.length)
    return answer.kvs.map((kv) => `${kv.key.toString().slice(prefix.length)}${kv.value}`).join(' ')
  }
  assert.equal(await at(present(revisions[0])), 'a5')
  assert.equal(await at(present(revisions[2])), 'a5 b9 c3')
  assert.equal(await at(present(revisions[6])), 'a5 b8 c3 d2 e1')
  assert.equal(await at(present(revisions[7]) + 1), 'b4 c3 d2 e1')
  assert.equal(await at(last), 'b4 c3 d2 e1 fnew')
  assert.equal(await at(-1), 'b4 c3 d2 e1 fnew')
  const old = await client.range({ key: `${prefix}b`, revision: present(revisions[5]) })
  assert.deepEqual(
    [old.kvs[0]?.version, old.kvs[0]?.createRevision, old.kvs[0]?.modRevision],
    [2, revisions[2], revisions[5]],
  )
})

suite.add('a serializable range answers what has been applied', async ({ client, prefix }) => {
  await client.put({ key: `${prefix}k`, value: 'v' })
  const answer = await client.range({ key: `${prefix}k`, serializable: true })
  assert.deepEqual(names(answer.kvs), ['k'])
})

suite.add('a linearizable range sees every put answered before it', async ({ client, prefix }) => {
  for (let i = 0; i < 200; i++) {
    const put = await client.put({ key: `${prefix}k`, value: `${i}` })
    const answer = await client.range({ key: `${prefix}k` })
    assert.deepEqual([pairs(answer.kvs), revisionOf(answer)], [[`${prefix}k=${i}`], revisionOf(put)])
  }
})

suite.add('a range of many large values arrives whole and in order', async ({ client, prefix }) => {
  const value = Buffer.alloc(200_000, 'z')
  for (let i = 0; i < 40; i++) await client.put({ key: `${prefix}${String(i).padStart(3, '0')}`, value })
  const answer = await client.range({ key: prefix, rangeEnd: prefixEnd(prefix) }, { deadlineMs: 30_000 })
  assert.equal(answer.count, 40)
  assert(answer.kvs.every((kv, i) => kv.value.equals(value) && Number(names([kv])[0]) === i))
  await client.deleteRange({ key: prefix, rangeEnd: prefixEnd(prefix) })
})

suite.add('a range of thousands of keys is complete', async ({ client, prefix }) => {
  for (let i = 0; i < 3000; i += 100) {
    const success = Array.from({ length: 100 }, (_, j) => ({
      requestPut: { key: `${prefix}${String(i + j).padStart(5, '0')}`, value: 'v' },
    }))
    await client.txn({ success })
  }
  const all = { key: prefix, rangeEnd: prefixEnd(prefix) }
  const answer = await client.range(all)
  assert.deepEqual([answer.count, answer.kvs.length, answer.more], [3000, 3000, false])
  assert(names(answer.kvs).every((name, i) => Number(name) === i))
  let seen = 0
  for (let key = prefix; ; ) {
    const page = await client.range({ ...all, key, limit: 700 })
    seen += page.kvs.length
    assert.equal(page.count, 3000 - seen + page.kvs.length)
    if (!page.more) break
    key = `${present(page.kvs.at(-1)).key.toString()}\0`
  }
  assert.equal(seen, 3000)
})

suite.add('an unknown order or target is refused', async ({ client, prefix }) => {
  const text = 'InvalidArgument etcdserver: invalid sort option'
  await expectError(client.range({ key: prefix, sortOrder: 3 }), text)
  await expectError(client.range({ key: prefix, sortTarget: 5 }), text)
  await expectError(client.range({ key: prefix, sortTarget: -1 }), text)
}, { since: '3.5' })

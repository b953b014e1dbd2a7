/** RangeStream (etcd 3.7): the chunks joined are the answer of Range. */

import { strict as assert } from 'node:assert'
import { CheckSuite } from '../../support/check-suite.js'
import { prefixEnd } from '../../support/etcd-client.js'
import type { RangeResponse } from '../../support/etcd-messages.js'
import { expectError, names, revisionOf } from '../../support/expect.js'

export const RANGE_STREAM_SUITE = new CheckSuite('range stream')
const suite = RANGE_STREAM_SUITE
const SINCE = { since: '3.7' }

/** The proto3 merge of all chunks. */
function join(chunks: readonly RangeResponse[]): RangeResponse {
  return {
    header: chunks.at(-1)?.header,
    kvs: chunks.flatMap((chunk) => chunk.kvs),
    more: chunks.some((chunk) => chunk.more),
    count: chunks.reduce((sum, chunk) => sum + chunk.count, 0),
  }
}

suite.add(
  'the chunks joined equal the answer of Range, with every option it takes',
  async ({ client, prefix }) => {
    const puts = Array.from({ length: 120 }, (_, i) => ({
      requestPut: { key: `${prefix}${String(i).padStart(3, '0')}`, value: `v${i}` },
    }))
    await client.txn({ success: puts })
    const all = { key: prefix, rangeEnd: prefixEnd(prefix) }
    const old = revisionOf(await client.range(all))
    await client.deleteRange({ key: `${prefix}05`, rangeEnd: `${prefix}06` })
    const options = [
      {},
      { limit: 37 },
      { limit: 120 },
      { revision: old },
      { keysOnly: true },
      { countOnly: true },
      { serializable: true, limit: 1 },
      { sortOrder: 1 },
    ]
    for (const option of options) {
      const request = { ...all, ...option }
      const streamed = join(await client.rangeStream(request))
      assert.deepEqual(streamed, await client.range(request), JSON.stringify(option))
    }
  },
  SINCE,
)

suite.add(
  'only the last chunk has a header, a count and more',
  async ({ client, prefix }) => {
    const value = Buffer.alloc(10_000, 'v')
    const puts = Array.from({ length: 100 }, (_, i) => ({
      requestPut: { key: `${prefix}${i}`, value },
    }))
    await client.txn({ success: puts })
    const chunks = await client.rangeStream({ key: prefix, rangeEnd: prefixEnd(prefix), limit: 90 })
    assert(chunks.length > 1)
    for (const chunk of chunks.slice(0, -1)) {
      assert.deepEqual([chunk.header, chunk.count, chunk.more], [undefined, 0, false])
      assert(chunk.kvs.length > 0)
    }
    const last = chunks.at(-1)
    assert.deepEqual([last?.count, last?.more], [100, true])
    assert(last?.header !== undefined)
  },
  SINCE,
)

suite.add(
  'an empty range is one message with a header',
  async ({ client, prefix }) => {
    const chunks = await client.rangeStream({ key: prefix, rangeEnd: prefixEnd(prefix) })
    assert.equal(chunks.length, 1)
    assert(chunks[0]?.header !== undefined)
    assert.deepEqual([names(chunks[0].kvs), chunks[0].count], [[], 0])
  },
  SINCE,
)

suite.add(
  'orders and revision filters are refused as unimplemented',
  async ({ client, prefix }) => {
    const sorts = 'Unimplemented RangeStream does not support custom sort orders'
    const filters = 'Unimplemented RangeStream does not support revision filters'
    await expectError(client.rangeStream({ key: prefix, sortOrder: 2 }), sorts)
    await expectError(client.rangeStream({ key: prefix, sortOrder: 1, sortTarget: 2 }), sorts)
    await expectError(client.rangeStream({ key: prefix, minModRevision: 1 }), filters)
    await expectError(client.rangeStream({ key: prefix, maxModRevision: 1 }), filters)
    await expectError(client.rangeStream({ key: prefix, minCreateRevision: 1 }), filters)
    await expectError(client.rangeStream({ key: prefix, maxCreateRevision: 1 }), filters)
  },
  SINCE,
)

suite.add(
  'the errors of Range are its errors',
  async ({ client, prefix }) => {
    await expectError(
      client.rangeStream({ key: '' }),
      'InvalidArgument etcdserver: key is not provided',
    )
    await expectError(
      client.rangeStream({ key: prefix, revision: 1e12 }),
      'OutOfRange etcdserver: mvcc: required revision is a future revision',
    )
  },
  SINCE,
)

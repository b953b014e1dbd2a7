/** Watch over gRPC: creating, live events, filters, cancelling, progress. */

import { strict as assert } from 'node:assert'
import { CheckSuite, type CheckContext } from '../../support/check-suite.js'
import { prefixEnd } from '../../support/etcd-client.js'
import { WATCH_FILTER, type WatchCreateIn } from '../../support/etcd-messages.js'
import { eventTexts, present, revisionOf } from '../../support/expect.js'
import { openWatch } from '../../support/watch-stream.js'

export const WATCH_SUITE = new CheckSuite('watch')
const suite = WATCH_SUITE

/** Long enough for anything that should not come to come. */
const QUIET_MS = 150

function watched({ prefix }: CheckContext, extra: WatchCreateIn = {}): WatchCreateIn {
  return { key: prefix, rangeEnd: prefixEnd(prefix), ...extra }
}

suite.add('a created response comes first, with the current revision', async (context) => {
  const { client, prefix } = context
  const before = revisionOf(await client.put({ key: `${prefix}k`, value: 'v' }))
  const { stream, created } = await openWatch(client, watched(context))
  assert.deepEqual(
    [created.created, created.canceled, created.watchId, created.events, created.cancelReason],
    [true, false, 0, [], ''],
  )
  assert.equal(revisionOf(created), before)
  stream.cancel()
})

suite.add('a watch from now misses nothing that is put after it', async (context) => {
  const { client, prefix } = context
  for (let i = 0; i < 30; i++) {
    const { stream } = await openWatch(client, watched(context))
    const revision = revisionOf(await client.put({ key: `${prefix}k`, value: `${i}` }))
    const response = await stream.next()
    assert.deepEqual(eventTexts(response), [`PUT k=${i}`])
    assert.equal(revisionOf(response), revision)
    assert.deepEqual([response.watchId, response.created, response.canceled], [0, false, false])
    stream.cancel()
  }
})

suite.add('an event carries the whole key value; a delete only its key', async (context) => {
  const { client, prefix } = context
  const key = `${prefix}k`
  const { stream } = await openWatch(client, { key })
  const { id } = await client.leaseGrant({ ttl: 600 })
  await client.put({ key, value: 'a', lease: id })
  const put = present((await stream.next()).events[0])
  assert.deepEqual([put.type, put.kv, put.prevKv], [0, (await client.range({ key })).kvs[0], undefined])
  const modRevision = revisionOf(await client.deleteRange({ key }))
  const del = present((await stream.next()).events[0])
  assert.equal(del.type, 1)
  assert.deepEqual(del.kv, {
    key: Buffer.from(key),
    createRevision: 0,
    modRevision,
    version: 0,
    value: Buffer.alloc(0),
    lease: 0n,
  })
  stream.cancel()
})

suite.add('prev_kv is what was there before', async (context) => {
  const { client, prefix } = context
  const key = `${prefix}k`
  const { stream } = await openWatch(client, watched(context, { prevKv: true }))
  await client.put({ key, value: 'a' })
  const first = present((await client.range({ key })).kvs[0])
  await client.put({ key, value: 'b' })
  await client.deleteRange({ key })
  await client.put({ key, value: 'c' })
  assert.deepEqual(eventTexts(await stream.next()), ['PUT k=a'])
  const second = await stream.next()
  assert.deepEqual(eventTexts(second), ['PUT k=b [a]'])
  assert.deepEqual(second.events[0]?.prevKv, first)
  assert.deepEqual(eventTexts(await stream.next()), ['DELETE k [b]'])
  assert.deepEqual(eventTexts(await stream.next()), ['PUT k=c'])
  stream.cancel()
})

suite.add('all events of one revision come in one response', async (context) => {
  const { client, prefix } = context
  const { stream } = await openWatch(client, watched(context, { prevKv: true }))
  await client.put({ key: `${prefix}a`, value: '0' })
  await stream.next()
  const revision = revisionOf(
    await client.txn({
      success: [
        { requestPut: { key: `${prefix}c`, value: '1' } },
        { requestDeleteRange: { key: `${prefix}a` } },
        { requestPut: { key: `${prefix}b`, value: '2' } },
      ],
    }),
  )
  const response = await stream.next()
  assert.deepEqual(eventTexts(response), ['PUT c=1', 'DELETE a [0]', 'PUT b=2'])
  assert(response.events.every((event) => event.kv?.modRevision === revision))
  stream.cancel()
})

suite.add('single keys, ranges and open ends see just their keys', async (context) => {
  const { client, prefix } = context
  const single = await openWatch(client, { key: `${prefix}b` })
  const range = await openWatch(client, { key: `${prefix}b`, rangeEnd: `${prefix}d` })
  const open = await openWatch(client, { key: `${prefix}c`, rangeEnd: Buffer.from([0]) })
  for (const name of ['a', 'b', 'c', 'd']) await client.put({ key: prefix + name, value: '1' })
  assert.deepEqual(eventTexts(await single.stream.next()), ['PUT b=1'])
  assert.deepEqual(eventTexts(await range.stream.next()), ['PUT b=1'])
  assert.deepEqual(eventTexts(await range.stream.next()), ['PUT c=1'])
  assert.deepEqual(eventTexts(await open.stream.next()), ['PUT c=1'])
  assert.deepEqual(eventTexts(await open.stream.next()), ['PUT d=1'])
  for (const { stream } of [single, range, open]) {
    assert.equal(await stream.poll(QUIET_MS), undefined)
    stream.cancel()
  }
})

suite.add('an empty key watches from the first key on', async ({ client, prefix }) => {
  const { stream, created } = await openWatch(client, { rangeEnd: Buffer.from([0]) })
  assert.equal(created.canceled, false)
  await client.put({ key: Buffer.from([1]), value: 'first' })
  await client.put({ key: `${prefix}k`, value: 'v' })
  assert.deepEqual((await stream.next()).events[0]?.kv?.key, Buffer.from([1]))
  assert.deepEqual(eventTexts(await stream.next()), ['PUT k=v'])
  stream.cancel()
})

suite.add('filters drop their kind, and empty responses are not sent', async (context) => {
  const { client, prefix } = context
  const { NOPUT, NODELETE } = WATCH_FILTER
  const noPut = await openWatch(client, watched(context, { filters: [NOPUT] }))
  const noDelete = await openWatch(client, watched(context, { filters: [NODELETE] }))
  const neither = await openWatch(client, watched(context, { filters: [NOPUT, NODELETE] }))
  const key = `${prefix}k`
  await client.put({ key, value: 'a' })
  await client.deleteRange({ key })
  await client.txn({
    success: [{ requestPut: { key, value: 'b' } }, { requestDeleteRange: { key: `${prefix}x` } }],
  })
  await client.deleteRange({ key })
  assert.deepEqual(eventTexts(await noPut.stream.next()), ['DELETE k'])
  assert.deepEqual(eventTexts(await noPut.stream.next()), ['DELETE k'])
  assert.deepEqual(eventTexts(await noDelete.stream.next()), ['PUT k=a'])
  assert.deepEqual(eventTexts(await noDelete.stream.next()), ['PUT k=b'])
  for (const { stream } of [noPut, noDelete, neither]) {
    assert.equal(await stream.poll(QUIET_MS), undefined)
    stream.cancel()
  }
})

suite.add('many watchers share a stream, each with an id of its own', async (context) => {
  const { client, prefix } = context
  const stream = client.watch()
  for (let i = 0; i < 50; i++) stream.send({ createRequest: { key: `${prefix}k` } })
  for (let i = 0; i < 50; i++) {
    const created = await stream.next()
    assert.deepEqual([created.watchId, created.created], [i, true])
  }
  await client.put({ key: `${prefix}k`, value: 'v' })
  const ids = new Set<number>()
  for (let i = 0; i < 50; i++) {
    const response = await stream.next()
    assert.deepEqual(eventTexts(response), ['PUT k=v'])
    ids.add(response.watchId)
  }
  assert.equal(ids.size, 50)
  stream.cancel()
})

suite.add('a chosen id is kept; one in use is refused', async ({ client, prefix }) => {
  const stream = client.watch()
  const create = async (watchId: number) => {
    stream.send({ createRequest: { key: `${prefix}k`, watchId } })
    return await stream.next()
  }
  assert.equal((await create(1)).watchId, 1)
  assert.equal((await create(0)).watchId, 0)
  assert.equal((await create(0)).watchId, 2, 'the server skips ids in use')
  const twice = await create(1)
  assert.deepEqual(
    [twice.created, twice.canceled, twice.watchId, twice.cancelReason],
    [true, true, -1, 'mvcc: duplicate watch ID provided on the WatchStream'],
  )
  stream.send({ cancelRequest: { watchId: 1 } })
  assert.deepEqual([(await stream.next()).canceled], [true])
  assert.equal((await create(1)).watchId, 1, 'an id can be used again')
  stream.cancel()
})

suite.add('a range that holds nothing is refused in-band', async (context) => {
  const { client, prefix } = context
  const stream = client.watch()
  for (const rangeEnd of [`${prefix}a`, `${prefix}b`]) {
    stream.send({ createRequest: { key: `${prefix}b`, rangeEnd } })
    const refused = await stream.next()
    assert.deepEqual(
      [refused.created, refused.canceled, refused.watchId, refused.cancelReason],
      [true, true, -1, 'mvcc: watcher range is empty'],
    )
  }
  stream.send({ createRequest: { key: `${prefix}b` } })
  assert.deepEqual([(await stream.next()).canceled], [false], 'the stream goes on')
  stream.cancel()
}, { since: '3.5' })

suite.add('cancel is answered once, and nothing follows it', async (context) => {
  const { client, prefix } = context
  const { stream } = await openWatch(client, watched(context))
  const revision = revisionOf(await client.put({ key: `${prefix}k`, value: '1' }))
  await stream.next()
  stream.send({ cancelRequest: { watchId: 0 } })
  const canceled = await stream.next()
  assert.deepEqual(
    [canceled.canceled, canceled.watchId, canceled.cancelReason, canceled.compactRevision],
    [true, 0, '', 0],
  )
  assert.equal(revisionOf(canceled), revision)
  await client.put({ key: `${prefix}k`, value: '2' })
  stream.send({ cancelRequest: { watchId: 0 } })
  stream.send({ cancelRequest: { watchId: 77 } })
  assert.equal(await stream.poll(QUIET_MS), undefined)
  stream.cancel()
})

suite.add('half-closing the stream does not end it', async (context) => {
  const { client, prefix } = context
  const { stream } = await openWatch(client, watched(context))
  stream.halfClose()
  await client.put({ key: `${prefix}k`, value: 'still' })
  assert.deepEqual(eventTexts(await stream.next()), ['PUT k=still'])
  stream.cancel()
  assert.equal((await stream.ended).code, 1)
})

suite.add('a request that asks for nothing is ignored', async (context) => {
  const { client, prefix } = context
  const { stream } = await openWatch(client, watched(context))
  stream.send({})
  await client.put({ key: `${prefix}k`, value: 'v' })
  assert.deepEqual(eventTexts(await stream.next()), ['PUT k=v'])
  stream.cancel()
})

suite.add('a progress request is answered for the whole stream', async (context) => {
  const { client, prefix } = context
  const { stream } = await openWatch(client, watched(context))
  const revision = revisionOf(await client.put({ key: `${prefix}k`, value: 'v' }))
  assert.deepEqual(eventTexts(await stream.next()), ['PUT k=v'])
  stream.send({ progressRequest: {} })
  const progress = await stream.next()
  assert.deepEqual([progress.watchId, progress.events, progress.created], [-1, [], false])
  assert(revisionOf(progress) >= revision)
  stream.cancel()
}, { since: '3.5' })

suite.add('progress without a watcher, or ahead of the store, is not answered', async (context) => {
  const { client, prefix } = context
  const none = client.watch()
  none.send({ progressRequest: {} })
  assert.equal(await none.poll(QUIET_MS), undefined)
  none.cancel()
  const now = revisionOf(await client.range({ key: prefix }))
  const { stream } = await openWatch(client, watched(context, { startRevision: now + 1000 }))
  stream.send({ progressRequest: {} })
  assert.equal(await stream.poll(QUIET_MS), undefined)
  stream.cancel()
}, { since: '3.5' })

suite.add('progress never overtakes an event', async (context) => {
  const { client, prefix } = context
  const { stream } = await openWatch(client, watched(context))
  let seen = 0
  for (let i = 0; i < 50; i++) {
    const revision = revisionOf(await client.put({ key: `${prefix}k`, value: `${i}` }))
    stream.send({ progressRequest: {} })
    for (;;) {
      const response = await stream.poll(100)
      if (response === undefined) {
        // Not every request is answered: the watcher may have been on its way.
        stream.send({ progressRequest: {} })
        continue
      }
      for (const event of response.events) seen = present(event.kv).modRevision
      if (response.watchId === -1) assert(seen >= Math.min(revision, revisionOf(response)))
      if (response.watchId === -1 && revisionOf(response) >= revision) break
    }
    assert.equal(seen, revision)
  }
  stream.cancel()
}, { since: '3.5.8' })

suite.add(
  'an idle watcher that asked for progress hears of it, and no other',
  async (context) => {
    const { client } = context
    const asked = await openWatch(client, watched(context, { progressNotify: true, watchId: 7 }))
    const silent = await openWatch(client, watched(context))
    for (let i = 0; i < 2; i++) {
      const progress = await asked.stream.next()
      assert.deepEqual(
        [progress.watchId, progress.created, progress.canceled, progress.events],
        [7, false, false, []],
      )
      assert(revisionOf(progress) >= revisionOf(asked.created))
    }
    assert.equal(await silent.stream.poll(QUIET_MS), undefined)
    asked.stream.cancel()
    silent.stream.cancel()
  },
  { since: '3.5' },
)

suite.add('five hundred watchers on one key all hear of it', async ({ client, prefix }) => {
  const streams = await Promise.all(
    Array.from({ length: 500 }, () => openWatch(client, { key: `${prefix}k` })),
  )
  for (let i = 0; i < 3; i++) await client.put({ key: `${prefix}k`, value: `${i}` })
  for (const { stream } of streams) {
    for (let i = 0; i < 3; i++) assert.deepEqual(eventTexts(await stream.next()), [`PUT k=${i}`])
    stream.cancel()
  }
})

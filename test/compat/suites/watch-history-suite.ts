/** Watches that begin in the past, in the future, or in what has been compacted. */

import { strict as assert } from 'node:assert'
import { CheckSuite, type CheckContext } from '../../support/check-suite.js'
import { prefixEnd } from '../../support/etcd-client.js'
import type { WatchCreateIn } from '../../support/etcd-messages.js'
import { eventTexts, present, revisionOf } from '../../support/expect.js'
import { openWatch, type WatchStream } from '../../support/watch-stream.js'

export const WATCH_HISTORY_SUITE = new CheckSuite('watch history')
const suite = WATCH_HISTORY_SUITE
const QUIET_MS = 150

function watched({ prefix }: CheckContext, extra: WatchCreateIn = {}): WatchCreateIn {
  return { key: prefix, rangeEnd: prefixEnd(prefix), ...extra }
}

/** a=1, b=2, a=3, delete b, c=4: the revision of each. */
async function fill({ client, prefix }: CheckContext): Promise<number[]> {
  return [
    revisionOf(await client.put({ key: `${prefix}a`, value: '1' })),
    revisionOf(await client.put({ key: `${prefix}b`, value: '2' })),
    revisionOf(await client.put({ key: `${prefix}a`, value: '3' })),
    revisionOf(await client.deleteRange({ key: `${prefix}b` })),
    revisionOf(await client.put({ key: `${prefix}c`, value: '4' })),
  ]
}

async function collect(stream: WatchStream, count: number): Promise<string[]> {
  const seen: string[] = []
  while (seen.length < count) seen.push(...eventTexts(await stream.next()))
  return seen
}

/** Revisions of the next events. Other keys are written meanwhile, so they need not follow one another. */
async function revisionsSeen(stream: WatchStream, count: number): Promise<number[]> {
  const seen: number[] = []
  while (seen.length < count) {
    for (const event of (await stream.next()).events) seen.push(present(event.kv).modRevision)
  }
  return seen
}

function ascending(a: number, b: number): number {
  return a - b
}

suite.add('history is replayed from the start revision on, inclusive', async (context) => {
  const revisions = await fill(context)
  const events = ['PUT a=1', 'PUT b=2', 'PUT a=3', 'DELETE b', 'PUT c=4']
  for (let from = 0; from < 5; from++) {
    const startRevision = present(revisions[from])
    const { stream } = await openWatch(context.client, watched(context, { startRevision }))
    assert.deepEqual(await collect(stream, 5 - from), events.slice(from))
    stream.cancel()
  }
  const { stream } = await openWatch(
    context.client,
    watched(context, { startRevision: present(revisions[0]) }),
  )
  await context.client.put({ key: `${context.prefix}live`, value: 'l' })
  assert.deepEqual(await collect(stream, 6), [...events, 'PUT live=l'], 'then what is new')
  stream.cancel()
})

suite.add('prev_kv and filters work on history', async (context) => {
  const [startRevision] = await fill(context)
  const create = watched(context, { startRevision: present(startRevision), prevKv: true })
  const { stream } = await openWatch(context.client, create)
  assert.deepEqual(await collect(stream, 5), [
    'PUT a=1',
    'PUT b=2',
    'PUT a=3 [1]',
    'DELETE b [2]',
    'PUT c=4',
  ])
  stream.cancel()
  const noPut = await openWatch(context.client, { ...create, filters: [0] })
  assert.deepEqual(eventTexts(await noPut.stream.next()), ['DELETE b [2]'])
  assert.equal(await noPut.stream.poll(QUIET_MS), undefined)
  noPut.stream.cancel()
})

suite.add('events of one revision stay together in a replay', async (context) => {
  const { client, prefix } = context
  const revisions: number[] = []
  for (let i = 0; i < 20; i++) {
    const success = Array.from({ length: 50 }, (_, j) => ({
      requestPut: { key: `${prefix}${j}`, value: `${i}` },
    }))
    revisions.push(revisionOf(await client.txn({ success })))
  }
  const startRevision = present(revisions[0])
  const { stream } = await openWatch(client, watched(context, { startRevision }))
  const counts = new Map<number, number>()
  let last = 0
  while (last < present(revisions.at(-1))) {
    const response = await stream.next()
    const inResponse = new Set(response.events.map((event) => present(event.kv).modRevision))
    for (const event of response.events) {
      const revision = present(event.kv).modRevision
      assert(revision >= last, 'revisions never go back')
      last = revision
      counts.set(revision, (counts.get(revision) ?? 0) + 1)
    }
    for (const revision of inResponse) assert.equal(counts.get(revision), 50)
    assert(revisionOf(response) >= last)
  }
  stream.cancel()
})

suite.add('a start in the future answers at once and waits', async (context) => {
  const { client, prefix } = context
  const now = revisionOf(await client.put({ key: `${prefix}k`, value: '0' }))
  const { stream, created } = await openWatch(client, watched(context, { startRevision: now + 3 }))
  assert.equal(revisionOf(created), now)
  for (let i = 1; i <= 4; i++) await client.put({ key: `${prefix}k`, value: `${i}` })
  assert.deepEqual(await collect(stream, 2), ['PUT k=3', 'PUT k=4'])
  stream.cancel()
})

suite.add('a long history is replayed whole while writes go on', async (context) => {
  const { client, prefix } = context
  const startRevision = revisionOf(await client.put({ key: `${prefix}k`, value: '0' }))
  const writes = Array.from({ length: 1500 }, (_, i) => i + 1)
  const put = async (i: number) => revisionOf(await client.put({ key: `${prefix}k`, value: `${i}` }))
  const before = await Promise.all(writes.map(put))
  const { stream } = await openWatch(client, watched(context, { startRevision }))
  const later = Promise.all(writes.map((i) => put(i + 1500)))
  const seen = await revisionsSeen(stream, 3001)
  assert.deepEqual(seen, [startRevision, ...before, ...(await later)].sort(ascending))
  stream.cancel()
})

suite.add('below the compact revision: created, then canceled with it', async (context) => {
  const { client } = context
  const revisions = await fill(context)
  const compacted = present(revisions[2])
  await client.compact({ revision: compacted })
  const stream = client.watch()
  stream.send({ createRequest: watched(context, { startRevision: compacted - 1 }) })
  const created = await stream.next()
  assert.deepEqual([created.created, created.canceled, created.watchId], [true, false, 0])
  const canceled = await stream.next()
  assert.deepEqual(
    [canceled.canceled, canceled.compactRevision, canceled.watchId, canceled.cancelReason],
    [true, compacted, 0, ''],
  )
  assert.deepEqual([canceled.created, canceled.events], [false, []])
  assert.equal(revisionOf(canceled), 0)
  assert.equal(await stream.poll(QUIET_MS), undefined, 'nothing may follow')
  stream.cancel()
})

suite.add('at the compact revision history is still there', async (context) => {
  const { client } = context
  const revisions = await fill(context)
  const startRevision = present(revisions[2])
  await client.compact({ revision: startRevision, physical: true })
  const { stream } = await openWatch(client, watched(context, { startRevision }))
  assert.deepEqual(await collect(stream, 3), ['PUT a=3', 'DELETE b', 'PUT c=4'])
  stream.cancel()
})

suite.add(
  'a delete exactly at the compact revision is still told',
  async (context) => {
    const { client } = context
    const revisions = await fill(context)
    const startRevision = present(revisions[3])
    await client.compact({ revision: startRevision, physical: true })
    const { stream } = await openWatch(client, watched(context, { startRevision }))
    assert.deepEqual(await collect(stream, 2), ['DELETE b', 'PUT c=4'])
    stream.cancel()
  },
  { since: '3.6' },
)

suite.add(
  'a negative start is refused in-band',
  async ({ client, prefix }) => {
    const stream = client.watch()
    stream.send({ createRequest: { key: `${prefix}k`, startRevision: -1 } })
    const refused = await stream.next()
    assert.deepEqual(
      [refused.created, refused.canceled, refused.watchId, refused.cancelReason],
      [true, true, -1, 'etcdserver: mvcc: required revision has been compacted'],
    )
    stream.cancel()
  },
  { since: '3.6.6' },
)

suite.add('a running watch is not hurt by a compaction', async (context) => {
  const { client, prefix } = context
  const { stream } = await openWatch(client, watched(context))
  for (let i = 0; i < 20; i++) {
    const revision = revisionOf(await client.put({ key: `${prefix}k`, value: `${i}` }))
    await client.compact({ revision, physical: i % 5 === 0 })
  }
  assert.deepEqual(
    await collect(stream, 20),
    Array.from({ length: 20 }, (_, i) => `PUT k=${i}`),
  )
  stream.cancel()
})

suite.add('prev_kv that has been compacted away is left out', async (context) => {
  const { client, prefix } = context
  const key = `${prefix}k`
  await client.put({ key, value: 'old' })
  const startRevision = revisionOf(await client.put({ key, value: 'new' }))
  await client.put({ key, value: 'newer' })
  await client.compact({ revision: startRevision, physical: true })
  const create = watched(context, { startRevision, prevKv: true })
  const { stream } = await openWatch(client, create)
  assert.deepEqual(await collect(stream, 2), ['PUT k=new', 'PUT k=newer [new]'])
  stream.cancel()
})

suite.add('a response too big for one message is split when asked for', async (context) => {
  const { client, prefix } = context
  const value = Buffer.alloc(400_000, 'f')
  const success = Array.from({ length: 3 }, (_, i) => ({
    requestPut: { key: `${prefix}${i}`, value },
  }))
  await client.txn({ success })
  for (const fragment of [false, true]) {
    const create = watched(context, { prevKv: true, fragment })
    const { stream } = await openWatch(client, create)
    // Values and previous values together pass 2 MiB.
    const revision = revisionOf(await client.txn({ success }))
    const parts = []
    while (parts.reduce((sum, part) => sum + part.events.length, 0) < 3)
      parts.push(await stream.next())
    assert(parts.every((part) => revisionOf(part) === revision))
    assert.deepEqual(
      parts.map((part) => part.fragment),
      parts.map((_, i) => i < parts.length - 1),
      'all but the last part say that more follows',
    )
    assert.equal(parts.length > 1, fragment)
    stream.cancel()
  }
  await client.deleteRange({ key: prefix, rangeEnd: prefixEnd(prefix) })
})

suite.add('a slow reader gets every event in order in the end', async (context) => {
  const { client, prefix } = context
  const { stream } = await openWatch(client, watched(context))
  stream.pause()
  const value = Buffer.alloc(20_000, 's')
  const written: number[] = []
  for (let i = 0; i < 20; i++) {
    const puts = Array.from({ length: 20 }, () => client.put({ key: `${prefix}k`, value }))
    written.push(...(await Promise.all(puts)).map(revisionOf))
  }
  stream.resume()
  assert.deepEqual(await revisionsSeen(stream, written.length), written.sort(ascending))
  stream.cancel()
})

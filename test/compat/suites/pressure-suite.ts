/** Much at once: slow readers, huge answers, thousands of watchers, compaction under everything. */

import { strict as assert } from 'node:assert'
import { CheckSuite, type CheckContext } from '../../support/check-suite.js'
import { EtcdClient, EtcdError, prefixEnd } from '../../support/etcd-client.js'
import { eventTexts, present, revisionOf } from '../../support/expect.js'
import { openWatch, type WatchStream } from '../../support/watch-stream.js'

export const PRESSURE_SUITE = new CheckSuite('pressure')
const suite = PRESSURE_SUITE
const SLOW = { slow: true }

async function putMany(
  { client, prefix }: CheckContext,
  count: number,
  value: Buffer,
): Promise<number[]> {
  const revisions: number[] = []
  for (let i = 0; i < count; i += 25) {
    const puts = Array.from({ length: Math.min(25, count - i) }, (_, j) =>
      client.put({ key: `${prefix}${String(i + j).padStart(6, '0')}`, value }, { deadlineMs: 60_000 }),
    )
    revisions.push(...(await Promise.all(puts)).map(revisionOf))
  }
  return revisions
}

/** Every revision from `first` to `last`, once and in order. */
async function expectAll(stream: WatchStream, first: number, last: number): Promise<void> {
  for (let expected = first; expected <= last; ) {
    for (const { kv } of (await stream.next(60_000)).events)
      assert.equal(present(kv).modRevision, expected++)
  }
}

suite.add(
  'watchers that read nothing for long get everything later, and others wait for none of them',
  async (context) => {
    const { client, prefix, endpoint } = context
    const all = { key: prefix, rangeEnd: prefixEnd(prefix) }
    const slowClients = Array.from({ length: 3 }, () => new EtcdClient(endpoint))
    const slow = await Promise.all(slowClients.map((one) => openWatch(one, all)))
    for (const { stream } of slow) stream.pause()
    const { stream: quick } = await openWatch(client, all)
    const revisions = await putMany(context, 1200, Buffer.alloc(100_000, 'p'))
    const first = Math.min(...revisions)
    const last = Math.max(...revisions)
    await expectAll(quick, first, last)
    for (const { stream } of slow) {
      stream.resume()
      await expectAll(stream, first, last)
      stream.cancel()
    }
    for (const one of slowClients) one.close()
    quick.cancel()
    await client.deleteRange(all, { deadlineMs: 60_000 })
  },
  SLOW,
)

suite.add(
  'an answer of 100 MB arrives whole, and small requests pass it by',
  async (context) => {
    const { client, prefix } = context
    await putMany(context, 500, Buffer.alloc(200_000, 'h'))
    const all = { key: prefix, rangeEnd: prefixEnd(prefix) }
    const huge = client.range(all, { deadlineMs: 60_000 })
    let slowestMs = 0
    for (let i = 0; i < 50; i++) {
      const startedAt = performance.now()
      await client.put({ key: `${prefix.slice(0, -1)}~small`, value: `${i}` })
      slowestMs = Math.max(slowestMs, performance.now() - startedAt)
    }
    const answer = await huge
    assert.deepEqual([answer.count, answer.kvs.length], [500, 500])
    assert(answer.kvs.every((kv) => kv.value.length === 200_000))
    assert(slowestMs < 3000, `a small put took ${slowestMs} ms`)
    await client.deleteRange(all, { deadlineMs: 60_000 })
  },
  SLOW,
)

suite.add(
  'five thousand watchers on fifty streams hear their keys and no others',
  async ({ client, prefix }) => {
    const streams = Array.from({ length: 50 }, () => client.watch())
    for (const stream of streams)
      for (let i = 0; i < 100; i++) stream.send({ createRequest: { key: `${prefix}${i}` } })
    for (const stream of streams)
      for (let i = 0; i < 100; i++) assert.equal((await stream.next(30_000)).watchId, i)
    for (let i = 0; i < 100; i += 10) await client.put({ key: `${prefix}${i}`, value: 'v' })
    for (const stream of streams) {
      const heard: number[] = []
      for (let i = 0; i < 10; i++) {
        const response = await stream.next(30_000)
        heard.push(response.watchId)
        assert.deepEqual(eventTexts(response), [`PUT ${response.watchId}=v`])
      }
      assert.deepEqual(
        heard.toSorted((a, b) => a - b),
        [0, 10, 20, 30, 40, 50, 60, 70, 80, 90],
      )
      stream.cancel()
    }
  },
  SLOW,
)

suite.add(
  'old revisions read under compaction are whole or refused',
  async ({ client, prefix }) => {
    const all = { key: prefix, rangeEnd: prefixEnd(prefix) }
    let isDone = false
    /** All hundred keys change together, so each revision shows one value everywhere. */
    const write = async (): Promise<void> => {
      for (let i = 0; i < 300; i++) {
        const success = Array.from({ length: 100 }, (_, j) => ({
          requestPut: { key: `${prefix}${j}`, value: `${i}` },
        }))
        const revision = revisionOf(await client.txn({ success }))
        if (i % 10 === 9)
          await client.compact({ revision: revision - 3, physical: i % 20 === 19 })
      }
      isDone = true
    }
    let whole = 0
    let refused = 0
    const read = async (): Promise<void> => {
      while (!isDone) {
        const now = revisionOf(await client.range({ ...all, countOnly: true }))
        try {
          const past = await client.range({ ...all, revision: Math.max(1, now - 4) })
          const values = new Set(past.kvs.map((kv) => kv.value.toString()))
          assert(past.kvs.length === 0 || (past.kvs.length === 100 && values.size === 1))
          whole++
        } catch (error) {
          if (!(error instanceof EtcdError)) throw error
          assert.match(error.message, /has been compacted/u)
          refused++
        }
      }
    }
    await Promise.all([write(), read(), read(), read()])
    assert(whole > 0, `${whole} whole, ${refused} refused`)
  },
  SLOW,
)

suite.add(
  'a watcher whose history is compacted under it is told so, or has seen it all',
  async ({ client, prefix }) => {
    const all = { key: prefix, rangeEnd: prefixEnd(prefix) }
    for (let round = 0; round < 5; round++) {
      const puts = Array.from({ length: 400 }, (_, i) =>
        client.put({ key: `${prefix}${i % 20}`, value: Buffer.alloc(5000, `${i}`) }),
      )
      const first = Math.min(...(await Promise.all(puts)).map(revisionOf))
      const stream = client.watch()
      stream.send({ createRequest: { ...all, startRevision: first } })
      await client.compact({ revision: first + 399 - round * 50 })
      assert.equal((await stream.next()).created, true)
      let expected = first
      while (expected < first + 400) {
        const response = await stream.next()
        if (response.canceled) {
          assert(response.compactRevision > expected, 'canceled for a compaction that hurts')
          break
        }
        for (const { kv } of response.events) assert.equal(present(kv).modRevision, expected++)
      }
      stream.cancel()
    }
  },
  SLOW,
)

suite.add(
  'two thousand leases expire, each with its key',
  async ({ client, prefix }) => {
    const count = 2000
    const all = { key: prefix, rangeEnd: prefixEnd(prefix), countOnly: true }
    for (let i = 0; i < count; i += 100) {
      const grants = Array.from({ length: 100 }, () => client.leaseGrant({ ttl: 6 }))
      const leases = await Promise.all(grants)
      await Promise.all(
        leases.map(({ id }, j) => client.put({ key: `${prefix}${i + j}`, value: 'v', lease: id })),
      )
    }
    const giveUpAt = performance.now() + 25_000
    while ((await client.range(all)).count > 0)
      assert(performance.now() < giveUpAt, 'leases outlive their time')
  },
  SLOW,
)

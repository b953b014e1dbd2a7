/** A store that was filled from an image is the store that the image was made of, then and ever after. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../src/base/bytes.js'
import { Slice } from '../../src/base/slice.js'
import { BboltError } from '../../src/bbolt/bbolt-error.js'
import { BboltWriter } from '../../src/bbolt/bbolt-writer.js'
import type { MemberRecord } from '../../src/cluster/member-record.js'
import { KeyspaceWriter } from '../../src/keyspace/keyspace-writer.js'
import { LATEST } from '../../src/keyspace/keyspace-view.js'
import { encodeKeyValue } from '../../src/proto/generated/mvccpb.js'
import { writeRevision } from '../../src/snapshot/etcd-buckets.js'
import { importImage, type ImportResult } from '../../src/snapshot/import-image.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import type { Store } from '../../src/store/store.js'
import { POOL } from '../keyspace/keyspace-rig.js'
import { MemoryImage, dumpOf, imageOf, readerOf } from './memory-image.js'

const MEMBER: MemberRecord = { id: 7n, peerUrls: ['http://a:1'], isLearner: false, name: 'a', clientUrls: [] }
const LEASES = POOL.leases.filter((id) => id !== 0n)

interface Change {
  readonly key: number
  readonly value: number | null
  readonly lease: number
}

/** Applies changes, one revision for each three of them, as the mvcc actor does. */
class Changer {
  readonly writer = new KeyspaceWriter()
  readonly #store: Store
  #revision: number

  constructor(store: Store, revision: number) {
    this.#store = store
    this.#revision = revision
  }

  get revision(): number {
    return this.#revision
  }

  transact(work: (writer: KeyspaceWriter) => void): void {
    this.#store.transact((transaction) => {
      this.writer.begin(transaction)
      work(this.writer)
      this.writer.finish()
    })
  }

  apply(changes: readonly Change[]): void {
    this.transact((writer) => {
      for (let i = 0; i < changes.length; i += 3) {
        let sub = 0
        for (const change of changes.slice(i, i + 3)) if (this.#change(writer, change, sub)) sub++
        if (sub > 0) this.#revision++
        writer.setCurrentRevision(this.#revision)
      }
    })
  }

  compact(revision: number): void {
    this.transact((writer) => writer.setCompactRevision(revision))
  }

  /** Returns true when all is removed. */
  removeSome(revision: number, rows: number): boolean {
    let done = false
    this.transact((writer) => {
      done = writer.compactSlice(revision, rows, LATEST).done
    })
    return done
  }

  #change(writer: KeyspaceWriter, change: Change, sub: number): boolean {
    const key = sliceOf(POOL.keys[change.key] as Uint8Array)
    const main = this.#revision + 1
    if (change.value === null) return writer.remove(key, main, sub) !== null
    const value = sliceOf(POOL.values[change.value] as Uint8Array)
    writer.put(key, value, POOL.leases[change.lease] as bigint, main, sub)
    return true
  }
}

const changes = fc.array(fc.record({
  key: fc.nat(POOL.keys.length - 1),
  value: fc.option(fc.nat(POOL.values.length - 1), { freq: 2 }),
  lease: fc.nat(POOL.leases.length - 1),
}), { minLength: 5, maxLength: 80 })

test('a store from an image answers, goes on and compacts like the one before', () => {
  fc.assert(
    fc.property(changes, changes, fc.nat(60), fc.nat(60), (first, second, back, rows) => {
      const store = new MemoryStore()
      const before = new Changer(store, 1)
      before.transact((writer) => {
        writer.setLeaseClock(5000)
        for (const id of LEASES) writer.grantLease(id, { ttlSeconds: 60, grantedClockMs: 0, renewedClockMs: 2500 })
      })
      before.apply(first)
      const compacted = before.revision - back
      if (compacted > 1) {
        before.compact(compacted)
        if (rows > 0) before.removeSome(compacted, rows)
      }

      const copy = new MemoryStore()
      assert.deepEqual(importTo(copy, store), { ok: true, revision: before.revision })
      assertAlike(copy, store)
      const after = new Changer(copy, before.revision)
      for (const each of [before, after]) each.apply(second)
      assertAlike(copy, store)
      if (compacted > 1) {
        for (const each of [before, after]) while (!each.removeSome(compacted, 20)) continue
        assertAlike(copy, store)
        for (const each of [before, after]) {
          if (each.revision === compacted) continue
          each.compact(each.revision)
          while (!each.removeSome(each.revision, 20)) continue
        }
        assertAlike(copy, store)
      }
    }),
    { numRuns: 60 },
  )
})

test('members come from the new cluster, and the applied index from its log', () => {
  const store = new MemoryStore()
  importTo(store, filled())
  const { members, members_removed: removed, meta } = dumpOf(store)
  assert.equal(members?.length, 1)
  assert.match(Buffer.from(members?.[0]?.split(' ')[1] ?? '', 'hex').toString(), /"id":7,.*"name":"a"/)
  assert.deepEqual(removed, [`${hexOf('8')} ${hexOf('removed')}`])
  assert(meta?.includes(`${hexOf('consistent_index')} ${'0'.repeat(15)}3`))
})

test('a raised revision counts from the newest, and everything before it is compacted', () => {
  const store = new MemoryStore()
  const result = importTo(store, filled(), 1000)
  assert.deepEqual(result, { ok: true, revision: 1003 })
  const bumped = Buffer.alloc(17)
  bumped.writeBigUInt64BE(1003n)
  bumped[8] = 0x5f
  assert(dumpOf(store).meta?.includes(`${hexOf('scheduledCompactRev')} ${bumped.toString('hex')}`))
})

test('a deletion that is alone in an image is taken over, and goes with the next compaction', () => {
  const store = new MemoryStore()
  const result = importPairs(store, [[5, true, { key: utf8('gone') }], [6, false, { key: utf8('b'), version: 1 }]])
  assert(result.ok)
  const changer = new Changer(store, 6)
  assert.equal(dumpOf(store).key?.length, 2)
  changer.compact(6)
  while (!changer.removeSome(6, 10)) continue
  assert.equal(dumpOf(store).key?.length, 1)
})

test('what no server writes is refused with its revision', () => {
  const bad: [Parameters<typeof importPairs>[1], RegExp][] = [
    [[[5, false, { key: utf8('') , version: 1 }]], /revision 5: no key/],
    [[[5, false, { key: utf8('a'), mod_revision: 4 }]], /revision 5 calls itself 4/],
  ]
  for (const [pairs, message] of bad) {
    assert.throws(() => importPairs(new MemoryStore(), pairs), (error) => {
      return error instanceof BboltError && message.test(error.message)
    })
  }
})

function importTo(target: Store, source: Store, bumpRevision = 0): ImportResult {
  return importImage({
    image: imageOf(source), store: target, members: [MEMBER], removedMembers: [8n],
    applied: { index: 3, term: 2 }, bumpRevision,
  })
}

type Row = readonly [main: number, isTombstone: boolean, kv: Parameters<typeof encodeKeyValue>[0]]

function importPairs(store: Store, rows: readonly Row[]): ImportResult {
  const image = new MemoryImage()
  const writer = new BboltWriter(image)
  writer.startBucket('key')
  for (const [main, isTombstone, kv] of rows) {
    const key = new Uint8Array(18)
    const length = writeRevision(key, main, 0, isTombstone)
    const value = encodeKeyValue(isTombstone ? kv : { mod_revision: main, create_revision: main, ...kv })
    writer.pair(new Slice().at(key, 0, length), sliceOf(value))
  }
  writer.endBucket()
  writer.finish()
  return importImage({
    image: readerOf(image), store, members: [MEMBER], removedMembers: [], applied: { index: 3, term: 2 },
    bumpRevision: 0,
  })
}

function filled(): Store {
  const store = new MemoryStore()
  new Changer(store, 1).apply(POOL.keys.slice(0, 6).map((_, key) => ({ key, value: 1, lease: 0 })))
  return store
}

/** But for what belongs to the cluster. */
function assertAlike(found: Store, expected: Store): void {
  const [a, b] = [dumpOf(found), dumpOf(expected)]
  for (const bucket of ['key', 'lease'] as const) {
    assert.equal(a[bucket]?.length, b[bucket]?.length, `pairs of ${bucket}`)
    a[bucket]?.forEach((pair, i) => assert(pair === b[bucket]?.[i], `pair ${i} of ${bucket}`))
  }
  const mark = hexOf('CompactRev')
  const compaction = (dump: typeof a): string[] => (dump['meta'] ?? []).filter((pair) => pair.includes(mark))
  assert.deepEqual(compaction(a), compaction(b))
}

function sliceOf(bytes: Uint8Array): Slice {
  return new Slice().at(bytes, 0, bytes.length)
}

function hexOf(text: string): string {
  return Buffer.from(text).toString('hex')
}

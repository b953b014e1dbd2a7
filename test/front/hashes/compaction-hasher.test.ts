/** The hash of each compaction, made beside a real mvcc while that waits to remove what the hash needs. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CompactionHasher } from '../../../src/front/hashes/compaction-hasher.js'
import { KeyspaceHasher } from '../../../src/front/hashes/keyspace-hasher.js'
import type { ReadTask } from '../../../src/front/kv/read-path.js'
import type { KeyspaceView } from '../../../src/keyspace/keyspace-view.js'
import { compactionHashAt, compactionHashes, type KeyspaceHash } from '../../../src/messages/compaction-hashes.js'
import { COMPACTION_HASHES_KEPT, NOTHING_WANTED, Word } from '../../../src/messages/shared-words.js'
import { MvccRig } from '../../mvcc/support/mvcc-rig.js'
import { QUIET_LOGGER } from '../../mvcc/support/quiet-logger.js'

/** mvcc and the first front's hasher, which takes a turn when the test says so. */
class Rig extends MvccRig {
  readonly hasher: CompactionHasher
  readonly #tasks: ReadTask[] = []
  #view: KeyspaceView | null = null

  constructor(isCompared = true) {
    super()
    const reads = {
      isFull: false,
      view: () => this.#view as KeyspaceView,
      whenFresh: (task: ReadTask) => void this.#tasks.push(task),
    }
    const { words, clock } = this
    const config = { gates: { CompactHashCheck: isCompared } }
    const context = { words, clock, config, logger: QUIET_LOGGER, ringMvcc: () => undefined }
    this.hasher = new CompactionHasher(context, reads)
    this.run()
    this.turn()
  }

  /** One turn of the front. */
  turn(): void {
    this.hasher.advance(this.clock.nowMs())
    this.view((view) => {
      this.#view = view
      for (const task of this.#tasks.splice(0)) task.run()
    })
  }

  /** Turns, so far apart, until there is nothing to hash. Returns how many. */
  hashAll(apartMs = 1): number {
    let turns = 0
    for (; this.hasher.isDue || this.hasher.dueAtMs !== Infinity; turns++) {
      this.clock.advanceTo(this.clock.nowMs() + apartMs)
      this.turn()
    }
    return turns
  }

  put(count: number, keys = 5): number {
    for (let i = 0; i < count; i++) this.ask({ kind: 'put', put: { key: `k${i % keys}`, value: `v${i}` } })
    return this.words.load(Word.currentRevision)
  }

  compact(revision: number): void {
    assert.equal(this.ask({ kind: 'compact', revision })['error'], 0)
  }

  hash(revision: number, compactRevision: number): KeyspaceHash {
    const hasher = new KeyspaceHasher(revision, compactRevision)
    this.view((view) => {
      while (!hasher.slice(view));
    })
    return hasher.result
  }
}

test('a compaction has the hash that its revision had before it, and removes nothing until that is made', () => {
  const rig = new Rig()
  rig.put(40)
  const before = rig.hash(30, -1)
  rig.compact(30)
  rig.pass(1000)
  assert.notEqual(rig.words.load(Word.compactedPhysically), 30)
  rig.hashAll()
  rig.pass(0)
  assert.equal(rig.words.load(Word.compactedPhysically), 30)
  assert.deepEqual(compactionHashAt(rig.words, 30), before)
  assert.deepEqual(before, { hash: before.hash, revision: 30, compactRevision: -1 })
  assert.equal(compactionHashAt(rig.words, 29), null)
  rig.close()
})

test('compactions that come together are hashed one after the other, each as seen from the one before it', () => {
  const rig = new Rig()
  rig.put(60)
  rig.compact(20)
  rig.hashAll()
  rig.pass(1000)
  const expected = [rig.hash(50, 40), rig.hash(40, 20)]
  rig.compact(40)
  rig.compact(50)
  rig.hashAll()
  rig.pass(1000)
  assert.equal(rig.words.load(Word.compactedPhysically), 50)
  assert.deepEqual(compactionHashes(rig.words).slice(0, 2), expected)
  rig.close()
})

test('a hash that takes long is hurried, because it holds the removal back', () => {
  const turnsFor = (apartMs: number): number => {
    const rig = new Rig()
    rig.put(3000)
    const before = rig.hash(3000, -1)
    rig.compact(3000)
    const turns = rig.hashAll(apartMs)
    assert.deepEqual(compactionHashAt(rig.words, 3000), before)
    rig.close()
    return turns
  }
  // Half a second is ten turns of the second one, which have seen less than half of it.
  const [unhurried, hurried] = [turnsFor(1), turnsFor(50)]
  assert.ok(unhurried > 20 && hurried < 16, `${unhurried} turns, ${hurried} when they are far apart`)
})

test('where nobody compares it a hash that takes long is given up, and nothing waits for it', () => {
  for (const [apartMs, isMade] of [[1, true], [50, false]] as const) {
    const rig = new Rig(false)
    rig.put(3000)
    rig.compact(3000)
    rig.hashAll(apartMs)
    rig.pass(1000)
    assert.equal(rig.words.load(Word.compactedPhysically), 3000)
    assert.equal(compactionHashAt(rig.words, 3000) !== null, isMade)
    rig.close()
  }
})

test('deletions and what they delete count as HashKV counts them', () => {
  const rig = new Rig()
  rig.put(10)
  for (const key of ['k0', 'k1', 'k2', 'k3', 'k4']) rig.ask({ kind: 'delete', range: { key } })
  const revision = rig.words.load(Word.currentRevision)
  const before = rig.hash(revision, -1)
  rig.compact(revision)
  rig.hashAll()
  assert.deepEqual(compactionHashAt(rig.words, revision), before)
  rig.close()
})

test('without any live key a compaction hashes only what has come since the last one', () => {
  const rig = new Rig()
  rig.put(10, 1)
  rig.compact(8)
  rig.hashAll()
  rig.ask({ kind: 'delete', range: { key: 'k0' } })
  const deleted = rig.words.load(Word.currentRevision)
  const asked = rig.hash(deleted, 8)
  rig.compact(deleted)
  rig.hashAll()
  const stored = compactionHashAt(rig.words, deleted)
  assert.equal(stored?.compactRevision, asked.compactRevision)
  assert.notEqual(stored?.hash, asked.hash)
  rig.close()
})

test('the newest ten are kept', () => {
  const rig = new Rig()
  const last = rig.put(60)
  for (let revision = 2; revision <= last; revision++) {
    rig.compact(revision)
    rig.hashAll()
  }
  const kept = compactionHashes(rig.words).map(({ revision }) => revision)
  assert.deepEqual(kept, Array.from({ length: COMPACTION_HASHES_KEPT }, (_, i) => last - i))
  rig.close()
})

test('a hasher that is far behind leaves out what it finds no more, and holds nothing back', () => {
  const rig = new Rig()
  const last = rig.put(60)
  for (let revision = 2; revision <= last; revision++) rig.compact(revision)
  rig.hashAll()
  rig.pass(1000)
  assert.equal(rig.words.load(Word.compactedPhysically), last)
  const [newest, ...older] = compactionHashes(rig.words)
  assert.deepEqual(newest, { hash: newest?.hash, revision: last, compactRevision: last - 1 })
  assert.equal(older.length, COMPACTION_HASHES_KEPT - 1)
  rig.close()
})

test('a compaction that has begun before the front looked is not hashed', () => {
  const rig = new Rig()
  rig.put(40)
  rig.words.store(Word.hashFloor, NOTHING_WANTED)
  rig.compact(30)
  rig.pass(1000)
  rig.hashAll()
  assert.deepEqual(compactionHashes(rig.words), [])
  rig.compact(35)
  rig.hashAll()
  assert.equal(compactionHashAt(rig.words, 35)?.compactRevision, 30)
  rig.close()
})

/**
 * A store with recent rows shows what a plain one does after the same transactions: in new snapshots and in those that
 * stay open while slots are used again, with transactions that fail in between.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Prng } from '../../../src/base/prng.js'
import { MemoryStore } from '../../../src/store/memory-store.js'
import { RecentState } from '../../../src/store/recent/recent-state.js'
import { KEYS, READERS, RecentStoreRig, checkView, write, type Write } from './recent-store-rig.js'

type Step =
  | { readonly kind: 'commit'; readonly writes: readonly Write[]; readonly seed: number }
  | { readonly kind: 'fail'; readonly writes: readonly Write[]; readonly how: 'throw' | 'after' | 'before' }
  | { readonly kind: 'open'; readonly front: number }
  | { readonly kind: 'close'; readonly front: number }
  | { readonly kind: 'settle'; readonly rows: number }

const front = fc.nat(READERS - 1)

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({
    kind: fc.constant('commit' as const),
    writes: fc.oneof(
      { weight: 9, arbitrary: fc.array(write, { maxLength: 12 }) },
      // More than a slot holds.
      { weight: 1, arbitrary: fc.nat().map((seed) => smallWrites(new Prng(seed), 150)) },
    ),
    seed: fc.nat(),
  }) },
  { weight: 3, arbitrary: fc.record({
    kind: fc.constant('fail' as const),
    writes: fc.array(write, { maxLength: 40 }),
    how: fc.constantFrom('throw' as const, 'after' as const, 'before' as const),
  }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('open' as const), front }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const), front }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('settle' as const), rows: fc.constantFrom(1, 5, 1000) }) },
)

function take(rig: RecentStoreRig, it: Step): void {
  if (it.kind === 'commit') rig.commit(it.writes)
  else if (it.kind === 'fail') rig.fail(it.writes, it.how)
  else if (it.kind === 'open') rig.openReader(it.front)
  else if (it.kind === 'close') rig.closeReader(it.front)
  else assert.ok(rig.store.settleSome(it.rows).ok)
  rig.check(it.kind === 'commit' ? it.seed : 1)
}

/** The newest slot in force, as a snapshot of the file says; 0 for none. */
function newestSlot(rig: RecentStoreRig): number {
  const state = new RecentState()
  const snapshot = rig.file.beginRead()
  state.read(snapshot)
  snapshot.close()
  return state.slot
}

/** Small rows, so that slots become full without one that fits no more. */
function smallWrites(prng: Prng, count: number): Write[] {
  return Array.from({ length: count }, () => (
    { table: prng.between(0, 1), key: prng.between(0, KEYS.length - 3), size: prng.chance(0.2) ? null : 30 }
  ))
}

test('a store with recent rows answers as a plain one', () => {
  const slotBytes = fc.constantFrom(2048, 4096, 16_384)
  fc.assert(fc.property(slotBytes, fc.array(step, { minLength: 5, maxLength: 60 }), (size, steps) => {
    const rig = new RecentStoreRig(size)
    for (const it of steps) take(rig, it)
    rig.close()
  }), { numRuns: 60 })
})

test('snapshots that are opened and closed in turn outlive many slots', () => {
  const rig = new RecentStoreRig(4096)
  const prng = new Prng(5)
  let slots = 0
  for (let i = 0; i < 1500; i++) {
    rig.commit(smallWrites(prng, 6))
    if (prng.chance(0.05)) rig.openReader(prng.between(0, READERS - 1))
    if (prng.chance(0.2)) rig.closeReader(prng.between(0, READERS - 1))
    if (i % 10 === 0) rig.check(i)
    slots = Math.max(slots, newestSlot(rig))
  }
  assert.ok(slots > 30, `only ${slots} slots were used`)
  rig.close()
})

test('a snapshot keeps its slots for as long as it is open, and rows go to the file meanwhile', () => {
  const rig = new RecentStoreRig(4096)
  const prng = new Prng(6)
  rig.commit(smallWrites(prng, 6))
  rig.openReader(0)
  let last = 0
  for (let i = 0; i < 300; i++) {
    rig.commit(smallWrites(prng, 6))
    last = Math.max(last, newestSlot(rig))
  }
  assert.ok(last <= 3, `slot ${last} was taken from a snapshot that needs it`)
  rig.check(1)
  rig.closeReader(0)
  for (let i = 0; i < 300; i++) rig.commit(smallWrites(prng, 6))
  assert.ok(newestSlot(rig) > 3 || newestSlot(rig) === 0)
  rig.check(2)
  rig.close()
})

test('settling puts all rows into the file, a few with each transaction', () => {
  const rig = new RecentStoreRig(16_384)
  assert.equal(rig.store.settledRevision, Infinity)
  const prng = new Prng(7)
  for (let i = 0; i < 10; i++) rig.commit(smallWrites(prng, 5))
  assert.equal(rig.store.settledRevision, 1)
  let turns = 0
  while (rig.store.settledRevision < rig.revision) {
    assert.ok(rig.store.settleSome(1).ok)
    rig.check(turns++)
    assert.ok(turns <= 50, 'settling has no end')
  }
  assert.ok(turns > 1, 'all rows at once')
  const file = new MemoryStore({ image: rig.file.inner.image }).beginRead()
  checkView(file, rig.plain.image, prng)
  file.close()
  rig.close()
})

test('a transaction that fails again and again takes no memory, and is done once there is room', () => {
  const rig = new RecentStoreRig(16_384)
  const prng = new Prng(9)
  // The newer slot is in use beside an older one.
  while (rig.memoryUse().older === 0) rig.commit(smallWrites(prng, 6))
  const before = rig.memoryUse().newer
  const writes = smallWrites(prng, 30)
  for (let i = 0; i < 40; i++) rig.fail(writes, 'after')
  // Nodes of new keys stay, versions do not.
  assert.ok(rig.memoryUse().newer - before < 30 * 150, 'what was undone takes memory')
  rig.commit(writes)
  assert.equal(rig.store.recentStats()?.overflows, 0)
  rig.check(1)
  rig.close()
})

test('rows that become larger overtake no slot: the file takes the older one by the memory that they need', () => {
  const rig = new RecentStoreRig(64 * 1024)
  for (let i = 0; i < 2000; i++) {
    const size = i % 400 < 200 ? 1 : 900
    rig.commit([{ table: i % 2, key: i % (KEYS.length - 3), size }])
  }
  const stats = rig.store.recentStats()
  assert.equal(stats?.overflows, 0)
  assert.ok(newestSlot(rig) > 10)
  rig.check(1)
  rig.close()
})

test('rows of a snapshot are settled as well, and it still shows what it did', () => {
  const rig = new RecentStoreRig(4096)
  const prng = new Prng(8)
  rig.commit(smallWrites(prng, 10))
  rig.openReader(0)
  rig.commit(smallWrites(prng, 10))
  for (let i = 0; i < 2; i++) assert.ok(rig.store.settleSome(1000).ok)
  assert.equal(rig.store.settledRevision, rig.revision)
  rig.check(1)
  rig.close()
})

test('the revision that is settled is the one that the store was at when the slot was begun', () => {
  const rig = new RecentStoreRig(4096)
  const prng = new Prng(9)
  const settled: number[] = []
  for (let i = 0; i < 300; i++) {
    rig.commit(smallWrites(prng, 6))
    settled.push(rig.store.settledRevision)
    assert.ok(rig.store.settledRevision < rig.revision || rig.store.settledRevision === Infinity)
  }
  const finite = settled.filter((it) => it !== Infinity)
  assert.ok(finite.every((it, i) => i === 0 || it >= (finite[i - 1] as number)), 'it went back')
  assert.ok(new Set(finite).size > 5, 'it stood still')
  rig.check(1)
  rig.close()
})

test('transactions that are refused or given up before each that is not leave nothing behind', () => {
  for (const how of ['after', 'throw', 'before'] as const) {
    const rig = new RecentStoreRig(4096)
    const prng = new Prng(10)
    for (let i = 0; i < 200; i++) {
      // Enough that an older slot is done with, that a slot is taken, or that there is no room.
      rig.fail(smallWrites(prng, prng.between(0, 60)), how)
      if (i % 7 === 0) rig.check(i)
      rig.commit(smallWrites(prng, prng.between(0, 8)))
      rig.check(i)
    }
    rig.close()
  }
})

test('a transaction that the file refuses before it begins changes nothing', () => {
  const rig = new RecentStoreRig(4096)
  rig.commit([{ table: 0, key: 5, size: 3 }])
  rig.fail([], 'before')
  rig.check(1)
  rig.commit([{ table: 0, key: 5, size: null }, { table: 0, key: 6, size: 9 }])
  rig.fail([{ table: 0, key: 6, size: 1 }], 'throw')
  rig.fail([], 'before')
  rig.check(2)
  rig.close()
})

test('a reader comes over to the store that takes the place of another, at every moment of that', () => {
  const rig = new RecentStoreRig(4096)
  rig.commit([{ table: 0, key: 5, size: 3 }])
  rig.openReader(0)
  rig.closeReader(0)
  const next = new MemoryStore({ image: rig.plain.image })
  rig.replace(next, () => {
    rig.openReader(0)
    rig.check(1)
    rig.closeReader(0)
    rig.openReader(1)
  })
  // The one that has the old file open keeps what it saw.
  rig.check(1)
  rig.closeReader(1)
  rig.openReader(0)
  rig.check(2)
  for (let i = 0; i < 100; i++) rig.commit(smallWrites(new Prng(i), 6))
  rig.check(3)
  rig.close()
})

test('a reader that opened a file just before another took its place reads the other', () => {
  const rig = new RecentStoreRig(4096)
  rig.commit([{ table: 0, key: 5, size: 3 }])
  const reader = rig.newReader(READERS, (generation) => {
    const opened = rig.openFile(generation)
    // The writing thread goes on before the reader has said which slots it looks at.
    if (generation === 1) {
      rig.replace(new MemoryStore({ image: rig.plain.image }), () => undefined)
      for (let i = 0; i < 100; i++) rig.commit(smallWrites(new Prng(i), 6))
    }
    return opened
  })
  const snapshot = reader.beginRead()
  checkView(snapshot, rig.plain.image, new Prng(1))
  snapshot.close()
  reader.close()
  rig.close()
})

/** A store file is made smaller while entries are applied; whatever ends the node meanwhile, nothing is lost. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Word, frontReader, watchReader } from '../../../src/messages/shared-words.js'
import { counters } from '../../../src/metrics/counter-catalogue.js'
import { compareStores } from '../../store/compare-stores.js'
import { MvccRig } from '../support/mvcc-rig.js'
import { LaggingDisk } from '../support/lagging-disk.js'
import { LmdbDisk } from '../support/test-disk.js'
import type { RequestSpec } from '../support/requests.js'

const KEYS = 300
/** Anything that is free is too much. */
const EAGER = {
  spareBytesMax: 64 * 1024, spareFactorMax: 1.5, spareHeldMs: 0, shrinkPauseMs: 0, checkpointMs: 60_000,
}

function putOf(key: number, size: number): RequestSpec {
  return { kind: 'put', put: { key: `key ${key}`, value: 'v'.repeat(size) } }
}

/** What is written, mostly deleted again and compacted away. */
function emptiedRig(rig: MvccRig): MvccRig {
  for (let key = 0; key < KEYS; key++) rig.ask(putOf(key, key % 7 === 0 ? 20_000 : 900))
  rig.ask({ kind: 'delete', range: { key: 'key 1', end: 'key 9' } })
  rig.ask({ kind: 'compact', revision: rig.words.load(Word.currentRevision) })
  return rig
}

function lmdbRig(): MvccRig {
  return new MvccRig({ disk: new LmdbDisk(), limits: EAGER })
}

/** A store in memory that was given the same entries. */
function twinOf(rig: MvccRig): MvccRig {
  const twin = new MvccRig()
  for (const entry of rig.log) {
    twin.log.push(entry)
    assert.ok(twin.node.apply(entry, 0))
    twin.run()
  }
  twin.pass(10_000)
  return twin
}

function generationOf(rig: MvccRig): number {
  return rig.words.load(Word.storeGeneration)
}

function assertEqualToTwin(rig: MvccRig): void {
  const twin = twinOf(rig)
  compareStores(rig.node.switching, twin.node.switching)
  twin.close()
}

test('a file of which most is free is made smaller by itself', () => {
  const rig = emptiedRig(lmdbRig())
  const before = rig.node.switching.stats().sizeBytes
  rig.pass(10_000)
  const { sizeBytes, aheadBytes, usedBytes } = rig.node.switching.stats()
  const after = sizeBytes - aheadBytes
  assert.ok(generationOf(rig) >= 2)
  assert.ok(after < before / 2, `${after} of ${before} bytes`)
  assert.ok(after <= 2 * usedBytes)
  assertEqualToTwin(rig)
  rig.restart()
  assertEqualToTwin(rig)
  rig.close()
})

test('what has been free for a short while only is left for the next writes', () => {
  const rig = emptiedRig(new MvccRig({ disk: new LmdbDisk(), limits: { ...EAGER, spareHeldMs: 30_000 } }))
  rig.pass(25_000)
  assert.equal(generationOf(rig), 1)
  rig.pass(15_000)
  assert.equal(generationOf(rig), 2)
  rig.close()
})

test('at a start with --bootstrap-defrag-threshold-megabytes less that is free is enough', () => {
  const rig = emptiedRig(new MvccRig({ disk: new LmdbDisk() }))
  rig.pass(10_000)
  const { sizeBytes, aheadBytes, usedBytes } = rig.node.switching.stats()
  const half = (sizeBytes - aheadBytes - usedBytes) / 2
  for (const [bootstrapDefragBytesMin, generation] of [[sizeBytes, 1], [half, 2]] as const) {
    rig.restart({ bootstrapDefragBytesMin })
    rig.pass(10_000)
    assert.equal(generationOf(rig), generation)
  }
  assertEqualToTwin(rig)
  rig.close()
})

test('a file in which little is free is left alone', () => {
  const rig = lmdbRig()
  for (let key = 0; key < KEYS; key++) rig.ask(putOf(key, 900))
  rig.pass(10_000)
  assert.equal(generationOf(rig), 1)
  rig.close()
})

test('what is applied while it is made smaller is in the smaller file', () => {
  const rig = emptiedRig(lmdbRig())
  const inflight = (): number => rig.node.counters.get(counters.defragInflight)
  assert.equal(inflight(), 0)
  let isSeen = false
  for (let i = 0; generationOf(rig) === 1; i++) {
    assert.ok(i < 1000, 'it comes to an end')
    rig.send(putOf(i % 50, 30 + i))
    if (i % 5 === 0) rig.send({ kind: 'delete', range: { key: `key ${i % 50}` } })
    rig.clock.advance(i < 20 ? 400 : 5)
    rig.node.turn.run()
    isSeen ||= inflight() === 1
  }
  assert.ok(isSeen, 'the metric says so while it goes on')
  rig.pass(10_000)
  assert.equal(inflight(), 0)
  assertEqualToTwin(rig)
  rig.close()
})

test('a crash after any turn of it begins with one of the two files, and loses nothing', () => {
  let turns = 0
  let afterSwitch = 0
  for (; afterSwitch < 4; turns++) {
    assert.ok(turns < 200, 'it comes to an end')
    const rig = emptiedRig(lmdbRig())
    rig.pass(900)
    for (let turn = 0; turn < turns; turn++) {
      rig.send(putOf(turn, 100))
      rig.clock.advance(turn === 0 ? 200 : 5)
      rig.node.turn.run()
    }
    if (generationOf(rig) > 1) afterSwitch++
    rig.crash()
    rig.pass(10_000)
    assertEqualToTwin(rig)
    rig.close()
  }
  assert.ok(turns > 8, `${turns} turns`)
})

test('a clean end in the middle of it loses nothing either', () => {
  for (let turns = 1; turns < 14; turns += 4) {
    const rig = emptiedRig(lmdbRig())
    rig.pass(900)
    for (let turn = 0; turn < turns; turn++) {
      rig.send(putOf(turn, 100))
      rig.clock.advance(turn === 0 ? 200 : 5)
      rig.node.turn.run()
    }
    rig.restart()
    rig.pass(10_000)
    assertEqualToTwin(rig)
    rig.close()
  }
})

test('the old file stays until the last reader has let go of it', () => {
  const rig = emptiedRig(lmdbRig())
  rig.words.store(frontReader(3), 1)
  rig.words.store(watchReader(0), 1)
  rig.pass(10_000)
  assert.equal(generationOf(rig), 2)
  assert.equal(rig.node.store.isOpen, true)
  rig.words.store(frontReader(3), 2)
  rig.pass(1000)
  assert.equal(rig.node.store.isOpen, true)
  rig.words.store(watchReader(0), 0)
  rig.pass(1000)
  assert.equal(rig.node.store.isOpen, false)
  rig.words.store(frontReader(3), 0)
  rig.close()
})

test('while its checkpoint is made the new file may fall behind by any amount, and catches up without a pause', () => {
  const disk = new LaggingDisk()
  const rig = emptiedRig(new MvccRig({ disk, limits: { ...EAGER, copyBehindBytesMax: 64 } }))
  disk.checkpointer.lags = true
  rig.pass(2000)
  assert.ok(disk.checkpointer.isRunning)
  for (let key = 0; key < 200; key++) rig.ask(putOf(key, 20_000))
  disk.checkpointer.goOn()
  const beganMs = rig.clock.nowMs()
  while (generationOf(rig) === 1) {
    rig.clock.advance(1)
    rig.run()
    assert.ok(rig.clock.nowMs() - beganMs < 50, 'the new file takes over soon')
  }
  assertEqualToTwin(rig)
  rig.close()
})

test('a file is closed only when the syncs of it that were ordered are done', () => {
  const disk = new LaggingDisk()
  const rig = emptiedRig(new MvccRig({ disk, limits: EAGER }))
  disk.checkpointer.lags = true
  rig.pass(2000)
  assert.ok(disk.checkpointer.isRunning)
  disk.checkpointer.goOn()
  disk.checkpointer.lags = true
  rig.node.store.checkpointer.syncAhead(rig.node.store.source)
  rig.pass(1000)
  assert.equal(generationOf(rig), 2)
  assert.equal(rig.node.store.isOpen, true)
  disk.checkpointer.goOn()
  rig.pass(1000)
  assert.equal(rig.node.store.isOpen, false)
  assertEqualToTwin(rig)
  rig.close()
})

for (const end of ['is overtaken', 'is stopped'] as const) {
  test(`a copy that ${end} is closed only when the syncs of it that were ordered are done`, () => {
    const disk = new LaggingDisk()
    const limits = { ...EAGER, syncAheadBytes: 4096, copyBehindBytesMax: 64 }
    const rig = emptiedRig(new MvccRig({ disk, limits }))
    rig.pass(900)
    disk.checkpointer.lags = true
    rig.clock.advance(200)
    for (let turn = 0; turn < 4; turn++) {
      rig.clock.advance(5)
      rig.node.turn.run()
    }
    assert.ok(disk.checkpointer.waiting > 0 && !disk.checkpointer.isRunning, 'the copy is under way')
    if (end === 'is overtaken') {
      for (let put = 0; put < 3000; put++) rig.send(putOf(put % KEYS, 10))
      rig.run()
      assert.equal(rig.node.switching.copy, null)
      assert.equal(generationOf(rig), 1)
    } else {
      rig.restart()
    }
    disk.checkpointer.goOn()
    rig.pass(10_000)
    assertEqualToTwin(rig)
    rig.close()
  })
}

test('a file that grows back at once is made smaller less and less often', () => {
  const limits = { ...EAGER, spareBytesMax: 4096, spareFactorMax: 1, shrinkPauseMs: 1000, shrinkPauseMsMax: 8000 }
  const rig = new MvccRig({ disk: new LmdbDisk(), limits })
  const switchedMs: number[] = []
  const beganMs = rig.clock.nowMs()
  for (let generation = 1; rig.clock.nowMs() < beganMs + 60_000;) {
    rig.send(putOf(1, 30_000))
    rig.pass(100)
    if (generationOf(rig) === generation) continue
    generation = generationOf(rig)
    switchedMs.push(rig.clock.nowMs() - beganMs)
  }
  const pauses = switchedMs.slice(1).map((atMs, i) => atMs - (switchedMs[i] as number))
  assert.ok((pauses[0] as number) < 3000, `pauses of ${pauses.join(', ')} ms`)
  assert.ok((pauses.at(-1) as number) >= 8000, `pauses of ${pauses.join(', ')} ms`)
  rig.close()
})

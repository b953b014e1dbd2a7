/** Random requests, restarts and crashes: the actor and the model of etcd never differ. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Prng } from '../../src/base/prng.js'
import { NOTHING_WANTED, Word } from '../../src/messages/shared-words.js'
import {
  expectAnswer,
  expectSameEvents,
  expectSamePathFromSnapshot,
  expectSameState,
  expectStillReadable,
} from './support/compare-with-model.js'
import { EtcdModel } from './support/etcd-model.js'
import { MvccRig } from './support/mvcc-rig.js'
import { RandomRequests } from './support/random-requests.js'
import { LmdbDisk, MemoryDisk, type Disk } from './support/test-disk.js'

test('every answer, every retained revision and every event is as etcd would have it', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const prng = new Prng(seed)
      const rig = new MvccRig({ compactionBatchMax: prng.pick([1, 3, 1000]) })
      const model = new EtcdModel()
      const requests = new RandomRequests(prng)
      for (let i = 0; i < 60; i++) {
        const spec = requests.next(model.revision, model.compactRevision, rig.term)
        const answer = rig.ask(spec)
        const expected = model.apply(spec, rig.term)
        expectAnswer(answer, expected)
        if (spec.kind === 'txn' && expected.error === null) expectSamePathFromSnapshot(rig, spec.txn, expected)
        if (prng.chance(0.2)) rig.pass(prng.between(0, 50))
        if (prng.chance(0.1)) expectSameState(rig, model)
      }
      expectSameState(rig, model)
      expectSameEvents(rig.node.events.take(), model, 1)
      rig.close()
    }),
    { numRuns: 40 },
  )
})

test('requests that come many to a batch end as requests that come one by one', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const prng = new Prng(seed)
      const rig = new MvccRig({ limits: { batchEntriesMax: prng.pick([1, 2, 7, 100]) } })
      const model = new EtcdModel()
      const requests = new RandomRequests(prng)
      let lifeBegan = 1
      for (let round = 0; round < 6; round++) {
        for (let i = prng.between(1, 25); i > 0; i--) {
          const spec = requests.next(model.revision, model.compactRevision, rig.term)
          rig.send(spec)
          model.apply(spec, rig.term)
        }
        rig.run()
        rig.pass(prng.between(0, 100))
        if (prng.chance(0.3)) {
          expectSameEvents(rig.node.events.take(), model, lifeBegan)
          rig.restart()
          lifeBegan = model.revision
        }
        expectSameState(rig, model)
      }
      rig.close()
    }),
    { numRuns: 40 },
  )
})

test('a revision that a reader holds stays readable, however far compaction has come', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const prng = new Prng(seed)
      const rig = new MvccRig({ fronts: 3, compactionBatchMax: prng.pick([1, 4, 1000]) })
      const model = new EtcdModel()
      const requests = new RandomRequests(prng)
      const held = new Map<number, number>()
      for (let i = 0; i < 80; i++) {
        const spec = prng.chance(0.15)
          ? ({ kind: 'compact', revision: prng.between(model.compactRevision, model.revision) } as const)
          : requests.next(model.revision, model.compactRevision, rig.term)
        rig.send(spec)
        model.apply(spec, rig.term)
        rig.run()
        const front = prng.between(0, 2)
        if (held.has(front) ? prng.chance(0.1) : prng.chance(0.3)) {
          // As a front does it: the floor first, then a snapshot whose compact revision allows the read.
          const oldest = Math.max(1, model.compactRevision)
          const floor = held.has(front) ? NOTHING_WANTED : prng.between(oldest, model.revision)
          rig.words.store(Word.readFloor + front, floor)
          if (floor === NOTHING_WANTED) held.delete(front)
          else held.set(front, floor)
        }
        if (prng.chance(0.5)) rig.pass(prng.between(0, 200))
        for (const revision of held.values()) expectStillReadable(rig, model, revision)
      }
      for (const front of held.keys()) rig.words.store(Word.readFloor + front, NOTHING_WANTED)
      rig.pass(5000)
      assert.ok(rig.words.load(Word.compactedPhysically) >= Math.max(0, model.compactRevision))
      expectSameState(rig, model)
      rig.close()
    }),
    { numRuns: 40 },
  )
})

function crashes(openDisk: () => Disk, numRuns: number): void {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const prng = new Prng(seed)
      const rig = new MvccRig({
        disk: openDisk(),
        compactionBatchMax: prng.pick([1, 5, 1000]),
        limits: { checkpointMs: prng.pick([10, 100, 1000]), batchEntriesMax: prng.pick([3, 100]) },
      })
      const model = new EtcdModel()
      const requests = new RandomRequests(prng)
      for (let round = 0; round < 12; round++) {
        for (let i = prng.between(0, 12); i > 0; i--) {
          const spec = requests.next(model.revision, model.compactRevision, rig.term)
          rig.send(spec)
          model.apply(spec, rig.term)
        }
        // Sometimes the entries are in the log and nothing else has happened yet.
        if (prng.chance(0.8)) rig.run()
        if (prng.chance(0.6)) rig.pass(prng.between(0, 120))
        if (prng.chance(0.4)) {
          rig.crash()
          expectSameEvents(rig.node.events.take(), model, rig.node.startRevision)
        }
        rig.run()
        expectSameState(rig, model)
      }
      rig.close()
    }),
    { numRuns },
  )
}

test('after any crash the newest checkpoint and the log give back exactly what was', () => {
  crashes(() => new MemoryDisk(), 60)
})

test('so they do on the real store', () => {
  crashes(() => new LmdbDisk(), 15)
})

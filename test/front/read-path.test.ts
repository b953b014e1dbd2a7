/** Reads that wait for their index, as they are counted. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FrontContext } from '../../src/front/front-context.js'
import { ReadPath } from '../../src/front/kv/read-path.js'
import { allocateWords, SharedWords, Word } from '../../src/messages/shared-words.js'
import { tellEarly } from '../../src/messages/told-early.js'
import { counters } from '../../src/metrics/counter-catalogue.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import { memoryCounters } from '../support/metrics/memory-counters.js'

const ELECTION_MS = 1000

test('reads that waited longer than an election timeout are counted as slow, open snapshots while they last', () => {
  const words = new SharedWords(allocateWords())
  const page = memoryCounters()
  const store = new MemoryStore()
  let nowMs = 0
  const context = {
    index: 0,
    words,
    counters: page,
    config: { electionMs: ELECTION_MS },
    clock: { nowMs: () => nowMs, wallMs: () => 0 },
    openStore: () => store,
  } as unknown as FrontContext
  const reads = new ReadPath(context)
  const open: number[] = []
  const task = { call: null, run: () => void open.push(page.get(counters.openSnapshots)) }
  words.store(Word.storeGeneration, 1)
  words.store(Word.commitAndSolo, 2 * 7 + 1)
  reads.linearizable(task, nowMs)
  reads.linearizable(task, nowMs)
  assert.equal(reads.serve(nowMs), 0)
  nowMs = ELECTION_MS + 1
  words.store(Word.appliedIndex, 7)
  assert.equal(reads.serve(nowMs), 2)
  assert.equal(page.get(counters.slowReadIndexes), 2)
  reads.linearizable(task, nowMs)
  assert.equal(reads.serve(nowMs), 1)
  assert.equal(page.get(counters.slowReadIndexes), 2)
  assert.deepEqual([open, page.get(counters.openSnapshots)], [[1, 1, 1], 0])
})

/** A member that may not answer alone: what raft is asked, and what becomes of the reads. */
class AskingRig {
  readonly words = new SharedWords(allocateWords())
  readonly asked: number[] = []
  readonly ran: string[] = []
  readonly reads: ReadPath
  isRingFull = false
  nowMs = 0

  constructor() {
    const raft = {
      readIndex: ({ ticket }: { ticket: number }) => {
        if (!this.isRingFull) this.asked.push(ticket)
        return !this.isRingFull
      },
    }
    this.reads = new ReadPath({
      index: 0,
      words: this.words,
      raft,
      counters: memoryCounters(),
      config: { electionMs: ELECTION_MS },
      clock: { nowMs: () => this.nowMs, wallMs: () => 0 },
      openStore: () => new MemoryStore(),
    } as unknown as FrontContext)
    this.words.store(Word.storeGeneration, 1)
    this.words.storeId(Word.leaderId, 5n)
  }

  read(name: string): void {
    this.reads.linearizable({ call: null, run: () => void this.ran.push(name) }, this.nowMs)
  }

  turn(nowMs = this.nowMs): void {
    this.nowMs = nowMs
    this.reads.serve(nowMs)
  }
}

test('reads share a ticket until it is sent; what comes later waits for the next one', () => {
  const rig = new AskingRig()
  rig.read('a')
  rig.read('b')
  rig.turn()
  rig.read('c')
  rig.turn()
  assert.deepEqual(rig.asked, [1])
  rig.reads.onReady(1, 7)
  rig.turn()
  assert.deepEqual([rig.asked, rig.ran], [[1, 2], []], 'the store is not that far')
  rig.words.store(Word.appliedIndex, 7)
  rig.turn()
  assert.deepEqual(rig.ran, ['a', 'b'])
  rig.reads.onReady(2, 7)
  rig.turn()
  assert.deepEqual(rig.ran, ['a', 'b', 'c'])
  assert.equal(rig.reads.isIdle, true)
})

test('a ticket without an answer is followed by another after half a second, and an answer to either will do', () => {
  const rig = new AskingRig()
  rig.words.store(Word.appliedIndex, 9)
  rig.read('a')
  rig.turn(0)
  assert.equal(rig.reads.wakeAtMs(7000), 500)
  rig.turn(499)
  rig.turn(500)
  assert.deepEqual(rig.asked, [1, 2])
  rig.reads.onReady(1, 9)
  rig.turn()
  assert.deepEqual(rig.ran, ['a'])
  rig.read('b')
  rig.turn()
  rig.reads.onReady(2, 9)
  rig.turn()
  assert.deepEqual(rig.ran, ['a'], 'an answer to a ticket from before a read does not serve it')
})

test('a full ring is tried again soon', () => {
  const rig = new AskingRig()
  rig.isRingFull = true
  rig.read('a')
  rig.turn(0)
  assert.equal(rig.reads.wakeAtMs(7000), 1)
  rig.isRingFull = false
  rig.turn(1)
  assert.deepEqual(rig.asked, [1])
})

test('another leader ends the reads that were sent to the one before; those that were not go to it', () => {
  const rig = new AskingRig()
  rig.read('a')
  rig.turn()
  rig.read('b')
  assert.equal(rig.reads.onLeaderChanged().length, 1)
  rig.turn()
  assert.deepEqual(rig.asked, [1, 2])
  rig.reads.onReady(1, 3)
  rig.reads.onReady(2, -1)
  rig.turn()
  assert.deepEqual(rig.ran, [])
})

test('without a leader nothing is asked, and reads run out of patience', () => {
  const rig = new AskingRig()
  rig.words.storeId(Word.leaderId, 0n)
  rig.read('a')
  rig.turn(10)
  assert.deepEqual(rig.asked, [])
  assert.equal(rig.reads.expired(6999, 7000).length, 0)
  assert.equal(rig.reads.expired(7000, 7000).length, 1)
})

test('a store that is replaced while a read waits for its index is let go of, and the thread may sleep', () => {
  const rig = new AskingRig()
  rig.read('a')
  rig.turn()
  rig.reads.onReady(1, 0)
  rig.turn()
  assert.deepEqual(rig.ran, ['a'])
  rig.read('b')
  rig.turn()
  rig.words.store(Word.storeGeneration, 2)
  assert.equal(rig.reads.awaitedWordCame(), true)
  assert.equal(rig.reads.serve(rig.nowMs), 1)
  assert.equal(rig.reads.awaitedWordCame(), false)
  assert.equal(rig.words.load(Word.generationUsed), 0)
  assert.equal(rig.reads.serve(rig.nowMs), 0)
  rig.reads.onReady(2, 0)
  rig.turn()
  assert.deepEqual(rig.ran, ['a', 'b'])
})

test('what anybody was told before the store has it is waited for by every read', () => {
  const rig = new AskingRig()
  const fresh = (name: string): void => rig.reads.whenFresh({ call: null, run: () => void rig.ran.push(name) })
  rig.words.store(Word.appliedIndex, 6)
  rig.words.store(Word.commitAndSolo, 2 * 6 + 1)
  tellEarly(rig.words, 7, 70)
  fresh('before')
  rig.turn()
  assert.deepEqual(rig.ran, ['before'], 'nobody was told while it is not durable')
  rig.words.store(Word.durableIndex, 7)
  rig.reads.answer({ call: null, run: () => void rig.ran.push('answer') })
  rig.turn()
  assert.deepEqual(rig.ran.splice(1), ['answer'], 'what was applied before it was told waits for nothing')
  fresh('fresh')
  rig.read('linearizable')
  rig.turn()
  assert.deepEqual([rig.ran, rig.reads.awaitedWordCame()], [['before'], false])
  assert.equal(rig.words.load(Word.appliedWanted), 7)
  rig.words.store(Word.appliedIndex, 7)
  assert.ok(rig.reads.awaitedWordCame())
  rig.turn()
  assert.deepEqual(rig.ran, ['before', 'linearizable', 'fresh'])
  assert.ok(rig.reads.isIdle)
})

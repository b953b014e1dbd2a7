/** Answers that wait for the disk: none before its entry is durable; each once, with the times of its sync. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EarlyAnswers } from '../../../src/front/requests/early-answers.js'
import type { FrontMessages } from '../../../src/messages/front-messages.js'
import type { Message } from '../../../src/messages/protocol.js'
import { allocateWords, SharedWords, Word } from '../../../src/messages/shared-words.js'
import { allocateSyncTimes, SyncTimesWriter } from '../../../src/messages/sync-times.js'
import { TOLD_EARLY } from '../../../src/messages/told-early.js'

const SYNC = { writeStartMs: 2, writtenMs: 3, syncedMs: 4 }
const SYNCED = { flags: TOLD_EARLY, ...SYNC, quorumMs: 4, committedMs: 5 }

class Rig {
  readonly words = new SharedWords(allocateWords())
  readonly sent: unknown[] = []
  readonly early: EarlyAnswers
  readonly #syncs: SyncTimesWriter

  constructor() {
    const memory = allocateSyncTimes()
    this.#syncs = new SyncTimesWriter(memory)
    this.early = new EarlyAnswers(this.words, memory, (answer) => this.sent.push({ ...answer }))
  }

  hear(index: number, flags = TOLD_EARLY): boolean {
    return this.early.holds({ index, flags } as Message<FrontMessages, 'applied'>)
  }

  sync(index: number): void {
    this.#syncs.add(index, SYNC, 5)
    this.words.store(Word.durableIndex, index)
  }
}

test('what is answered after its commit does not wait', () => {
  const rig = new Rig()
  assert.equal(rig.hear(1, 1), false)
  assert.deepEqual(rig.sent, [])
})

test('an answer waits for its entry, and those of one sync go together', () => {
  const rig = new Rig()
  assert.ok(rig.hear(1) && rig.hear(2) && rig.hear(4))
  assert.deepEqual([rig.early.hasDue(), rig.early.release(), rig.sent], [false, 0, []])
  rig.sync(3)
  assert.ok(rig.early.hasDue())
  assert.equal(rig.early.release(), 2)
  assert.deepEqual(rig.sent, [{ index: 1, ...SYNCED }, { index: 2, ...SYNCED }])
  assert.equal(rig.early.hasDue(), false)
  rig.sync(4)
  assert.equal(rig.early.release(), 1)
  assert.equal(rig.early.release(), 0)
})

test('one that comes when its entry is durable goes at once, but not before one that waits', () => {
  const rig = new Rig()
  rig.sync(1)
  assert.ok(rig.hear(1))
  assert.deepEqual(rig.sent, [{ index: 1, ...SYNCED }])
  assert.ok(rig.hear(2))
  rig.sync(3)
  assert.ok(rig.hear(3))
  assert.equal(rig.sent.length, 1)
  assert.equal(rig.early.release(), 2)
})

/** What mvcc is given, and when: over a real core, with its messages counted. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MvccMessages } from '../../src/messages/mvcc-messages.js'
import type { Sender } from '../../src/messages/protocol.js'
import { allocateWords, SharedWords, Word } from '../../src/messages/shared-words.js'
import { ApplyFeed } from '../../src/raft/apply-feed.js'
import { confStateOf } from '../../src/raft/core/conf-change.js'
import { RaftCore } from '../../src/raft/core/raft-core.js'
import { EntryType, LogEntry } from '../../src/raft/core/raft-log.js'
import { RAFT_LIMITS_DEFAULT } from '../../src/raft/core/raft-state.js'

const MEMBER = 7n
const ROOM_BYTES = 10_000
const TIMES = { writeStartMs: 1, writtenMs: 2, syncedMs: 3 }

class Rig {
  readonly words = new SharedWords(allocateWords())
  readonly given: { readonly index: number; readonly isEarly: boolean }[] = []
  readonly core: RaftCore
  readonly feed: ApplyFeed
  roomBytes = ROOM_BYTES
  published = 0

  constructor() {
    const confState = confStateOf([MEMBER])
    const hardState = { term: 1, vote: MEMBER, commit: 0 }
    const log = { entries: [], applied: 0, snapshotIndex: 0, snapshotTerm: 0, persisted: true }
    const initial = { hardState, confState, ...log }
    this.core = new RaftCore(MEMBER, initial, { limits: RAFT_LIMITS_DEFAULT, random: () => 0.5 })
    const mvcc = {
      apply: (message: { readonly index: number; readonly committedMs: number }) => {
        this.given.push({ index: message.index, isEarly: message.committedMs === 0 })
        return true
      },
    } as unknown as Sender<MvccMessages>
    this.feed = new ApplyFeed({
      words: this.words,
      mvcc,
      mvccRoomBytes: () => this.roomBytes,
      publishToMvcc: () => this.published++,
      clock: () => 5,
    })
    this.feed.start(0, 1)
    assert.ok(this.core.campaign())
    this.settle()
  }

  /** One Ready as the actor carries it out; returns what must be durable before it counts. */
  step(): { readonly term: number; readonly index: number } | null {
    const ready = this.core.ready(Infinity, Infinity)
    if (ready === null) return null
    this.feed.giveEarly(this.core, ready.appendFirst, ready.appendLast, 2)
    this.feed.giveCommitted(this.core, ready.applyLast, { of: () => TIMES }, 4)
    return { term: ready.appendTerm, index: ready.appendIndex }
  }

  /** Everything that was asked to be stored is on disk and applied. */
  settle(): void {
    for (let flush = this.step(); flush !== null; flush = this.step()) {
      this.core.onDurable(flush.term, flush.index)
    }
    this.core.appliedTo(this.core.committed)
    this.given.length = 0
    this.published = 0
  }

  propose(): number {
    assert.ok(this.core.proposeOne(new LogEntry(EntryType.normal, new Uint8Array([1]), 1)).ok)
    return this.core.lastIndex
  }
}

test('the only voter gives what it orders at once, published but nobody woken', () => {
  const rig = new Rig()
  const index = rig.propose()
  rig.step()
  assert.deepEqual(rig.given, [{ index, isEarly: true }])
  assert.equal(rig.words.load(Word.commitsWhenDurable), index)
  assert.equal(rig.published, 1)
})

test('what a full ring to mvcc had no room for goes when it is committed', () => {
  const rig = new Rig()
  const first = rig.propose()
  rig.propose()
  rig.roomBytes = rig.core.entry(first).sizeBytes
  const flush = rig.step()
  assert.deepEqual(rig.given, [{ index: first, isEarly: true }])
  rig.core.onDurable(flush?.term ?? 0, first + 1)
  rig.step()
  assert.deepEqual(rig.given.slice(1), [{ index: first + 1, isEarly: false }])
})

test('or with the next entries, early again, in order', () => {
  const rig = new Rig()
  const first = rig.propose()
  rig.propose()
  rig.roomBytes = rig.core.entry(first).sizeBytes
  rig.step()
  rig.propose()
  rig.roomBytes = ROOM_BYTES
  rig.step()
  assert.deepEqual(rig.given, [first, first + 1, first + 2].map((index) => ({ index, isEarly: true })))
})

test('what follows a configuration change that is not applied waits until it is committed', () => {
  const rig = new Rig()
  const entry = new LogEntry(EntryType.confChange, new Uint8Array([1]), 1)
  assert.ok(rig.core.proposeOne(entry).ok)
  rig.propose()
  rig.step()
  assert.deepEqual(rig.given, [])
  assert.ok(!rig.core.commitsAlone())
})

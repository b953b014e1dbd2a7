/** The raft actor between real rings: what it sends to wal and mvcc, and in which order it trusts the disk. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Turn } from '../../../src/actor/turn.js'
import { frontMessages } from '../../../src/messages/front-messages.js'
import { leaseMessages } from '../../../src/messages/lease-messages.js'
import { senderOf } from '../../../src/messages/message-codec.js'
import { mvccMessages } from '../../../src/messages/mvcc-messages.js'
import type { Protocol, Sender } from '../../../src/messages/protocol.js'
import { raftMessages, type RaftMessages } from '../../../src/messages/raft-messages.js'
import { allocateWords, SharedWords, Word } from '../../../src/messages/shared-words.js'
import { walMessages } from '../../../src/messages/wal-messages.js'
import { etcdErrors } from '../../../src/proto/etcd-errors.js'
import { encodeConfState } from '../../../src/proto/generated/raftpb.js'
import { RaftActor } from '../../../src/raft/raft-actor.js'
import { RAFT_LIMITS_DEFAULT } from '../../../src/raft/core/raft-state.js'
import { allocateRing } from '../../../src/ring/ring-layout.js'
import { RingReader } from '../../../src/ring/ring-reader.js'
import { RingWriter } from '../../../src/ring/ring-writer.js'
import { Mailbox, type HeardMessage } from '../../mvcc/support/mailbox.js'
import { memoryCounters } from '../../support/metrics/memory-counters.js'
import { QUIET_LOGGER } from '../../mvcc/support/quiet-logger.js'

const MEMBER = 7n
const RING_BYTES = 64 * 1024
const HEARTBEAT_MS = 100
const FRONT_HIGH = 0
const NO_TIMES = { writeStartMs: 0, writtenMs: 0, syncedMs: 0 }

class Rig {
  readonly words = new SharedWords(allocateWords())
  readonly toRaft: Sender<RaftMessages>
  readonly wal: Mailbox
  readonly mvcc: Mailbox
  readonly front: Mailbox
  readonly #turn: Turn
  readonly #writer: RingWriter
  nowMs = 0

  constructor(snapshotCount = 10, advancesElection = true, heartbeatMs = HEARTBEAT_MS) {
    const memory = allocateRing(RING_BYTES)
    this.#writer = new RingWriter(memory)
    this.toRaft = senderOf(raftMessages, this.#writer)
    this.#turn = new Turn({ nowMs: () => this.nowMs, wallMs: () => 0 })
    const outlet = <P extends Protocol>(protocol: P): { sender: Sender<P>; mailbox: Mailbox; publish: () => void } => {
      const ring = allocateRing(RING_BYTES)
      const writer = new RingWriter(ring)
      this.#turn.outbox.add(writer, null)
      const publish = (): void => {
        writer.publish()
      }
      return { sender: senderOf(protocol, writer), mailbox: new Mailbox(protocol, ring), publish }
    }
    const wal = outlet(walMessages)
    const mvcc = outlet(mvccMessages)
    const front = outlet(frontMessages)
    this.wal = wal.mailbox
    this.mvcc = mvcc.mailbox
    this.front = front.mailbox
    const actor = new RaftActor({
      memberId: MEMBER,
      bootstrapEntries: [],
      heartbeatMs,
      advancesElection,
      forcedWithUrls: null,
      snapshotCount,
      walStallHandoverMs: 5000,
      limits: { ...RAFT_LIMITS_DEFAULT, appendBytesMax: Infinity, applyBytesMax: Infinity },
      random: () => 0.5,
      clock: () => this.nowMs,
      words: this.words,
      wal: wal.sender,
      mvcc: mvcc.sender,
      fronts: [front.sender],
      lease: outlet(leaseMessages).sender,
      walRoomBytes: () => RING_BYTES / 2,
      mvccRoomBytes: () => RING_BYTES / 2,
      publishToMvcc: () => mvcc.publish(),
      ringFronts: () => undefined,
      counters: memoryCounters(),
      peer: null,
      requestTimeoutMs: 7000,
      logger: QUIET_LOGGER,
    })
    this.#turn.add(actor).add(new RingReader(memory), 0)
    this.#turn.start()
  }

  run(): void {
    this.#writer.publish()
    this.nowMs++
    while (this.#turn.run() > 0);
  }

  /** A member that was the only voter before, restarted with `entries` of its past on disk and applied. */
  restart(applied: number): void {
    for (let index = 1; index <= applied; index++) {
      this.toRaft.recoveredEntry({ term: 1, index, type: 0, data: new Uint8Array(0) })
    }
    const confState = encodeConfState({ voters: [MEMBER] })
    this.toRaft.recovered({
      fresh: 0,
      term: 1,
      vote: MEMBER,
      commit: applied,
      snapshotIndex: 0,
      snapshotTerm: 0,
      confState: new Uint8Array(0),
    })
    this.toRaft.storeRestored({ appliedIndex: applied, appliedTerm: 1, installed: 0, confState })
    this.words.store(Word.appliedIndex, applied)
    this.run()
  }

  /** Answers every flush heard so far; returns what wal was told. */
  sync(): HeardMessage[] {
    const heard = this.wal.take()
    const flush = heard.filter(({ message }) => message === 'flush').at(-1)
    if (flush !== undefined) this.toRaft.durable({ sequence: flush['sequence'] as number, ...NO_TIMES })
    this.run()
    return heard
  }

  apply(): HeardMessage[] {
    const heard = this.mvcc.take()
    const last = heard.at(-1)
    if (last !== undefined) this.words.store(Word.appliedIndex, last['index'] as number)
    this.run()
    return heard
  }

  /** Elected and with its own first entry applied. */
  lead(applied = 1): void {
    this.restart(applied)
    for (let i = 0; i < 4; i++) {
      this.sync()
      this.apply()
    }
    assert.equal(this.words.load(Word.commitAndSolo) % 2, 1)
  }

  propose(low: number): void {
    this.toRaft.propose({ requestHigh: FRONT_HIGH, requestLow: low, data: new Uint8Array([low]) })
  }
}

test('the only voter leads at once, and not before its vote is on disk', () => {
  const rig = new Rig()
  rig.restart(1)
  assert.equal(rig.words.loadId(Word.leaderId), 0n)
  rig.sync()
  assert.equal(rig.words.loadId(Word.leaderId), MEMBER)
  assert.equal(rig.words.load(Word.term), 2)
})

for (const heartbeatMs of [HEARTBEAT_MS, 3 * HEARTBEAT_MS]) {
  test(`without the advance of election ticks the only voter waits out its ticks, each of ${heartbeatMs} ms`, () => {
    const rig = new Rig(10, false, heartbeatMs)
    rig.restart(1)
    rig.sync()
    assert.equal(rig.words.loadId(Word.leaderId), 0n)
    // The timeout is drawn between one and two times the ticks of the limits; the rig's draw is the middle.
    const ticks = Math.floor(1.5 * RAFT_LIMITS_DEFAULT.electionTicks)
    for (let tick = 1; tick < ticks; tick++) {
      rig.nowMs += heartbeatMs
      rig.run()
      rig.sync()
    }
    assert.equal(rig.words.loadId(Word.leaderId), 0n)
    for (let tick = 0; tick < 2; tick++) {
      rig.nowMs += heartbeatMs
      rig.run()
      rig.sync()
    }
    assert.equal(rig.words.loadId(Word.leaderId), MEMBER)
  })
}

test('a tick that is longer makes more of the same time', () => {
  const rig = new Rig(10, false, 3 * HEARTBEAT_MS)
  rig.restart(1)
  rig.sync()
  for (let tick = 0; tick < 2 * RAFT_LIMITS_DEFAULT.electionTicks; tick++) {
    rig.nowMs += HEARTBEAT_MS
    rig.run()
    rig.sync()
  }
  assert.equal(rig.words.loadId(Word.leaderId), 0n, 'two election timeouts of shorter ticks have gone by')
})

test('linearizable reads wait until an entry of the own term is committed', () => {
  const rig = new Rig()
  rig.restart(1)
  rig.sync()
  assert.equal(rig.words.load(Word.commitAndSolo) % 2, 0)
  rig.sync()
  assert.equal(rig.words.load(Word.commitAndSolo) % 2, 1)
})

test('the only voter gives an entry to mvcc at once, behind the word that makes it wait for the disk', () => {
  const rig = new Rig()
  rig.lead()
  const before = rig.words.load(Word.commitsWhenDurable)
  rig.propose(5)
  rig.run()
  const [given, ...more] = rig.mvcc.take()
  assert.deepEqual([given?.['data'], given?.['committedMs'], more], [new Uint8Array([5]), 0, []])
  assert.ok(before < (given?.['index'] as number))
  assert.equal(rig.words.load(Word.commitsWhenDurable), given?.['index'])
  rig.sync()
  assert.deepEqual(rig.mvcc.take(), [], 'nothing goes twice')
})

test('mvcc may have applied what the disk holds before raft has heard of it', () => {
  const rig = new Rig()
  rig.lead()
  rig.propose(5)
  rig.run()
  const index = rig.mvcc.take().at(-1)?.['index'] as number
  rig.words.store(Word.appliedIndex, index)
  rig.run()
  assert.equal(Math.floor(rig.words.load(Word.commitAndSolo) / 2), index - 1)
  rig.sync()
  assert.equal(Math.floor(rig.words.load(Word.commitAndSolo) / 2), index)
})

test('before it leads, an entry goes to mvcc only when it is committed', () => {
  const rig = new Rig()
  rig.restart(1)
  rig.sync()
  assert.deepEqual(rig.mvcc.take(), [], 'the own first entry is not on disk')
  assert.equal(rig.words.load(Word.commitsWhenDurable), 0)
  rig.sync()
  assert.equal(rig.mvcc.take().length, 1)
})

test('one answer for the flush of an append and that of a snapshot record behind it makes the append durable', () => {
  const rig = new Rig(1)
  rig.lead()
  rig.propose(5)
  rig.toRaft.checkpointed({ index: 2, term: 2 })
  rig.run()
  const heard = rig.sync().map(({ message }) => message)
  assert.deepEqual(heard.filter((message) => message === 'flush').length, 2)
  assert.ok(heard.includes('saveSnapshot'))
  assert.equal(rig.mvcc.take().length, 1)
})

test('a full disk refuses proposals with the error that clients know, until there is room', () => {
  const rig = new Rig()
  rig.lead()
  rig.toRaft.space({ source: 0, available: 0 })
  rig.propose(5)
  rig.run()
  assert.deepEqual(
    rig.front.take().map(({ message, error }) => [message, error]),
    [['refused', etcdErrors.noSpace.id]],
  )
  rig.toRaft.space({ source: 0, available: 1 })
  rig.propose(6)
  rig.run()
  assert.equal(rig.mvcc.take().length, 1)
})

test('a proposal before the log is recovered is refused', () => {
  const rig = new Rig()
  rig.propose(5)
  rig.run()
  assert.deepEqual(
    rig.front.take().map(({ message, error }) => [message, error]),
    [['refused', etcdErrors.noLeader.id]],
  )
})

test('a commit index alone is written with the next append, or after a second', () => {
  const rig = new Rig()
  rig.lead()
  rig.propose(5)
  rig.run()
  rig.sync()
  assert.deepEqual(rig.wal.take(), [])
  rig.nowMs += 1001
  rig.run()
  const states = rig.wal.take()
  assert.deepEqual(
    states.map(({ message, mustSync }) => [message, mustSync]),
    [['saveState', 0]],
  )
})

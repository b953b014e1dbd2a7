/** A leader's snapshot on its way through the raft actor: what wal and mvcc are told of it, and in which order. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Turn } from '../../../src/actor/turn.js'
import { text, utf8 } from '../../../src/base/bytes.js'
import { frontMessages } from '../../../src/messages/front-messages.js'
import { leaseMessages } from '../../../src/messages/lease-messages.js'
import { senderOf } from '../../../src/messages/message-codec.js'
import { mvccMessages } from '../../../src/messages/mvcc-messages.js'
import { peerMessages } from '../../../src/messages/peer-messages.js'
import type { Protocol, Sender } from '../../../src/messages/protocol.js'
import { raftMessages, type RaftMessages } from '../../../src/messages/raft-messages.js'
import { allocateWords, SharedWords, Word } from '../../../src/messages/shared-words.js'
import { walMessages } from '../../../src/messages/wal-messages.js'
import { encodeConfState } from '../../../src/proto/generated/raftpb.js'
import { confStateOf } from '../../../src/raft/core/conf-change.js'
import { placedEntry } from '../../../src/raft/core/raft-log.js'
import { MessageType, RaftMessage } from '../../../src/raft/core/raft-message.js'
import { RAFT_LIMITS_DEFAULT } from '../../../src/raft/core/raft-state.js'
import { EntryArena } from '../../../src/raft/entry-arena.js'
import { PeerOutlet } from '../../../src/raft/peer-outlet.js'
import { RaftActor } from '../../../src/raft/raft-actor.js'
import { MessageReader, messageSize, writeMessage } from '../../../src/raft/raft-wire.js'
import { allocateRing } from '../../../src/ring/ring-layout.js'
import { RingReader } from '../../../src/ring/ring-reader.js'
import { RingWriter } from '../../../src/ring/ring-writer.js'
import { Mailbox, type HeardMessage } from '../../mvcc/support/mailbox.js'
import { QUIET_LOGGER } from '../../mvcc/support/quiet-logger.js'
import { memoryCounters } from '../../support/metrics/memory-counters.js'

const SELF = 7n
const LEADER = 8n
const VOTERS = [SELF, LEADER, 9n]
const TERM = 5
const RING_BYTES = 64 * 1024
const NO_TIMES = { writeStartMs: 0, writtenMs: 0, syncedMs: 0 }

interface Past {
  readonly lastIndex: number
  readonly applied: number
  readonly appliedTerm?: number
  readonly installed?: boolean
}

/** One member of three, with entries of term 1 in its log. */
class Follower {
  readonly words = new SharedWords(allocateWords())
  readonly wal: Mailbox
  readonly mvcc: Mailbox
  readonly peer: Mailbox
  readonly #toRaft: Sender<RaftMessages>
  readonly #turn: Turn
  readonly #writer: RingWriter
  readonly #reader = new MessageReader(new EntryArena())
  #nowMs = 0

  constructor(past: Past) {
    const memory = allocateRing(RING_BYTES)
    this.#writer = new RingWriter(memory)
    this.#toRaft = senderOf(raftMessages, this.#writer)
    this.#turn = new Turn({ nowMs: () => this.#nowMs, wallMs: () => 0 })
    const outlet = (): { ring: SharedArrayBuffer; writer: RingWriter } => {
      const ring = allocateRing(RING_BYTES)
      const writer = new RingWriter(ring)
      this.#turn.outbox.add(writer, null)
      return { ring, writer }
    }
    const open = <P extends Protocol>(protocol: P): { sender: Sender<P>; mailbox: Mailbox } => {
      const { ring, writer } = outlet()
      return { sender: senderOf(protocol, writer), mailbox: new Mailbox(protocol, ring) }
    }
    const wal = open(walMessages)
    const mvcc = open(mvccMessages)
    const peer = outlet()
    this.wal = wal.mailbox
    this.mvcc = mvcc.mailbox
    this.peer = new Mailbox(peerMessages, peer.ring)
    const actor = new RaftActor({
      memberId: SELF,
      bootstrapEntries: [],
      forcedWithUrls: null,
      heartbeatMs: 100,
      advancesElection: true,
      snapshotCount: 10,
      limits: { ...RAFT_LIMITS_DEFAULT, appendBytesMax: Infinity, applyBytesMax: Infinity },
      random: () => 0.5,
      clock: () => this.#nowMs,
      words: this.words,
      wal: wal.sender,
      mvcc: mvcc.sender,
      fronts: [open(frontMessages).sender],
      lease: open(leaseMessages).sender,
      walRoomBytes: () => RING_BYTES / 2,
      mvccRoomBytes: () => RING_BYTES / 2,
      publishToMvcc: () => undefined,
      ringFronts: () => undefined,
      counters: memoryCounters(),
      peer: new PeerOutlet(peer.writer, 1000),
      requestTimeoutMs: 7000,
      walStallHandoverMs: Infinity,
      logger: QUIET_LOGGER,
    })
    this.#turn.add(actor).add(new RingReader(memory), 0)
    this.#turn.start()
    this.#begin(past)
  }

  run(ms = 1): void {
    this.#writer.publish()
    this.#nowMs += ms
    while (this.#turn.run() > 0);
  }

  hear(message: RaftMessage): void {
    assert.ok(this.#toRaft.received({ data: bytesOf(message) }))
    this.run()
  }

  receive(index: number, term = TERM, path = 'a file'): void {
    const message = new RaftMessage(MessageType.snapshot, SELF, LEADER, TERM)
    message.snapshot = { index, term, confState: confStateOf(VOTERS) }
    assert.ok(this.#toRaft.snapshotReceived({ path: utf8(path), data: bytesOf(message) }))
    this.run()
  }

  prepared(index: number): void {
    assert.ok(this.#toRaft.snapshotPrepared({ index }))
    this.run()
  }

  /** Answers every flush; returns what wal was told, shortly. */
  sync(): string[] {
    const heard = this.wal.take()
    const flush = heard.findLast(({ message }) => message === 'flush')
    if (flush !== undefined) this.#toRaft.durable({ sequence: flush['sequence'] as number, ...NO_TIMES })
    this.run()
    return heard.map(short)
  }

  applied(index: number): void {
    this.words.store(Word.appliedIndex, index)
    this.run()
  }

  /** Acknowledgements that left. */
  acks(): number[] {
    return this.peer.take().flatMap(({ data }) => {
      const bytes = data as Uint8Array
      const message = this.#reader.read(bytes, 0, bytes.length)
      return message?.type === MessageType.appendResponse && !message.reject ? [message.index] : []
    })
  }

  #begin({ lastIndex, applied, appliedTerm = 1, installed = false }: Past): void {
    for (let index = 1; index <= lastIndex; index++) {
      this.#toRaft.recoveredEntry({ term: 1, index, type: 0, data: new Uint8Array(0) })
    }
    const confState = encodeConfState({ voters: VOTERS })
    const none = new Uint8Array(0)
    const commit = Math.min(lastIndex, applied)
    this.#toRaft.recovered({
      fresh: 0, term: 1, vote: SELF, commit, snapshotIndex: 0, snapshotTerm: 0, confState: none,
    })
    this.#toRaft.storeRestored({ appliedIndex: applied, appliedTerm, installed: installed ? 1 : 0, confState })
    this.words.store(Word.appliedIndex, applied)
    this.run()
  }
}

function bytesOf(message: RaftMessage): Uint8Array {
  const bytes = new Uint8Array(messageSize(message))
  writeMessage(bytes, 0, message)
  return bytes
}

function short({ message, ...fields }: HeardMessage): string {
  const shown = ['index', 'term', 'restarts', 'commit', 'path'].filter((name) => name in fields)
  const values = shown.map((name) => (name === 'path' ? text(fields[name] as Uint8Array) : String(fields[name])))
  return [message, ...values].join(' ')
}

function append(after: number, logTerm: number, commit: number): RaftMessage {
  const message = new RaftMessage(MessageType.append, SELF, LEADER, TERM)
  message.index = after
  message.logTerm = logTerm
  message.commit = commit
  message.entries = [placedEntry(TERM, after + 1)]
  return message
}

test('the store is prepared, then the log begins anew, then the store is switched', () => {
  const member = new Follower({ lastIndex: 20, applied: 10 })
  member.receive(50)
  assert.deepEqual(member.mvcc.take().map(short), ['installSnapshot 50 5 a file'])
  assert.deepEqual(member.sync(), [])
  assert.deepEqual(member.acks(), [])
  member.prepared(50)
  assert.deepEqual(member.mvcc.take(), [])
  assert.deepEqual(member.sync(), ['saveSnapshot 50 5 1', 'saveState 5 50', 'flush'])
  assert.deepEqual(member.mvcc.take().map(short), ['switchSnapshot 50'])
  assert.deepEqual(member.acks(), [50])
})

test('while the store is prepared nothing is stored, and heartbeats are answered', () => {
  const member = new Follower({ lastIndex: 20, applied: 10 })
  member.receive(50)
  member.hear(append(50, TERM, 51))
  member.hear(new RaftMessage(MessageType.heartbeat, SELF, LEADER, TERM))
  assert.equal(member.peer.take().length, 1)
  member.run(2000)
  assert.deepEqual(member.sync(), [])
  member.prepared(50)
  assert.deepEqual(member.sync(), ['saveSnapshot 50 5 1', 'append 51 5', 'saveState 5 51', 'flush'])
  assert.deepEqual(member.acks(), [51])
})

test('what follows the snapshot goes to mvcc once the store is switched and no sooner', () => {
  const member = new Follower({ lastIndex: 20, applied: 10 })
  member.receive(50)
  member.prepared(50)
  member.sync()
  member.hear(append(50, TERM, 51))
  assert.deepEqual(member.mvcc.take().map(short), ['installSnapshot 50 5 a file', 'switchSnapshot 50'])
  member.applied(50)
  assert.deepEqual(member.mvcc.take().map(short), ['apply 51 5'])
})

test('a store that is of no use is discarded', () => {
  const member = new Follower({ lastIndex: 20, applied: 10 })
  member.receive(10, 1, 'stale')
  member.receive(15, 1, 'already in the log')
  member.receive(50, TERM, 'taken')
  member.receive(60, TERM, 'too soon')
  assert.deepEqual(member.mvcc.take().map(short), [
    'discardSnapshot stale', 'apply 11 1', 'apply 12 1', 'apply 13 1', 'apply 14 1', 'apply 15 1',
    'discardSnapshot already in the log', 'installSnapshot 50 5 taken', 'discardSnapshot too soon',
  ])
})

test('a second snapshot is taken when the first is the store', () => {
  const member = new Follower({ lastIndex: 20, applied: 10 })
  for (const index of [50, 90]) {
    member.receive(index)
    member.prepared(index)
    member.sync()
    member.applied(index)
  }
  assert.deepEqual(member.mvcc.take().map(short), [
    'installSnapshot 50 5 a file', 'switchSnapshot 50', 'installSnapshot 90 5 a file', 'switchSnapshot 90',
  ])
})

test('a start with a store that the log does not know of makes the log begin anew', () => {
  for (const lastIndex of [20, 70]) {
    const member = new Follower({ lastIndex, applied: 50, appliedTerm: TERM, installed: true })
    assert.deepEqual(member.sync().slice(0, 2), ['saveSnapshot 50 5 1', 'flush'])
    member.hear(append(50, TERM, 51))
    member.sync()
    assert.deepEqual(member.mvcc.take().map(short), ['apply 51 5'])
    assert.equal(member.acks().at(-1), 51)
  }
})

test('a log that holds what an installed store ends with goes on', () => {
  const member = new Follower({ lastIndex: 60, applied: 50, installed: true })
  assert.deepEqual(member.sync(), [])
  member.hear(append(60, 1, 61))
  member.sync()
  assert.equal(member.mvcc.take().length, 11)
})

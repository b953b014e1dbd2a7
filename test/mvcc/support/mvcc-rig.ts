/**
 * One mvcc actor on the calling thread with real rings around it: the test is raft, the fronts and lease. The log of
 * entries is kept, so that the actor can be started again and fed what a restart would replay.
 */

import assert from 'node:assert/strict'
import { runUntilQuiet } from '../../../src/actor/inline-runner.js'
import { Turn } from '../../../src/actor/turn.js'
import { allocateEventLog } from '../../../src/keyspace/event-log-layout.js'
import { EventLogWriter } from '../../../src/keyspace/event-log-writer.js'
import { KeyspaceView } from '../../../src/keyspace/keyspace-view.js'
import { settleRecent } from '../../../src/keyspace/tables/settle-recent.js'
import { frontMessages, type FrontMessages } from '../../../src/messages/front-messages.js'
import { leaseMessages } from '../../../src/messages/lease-messages.js'
import { senderOf } from '../../../src/messages/message-codec.js'
import { mvccMessages, type MvccMessages } from '../../../src/messages/mvcc-messages.js'
import type { Protocol, Sender } from '../../../src/messages/protocol.js'
import { peerMessages } from '../../../src/messages/peer-messages.js'
import { raftMessages } from '../../../src/messages/raft-messages.js'
import { LEASE_ORIGIN, memberPrefix, requestHigh, requestLow } from '../../../src/messages/request-id.js'
import { SharedWords, Word, allocateWords } from '../../../src/messages/shared-words.js'
import { allocateSyncTimes } from '../../../src/messages/sync-times.js'
import { MvccActor } from '../../../src/mvcc/mvcc-actor.js'
import { MVCC_LIMITS, type MvccLimits } from '../../../src/mvcc/mvcc-context.js'
import { allocateRing } from '../../../src/ring/ring-layout.js'
import { RingReader } from '../../../src/ring/ring-reader.js'
import { RingWriter } from '../../../src/ring/ring-writer.js'
import { RecentMemory, allocateRecent } from '../../../src/store/recent/recent-memory.js'
import { SwitchingStore } from '../../../src/store/generations/switching-store.js'
import { EventTail } from './event-reader.js'
import { QUIET_LOGGER } from './quiet-logger.js'
import { Mailbox, type HeardMessage } from './mailbox.js'
import { ManualClock } from './manual-clock.js'
import { encodeRequest, type RequestSpec } from './requests.js'
import { MemoryDisk, type Disk, type TestStore } from './test-disk.js'
import { memoryCounters } from '../../support/metrics/memory-counters.js'

export const MEMBER_ID = 0x1234_5678_9abc_def0n
/** A few rows fill it, so that they go to the file all the time. */
const RECENT_SLOT_BYTES = 4096
const TWO_32 = 0x1_0000_0000n

export interface LoggedEntry {
  readonly term: number
  readonly index: number
  readonly type: number
  readonly data: Uint8Array
}

export interface RigOptions {
  readonly memberId?: bigint
  readonly fronts?: number
  readonly limits?: Partial<MvccLimits>
  readonly frontRingBytes?: number
  readonly leaseRingBytes?: number
  readonly eventLogBytes?: number
  readonly compactionBatchMax?: number
  readonly quotaBytes?: number
  readonly learnersMax?: number
  readonly bootstrapDefragBytesMin?: number
  readonly recentSlotBytes?: number
  /** In memory without. */
  readonly disk?: Disk
}

export class MvccRig {
  readonly disk: Disk
  readonly clock = new ManualClock()
  readonly log: LoggedEntry[] = []
  term = 2
  #options: RigOptions
  #sequence = 0
  #node: RunningNode

  constructor(options: RigOptions = {}) {
    this.#options = options
    this.disk = options.disk ?? new MemoryDisk()
    this.#node = new RunningNode(this.disk, this.clock, options)
  }

  get node(): RunningNode {
    return this.#node
  }

  get words(): SharedWords {
    return this.#node.words
  }

  /**
   * Appends a request to the log and hands it to mvcc. Returns the low half of its id, by which its answer is known.
   */
  send(spec: RequestSpec, origin = 0): number {
    const sequence = ++this.#sequence
    const high = requestHigh(memberPrefix(MEMBER_ID), origin, sequence)
    const low = requestLow(sequence)
    this.append(0, encodeRequest(spec, BigInt(high) * TWO_32 + BigInt(low)))
    return low
  }

  sendFromLease(spec: RequestSpec): number {
    return this.send(spec, LEASE_ORIGIN)
  }

  append(type: number, data: Uint8Array): void {
    this.#append(type, data, 1)
  }

  /** An entry of a former life: nobody waits for it, whatever its id says. */
  appendReplayed(type: number, data: Uint8Array): void {
    this.#append(type, data, 0)
  }

  /** Applies one request and returns the answer that its front heard. */
  ask(spec: RequestSpec): HeardMessage {
    const low = this.send(spec)
    this.run()
    const answers = this.#node.fronts[0]?.take() ?? []
    const answer = answers.find((message) => message['requestLow'] === low)
    assert.ok(answer !== undefined, 'the front was answered')
    return answer
  }

  run(): void {
    runUntilQuiet(this.#node.turn)
  }

  /** Lets time pass until mvcc has no deadline closer than `ms`. */
  pass(ms: number): void {
    const untilMs = this.clock.nowMs() + ms
    for (;;) {
      this.run()
      const wakeAtMs = this.#node.turn.wakeAtMs()
      if (wakeAtMs > untilMs) break
      this.clock.advanceTo(Math.max(wakeAtMs, this.clock.nowMs() + 1))
    }
    this.clock.advanceTo(untilMs)
    this.run()
  }

  view<T>(read: (view: KeyspaceView) => T): T {
    const snapshot = this.#node.switching.beginRead()
    try {
      return read(new KeyspaceView(snapshot))
    } finally {
      snapshot.close()
    }
  }

  /** Ends the node cleanly and starts it again, with some options changed. */
  restart(changes: RigOptions = {}): void {
    this.#node.close()
    this.#options = { ...this.#options, ...changes }
    this.#start()
  }

  /** Ends the node as a power cut would: what came after the newest checkpoint is gone. */
  crash(): void {
    this.#node.store.abandon()
    this.#start()
  }

  close(): void {
    this.#node.close()
    this.disk.remove()
  }

  #append(type: number, data: Uint8Array, answer: 0 | 1): void {
    const entry = { term: this.term, index: this.log.length + 1, type, data }
    this.log.push(entry)
    assert.ok(this.#node.apply(entry, answer), 'the ring takes the entry')
  }

  /** A new life of a node that has ended; it has heard nothing yet. */
  startAgain(): void {
    this.term++
    this.#node = new RunningNode(this.disk, this.clock, this.#options)
  }

  /** It hears the log from the beginning, as from a raft whose own snapshot is older than the checkpoint. */
  #start(): void {
    this.startAgain()
    this.replay()
  }

  replay(): void {
    this.run()
    for (const entry of this.log) {
      if (!this.#node.apply(entry, 0)) {
        this.run()
        assert.ok(this.#node.apply(entry, 0), 'an emptied ring takes an entry')
      }
    }
    this.run()
  }
}

/** One life of the actor. */
export class RunningNode {
  readonly words = new SharedWords(allocateWords())
  readonly syncTimes = allocateSyncTimes()
  readonly counters = memoryCounters()
  readonly turn: Turn
  readonly fronts: readonly Mailbox[]
  readonly lease: Mailbox
  readonly raft: Mailbox
  readonly peer: Mailbox
  readonly events: EventTail
  readonly store: TestStore
  /** The store in whichever file it is. */
  readonly switching: SwitchingStore
  /** What the store held when this life began. */
  readonly startIndex: number
  readonly startRevision: number
  /** Times that mvcc woke all fronts, and all watch workers. */
  rungFronts = 0
  rungWatchers = 0
  /** Times that mvcc has said that this member is none any more. */
  removals = 0
  /** What mvcc finds when it waits for wal in the midst of a transaction. */
  awaitDurable: (index: number) => boolean = () => false
  /** Raft's end; what is sent leaves with `publish`. */
  readonly toMvcc: Sender<MvccMessages>
  readonly #applyRing: RingWriter

  constructor(disk: Disk, clock: ManualClock, options: RigOptions) {
    this.turn = new Turn(clock)
    this.store = disk.open()
    assert.ok(settleRecent(this.store.store).ok)
    const recent = new RecentMemory(allocateRecent(options.recentSlotBytes ?? RECENT_SLOT_BYTES, 7))
    this.switching = new SwitchingStore(this.store.store, recent)
    const eventLog = allocateEventLog(options.eventLogBytes ?? 1024 * 1024)
    // Somebody watches, so that events are kept.
    this.words.add(Word.watcherCount, 1)
    this.events = new EventTail(eventLog, this.words)
    const frontRings = Array.from({ length: options.fronts ?? 1 }, () =>
      this.#ring(frontMessages, options.frontRingBytes ?? 1024 * 1024),
    )
    const leaseRing = this.#ring(leaseMessages, options.leaseRingBytes ?? 64 * 1024)
    const raftRing = this.#ring(raftMessages, 64 * 1024)
    const peerRing = this.#ring(peerMessages, 64 * 1024)
    this.fronts = frontRings.map((ring) => ring.mailbox)
    this.lease = leaseRing.mailbox
    this.raft = raftRing.mailbox
    this.peer = peerRing.mailbox
    const actor = new MvccActor({
      memberId: options.memberId ?? MEMBER_ID,
      store: this.switching,
      firstGeneration: this.store,
      generations: this.store.generations,
      checkpointer: this.store.checkpointer,
      eventLog: new EventLogWriter(eventLog, this.words),
      words: this.words,
      syncTimes: this.syncTimes,
      fronts: frontRings.map((ring) => ring.sender as Sender<FrontMessages>),
      raft: raftRing.sender,
      lease: leaseRing.sender,
      publish: () => this.turn.outbox.flush(),
      publishToFronts: () => frontRings.forEach((ring) => ring.publish()),
      awaitDurable: (index) => this.awaitDurable(index),
      ringFronts: () => this.rungFronts++,
      ringWatchers: () => this.rungWatchers++,
      peer: peerRing.sender,
      onRemoved: () => this.removals++,
      config: {
        compactionBatchMax: options.compactionBatchMax ?? 1000,
        compactionSleepMs: 10,
        slowApplyMs: 100,
        quotaBytes: options.quotaBytes ?? Infinity,
        learnersMax: options.learnersMax ?? 1,
        bootstrapDefragBytesMin: options.bootstrapDefragBytesMin ?? Infinity,
      },
      limits: { ...MVCC_LIMITS, ...options.limits },
      clock,
      counters: this.counters,
      logger: QUIET_LOGGER,
    })
    const inlet = allocateRing(4 * 1024 * 1024)
    this.#applyRing = new RingWriter(inlet)
    this.toMvcc = senderOf(mvccMessages, this.#applyRing)
    this.turn.add(actor).add(new RingReader(inlet), 0)
    this.turn.start()
    this.startIndex = this.words.load(Word.appliedIndex)
    this.startRevision = this.words.load(Word.currentRevision)
  }

  /** Puts a committed entry into mvcc's ring; false when that is full. */
  apply(entry: LoggedEntry, answer: 0 | 1): boolean {
    const sent = this.toMvcc.apply({
      term: entry.term,
      index: entry.index,
      type: entry.type,
      answer,
      orderedMs: 1,
      proposedMs: 1,
      writeStartMs: 2,
      writtenMs: 3,
      syncedMs: 4,
      quorumMs: 4,
      committedMs: 5,
      data: entry.data,
    })
    this.#applyRing.publish()
    return sent
  }

  publish(): void {
    this.#applyRing.publish()
  }

  appliedIndex(): number {
    return this.words.load(Word.appliedIndex)
  }

  close(): void {
    this.turn.close()
  }

  #ring<P extends Protocol>(
    protocol: P,
    bytes: number,
  ): { sender: Sender<P>; mailbox: Mailbox; publish: () => void } {
    const memory = allocateRing(bytes)
    const writer = new RingWriter(memory)
    this.turn.outbox.add(writer, null)
    return {
      sender: senderOf(protocol, writer),
      mailbox: new Mailbox(protocol, memory),
      publish: () => void writer.publish(),
    }
  }
}

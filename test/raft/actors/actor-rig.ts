/**
 * One raft actor between real rings, with a disk, a store and a way to others that do what the test says. The disk and
 * the store keep what reached them, so that the member can be started again.
 */

import assert from 'node:assert/strict'
import { Turn } from '../../../src/actor/turn.js'
import { frontMessages } from '../../../src/messages/front-messages.js'
import { leaseMessages } from '../../../src/messages/lease-messages.js'
import { senderOf } from '../../../src/messages/message-codec.js'
import { mvccMessages } from '../../../src/messages/mvcc-messages.js'
import { peerMessages } from '../../../src/messages/peer-messages.js'
import type { Protocol, Sender } from '../../../src/messages/protocol.js'
import { raftMessages, type RaftMessages } from '../../../src/messages/raft-messages.js'
import { memberPrefix, requestHigh } from '../../../src/messages/request-id.js'
import { allocateWords, SharedWords, Word } from '../../../src/messages/shared-words.js'
import { walMessages } from '../../../src/messages/wal-messages.js'
import type { Counters } from '../../../src/metrics/counters.js'
import { encodeConfState } from '../../../src/proto/generated/raftpb.js'
import { RAFT_LIMITS_DEFAULT, type RaftLimits } from '../../../src/raft/core/raft-state.js'
import { PeerOutlet } from '../../../src/raft/peer-outlet.js'
import { RaftActor } from '../../../src/raft/raft-actor.js'
import { allocateRing } from '../../../src/ring/ring-layout.js'
import { RingReader } from '../../../src/ring/ring-reader.js'
import { RingWriter } from '../../../src/ring/ring-writer.js'
import { Mailbox, type HeardMessage } from '../../mvcc/support/mailbox.js'
import { QUIET_LOGGER } from '../../mvcc/support/quiet-logger.js'
import { memoryCounters } from '../../support/metrics/memory-counters.js'

const RING_BYTES = 256 * 1024
const REQUEST_BYTES_MAX = 8 * 1024
export const HEARTBEAT_MS = 100

const NO_BYTES = new Uint8Array(0)
const NO_TIMES = { writeStartMs: 0, writtenMs: 0, syncedMs: 0 }

interface StoredEntry {
  readonly term: number
  readonly index: number
  readonly type: number
  readonly data: Uint8Array
}

/** What a member keeps when its process ends. */
export class RigDisk {
  entries: StoredEntry[] = []
  state = { term: 0, vote: 0n, commit: 0 }
  applied: StoredEntry[] = []
  /** Of the members that its store knows; bootstrap entries add to it. */
  voters: bigint[] = []
}

export interface RigOptions {
  readonly memberId: bigint
  readonly disk: RigDisk
  readonly bootstrapEntries: readonly Uint8Array[]
  readonly random: () => number
  readonly limits?: Partial<RaftLimits>
}

export class ActorRig {
  readonly memberId: bigint
  readonly disk: RigDisk
  readonly words = new SharedWords(allocateWords())
  readonly counters: Counters = memoryCounters()
  readonly front: Mailbox
  readonly lease: Mailbox
  readonly actor: RaftActor
  readonly raft: Sender<RaftMessages>
  /** Refuses what is applied while it is false: the change of members changes nothing then. */
  allowsChanges = true
  readonly #wal: Mailbox
  readonly #mvcc: Mailbox
  readonly #peer: Mailbox
  readonly #turn: Turn
  readonly #writer: RingWriter
  #written: HeardMessage[] = []
  #nowMs: number
  #requests = 0

  constructor({ memberId, disk, bootstrapEntries, random, limits }: RigOptions, nowMs: number) {
    this.memberId = memberId
    this.disk = disk
    this.#nowMs = nowMs
    const memory = allocateRing(RING_BYTES)
    this.#writer = new RingWriter(memory)
    this.raft = senderOf(raftMessages, this.#writer)
    this.#turn = new Turn({ nowMs: () => this.#nowMs, wallMs: () => 0 })
    const wal = this.#outlet(walMessages)
    const mvcc = this.#outlet(mvccMessages)
    const front = this.#outlet(frontMessages)
    const lease = this.#outlet(leaseMessages)
    const peer = this.#outlet(peerMessages)
    this.#wal = wal.mailbox
    this.#mvcc = mvcc.mailbox
    this.#peer = peer.mailbox
    this.front = front.mailbox
    this.lease = lease.mailbox
    this.actor = new RaftActor({
      memberId,
      bootstrapEntries,
      heartbeatMs: HEARTBEAT_MS,
      advancesElection: true,
      forcedWithUrls: null,
      snapshotCount: 10_000,
      walStallHandoverMs: 5000,
      requestTimeoutMs: 7000,
      limits: { ...RAFT_LIMITS_DEFAULT, appendBytesMax: Infinity, applyBytesMax: Infinity, ...limits },
      random,
      clock: () => this.#nowMs,
      words: this.words,
      wal: senderOf(walMessages, wal.writer),
      mvcc: senderOf(mvccMessages, mvcc.writer),
      fronts: [senderOf(frontMessages, front.writer)],
      lease: senderOf(leaseMessages, lease.writer),
      peer: new PeerOutlet(peer.writer, REQUEST_BYTES_MAX),
      walRoomBytes: () => wal.writer.freeBytes / 2,
      mvccRoomBytes: () => mvcc.writer.freeBytes / 2,
      publishToMvcc: () => void mvcc.writer.publish(),
      ringFronts: () => undefined,
      counters: this.counters,
      logger: QUIET_LOGGER,
    })
    this.#turn.add(this.actor).add(new RingReader(memory), 0)
    this.#turn.start()
    this.#recover()
  }

  get leader(): bigint {
    return this.words.loadId(Word.leaderId)
  }

  get leads(): boolean {
    return this.leader === this.memberId
  }

  /** The data of everything applied, without what has none. */
  get texts(): string[] {
    const decoder = new TextDecoder()
    return this.disk.applied.filter(({ data, type }) => type === 0 && data.length > 0)
      .map(({ data }) => decoder.decode(data))
  }

  /** One turn at that time. */
  run(nowMs: number): void {
    this.#nowMs = nowMs
    this.#writer.publish()
    this.#turn.run()
  }

  /** Of the newest request. */
  get lastRequestLow(): number {
    return this.#requests
  }

  propose(data: string | Uint8Array): void {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    const high = requestHigh(memberPrefix(this.memberId), 0, 0)
    assert.ok(this.raft.propose({ requestHigh: high, requestLow: ++this.#requests, data: bytes }))
  }

  proposeConf(data: Uint8Array): void {
    const high = requestHigh(memberPrefix(this.memberId), 0, 0)
    assert.ok(this.raft.proposeConf({ requestHigh: high, requestLow: ++this.#requests, data }))
  }

  /** Everything that wal was given reaches the disk. Returns how much that was. */
  sync(): number {
    const heard = [...this.#written.splice(0), ...this.#wal.take()]
    let flushed = 0
    for (const message of heard) {
      if (message.message === 'append') this.#store(message as unknown as StoredEntry)
      else if (message.message === 'flush') flushed = message['sequence'] as number
      else if (message.message === 'saveState') {
        const { term, vote, commit } = message as unknown as RigDisk['state']
        this.disk.state = { term, vote: BigInt.asUintN(64, vote), commit }
      }
    }
    if (flushed > 0) assert.ok(this.raft.durable({ sequence: flushed, ...NO_TIMES }))
    return heard.length
  }

  /** Everything that mvcc was given is applied. Returns how much that was. */
  apply(): number {
    const heard = this.#mvcc.take() as unknown as StoredEntry[]
    for (const entry of heard) {
      assert.equal(entry.index, (this.disk.applied.at(-1)?.index ?? 0) + 1)
      this.disk.applied.push(entry)
      if (entry.type === 0) continue
      assert.ok(this.raft.confApplied({ index: entry.index, ok: this.allowsChanges ? 1 : 0 }))
    }
    this.words.store(Word.appliedIndex, this.disk.applied.at(-1)?.index ?? 0)
    return heard.length
  }

  /** What it has to say to others since the last call. */
  sends(): HeardMessage[] {
    return this.#peer.take()
  }

  #recover(): void {
    const { entries, state, applied, voters } = this.disk
    for (const entry of entries) this.raft.recoveredEntry(entry)
    const fresh = entries.length === 0 ? 1 : 0
    const vote = BigInt.asIntN(64, state.vote)
    this.raft.recovered({
      fresh, term: state.term, vote, commit: state.commit, snapshotIndex: 0, snapshotTerm: 0, confState: NO_BYTES,
    })
    const appliedIndex = applied.at(-1)?.index ?? 0
    const confState = appliedIndex === 0 ? NO_BYTES : encodeConfState({ voters })
    this.raft.storeRestored({ appliedIndex, appliedTerm: applied.at(-1)?.term ?? 0, installed: 0, confState })
    this.words.store(Word.appliedIndex, appliedIndex)
    this.run(this.#nowMs)
  }

  #store(entry: StoredEntry): void {
    const { entries } = this.disk
    while (entries.length > 0 && (entries.at(-1) as StoredEntry).index >= entry.index) entries.pop()
    entries.push(entry)
  }

  #outlet(protocol: Protocol): { writer: RingWriter; mailbox: Mailbox } {
    const ring = allocateRing(RING_BYTES)
    const writer = new RingWriter(ring)
    this.#turn.outbox.add(writer, null)
    return { writer, mailbox: new Mailbox(protocol, ring) }
  }
}

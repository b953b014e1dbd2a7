/** A member as its leases see it: a lease actor, an mvcc with a store in memory, and whom they take for the leader. */

import assert from 'node:assert/strict'
import { runUntilQuiet } from '../../src/actor/inline-runner.js'
import type { KeyspaceView } from '../../src/keyspace/keyspace-view.js'
import { KeyspaceView as View } from '../../src/keyspace/keyspace-view.js'
import { frontMessages } from '../../src/messages/front-messages.js'
import type { leaseMessages } from '../../src/messages/lease-messages.js'
import { raftMessages } from '../../src/messages/raft-messages.js'
import { LEASE_ORIGIN, originOf } from '../../src/messages/request-id.js'
import { Word } from '../../src/messages/shared-words.js'
import { etcdErrors } from '../../src/proto/etcd-errors.js'
import type { RingReader } from '../../src/ring/ring-reader.js'
import { dispatcherOf } from '../../src/messages/message-codec.js'
import type { Handler } from '../../src/messages/protocol.js'
import { ManualClock } from '../mvcc/support/manual-clock.js'
import { RunningNode } from '../mvcc/support/mvcc-rig.js'
import { MemoryDisk } from '../mvcc/support/test-disk.js'
import type { ClusterEntry } from './cluster-log.js'
import { LeaseLife } from './lease-life.js'

export const ELECTION_MS = 1000
export const REQUEST_TIMEOUT_MS = 7000

/** A proposal that leaves the member's lease actor. */
export interface MemberProposal {
  readonly requestHigh: number
  readonly requestLow: number
  readonly data: Uint8Array
}

export interface MemberAnswer {
  readonly question: number
  readonly ttlSeconds: number
  readonly remaining: number | null
  readonly error: number
}

const MIB = 1024 ** 2

export class ClusterMember {
  readonly id: bigint
  isPaused = false
  isDown = false
  /** The term in which it believes to lead, 0 when it does not. */
  leads = 0
  /** Whom it believes to lead; 0 when nobody. */
  leader = 0n
  applied = 0
  /** Its monotonic clock is so far from the test's. */
  readonly #baseMs: number
  #clock = new ManualClock()
  #life: LeaseLife
  #node: RunningNode
  #nowMs: number
  #proposals: MemberProposal[] = []
  #answers: MemberAnswer[] = []
  readonly #hearProposal: (reader: RingReader) => void
  readonly #hearAnswer: (reader: RingReader) => void

  constructor(id: bigint, baseMs: number, nowMs: number) {
    this.id = id
    this.#baseMs = baseMs
    this.#nowMs = nowMs
    this.#node = this.#startNode()
    this.#life = this.#startLife()
    this.#hearProposal = dispatcherOf(raftMessages, {
      onPropose: ({ requestHigh, requestLow, data }: Named) => {
        assert.equal(originOf(requestHigh as number), LEASE_ORIGIN)
        const bytes = (data as { copy(): Uint8Array }).copy()
        this.#proposals.push({ requestHigh: requestHigh as number, requestLow: requestLow as number, data: bytes })
      },
    } as unknown as Handler<typeof raftMessages>)
    this.#hearAnswer = dispatcherOf(frontMessages, {
      onLeaseKept: ({ requestLow, ttlSeconds, error }: Named) => this.#answers.push({
        question: requestLow as number, ttlSeconds: ttlSeconds as number, remaining: null, error: error as number,
      }),
      onLeaseTimes: ({ requestLow, remainingSeconds, grantedSeconds, error }: Named) => this.#answers.push({
        question: requestLow as number,
        ttlSeconds: grantedSeconds as number,
        remaining: remainingSeconds as number,
        error: error as number,
      }),
    } as unknown as Handler<typeof frontMessages>)
  }

  get isRunning(): boolean {
    return !this.isPaused && !this.isDown
  }

  /** A new process with an empty store: it hears the log from the beginning. */
  restart(nowMs: number): void {
    this.#nowMs = nowMs
    this.#clock = new ManualClock()
    this.#node = this.#startNode()
    this.#life = this.#startLife()
    this.applied = 0
    this.leads = 0
    this.leader = 0n
    this.isDown = false
    this.#proposals = []
    this.#answers = []
  }

  /** What its raft believes from now on. */
  believe(term: number, leader: bigint): void {
    const { words } = this.#life
    words.store(Word.term, term)
    words.storeId(Word.leaderId, leader)
    const leads = leader === this.id ? term : 0
    if (leads !== this.leads) this.#life.raft.leading({ term, leads: leads === 0 ? 0 : 1 })
    this.leads = leads
    this.leader = leader
  }

  apply({ term, data }: ClusterEntry): void {
    this.applied++
    assert.ok(this.#node.apply({ term, index: this.applied, type: 0, data }, 1), 'the ring to mvcc has room')
  }

  keepAlive(question: number, leaseId: bigint): void {
    const appliedIndex = this.applied
    this.#life.front.keepAlive({ front: 0, requestHigh: 0, requestLow: question, leaseId, appliedIndex })
  }

  timeToLive(question: number, leaseId: bigint): void {
    const appliedIndex = this.applied
    this.#life.front.timeToLive({ front: 0, requestHigh: 0, requestLow: question, leaseId, appliedIndex })
  }

  refuse({ requestHigh, requestLow }: MemberProposal): void {
    this.#life.raft.refused({ requestHigh, requestLow, error: etcdErrors.noLeader.id })
  }

  /** Turns until it rests. */
  run(nowMs: number): void {
    this.#nowMs = nowMs
    this.#clock.advanceTo(this.#baseMs + nowMs)
    runUntilQuiet(this.#node.turn)
    for (const { message, ...fields } of this.#node.lease.take()) {
      const sender = this.#life.mvcc as unknown as Record<string, (fields: object) => boolean>
      assert.ok(sender[message as keyof typeof leaseMessages]?.(fields), 'the ring to lease has room')
    }
    for (const front of this.#node.fronts) front.take()
    this.#node.raft.take()
    const { turn } = this.#life
    for (let turns = 0; ; turns++) {
      this.#life.publish()
      if (turn.run() === 0 && !turn.hasWork()) break
      assert.ok(turns < 1000, 'a lease actor never comes to rest')
    }
    this.#read(this.#life.proposals, this.#hearProposal)
    this.#read(this.#life.answers, this.#hearAnswer)
  }

  takeProposals(): MemberProposal[] {
    return this.#proposals.splice(0)
  }

  takeAnswers(): MemberAnswer[] {
    return this.#answers.splice(0)
  }

  /** On the test's clock. */
  wakeAtMs(): number {
    return Math.min(this.#life.turn.wakeAtMs(), this.#node.turn.wakeAtMs()) - this.#baseMs
  }

  view<T>(read: (view: KeyspaceView) => T): T {
    const snapshot = this.#node.switching.beginRead()
    try {
      return read(new View(snapshot))
    } finally {
      snapshot.close()
    }
  }

  #read(reader: RingReader, hear: (reader: RingReader) => void): void {
    while (reader.next()) hear(reader)
    reader.release()
  }

  #startNode(): RunningNode {
    const options = { memberId: this.id, leaseRingBytes: MIB, eventLogBytes: 65_536, frontRingBytes: 65_536 }
    return new RunningNode(new MemoryDisk(), this.#clock, options)
  }

  #startLife(): LeaseLife {
    return new LeaseLife({
      memberId: this.id,
      electionMs: ELECTION_MS,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      nowMs: () => this.#baseMs + this.#nowMs,
      wallMs: 1_700_000_000_000 + this.#nowMs,
    })
  }
}

type Named = Readonly<Record<string, unknown>>

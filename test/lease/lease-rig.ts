/**
 * A lease actor between real rings, with a log and a key space reduced to what leases need. The test decides when time
 * passes, when an entry is applied, refused or forgotten, and when the member restarts.
 */

import assert from 'node:assert/strict'
import { safetyMs } from '../../src/lease/lessor.js'
import { frontMessages, type FrontMessages } from '../../src/messages/front-messages.js'
import { dispatcherOf, type Dispatch } from '../../src/messages/message-codec.js'
import type { Handler, Message } from '../../src/messages/protocol.js'
import { raftMessages, type RaftMessages } from '../../src/messages/raft-messages.js'
import { Word, type SharedWords } from '../../src/messages/shared-words.js'
import { etcdErrors } from '../../src/proto/etcd-errors.js'
import { decodeExtension, type Extension } from '../../src/proto/generated/raftringpb.js'
import { RaftRequestView } from '../../src/proto/hot/raft-request.js'
import { LeaseLife } from './lease-life.js'

export const REQUEST_TIMEOUT_MS = 7000
export const ELECTION_MS = 1000
const OWN_ID = 0x1234n
const OTHER_ID = 0x5678n
export const SAFETY_MS = safetyMs(ELECTION_MS)

/** An entry of the lease actor on its way through the log. */
export interface Entry {
  readonly requestHigh: number
  readonly requestLow: number
  readonly extension: Extension
}

/** What the store keeps of a lease. */
export interface StoredLease {
  readonly ttlSeconds: number
  renewedClockMs: number
  /** Monotonic time at which the actor heard of the grant or renewal; -1 after a restart or a change of leader. */
  heardAtMs: number
  /** Counts grants and renewals of all leases. */
  change: number
}

export type Answer =
  | { readonly kind: 'kept'; readonly ttlSeconds: number; readonly error: number }
  | { readonly kind: 'times'; readonly remaining: number; readonly granted: number; readonly error: number }
  | { readonly kind: 'list'; readonly ids: readonly bigint[] }

export class LeaseRig {
  nowMs = 1_000_000
  /** Entries proposed and neither applied nor refused yet, oldest first. */
  log: Entry[] = []
  readonly store = new Map<bigint, StoredLease>()
  clockMs = 0
  term = 1
  isLeading = false
  /** Leases that expiry has revoked, in order. */
  readonly expired: bigint[] = []
  readonly answers = new Map<number, Answer>()
  asked = 0
  appliedIndex = 0
  #firstQuestion = 1
  #changes = 0
  /** What had changed when a keep-alive was asked, and of which lease. */
  readonly #keepAlives = new Map<number, { readonly leaseId: bigint; readonly change: number }>()
  #life: LeaseLife
  readonly #request = new RaftRequestView()
  readonly #listed: bigint[] = []
  readonly #hearProposal: Dispatch = dispatcherOf(raftMessages, this.#raftHandler())
  readonly #hearAnswer: Dispatch = dispatcherOf(frontMessages, this.#frontHandler())

  constructor() {
    this.#life = this.#start()
  }

  get words(): SharedWords {
    return this.#life.words
  }

  /** Questions of this life that have no answer. */
  unanswered(): number[] {
    const questions: number[] = []
    for (let question = this.#firstQuestion; question <= this.asked; question++) {
      if (!this.answers.has(question)) questions.push(question)
    }
    return questions
  }

  /**
   * A new process; what was under way is forgotten. With `replay` its store begins empty, and all that happened is told
   * once more while the log is applied again, except for ticks of the clock, which nobody hears.
   */
  restart(replay = false): void {
    this.#firstQuestion = this.asked + 1
    this.log = []
    this.isLeading = false
    this.nowMs += 1000
    for (const lease of this.store.values()) lease.heardAtMs = -1
    this.#life = this.#start(replay)
  }

  lead(): void {
    this.#begin(OWN_ID)
    this.isLeading = true
    for (const lease of this.store.values()) lease.heardAtMs = -1
    this.#life.raft.leading({ term: this.term, leads: 1 })
    this.run()
  }

  /** Follows nobody. */
  follow(): void {
    this.isLeading = false
    this.#life.words.storeId(Word.leaderId, 0n)
    this.#life.raft.leading({ term: this.term, leads: 0 })
    this.run()
  }

  /** Follows another member, in a term of its own. */
  followAnother(): void {
    this.#begin(OTHER_ID)
    if (this.isLeading) this.#life.raft.leading({ term: this.term, leads: 0 })
    this.isLeading = false
    this.run()
  }

  /** The other leader's clock comes with an entry of its own. */
  tickOfAnother(clockMs: number): void {
    this.appliedIndex++
    this.clockMs = Math.max(this.clockMs, clockMs)
    this.#life.mvcc.ticked({ clockMs: this.clockMs })
    this.#life.mvcc.toldUpTo({ index: this.appliedIndex })
    this.run()
  }

  /** A grant or a revoke by a client takes its place in the log and is applied at once. */
  grant(leaseId: bigint, ttlSeconds: number): void {
    if (this.store.has(leaseId)) return
    this.appliedIndex++
    const { clockMs, nowMs } = this
    this.store.set(leaseId, { ttlSeconds, renewedClockMs: clockMs, heardAtMs: nowMs, change: ++this.#changes })
    this.#life.mvcc.granted({ leaseId, ttlSeconds, clockMs: this.clockMs })
    this.#life.mvcc.toldUpTo({ index: this.appliedIndex })
  }

  revoke(leaseId: bigint): void {
    if (!this.store.delete(leaseId)) return
    this.appliedIndex++
    this.#life.mvcc.revoked({ leaseId })
    this.#life.mvcc.toldUpTo({ index: this.appliedIndex })
  }

  /** A snapshot of the leader took the store's place. */
  replaceStore(leases: readonly (readonly [bigint, number])[], clockMs: number): void {
    this.store.clear()
    this.clockMs = clockMs
    this.#life.mvcc.replaced({})
    for (const [leaseId, ttlSeconds] of leases) {
      this.store.set(leaseId, { ttlSeconds, renewedClockMs: clockMs, heardAtMs: -1, change: ++this.#changes })
      this.#life.mvcc.granted({ leaseId, ttlSeconds, clockMs })
    }
    this.#life.mvcc.restored({ clockMs })
  }

  keepAlive(leaseId: bigint): number {
    this.#keepAlives.set(this.asked + 1, { leaseId, change: this.#changes })
    return this.#ask((requestLow) => this.#life.front.keepAlive({
      front: 0, requestHigh: 0, requestLow, leaseId, appliedIndex: this.appliedIndex,
    }))
  }

  timeToLive(leaseId: bigint): number {
    return this.#ask((requestLow) => this.#life.front.timeToLive({
      front: 0, requestHigh: 0, requestLow, leaseId, appliedIndex: this.appliedIndex,
    }))
  }

  list(): number {
    return this.#ask((requestLow) => this.#life.front.list({
      front: 0, requestHigh: 0, requestLow, appliedIndex: this.appliedIndex,
    }))
  }

  /** Turns until the actor has nothing to do at this time. */
  run(): void {
    const { turn } = this.#life
    for (let turns = 0; ; turns++) {
      this.#life.publish()
      const work = turn.run()
      this.#readProposals()
      this.#readAnswers()
      if (work === 0 && !turn.hasWork()) return
      assert.ok(turns < 1000, 'the lease actor never comes to rest')
    }
  }

  /** Time passes; the actor wakes when it said that it would. */
  pass(ms: number): void {
    const untilMs = this.nowMs + ms
    for (;;) {
      this.run()
      const wakeAtMs = this.#life.turn.wakeAtMs()
      if (wakeAtMs > untilMs) break
      // A deadline that a turn does not clear must lie in the future.
      assert.ok(wakeAtMs > this.nowMs || this.nowMs === untilMs, `wakes at ${wakeAtMs}, now ${this.nowMs}`)
      if (wakeAtMs <= this.nowMs) break
      this.nowMs = wakeAtMs
    }
    this.nowMs = untilMs
    this.run()
  }

  /** As `pass` with a log that applies every entry at once. */
  passApplying(ms: number): void {
    const untilMs = this.nowMs + ms
    while (this.nowMs < untilMs) {
      this.run()
      while (this.applyNext()) this.run()
      this.nowMs = Math.min(untilMs, Math.max(this.nowMs + 0.01, this.#life.turn.wakeAtMs()))
    }
    this.run()
    while (this.applyNext()) this.run()
  }

  /** Applies the oldest entry as mvcc does. False if there is none. */
  applyNext(): boolean {
    const entry = this.log.shift()
    if (entry === undefined) return false
    this.appliedIndex++
    const { lease_clock_ms, clock_epoch, renew, revoke } = entry.extension
    const isOverdue = clock_epoch !== 0 && clock_epoch !== this.term
    if (!isOverdue) this.clockMs = Math.max(this.clockMs, lease_clock_ms)
    if (renew !== undefined) this.#applyRenewals(renew.ids)
    if (!isOverdue) for (const leaseId of revoke?.ids ?? []) this.#applyExpiry(leaseId)
    const error = isOverdue ? etcdErrors.leaderChanged.id : 0
    const { requestHigh, requestLow } = entry
    this.#life.mvcc.applied({ requestHigh, requestLow, error, clockMs: this.clockMs })
    this.#life.mvcc.toldUpTo({ index: this.appliedIndex })
    return true
  }

  refuseNext(error: number): boolean {
    const entry = this.log.shift()
    if (entry === undefined) return false
    const { requestHigh, requestLow } = entry
    this.#life.raft.refused({ requestHigh, requestLow, error })
    return true
  }

  answer(question: number): Answer {
    const answer = this.answers.get(question)
    assert.ok(answer !== undefined, `question ${question} has no answer`)
    return answer
  }

  #begin(leader: bigint): void {
    this.term++
    this.#life.words.store(Word.term, this.term)
    this.#life.words.storeId(Word.leaderId, leader)
  }

  #start(replay = false): LeaseLife {
    const life = new LeaseLife({
      memberId: OWN_ID,
      electionMs: ELECTION_MS,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      nowMs: () => this.nowMs,
      wallMs: this.nowMs,
    })
    if (replay) life.mvcc.restored({ clockMs: 0 })
    for (const [leaseId, { ttlSeconds, renewedClockMs }] of this.store) {
      life.mvcc.granted({ leaseId, ttlSeconds, clockMs: renewedClockMs })
    }
    if (!replay) life.mvcc.restored({ clockMs: this.clockMs })
    life.publish()
    return life
  }

  #ask(send: (requestLow: number) => boolean): number {
    assert.ok(send(++this.asked), 'the ring to lease is full')
    return this.asked
  }

  #applyRenewals(ids: readonly bigint[]): void {
    const known = ids.filter((leaseId) => this.store.has(leaseId))
    for (const leaseId of known) {
      const lease = this.store.get(leaseId) as StoredLease
      lease.renewedClockMs = this.clockMs
      lease.heardAtMs = this.nowMs
      lease.change = ++this.#changes
    }
    if (known.length === 0) return
    const leases = new Uint8Array(BigInt64Array.from(known).buffer)
    this.#life.mvcc.renewed({ clockMs: this.clockMs, leases })
  }

  #applyExpiry(leaseId: bigint): void {
    const lease = this.store.get(leaseId)
    if (lease === undefined) return
    const ttlMs = lease.ttlSeconds * 1000
    assert.ok(
      this.clockMs - lease.renewedClockMs >= ttlMs,
      `lease ${leaseId} ends ${this.clockMs - lease.renewedClockMs} ms after its renewal, its TTL is ${ttlMs}`,
    )
    assert.ok(lease.heardAtMs < 0 || this.nowMs - lease.heardAtMs >= ttlMs - 1, `lease ${leaseId} ends early`)
    this.store.delete(leaseId)
    this.expired.push(leaseId)
    this.#life.mvcc.revoked({ leaseId })
  }

  #readProposals(): void {
    const reader = this.#life.proposals
    while (reader.next()) this.#hearProposal(reader)
    reader.release()
  }

  #raftHandler(): Handler<RaftMessages> {
    return onlyThese<RaftMessages>({
      onPropose: ({ requestHigh, requestLow, data }: Message<RaftMessages, 'propose'>) => {
        const bytes = data.copy()
        assert.ok(this.#request.decode(bytes, 0, bytes.length), 'an entry that cannot be read')
        assert.equal(this.#request.idHigh, requestHigh)
        assert.equal(this.#request.idLow, requestLow)
        const extension = decodeExtension(bytes, this.#request.extensionStart, this.#request.extensionEnd)
        const { lease_clock_ms: clockMs, clock_epoch: epoch, revoke } = extension
        assert.equal(clockMs > 0, epoch > 0, `an entry with the clock ${clockMs} of term ${epoch}`)
        assert.ok(epoch > 0 || revoke === undefined, 'a revoke of nobody who leads')
        this.log.push({ requestHigh, requestLow, extension })
      },
    })
  }

  #readAnswers(): void {
    const reader = this.#life.answers
    while (reader.next()) this.#hearAnswer(reader)
    reader.release()
  }

  #frontHandler(): Handler<FrontMessages> {
    return onlyThese<FrontMessages>({
      onLeaseKept: ({ requestLow, ttlSeconds, error }: Message<FrontMessages, 'leaseKept'>) => {
        this.#answered(requestLow, { kind: 'kept', ttlSeconds, error })
        if (ttlSeconds > 0) this.#assertRenewed(requestLow)
      },
      onLeaseTimes: (message: Message<FrontMessages, 'leaseTimes'>) => {
        const { requestLow, remainingSeconds, grantedSeconds, error } = message
        this.#answered(requestLow, { kind: 'times', remaining: remainingSeconds, granted: grantedSeconds, error })
      },
      onLeaseList: ({ requestLow, more, leases }: Message<FrontMessages, 'leaseList'>) => {
        this.#listed.push(...new BigInt64Array(leases.copy().buffer))
        if (more === 1) return
        this.#answered(requestLow, { kind: 'list', ids: this.#listed.splice(0) })
      },
    })
  }

  /** Whoever is told that a lease is kept has had it renewed, or granted, after the question, or it was unused. */
  #assertRenewed(question: number): void {
    const { leaseId, change } = this.#keepAlives.get(question) as { leaseId: bigint; change: number }
    const lease = this.store.get(leaseId)
    // A client may have revoked it since.
    if (lease === undefined) return
    assert.ok(lease.change > change, `lease ${leaseId} is kept without a renewal`)
  }

  #answered(question: number, answer: Answer): void {
    assert.ok(!this.answers.has(question), `question ${question} is answered twice`)
    this.answers.set(question, answer)
  }
}

/** A rig that leads and has lease 1 with 10 s, its clock running. */
export function rigWithLease(): LeaseRig {
  const rig = new LeaseRig()
  rig.lead()
  rig.grant(1n, 10)
  rig.passApplying(1)
  return rig
}

/** A handler that has these methods; anything else it hears fails the test. */
function onlyThese<P extends RaftMessages | FrontMessages>(methods: Partial<Handler<P>>): Handler<P> {
  return new Proxy(methods, {
    get(target, name) {
      const method = (target as Record<string | symbol, unknown>)[name]
      assert.ok(method !== undefined, `unexpected ${String(name)}`)
      return method
    },
  }) as unknown as Handler<P>
}

/** The lease clock word must never be read as running when it is not; used by tests of the clock. */
export function clockOffset(rig: LeaseRig): number {
  return rig.words.load(Word.leaseClockOffsetMs)
}

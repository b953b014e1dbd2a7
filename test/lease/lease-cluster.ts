/**
 * Three members' leases over one log: messages take time and get lost, members stop and go on, leaders change. What
 * every lease owes its client is written down when the log's entries are committed, and checked when a lease ends.
 *
 * - It ends no earlier than its last renewal (or grant) + TTL.
 * - It ends no later than that + the time without a leader that could commit + one election timeout + 1 s.
 */

import assert from 'node:assert/strict'
import { decodeInternalRaftRequest } from '../../src/proto/generated/etcdserverpb.js'
import { encodeRequest } from '../mvcc/support/requests.js'
import { ClusterLog } from './cluster-log.js'
import {
  ClusterMember, ELECTION_MS, REQUEST_TIMEOUT_MS, type MemberAnswer, type MemberProposal,
} from './cluster-member.js'

const LATE_MS = ELECTION_MS + 1000
/** A grant or renewal is as old as its commit; clocks are read in whole milliseconds here and there. */
const ROUNDING_MS = 2

interface Owed {
  readonly ttlMs: number
  renewedAtMs: number
  /** Time without a working leader before that. */
  outageMs: number
}

interface Planned {
  readonly atMs: number
  readonly run: () => void
}

export class ClusterQuestion {
  readonly member: ClusterMember
  readonly askedAtMs: number
  /** False once the member that was asked is gone, or stood still. */
  isExpected: boolean
  answer: MemberAnswer | null = null

  constructor(member: ClusterMember, askedAtMs: number) {
    this.member = member
    this.askedAtMs = askedAtMs
    this.isExpected = member.isRunning
  }

  get isAnswered(): boolean {
    return this.answer !== null
  }
}

export class LeaseCluster {
  readonly log = new ClusterLog()
  readonly members: readonly ClusterMember[]
  readonly questions: ClusterQuestion[] = []
  readonly ended: bigint[] = []
  nowMs = 0
  commitMs = 5
  deliverMs = 3
  readonly #owed = new Map<bigint, Owed>()
  #planned: Planned[] = []
  #leader: ClusterMember | null = null
  #outageMs = 0
  #outageSinceMs = 0
  #isCommitting = false
  /** The leader has committed an entry of its term: from then on it can serve. */
  #isElected = false
  #stalledUntilMs = 0
  /** The last entry whose effect on leases has been judged. */
  #judged = 0
  /** Proposals that are on their way to the leader get lost. */
  losesForwarded = false

  constructor(count = 3) {
    const bases = [1_000_000, 7_777, 500_000_000, 12, 99]
    this.members = Array.from({ length: count }, (_, i) => new ClusterMember(BigInt(0x1001 + i), bases[i] as number, 0))
  }

  get leader(): ClusterMember | null {
    return this.#leader
  }

  member(i: number): ClusterMember {
    return this.members[i % this.members.length] as ClusterMember
  }

  /** `keep` uncommitted entries of the log come through. Who stands still learns of it when it goes on. */
  elect(member: ClusterMember, keep = 0): void {
    if (!member.isRunning) return
    // A leader has all that is committed; it applies it in its time.
    this.log.beginTerm(keep)
    this.#leader = member
    this.#isElected = false
    for (const each of this.members) if (each.isRunning) this.#tell(each)
    this.#noteOutage()
    this.#commitNext()
  }

  /** Nobody leads, as after the end of a leader; its followers know. */
  depose(): void {
    const leader = this.#leader
    this.#leader = null
    for (const each of this.members) if (each.isRunning && each !== leader) each.believe(this.log.term, 0n)
    this.#noteOutage()
  }

  pause(member: ClusterMember): void {
    member.isPaused = true
    this.#abandonQuestions(member)
    this.#noteOutage()
  }

  resume(member: ClusterMember): void {
    if (!member.isPaused) return
    member.isPaused = false
    this.#noteOutage()
    // It works with what it believes until it hears better.
    this.#runMember(member)
    this.#after(this.deliverMs, () => this.#tell(member))
    this.#deliverTo(member)
    this.#commitNext()
  }

  /** Nothing commits for a while, as when disks stall. */
  stall(ms: number): void {
    this.#stalledUntilMs = Math.max(this.#stalledUntilMs, this.nowMs + ms)
    this.#noteOutage()
    this.#after(ms, () => this.#noteOutage())
  }

  crash(member: ClusterMember): void {
    member.isDown = true
    member.isPaused = false
    this.#abandonQuestions(member)
    if (this.#leader === member) this.depose()
  }

  restart(member: ClusterMember): void {
    if (!member.isDown) return
    member.restart(this.nowMs)
    this.#tell(member)
    this.#deliverTo(member)
  }

  grant(leaseId: bigint, ttlSeconds: number): void {
    if (this.#leader === null || !this.#leader.isRunning) return
    this.log.append(encodeRequest({ kind: 'grant', lease: leaseId, ttl: ttlSeconds }, 0n))
    this.#commitNext()
  }

  revoke(leaseId: bigint): void {
    if (this.#leader === null || !this.#leader.isRunning) return
    this.log.append(encodeRequest({ kind: 'revoke', lease: leaseId }, 0n))
    this.#commitNext()
  }

  keepAlive(member: ClusterMember, leaseId: bigint): ClusterQuestion {
    return this.#ask(member, (question) => member.keepAlive(question, leaseId))
  }

  timeToLive(member: ClusterMember, leaseId: bigint): ClusterQuestion {
    return this.#ask(member, (question) => member.timeToLive(question, leaseId))
  }

  /** Lets time pass. */
  pass(ms: number): void {
    const untilMs = this.nowMs + ms
    this.#runAll()
    for (;;) {
      const nextMs = Math.max(this.nowMs, this.#nextAtMs())
      if (nextMs > untilMs) break
      // A wake-up that changes nothing must not stop time.
      this.nowMs = nextMs === this.nowMs && this.#planned.every(({ atMs }) => atMs > nextMs) ? nextMs + 0.05 : nextMs
      const due = this.#planned.filter(({ atMs }) => atMs <= this.nowMs)
      this.#planned = this.#planned.filter(({ atMs }) => atMs > this.nowMs)
      for (const { run } of due) run()
      this.#runAll()
    }
    this.nowMs = Math.max(this.nowMs, untilMs)
    this.#runAll()
  }

  /** Every lease is the same in every store that has applied the same. */
  assertEqualStores(): void {
    const states = this.members.filter((member) => member.isRunning).map((member) => {
      const leases: string[] = []
      member.view((view) => view.leases((id, lease) => leases.push(`${id} ${JSON.stringify(lease)}`) > 0))
      return { applied: member.applied, leases }
    })
    for (const state of states) assert.deepEqual(state, states[0])
  }

  #ask(member: ClusterMember, send: (question: number) => void): ClusterQuestion {
    const question = new ClusterQuestion(member, this.nowMs)
    this.questions.push(question)
    if (member.isRunning) {
      send(this.questions.length)
      this.#runMember(member)
    }
    return question
  }

  #abandonQuestions(member: ClusterMember): void {
    for (const question of this.questions) if (question.member === member) question.isExpected = false
  }

  #nextAtMs(): number {
    let atMs = Infinity
    for (const planned of this.#planned) atMs = Math.min(atMs, planned.atMs)
    for (const member of this.members) if (member.isRunning) atMs = Math.min(atMs, member.wakeAtMs())
    return atMs
  }

  #after(ms: number, run: () => void): void {
    this.#planned.push({ atMs: this.nowMs + ms, run })
  }

  #runAll(): void {
    for (const member of this.members) this.#runMember(member)
  }

  #runMember(member: ClusterMember): void {
    if (!member.isRunning) return
    member.run(this.nowMs)
    for (const proposal of member.takeProposals()) this.#propose(member, proposal)
    for (const answer of member.takeAnswers()) this.#answered(answer)
  }

  #answered(answer: MemberAnswer): void {
    const question = this.questions[answer.question - 1] as ClusterQuestion
    assert.equal(question.answer, null, 'a question is answered twice')
    assert.ok(this.nowMs - question.askedAtMs <= REQUEST_TIMEOUT_MS + 200 || !question.isExpected, 'a late answer')
    question.answer = answer
  }

  #propose(member: ClusterMember, proposal: MemberProposal): void {
    if (member.leads !== 0) {
      // One that only believes to lead appends to a log that nobody else will ever have.
      if (member === this.#leader && member.leads === this.log.term) this.#append(proposal)
    } else if (member.leader === 0n) {
      member.refuse(proposal)
    } else if (!this.losesForwarded) {
      this.#after(this.deliverMs, () => {
        if (this.#leader?.isRunning === true && this.#leader.id === member.leader) this.#append(proposal)
      })
    }
  }

  #append({ data }: MemberProposal): void {
    this.log.append(data)
    this.#commitNext()
  }

  #tell(member: ClusterMember): void {
    if (!member.isRunning) return
    member.believe(this.log.term, this.#leader?.id ?? 0n)
  }

  #commitNext(): void {
    if (this.#isCommitting || this.log.committed === this.log.length) return
    this.#isCommitting = true
    const { term } = this.log
    this.#after(Math.max(this.commitMs, this.#stalledUntilMs - this.nowMs), () => {
      this.#isCommitting = false
      if (this.#leader?.isRunning === true) {
        // Before an entry of its own term nothing counts as committed, and a change of leader starts that anew.
        if (term === this.log.term) this.#commitAll()
        this.#commitNext()
      }
    })
  }

  #commitAll(): void {
    this.#isElected = true
    this.#noteOutage()
    while (this.log.committed < this.log.length) this.#commit()
  }

  #commit(): void {
    this.log.commit(this.nowMs)
    for (const member of this.members) {
      if (member === this.#leader) this.#deliverTo(member)
      else this.#after(this.deliverMs, () => this.#deliverTo(member))
    }
  }

  #deliverTo(member: ClusterMember): void {
    while (member.isRunning && member.applied < this.log.committed) {
      const index = member.applied + 1
      const isNews = index > this.#judged
      member.apply(this.log.entry(index))
      this.#runMember(member)
      if (!isNews) continue
      this.#judged = index
      this.#judge(member, this.log.entry(index).data, this.log.committedAtMs(index))
    }
  }

  /** Looks at the store of the first member that has applied the entry; the others do the same. */
  #judge(member: ClusterMember, data: Uint8Array, atMs: number): void {
    const after = new Map<bigint, number>()
    member.view((view) => view.leases((id, { ttlSeconds }) => after.set(id, ttlSeconds * 1000).size > 0))
    const { lease_grant, lease_revoke, raftring } = decodeInternalRaftRequest(data, 0, data.length)
    const granted = lease_grant !== undefined && !this.#owed.has(lease_grant.ID) ? [lease_grant.ID] : []
    for (const id of [...granted, ...(raftring?.renew?.ids ?? [])]) {
      const ttlMs = after.get(id)
      if (ttlMs !== undefined) this.#owed.set(id, { ttlMs, renewedAtMs: atMs, outageMs: this.#outageUntil(atMs) })
    }
    for (const id of this.#owed.keys()) {
      if (after.has(id)) continue
      this.ended.push(id)
      const owed = this.#owed.get(id) as Owed
      this.#owed.delete(id)
      if (lease_revoke?.ID === id) continue
      const livedMs = atMs - owed.renewedAtMs
      assert.ok(livedMs >= owed.ttlMs - ROUNDING_MS, `lease ${id} of ${owed.ttlMs} ms ends after ${livedMs} ms`)
      const outageMs = this.#outageUntil(atMs) - owed.outageMs
      const text = `lease ${id} of ${owed.ttlMs} ms lives for ${livedMs} ms, with an outage of ${outageMs} ms`
      assert.ok(livedMs <= owed.ttlMs + outageMs + LATE_MS, text)
    }
  }

  #outageUntil(atMs: number): number {
    return this.#outageMs + (this.#outageSinceMs < 0 ? 0 : Math.max(0, atMs - this.#outageSinceMs))
  }

  #noteOutage(): void {
    const works = this.#isElected && this.#leader?.isRunning === true && this.nowMs >= this.#stalledUntilMs
    if (works && this.#outageSinceMs >= 0) {
      this.#outageMs += this.nowMs - this.#outageSinceMs
      this.#outageSinceMs = -1
    } else if (!works && this.#outageSinceMs < 0) {
      this.#outageSinceMs = this.nowMs
    }
  }
}

/** Random schedules of losses, crashes and delays break no promise of Raft, and clusters recover from them. */

import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Prng } from '../../src/base/prng.js'
import { ConfChangeType, type ConfChange } from '../../src/raft/core/conf-change.js'
import { RAFT_LIMITS_DEFAULT, type RaftLimits } from '../../src/raft/core/raft-state.js'
import { RaftCluster } from './raft-cluster.js'
import type { TestMember } from './test-member.js'

const STEPS = 2500
const RUNS = 40
/** A smaller seed is not a simpler schedule. */
const REPORT = { endOnFailure: true, includeErrorInReport: true } as const

/** Bounds so small that they are reached. */
const NARROW: RaftLimits = Object.freeze({
  ...RAFT_LIMITS_DEFAULT,
  electionTicks: 4,
  messageBytesMax: 200,
  inflightCountMax: 2,
  uncommittedBytesMax: 2000,
  appendBytesMax: 300,
  appendCountMax: 3,
  applyBytesMax: 300,
  applyCountMax: 3,
  catchupCountMax: 2,
})

interface Setting {
  readonly name: string
  readonly voters: readonly bigint[]
  readonly learners?: readonly bigint[]
  readonly spares?: readonly bigint[]
  readonly limits: RaftLimits
  readonly changesConf?: boolean
}

const SETTINGS: readonly Setting[] = [
  { name: 'one voter', voters: [1n], limits: { ...RAFT_LIMITS_DEFAULT, electionTicks: 4 } },
  { name: 'one voter with narrow bounds', voters: [1n], limits: NARROW },
  { name: 'three voters', voters: [1n, 2n, 3n], limits: { ...RAFT_LIMITS_DEFAULT, electionTicks: 4 } },
  { name: 'three voters without pre-vote and check-quorum', voters: [1n, 2n, 3n],
    limits: { ...NARROW, preVote: false, checkQuorum: false } },
  { name: 'five voters with narrow bounds', voters: [1n, 2n, 3n, 4n, 5n], limits: NARROW },
  { name: 'two voters and a learner', voters: [1n, 2n], learners: [3n], limits: NARROW },
  { name: 'three voters of a changing five',
    voters: [1n, 2n, 3n], spares: [4n, 5n], limits: NARROW, changesConf: true },
  { name: 'one voter of a changing three', voters: [1n], spares: [2n, 3n], limits: NARROW, changesConf: true },
]

type Action = (who: TestMember, what: number) => void

/** A cluster and what a schedule may do to it. */
class Schedule {
  readonly cluster: RaftCluster
  readonly #setting: Setting
  readonly #prng: Prng
  readonly #actions: readonly Action[]
  /** In a round: how often a member gets to do each thing, and how often messages keep their order. */
  readonly #temper: { readonly often: number; readonly calm: number }
  readonly #cut = new Set<bigint>()
  #proposals = 0

  constructor(setting: Setting, seed: number) {
    this.#setting = setting
    this.cluster = new RaftCluster({ ...setting, random: (id) => {
      const prng = new Prng(seed + Number(id))
      return () => prng.float()
    } })
    // Each schedule has a temper of its own (swarm testing): calm ones get far, wild ones get into corners.
    const prng = this.#prng = new Prng(seed)
    this.#temper = { often: prng.pick([0.4, 0.7, 0.95]), calm: prng.pick([0.3, 0.8, 1]) }
    this.#actions = this.#weighted().flatMap(([weights, action]) => new Array<Action>(prng.pick(weights)).fill(action))
  }

  #weighted(): readonly (readonly [weights: readonly number[], action: Action])[] {
    const { cluster } = this
    return [
      [[2, 6], (who) => this.#tick(who)],
      [[5, 10], (who) => this.#ready(who)],
      [[0, 5], (who, what) => this.#ready(who, what % 400)],
      [[1, 3, 8], (who, what) => this.#up(who, (it) => it.durable(1 + what % 3))],
      [[1, 3], (who, what) => this.#up(who, (it) => it.applied(it.running.applied + what % 4))],
      [[5, 20], (_, what) => this.#network((at) => this.#deliver(at), what)],
      [[0, 2, 10], (_, what) => this.#network((at) => cluster.drop(at), what)],
      [[0, 2], (_, what) => this.#network((at) => cluster.duplicate(at), what)],
      [[5, 15], (who) => this.#up(cluster.leader ?? who, (it) => it.propose(`entry ${this.#proposals++}`))],
      [[0, 5], (who) => this.#up(who, (it) => it.propose(`entry ${this.#proposals++}`))],
      [[0, 1, 4], (who, what) => this.#crash(who, what)],
      [[2, 6], (who) => this.#restart(who)],
      [[0, 3], (who) => this.#up(who, (it) => it.compact())],
      [[0, 3], (who) => this.#up(who, (it) => it.checkpoint())],
      [[3, 6], (who) => { if (who.core !== null) cluster.read(who) }],
      [[0, 2], (who, what) => this.#transfer(who, what)],
      [[2, 4], (_, what) => this.#changeConf(what)],
      [[0, 1, 4], (who) => this.#cut.add(who.id)],
      [[1, 3], () => this.#cut.clear()],
      [[10, 20], (_, what) => this.#round(what)],
    ]
  }

  run(): void {
    const { members, invariants } = this.cluster
    for (let i = 0; i < STEPS; i++) {
      this.#prng.pick(this.#actions)(this.#prng.pick(members), this.#prng.u32())
      if (i % 50 === 49) invariants.checkLogs(members)
    }
  }

  /**
   * Everyone is up and nothing is lost any more: a leader must come, and commit a new entry everywhere. False when
   * nobody can win an election.
   */
  recover(): boolean {
    const { cluster } = this
    for (const member of cluster.members) if (member.core === null) cluster.restart(member)
    cluster.settle()
    if (!isElectable(cluster)) return false
    for (let round = 0; round < 60; round++) {
      for (const member of cluster.members) cluster.do(member, (it) => it.running.tick())
      cluster.settle()
      if (this.#isWhole()) return true
    }
    const state = cluster.members.map(({ id, running: { role, term, committed, lastIndex, confState } }) =>
      `${id}: ${role} term ${term} commit ${committed} of ${lastIndex}, voters ${confState.voters.join()}`)
    assert.fail(`no progress after 60 rounds\n${state.join('\n')}`)
  }

  /** A leader commits a new entry and every member of its configuration applies it. */
  #isWhole(): boolean {
    const { cluster } = this
    const leader = cluster.leader
    if (leader === undefined || !leader.propose('the last one').ok) return false
    const last = leader.running.lastIndex
    cluster.settle()
    // The commit index of the others may wait for a heartbeat.
    cluster.do(leader, (it) => it.running.tick())
    cluster.settle()
    cluster.invariants.checkLogs(cluster.members)
    const { voters, learners } = leader.running.confState
    return [...voters, ...learners].every((id) => cluster.member(id).running.applied >= last)
  }

  #up(who: TestMember, action: (who: TestMember) => void): void {
    if (who.core !== null) this.cluster.do(who, action)
  }

  #tick(who: TestMember): void {
    this.#up(who, (it) => it.running.tick())
  }

  #ready(who: TestMember, room?: number): void {
    if (who.core !== null) this.cluster.ready(who, room)
  }

  #network(action: (at: number) => void, what: number): void {
    if (this.cluster.network.length > 0) action(what % this.cluster.network.length)
  }

  #crash(who: TestMember, what: number): void {
    if (who.core !== null) this.cluster.crash(who, what % (who.writes.length + 1))
  }

  #restart(who: TestMember): void {
    if (who.core === null) this.cluster.restart(who)
  }

  #transfer(who: TestMember, what: number): void {
    const { leader, members } = this.cluster
    this.#up(leader ?? who, (it) => it.running.transferLeader((members[what % members.length] as TestMember).id))
  }

  #changeConf(what: number): void {
    const { leader, members } = this.cluster
    if (leader === undefined || this.#setting.changesConf !== true) return
    const single = (n: number): ConfChange['changes'][number] => ({
      type: [ConfChangeType.addNode, ConfChangeType.removeNode, ConfChangeType.addLearner][n % 3] as ConfChangeType,
      nodeId: (members[(n >>> 2) % members.length] as TestMember).id,
    })
    const changes = [single(what), single(what >>> 5), single(what >>> 10)].slice(0, (what >>> 15) % 4)
    const transition = ((what >>> 17) % 3) as ConfChange['transition']
    this.cluster.do(leader, (it) => it.proposeConf({ transition, changes }))
  }

  /** What goes to or comes from a member that is cut off is lost. */
  #deliver(at: number): void {
    const message = this.cluster.network[at]
    if (message === undefined) return
    if (this.#cut.has(message.from) || this.#cut.has(message.to)) this.cluster.drop(at)
    else this.cluster.deliver(at)
  }

  /** Most of those who are up do most of what there is, so that schedules get somewhere. */
  #round(what: number): void {
    const dice = new Prng(what)
    const { often, calm } = this.#temper
    for (const member of this.cluster.running) {
      if (dice.chance(often)) this.#tick(member)
      if (dice.chance(often)) while (this.cluster.ready(member)) { /* until there is nothing more */ }
      if (dice.chance(often)) this.#up(member, (it) => it.durable(dice.between(1, 4)))
      if (dice.chance(often)) this.#up(member, (it) => it.applied())
    }
    for (let count = this.cluster.network.length; count > 0; count--) {
      if (dice.chance(calm)) this.#deliver(0)
      else this.#network((at) => this.#deliver(at), dice.u32())
    }
  }
}

/**
 * Whether anybody leads or has a log that a quorum would vote for. It can be that nobody has: a leader that is removed
 * and dies before any voter knows that, with a longer log than theirs, leaves voters that wait for its vote. This comes
 * from counting votes by the configuration that is applied, as etcd's raft does, which asks for three members for it.
 */
function isElectable(cluster: RaftCluster): boolean {
  if (cluster.leader !== undefined) return true
  return cluster.members.some((candidate) => {
    const { voters, votersOutgoing } = candidate.running.confState
    const stands = voters.includes(candidate.id) || votersOutgoing.includes(candidate.id)
    return stands && [voters, votersOutgoing].every((half) => {
      const grants = half.filter((id) => lastOf(candidate) >= lastOf(cluster.member(id)))
      return half.length === 0 || grants.length > half.length / 2
    })
  })
}

/** Orders logs as elections do (Raft 5.4.1). */
function lastOf(member: TestMember): number {
  const { lastIndex, firstIndex } = member.running
  const term = lastIndex < firstIndex ? member.disk.snapshot.term : member.running.entry(lastIndex).term
  return term * 1e6 + lastIndex
}

for (const setting of SETTINGS) {
  describe(`any schedule of losses, crashes and delays: ${setting.name}`, () => {
    test('breaks no promise of Raft, and the cluster works again afterwards', () => {
      let leaders = 0
      let commits = 0
      let reads = 0
      let stuck = 0
      fc.assert(fc.property(fc.noBias(fc.nat()), (seed) => {
        const schedule = new Schedule(setting, seed)
        schedule.run()
        leaders += schedule.cluster.invariants.leaderCount
        commits += schedule.cluster.invariants.commitMax
        reads += schedule.cluster.invariants.answeredReads
        if (!schedule.recover()) stuck++
      }), { numRuns: RUNS, ...REPORT })
      assert.ok(stuck <= (setting.changesConf === true ? RUNS / 20 : 0), `${stuck} clusters were beyond help`)
      // Schedules that never get anywhere would prove nothing.
      const reach = `${leaders} leaders, ${commits} commits, ${reads} reads`
      assert.ok(leaders > RUNS / 2 && commits > RUNS * 3 && reads > RUNS, reach)
    })
  })
}

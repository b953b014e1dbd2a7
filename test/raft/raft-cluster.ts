/**
 * Several members and the network between them, in one thread. Every step is a call; invariants are checked after each.
 */

import assert from 'node:assert/strict'
import { confStateOf } from '../../src/raft/core/conf-change.js'
import { MessageType, type RaftMessage } from '../../src/raft/core/raft-message.js'
import type { RaftInitial, RaftLimits } from '../../src/raft/core/raft-state.js'
import type { ReadRefusal } from '../../src/raft/core/read-index.js'
import { RaftInvariants } from './raft-invariants.js'
import { messageCopy, TestMember, type MemberObserver } from './test-member.js'

export interface ClusterOptions {
  readonly voters: readonly bigint[]
  readonly learners?: readonly bigint[]
  /** Members that run without being in the configuration yet. */
  readonly spares?: readonly bigint[]
  readonly limits: RaftLimits
  readonly random: (id: bigint) => () => number
  readonly initial?: RaftInitial
}

/** A cluster that talks longer than this talks for ever. */
const SETTLE_ROUNDS_MAX = 1000

export class RaftCluster {
  readonly members: readonly TestMember[]
  readonly invariants: RaftInvariants
  /** Sent and neither delivered nor lost, oldest first. */
  network: RaftMessage[] = []
  readonly #byId: ReadonlyMap<bigint, TestMember>
  readonly #observers: MemberObserver[]
  readonly #observer: MemberObserver

  constructor(options: ClusterOptions) {
    const { voters, learners = [], spares = [], limits, random, initial } = options
    const confState = confStateOf(voters, learners)
    this.invariants = new RaftInvariants(initial?.entries.length ?? 0)
    this.#observers = [this.invariants]
    this.members = [...voters, ...learners, ...spares].map((id) => new TestMember(id, {
      confState, limits, random: random(id), ...(initial === undefined ? {} : { initial }),
    }))
    this.#byId = new Map(this.members.map((member) => [member.id, member]))
    this.#observer = {
      onReady: (member, ready) => {
        this.invariants.check(this.members)
        for (const observer of this.#observers) observer.onReady(member, ready)
      },
      onApplied: (member, entry) => {
        for (const observer of this.#observers) observer.onApplied(member, entry)
      },
    }
  }

  get running(): readonly TestMember[] {
    return this.members.filter((member) => member.core !== null)
  }

  /** The leader of the latest term that has one. */
  get leader(): TestMember | undefined {
    return this.running.filter((member) => member.running.role === 'leader')
      .toSorted((a, b) => b.running.term - a.running.term)[0]
  }

  observe(observer: MemberObserver): void {
    this.#observers.push(observer)
  }

  member(id: bigint): TestMember {
    const member = this.#byId.get(id)
    assert.ok(member !== undefined, `no member ${id}`)
    return member
  }

  /** Does something to a running member's core, and checks what must always hold. */
  do<T>(member: TestMember, action: (member: TestMember) => T): T {
    const result = action(member)
    this.invariants.check(this.members)
    return result
  }

  /** One Ready of a member. False when there is nothing to do. */
  ready(member: TestMember, room?: number): boolean {
    return this.do(member, () => member.ready((message) => this.network.push(message), this.#observer, room))
  }

  /** Hands the message at `position` to its receiver; lost when that is down. */
  deliver(position: number): void {
    const [message] = this.network.splice(position, 1)
    assert.ok(message !== undefined, `no message ${position}`)
    const to = this.#byId.get(message.to)
    if (to === undefined || to.core === null) this.#lost(message)
    else this.do(to, (it) => it.running.step(message))
    if (message.type === MessageType.snapshot) this.#reportSnapshot(message, to !== undefined && to.core !== null)
  }

  drop(position: number): void {
    const [message] = this.network.splice(position, 1)
    assert.ok(message !== undefined, `no message ${position}`)
    this.#lost(message)
    if (message.type === MessageType.snapshot) this.#reportSnapshot(message, false)
  }

  duplicate(position: number): void {
    const message = this.network[position]
    assert.ok(message !== undefined, `no message ${position}`)
    this.network.push(messageCopy(message))
  }

  crash(member: TestMember, reached = 0): void {
    member.crash(reached)
  }

  restart(member: TestMember): void {
    member.restart()
    this.invariants.onRestart(member)
    this.invariants.check(this.members)
  }

  /** Draws the next ticket for a read at a member. Null: asked. */
  read(member: TestMember): ReadRefusal | null {
    return this.do(member, () => {
      member.lastTicket++
      this.invariants.onReadAsked(member, member.lastTicket)
      return member.running.readIndex(member.lastTicket)
    })
  }

  /**
   * Lets members work, store, apply and hear until they have nothing to do. What `isLost` is lost; what is for others
   * stays under way.
   */
  settle(members = this.members, isLost: (message: RaftMessage) => boolean = () => false): void {
    const ids = new Set(members.map((member) => member.id))
    for (let round = 0; round < SETTLE_ROUNDS_MAX; round++) {
      let busy = false
      for (const member of members) {
        if (member.core === null) continue
        while (this.ready(member)) busy = true
        if (member.writes.length > 0) busy = true
        this.do(member, (it) => it.durable())
        this.do(member, (it) => it.applied())
      }
      for (let at = 0, left = this.network.length; left > 0; left--) {
        const message = this.network[at] as RaftMessage
        if (!ids.has(message.to) && members !== this.members) {
          at++
          continue
        }
        busy = true
        if (isLost(message)) this.drop(at)
        else this.deliver(at)
      }
      if (!busy) return
    }
    assert.fail(`still busy after ${SETTLE_ROUNDS_MAX} rounds`)
  }

  #lost(message: RaftMessage): void {
    const from = this.#byId.get(message.from)
    if (from === undefined || from.core === null) return
    this.do(from, (it) => it.running.reportUnreachable(message.to))
  }

  #reportSnapshot(message: RaftMessage, ok: boolean): void {
    const from = this.#byId.get(message.from)
    if (from === undefined || from.core === null) return
    this.do(from, (it) => it.running.reportSnapshot(message.to, ok))
  }
}

/** Several raft actors on one thread and the network between them: time and everything that is lost is the test's. */

import assert from 'node:assert/strict'
import { bootstrapEntries } from '../../../src/cluster/bootstrap-entries.js'
import type { RaftLimits } from '../../../src/raft/core/raft-state.js'
import { ActorRig, HEARTBEAT_MS, RigDisk } from './actor-rig.js'

/** Rounds in which nothing waits for a clock; more means that members talk for ever. */
const SETTLE_ROUNDS_MAX = 200

export class ActorCluster {
  nowMs = 0
  /** Members whose disk does not answer, and members that nobody hears and that hear nobody. */
  readonly stalled = new Set<bigint>()
  readonly cut = new Set<bigint>()
  readonly #ids: readonly bigint[]
  readonly #limits: Partial<RaftLimits>
  readonly #disks: ReadonlyMap<bigint, RigDisk>
  readonly #rigs = new Map<bigint, ActorRig>()

  constructor(ids: readonly bigint[], limits: Partial<RaftLimits> = {}) {
    this.#ids = ids
    this.#limits = limits
    this.#disks = new Map(ids.map((id) => {
      const disk = new RigDisk()
      disk.voters = [...ids]
      return [id, disk]
    }))
    for (const id of ids) this.start(id)
  }

  get running(): readonly ActorRig[] {
    return [...this.#rigs.values()]
  }

  /** The member that all who run follow; fails the test when there is none. */
  get leader(): ActorRig {
    const leader = this.running.find((rig) => rig.leads)
    assert.ok(leader !== undefined, 'there is a leader')
    return leader
  }

  get followers(): readonly ActorRig[] {
    return this.running.filter((rig) => !rig.leads)
  }

  member(id: bigint): ActorRig {
    const rig = this.#rigs.get(id)
    assert.ok(rig !== undefined, `member ${id} runs`)
    return rig
  }

  start(id: bigint): ActorRig {
    const members = this.#ids.map((member) => ({
      id: member, peerUrls: [`http://m${member}:1`], isLearner: false, name: `m${member}`, clientUrls: [],
    }))
    const rig = new ActorRig({
      memberId: id,
      disk: this.#disks.get(id) as RigDisk,
      bootstrapEntries: bootstrapEntries(members),
      // The first member is the first to stand.
      random: () => this.#ids.indexOf(id) / this.#ids.length,
      limits: this.#limits,
    }, this.nowMs)
    this.#rigs.set(id, rig)
    return rig
  }

  /** The process ends where it stands. */
  kill(id: bigint): void {
    this.#rigs.delete(id)
  }

  /** Goes on without time passing until nobody has anything to say. */
  settle(): void {
    for (let round = 0; round < SETTLE_ROUNDS_MAX; round++) {
      let work = 0
      for (const rig of this.running) {
        rig.run(this.nowMs)
        if (!this.stalled.has(rig.memberId)) work += rig.sync()
        work += rig.apply()
      }
      work += this.#deliver()
      if (work === 0) return
    }
    assert.fail('the members talk for ever')
  }

  /** Lets time pass, a heartbeat at a time. */
  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += HEARTBEAT_MS) {
      this.nowMs += HEARTBEAT_MS
      this.settle()
    }
  }

  /** Lets time pass until there is a leader that all who run follow. */
  elect(): ActorRig {
    for (let ticks = 0; ticks < 100; ticks++) {
      this.pass(HEARTBEAT_MS)
      const leader = this.running.find((rig) => rig.leads && !this.cut.has(rig.memberId))
      const reachable = this.running.filter((rig) => !this.cut.has(rig.memberId))
      if (leader !== undefined && reachable.every((rig) => rig.leader === leader.memberId)) return leader
    }
    return assert.fail('nobody was elected')
  }

  #deliver(): number {
    let count = 0
    for (const rig of this.running) {
      for (const { message, to, data } of rig.sends()) {
        count++
        const target = this.#rigs.get(BigInt.asUintN(64, to as bigint))
        const isLost = target === undefined || this.cut.has(rig.memberId) || this.cut.has(target.memberId)
        if (message !== 'send' || isLost) continue
        target.raft.received({ data: data as Uint8Array })
      }
    }
    return count
  }
}

/**
 * Somebody who changes the cluster: a learner joins and is promoted, another member goes, the leader is moved. One
 * change at a time; what had no answer is looked up in the list of members. A member whose disk is broken is removed
 * before anything else changes, and another one joins for it.
 */

import type { Prng } from '../../base/prng.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import {
  decodeMemberAddResponse,
  decodeMemberListResponse,
  encodeMemberAddRequest,
  encodeMemberListRequest,
  encodeMemberPromoteRequest,
  encodeMemberRemoveRequest,
  encodeMoveLeaderRequest,
  type Member,
} from '../../proto/generated/etcdserverpb.js'
import type { SimCluster } from '../world/sim-cluster.js'
import type { SimNode } from '../world/sim-node.js'
import type { World } from '../world/world.js'
import type { Reconfig, ReconfigJudge } from './reconfig-judge.js'
import type { CallEnd } from './sim-connection.js'

const CLUSTER = '/etcdserverpb.Cluster/'
const MOVE_LEADER = '/etcdserverpb.Maintenance/MoveLeader'
const PAUSE_MS = 4000
const RETRY_MS = 700
const PATIENCE_MS = 9000
/** A learner that cannot be promoted for so long is removed again. */
const PROMOTE_TRIES_MAX = 12

export interface MemberContext {
  readonly world: World
  readonly cluster: SimCluster
  readonly isOver: () => boolean
  readonly onDone: () => void
  /** Nothing changes but what is broken. */
  readonly onlyReplaces: boolean
  readonly judge: ReconfigJudge
}

interface Request {
  readonly method: string
  readonly bytes: Uint8Array
  /** What it changes, if it does. */
  readonly change?: Reconfig
}

export class MemberClient {
  changes = 0
  /** No change is under way, and none will come later. */
  isResting = true
  /** Members that have not been promoted. */
  readonly #learners = new Set<SimNode>()
  readonly #context: MemberContext
  readonly #random: Prng
  /** Broken members that were removed, for which nobody has joined yet. */
  #missing = 0

  constructor(context: MemberContext) {
    this.#context = context
    this.#random = context.world.stream()
  }

  start(pauseMs = PAUSE_MS): void {
    this.isResting = true
    this.#later(pauseMs, () => {
      this.isResting = false
      this.#begin()
    })
  }

  #begin(): void {
    const { onlyReplaces, cluster: { nodes } } = this.#context
    const broken = nodes.find(({ isLost }) => isLost)
    if (broken !== undefined) {
      this.#missing++
      this.#remove(broken)
    } else if (this.#missing > 0) this.#add()
    else if (onlyReplaces || nodes.some(({ damage }) => damage !== null)) this.start()
    else if (this.#random.chance(0.35)) this.#moveLeader()
    else this.#add()
  }

  #later(meanMs: number, what: () => void): void {
    const { world, isOver } = this.#context
    world.time.after(world.around(meanMs, this.#random), () => {
      if (!isOver()) what()
    })
  }

  #call({ method, bytes, change }: Request, onEnd: (end: CallEnd) => void, at: SimNode | null = null): void {
    const { world, cluster, onDone, judge } = this.#context
    const node = at ?? this.#random.pick(cluster.nodes)
    const verdict = change === undefined ? null : judge.watch(node, change)
    cluster.connections.unary(node, { method, user: '', bytes, patienceMs: PATIENCE_MS }, (end) => {
      const name = method.slice(method.lastIndexOf('/') + 1)
      world.say('members', () => `${node.name}: ${name} -> ${end.kind === 'failed' ? end.text : end.kind}`)
      if (end.kind === 'answered') onDone()
      verdict?.(end)
      onEnd(end)
    })
  }

  #moveLeader(): void {
    const { leader, nodes } = this.#context.cluster
    const to = this.#random.pick(nodes)
    if (leader === null || to === leader) return this.start()
    const bytes = encodeMoveLeaderRequest({ targetID: to.memberId })
    this.#call({ method: MOVE_LEADER, bytes }, () => this.start(), leader)
  }

  #add(): void {
    const { cluster } = this.#context
    const url = cluster.nextPeerUrl
    const bytes = encodeMemberAddRequest({ peerURLs: [url], isLearner: true })
    this.#call({ method: `${CLUSTER}MemberAdd`, bytes, change: { kind: 'addLearner', id: 0n } }, (end) => {
      if (end.kind === 'answered') {
        const { member } = decodeMemberAddResponse(end.message)
        if (member !== undefined) return this.#joined(member)
      }
      if (end.kind === 'refused') return this.start()
      // It takes a while without a fault until enough of them have been connected for long.
      if (end.kind === 'failed' && end.text === etcdErrors.unhealthy.message) return this.start(RETRY_MS)
      this.#list((members) => {
        const member = members.find(({ peerURLs }) => peerURLs.includes(url))
        if (member === undefined) this.start()
        else this.#joined(member)
      })
    })
  }

  #joined({ ID }: Member): void {
    this.changes++
    const node = this.#context.cluster.join(ID)
    this.#learners.add(node)
    this.#later(RETRY_MS, () => this.#promote(node, PROMOTE_TRIES_MAX))
  }

  #promote(node: SimNode, triesLeft: number): void {
    if (triesLeft === 0) return this.#remove(node)
    const bytes = encodeMemberPromoteRequest({ ID: node.memberId })
    const change: Reconfig = { kind: 'promote', id: node.memberId }
    this.#call({ method: `${CLUSTER}MemberPromote`, bytes, change }, (end) => {
      const isPromoted = end.kind === 'failed' && end.text === etcdErrors.memberNotLearner.message
      const isDone = end.kind === 'answered' || isPromoted
      if (!isDone) return this.#later(RETRY_MS, () => this.#promote(node, triesLeft - 1))
      this.changes++
      this.#learners.delete(node)
      if (this.#missing > 0) return this.#standsIn(node)
      this.#later(RETRY_MS, () => this.#remove(this.#random.pick(this.#context.cluster.nodes)))
    }, this.#context.cluster.leader)
  }

  #standsIn(node: SimNode): void {
    this.#context.world.say('members', () => `${node.name} stands in for a broken member`)
    this.#missing--
    this.start()
  }

  #remove(node: SimNode): void {
    const { cluster } = this.#context
    const others = cluster.nodes.filter((other) => other !== node)
    const bytes = encodeMemberRemoveRequest({ ID: node.memberId })
    const change: Reconfig = { kind: 'remove', id: node.memberId }
    this.#call({ method: `${CLUSTER}MemberRemove`, bytes, change }, (end) => {
      if (end.kind === 'answered') return this.#removed(node)
      if (end.kind === 'refused') return this.#later(RETRY_MS, () => this.#remove(node))
      this.#list((members) => {
        if (members.some(({ ID }) => ID === node.memberId)) this.#later(RETRY_MS, () => this.#remove(node))
        else this.#removed(node)
      })
    }, this.#random.pick(others))
  }

  #removed(node: SimNode): void {
    this.changes++
    this.#learners.delete(node)
    this.#context.cluster.retire(node)
    this.start()
  }

  /** Until somebody answers. What is still under way may come after that; it is found in the list of another time. */
  #list(onMembers: (members: readonly Member[]) => void): void {
    const voters = this.#context.cluster.nodes.filter((node) => !this.#learners.has(node))
    const bytes = encodeMemberListRequest({ linearizable: true })
    this.#call({ method: `${CLUSTER}MemberList`, bytes }, (end) => {
      if (end.kind === 'answered') onMembers(decodeMemberListResponse(end.message).members)
      else this.#later(RETRY_MS, () => this.#list(onMembers))
    }, this.#random.pick(voters))
  }
}

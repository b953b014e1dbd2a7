/** The members of one simulated cluster and what is true of all of them together. */

import type { Identity } from '../../actor/thread-start.js'
import { identityOf } from '../../cluster/identity.js'
import { conclude, type Config } from '../../config/config.js'
import { readFlags } from '../../config/flags.js'
import { Word } from '../../messages/shared-words.js'
import { Truth } from '../checkers/truth.js'
import type { SimStoreDisk } from '../devices/sim-store.js'
import { Connections } from '../work/sim-connection.js'
import { FirstApplied } from './first-applied.js'
import type { AppliedEntry } from './observed-mvcc.js'
import { SimNetwork } from '../network/sim-network.js'
import { SimNode } from './sim-node.js'
import { TruthTail } from './truth-tail.js'
import type { World } from './world.js'

const HEARTBEAT_MS = 100
/** Short ones give more elections, and more that nobody wins. */
const ELECTIONS_MS = [500, 500, 1000]
/** By default it is so. Without it members change in worse times, too. */
const STRICT_CHANCE = 0.75
const STRICT_ASIDE = 0x571
/** How long a removed member has to end by itself. */
const RETIRE_MS = 3000

export interface ClusterOptions {
  readonly members: number
  readonly openDisk: () => SimStoreDisk
  /** The members have agreed to go on without the one that leads them: nobody does until they have elected another. */
  readonly onLeaderRemoved?: () => void
}

export class SimCluster {
  /** Those that are members now. */
  readonly nodes: SimNode[] = []
  readonly truth = new Truth()
  readonly firstApplied: FirstApplied
  readonly connections: Connections
  readonly network: SimNetwork
  readonly #world: World
  readonly #tails = new Map<SimNode, TruthTail>()
  readonly electionMs: number
  /** Changes of members that may risk the quorum are refused. */
  readonly isStrict: boolean
  /** Flags that all of this run's members have. */
  readonly #common: Readonly<Record<string, string>>
  readonly #openDisk: () => SimStoreDisk
  readonly #retired: SimNode[] = []
  /** Members made so far. */
  #made = 0

  constructor(world: World, options: ClusterOptions) {
    this.#world = world
    this.#openDisk = options.openDisk
    this.firstApplied = new FirstApplied(options.onLeaderRemoved ?? (() => undefined))
    this.connections = new Connections(world)
    this.network = new SimNetwork(world)
    const random = world.stream()
    this.electionMs = random.pick(ELECTIONS_MS)
    this.isStrict = world.aside(STRICT_ASIDE).chance(STRICT_CHANCE)
    this.#common = {
      'strict-reconfig-check': String(this.isStrict),
      'election-timeout': String(this.electionMs),
      // Without it a member that cannot win disturbs the others, as Raft allows.
      'pre-vote': random.chance(0.6) ? 'true' : 'false',
    }
    for (let at = 0; at < options.members; at++) {
      const config = configOf(at, options.members, this.#common)
      const identity = identityOf(config, null)
      if (!identity.ok) throw new Error(identity.message)
      this.nodes.push(this.#node(config, identity.identity))
    }
    this.network.connect(this.nodes)
  }

  /** What the next member to join will say of itself. */
  get nextPeerUrl(): string {
    return peerUrl(this.#made)
  }

  /** A member that the cluster has agreed to take, with nothing on its disks. */
  join(memberId: bigint): SimNode {
    const first = this.nodes[0] as SimNode
    const config = configOf(this.#made, this.#made + 1, { ...this.#common, 'initial-cluster-state': 'existing' })
    const node = this.#node(config, { ...first.identity, memberId, bootstrapEntries: [] })
    this.nodes.push(node)
    this.network.connect(this.nodes)
    this.start(node)
    return node
  }

  /** The cluster has agreed to go on without it. It may not have heard of that. */
  retire(node: SimNode): void {
    const at = this.nodes.indexOf(node)
    if (at < 0) return
    this.#world.say(node.name, () => 'is removed')
    node.isLost = true
    this.nodes.splice(at, 1)
    this.#retired.push(node)
    this.#world.time.after(RETIRE_MS, () => this.crash(node, 'kill'))
  }

  /** A removal may take effect after whoever asked for it has given up: then the leader's store tells. */
  retireRemoved(): void {
    const members = this.leader?.members() ?? []
    if (members.length === 0) return
    const gone = this.nodes.filter(({ memberId }) => !members.some(({ id }) => id === memberId))
    for (const node of gone) this.retire(node)
  }

  start(node: SimNode): void {
    if (node.isUp || node.isLost) return
    node.start()
    const { eventLog, words } = node
    if (eventLog !== null && words !== null) this.#tails.set(node, new TruthTail(eventLog, words))
  }

  crash(node: SimNode, kind: 'power' | 'kill'): void {
    node.crash(kind)
    this.connections.onNodeDown(node)
  }

  /** The member that a majority would name, as far as words say. */
  get leader(): SimNode | null {
    const votes = new Map<bigint, number>()
    for (const node of this.nodes) {
      const leader = node.words?.loadId(Word.leaderId) ?? 0n
      if (leader !== 0n) votes.set(leader, (votes.get(leader) ?? 0) + 1)
    }
    for (const [id, count] of votes) {
      if (count > this.nodes.length / 2) return this.nodes.find((node) => node.memberId === id) ?? null
    }
    return null
  }

  remove(): void {
    for (const node of [...this.nodes, ...this.#retired]) {
      if (node.isUp) node.crash('kill')
      node.storeDisk.remove()
    }
  }

  #node(config: Config, identity: Identity): SimNode {
    return new SimNode(this.#world, {
      name: config.name,
      number: this.#made++,
      config,
      identity,
      storeDisk: this.#openDisk(),
      parts: { applies: { onApply: this.#onApply.bind(this) }, network: this.network },
      afterTurn: (node, thread) => {
        if (thread === node.thread('mvcc')) this.#readEvents(node)
      },
      onEnd: (node, cause, isExpected) => this.#onEnd(node, cause, isExpected),
    })
  }

  #onApply(node: SimNode, entry: AppliedEntry): void {
    this.firstApplied.take(entry, node.words?.loadId(Word.leaderId) ?? 0n, this.#world.nowMs)
    const problem = this.truth.onEntry(node.name, entry.index, entry)
    if (problem !== null) this.#world.fail('correctness', problem)
  }

  #readEvents(node: SimNode): void {
    const problem = this.#tails.get(node)?.take(node.name, this.truth, this.#world.nowMs) ?? null
    if (problem !== null) this.#world.fail('correctness', problem)
  }

  #onEnd(node: SimNode, cause: string, isExpected: boolean): void {
    this.connections.onNodeDown(node)
    if (!isExpected) this.#world.fail('crash', cause)
  }
}

function peerUrl(number: number): string {
  return `http://10.0.0.${number + 1}:2380`
}

function configOf(at: number, members: number, common: Readonly<Record<string, string>>): Config {
  const url = peerUrl
  const name = (number: number): string => `m${number + 1}`
  const clients = `http://10.0.0.${at + 1}:2379`
  const flags: Readonly<Record<string, string>> = {
    name: name(at),
    'data-dir': `/sim/${name(at)}`,
    'listen-client-urls': clients,
    'advertise-client-urls': clients,
    'listen-peer-urls': url(at),
    'initial-advertise-peer-urls': url(at),
    'initial-cluster': Array.from({ length: members }, (_, i) => `${name(i)}=${url(i)}`).join(','),
    'initial-cluster-token': 'sim',
    'actor-threads': 'dedicated',
    'front-workers': '1',
    'watch-workers': '1',
    'heartbeat-interval': String(HEARTBEAT_MS),
    'max-request-bytes': '16384',
    // Nothing is listened on; members take clients' certificates as told.
    'cert-file': '/sim/cert.pem',
    'key-file': '/sim/key.pem',
    'client-cert-auth': 'true',
    // Seconds: clients that stay away from a member for a while are not known there any more.
    'auth-token-ttl': '6',
    // So few that members that are cut off for seconds need a snapshot.
    'snapshot-count': '30',
    'snapshot-catchup-entries': '10',
    'log-level': 'info',
    ...common,
  }
  const read = readFlags(Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`), {})
  if (!read.ok || 'print' in read) throw new Error(read.ok ? 'flags that print' : read.message)
  const concluded = conclude(read.raw)
  if (!concluded.ok) throw new Error(concluded.message)
  return concluded.config
}

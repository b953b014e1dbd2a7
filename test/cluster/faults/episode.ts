/** A fresh cluster, clients, fault after fault, and the judgement over all that the clients were told. */

import { setTimeout as delay } from 'node:timers/promises'
import { Prng } from '../../../src/base/prng.js'
import { checkKv } from '../../../src/sim/checkers/kv-checker.js'
import { Disturbances, checkLease } from '../../../src/sim/checkers/lease-checker.js'
import { Truth, type Change } from '../../../src/sim/checkers/truth.js'
import { WatchChecker } from '../../../src/sim/checkers/watch-checker.js'
import type { EtcdClient } from '../../support/etcd-client.js'
import { revisionOf } from '../../support/expect.js'
import { FaultCluster, type FaultMember } from './fault-cluster.js'
import { FAULTS, type Fault } from './faults.js'
import { KEYS, KvClient } from './kv-clients.js'
import { LEASE_PREFIX, LeaseClient } from './lease-clients.js'
import { WatchClient } from './watch-clients.js'

export interface EpisodeOptions {
  readonly seed: number
  readonly size: number
  readonly durationMs: number
  /** Only these faults; all when empty. */
  readonly only: readonly string[]
}

export interface EpisodeReport {
  readonly operations: number
  readonly answered: number
  readonly leases: number
  readonly revisions: number
  readonly faults: readonly string[]
  readonly problem: string | null
}

const KV_CLIENTS = 6
const LEASE_CLIENTS = 4
const QUIET_MS = { min: 500, max: 3000 }
const LEADER_CHANCE = 0.6
const ELECTION_MS = 1000
/** Until everything that was let go of must be gone: the longest TTL, an election timeout and the grace. */
const LAST_LEASES_MS = 9000
/** Watches and this process's own loop take a moment. */
const DISTURBED_MORE_MS = 1000

export class Episode {
  readonly #options: EpisodeOptions
  readonly #prng: Prng
  readonly #disturbances = new Disturbances()
  readonly #faults: string[] = []
  #lastRevision = Infinity

  constructor(options: EpisodeOptions) {
    this.#options = options
    this.#prng = new Prng(options.seed)
  }

  async run(tell: (line: string) => void): Promise<EpisodeReport> {
    const cluster = await FaultCluster.start(this.#options.size)
    try {
      return await this.#runOn(cluster, tell)
    } finally {
      await cluster.remove()
    }
  }

  async #runOn(cluster: FaultCluster, tell: (line: string) => void): Promise<EpisodeReport> {
    const endpoints = cluster.members.map(({ client }) => client)
    const prngOf = (i: number): Prng => new Prng(this.#options.seed * 1000 + i)
    const kvClients = Array.from({ length: KV_CLIENTS }, (_, i) => new KvClient(`c${i}`, endpoints, prngOf(i)))
    const holders = Array.from({ length: LEASE_CLIENTS }, (_, i) =>
      new LeaseClient(`h${i}`, endpoints, prngOf(100 + i)))
    const ended = (change: Change): void => this.#onChange(change, holders)
    const watches = endpoints.map((client, i) => new WatchClient(`watch through ${i}`, client, ended))
    let isOver = false
    const goesOn = (): boolean => !isOver
    const working = [...kvClients, ...holders].map((client) => client.run(goesOn))
    const watching = watches.map((watch) => watch.run(() => this.#lastRevision))
    await this.#disturb(cluster, tell)
    isOver = true
    await Promise.all(working)
    await delay(LAST_LEASES_MS)
    this.#lastRevision = revisionOf(await (endpoints[0] as EtcdClient).range({ key: 'k' }))
    await Promise.all(watching)
    const history = kvClients.flatMap((client) => client.history)
    const lives = holders.flatMap((holder) => [...holder.lives.values()])
    const nowMs = performance.now()
    const problem = this.#judgeWatches(watches, history) ??
      lives.map((life) => checkLease(life, {
        electionTimeoutMs: ELECTION_MS, disturbances: this.#disturbances, nowMs,
      })).find((found) => found !== null) ?? null
    return {
      operations: history.length,
      answered: history.filter(({ outcome }) => typeof outcome !== 'string').length,
      leases: lives.length,
      revisions: this.#lastRevision,
      faults: this.#faults,
      problem,
    }
  }

  async #disturb(cluster: FaultCluster, tell: (line: string) => void): Promise<void> {
    const untilMs = performance.now() + this.#options.durationMs
    const { only } = this.#options
    const faults = FAULTS.filter(({ name }) => only.length === 0 || only.some((word) => name.includes(word)))
    while (performance.now() < untilMs) {
      await delay(this.#prng.between(QUIET_MS.min, QUIET_MS.max))
      await this.#strike(cluster, this.#prng.pick(faults), tell)
    }
  }

  async #strike(cluster: FaultCluster, fault: Fault, tell: (line: string) => void): Promise<void> {
    const leader = this.#prng.chance(LEADER_CHANCE) ? await cluster.leader() : null
    const victim = this.#victimOf(fault, cluster, leader)
    const others = cluster.members.filter((member) => member !== victim)
    const fromMs = performance.now()
    try {
      await fault.run({ cluster, prng: this.#prng, victim, others })
      await cluster.settle()
    } catch (error) {
      throw new Error(`after ${fault.name} on ${victim.index}: ${String(error)}`, { cause: error })
    }
    const untilMs = performance.now()
    this.#disturbances.add(fromMs, untilMs + DISTURBED_MORE_MS)
    this.#faults.push(fault.name)
    const role = leader === victim ? ', the leader' : ''
    tell(`  ${fault.name} on ${victim.index}${role}: well again after ${Math.round(untilMs - fromMs)} ms`)
  }

  #victimOf({ member }: Fault, cluster: FaultCluster, leader: FaultMember | null): FaultMember {
    const picked = this.#prng.pick(cluster.members)
    return member === undefined ? leader ?? picked : cluster.members[member] ?? picked
  }

  /** The first watch that hears of it says when. */
  #onChange({ key, value }: Change, holders: readonly LeaseClient[]): void {
    if (value !== null || !key.startsWith(LEASE_PREFIX)) return
    for (const { lives } of holders) {
      const life = lives.get(key)
      if (life !== undefined) life.endedMs ??= performance.now()
    }
  }

  /** What the first watch heard is the truth; that it is whole shows in its revisions, which have no gap. */
  #judgeWatches(watches: readonly WatchClient[], history: Parameters<typeof checkKv>[0]): string | null {
    const truth = new Truth()
    for (const watch of watches) {
      for (const [revision, changes, atMs] of byRevision(watch)) {
        const problem = truth.onRevision(watch.name, revision, changes, atMs)
        if (problem !== null) return problem
      }
    }
    for (const watch of watches) {
      const checker = new WatchChecker(truth, { name: watch.name, range: { key: '\0', end: '\0' }, from: 2 })
      for (const { changes } of watch.heard) {
        const problem = checker.onEvents(changes, false)
        if (problem !== null) return problem
      }
      const owed = checker.owed()
      if (owed !== null) return `${watch.name} has not heard of ${owed.key} at ${owed.modRevision}`
    }
    return checkKv(history, onlyKeysOf(truth))
  }
}

function byRevision(watch: WatchClient): [number, Change[], number][] {
  const revisions: [number, Change[], number][] = []
  for (const { changes, atMs } of watch.heard) {
    for (const change of changes) {
      const last = revisions.at(-1)
      if (last?.[0] === change.modRevision) last[1].push(change)
      else revisions.push([change.modRevision, [change], atMs])
    }
  }
  return revisions
}

/** The truth without the keys of leases and of the harness, which no operation of the history wrote. */
function onlyKeysOf(truth: Truth): Truth {
  const kept = new Truth()
  for (const revision of truth.revisions) {
    if (revision === undefined) continue
    const changes = revision.changes.filter(({ key }) => key >= KEYS.key && key < KEYS.end)
    kept.onRevision('kept', revision.revision, changes, revision.atMs)
  }
  return kept
}

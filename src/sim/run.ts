/** One run from a seed: a cluster, its clients, what goes wrong, and what must hold at the end. */

import type { Prng } from '../base/prng.js'
import { compactionHashes } from '../messages/compaction-hashes.js'
import { compactionVerdict } from './checkers/compaction-verdict.js'
import { checkAuth, type AuthHistory } from './checkers/auth-checker.js'
import { checkKv, type KvOperation } from './checkers/kv-checker.js'
import { Disturbances, checkLease, lastRenewalMs, type LeaseLife } from './checkers/lease-checker.js'
import { checkLocks, isLockKey, keysInLine, type LockHistory } from './checkers/lock-checker.js'
import { unsettledMember } from './checkers/settled.js'
import { LmdbStoreDisk } from './devices/sim-lmdb-store.js'
import { MemoryStoreDisk } from './devices/sim-store.js'
import { BadSectors } from './faults/bad-sectors.js'
import { FaultPlan, RECOVERY_MS } from './faults/fault-plan.js'
import { AUTH_USERS, AuthAdmin } from './work/auth-admin.js'
import { AuthClient } from './work/auth-client.js'
import { CompactClient } from './work/compact-client.js'
import { HashComparison } from './work/hash-comparison.js'
import { KvClient } from './work/kv-client.js'
import { LeaseClient } from './work/lease-client.js'
import { LockClient } from './work/lock-client.js'
import { MemberClient } from './work/member-client.js'
import { ReconfigJudge } from './work/reconfig-judge.js'
import { WatchClient } from './work/watch-client.js'
import type { Failure } from './world/failure.js'
import { Links } from './network/links.js'
import { promisesHaveRun } from './world/promises.js'
import { SimCluster } from './world/sim-cluster.js'
import { World } from './world/world.js'

export interface RunOptions {
  readonly seed: number
  readonly members: number
  readonly seconds: number
  readonly keepsTrace: boolean
  readonly onLmdb: boolean
  /** Without faults, to see what a healthy cluster does. */
  readonly isCalm?: boolean
}

export interface RunResult {
  readonly options: RunOptions
  readonly failure: Failure | null
  readonly hash: string
  readonly lines: readonly string[]
  readonly simMs: number
  readonly operations: number
  readonly faults: number
  readonly events: number
  readonly revisions: number
  readonly watched: number
  readonly leases: number
  /** Long and hard enough to prove something. */
  readonly counts: boolean
}

/** What all clients are given. */
type RunContext = ConstructorParameters<typeof KvClient>[1] & ConstructorParameters<typeof WatchClient>[2] &
  ConstructorParameters<typeof LeaseClient>[1] & ConstructorParameters<typeof CompactClient>[0]

const BOOT_MS_MAX = 20_000
/** Until everybody must have caught up after the last fault. */
const SETTLE_MS_MAX = 40_000
const SETTLE_STEP_MS = 250
const EXTRA_MS = 5000
const EXTRA_MS_MAX = 120_000
const CLIENTS = 7
const WATCHES: readonly (readonly [string, string])[] = [['a', 'e'], ['b', 'c'], ['c1', ''], ['', '\0']]
const LEASE_CLIENTS = 3
const LONG_CHANCE = 0.15
const LONG_MAX = 2500
/** So many runs change their members, too. */
const MEMBER_CHANGES_CHANCE = 0.35
/** So many take locks. */
const LOCKS_CHANCE = 0.2
const LOCK_CLIENTS = 3
const LOCKS_ASIDE = 0x10c
/** And so many switch auth on. */
const AUTH_CHANCE = 0.2
const AUTH_ASIDE = 0xa07

/** What a run must have had to count. */
export const COUNTS = Object.freeze({ members: 3, seconds: 60, operations: 300, faults: 5 })

export async function simulate(options: RunOptions): Promise<RunResult> {
  const run = new Run(options)
  // What fronts answer by way of promises ends a node when it throws.
  const onRejection = (error: unknown): void => run.end(error)
  process.on('unhandledRejection', onRejection)
  try {
    await run.go()
  } catch (error) {
    // Whatever was thrown, the seed has to be told.
    run.end(error)
  } finally {
    process.off('unhandledRejection', onRejection)
    run.cluster.remove()
  }
  return run.result()
}

class Run {
  readonly cluster: SimCluster
  readonly #options: RunOptions
  readonly #world: World
  readonly #history: KvOperation[] = []
  readonly #lives: LeaseLife[] = []
  readonly #disturbances = new Disturbances()
  readonly #faults: FaultPlan
  readonly #watches: WatchClient[] = []
  readonly #compact: CompactClient
  readonly #kvClients: KvClient[] = []
  readonly #lockClients: LockClient[] = []
  readonly #locks: LockHistory = { calls: [], unlocks: [], sessions: [] }
  readonly #users: AuthClient[] = []
  readonly #auth: AuthHistory = { calls: [], logins: [] }
  readonly #choices: Prng
  #done = 0
  #values = 0
  #isOver = false
  #workedMs = 0

  constructor(options: RunOptions) {
    this.#options = options
    const world = new World(options.seed, options.keepsTrace)
    this.#world = world
    this.#choices = world.stream()
    this.cluster = new SimCluster(world, {
      members: options.members,
      openDisk: () => (options.onLmdb ? new LmdbStoreDisk() : new MemoryStoreDisk()),
      onLeaderRemoved: () => this.#disturbances.add(world.nowMs, world.nowMs + RECOVERY_MS),
    })
    this.#faults = new FaultPlan(world, this.cluster, this.#disturbances)
    this.#compact = new CompactClient(this.#context())
  }

  async go(): Promise<void> {
    await this.#boot()
    if (this.#world.failure !== null) return
    await this.#work()
    if (this.#world.failure !== null) return
    await this.#settle()
    if (this.#world.failure !== null) return
    await this.#compare()
    if (this.#world.failure !== null) return
    this.#judge()
  }

  /** The simulator itself has come to an end. */
  end(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#world.fail('crash', `the simulator: ${text}`)
  }

  result(): RunResult {
    const { trace, failure, nowMs } = this.#world
    const { members } = this.#options
    const counts = members >= COUNTS.members && this.#workedMs >= COUNTS.seconds * 1000 &&
      this.#done >= COUNTS.operations && this.#faults.count >= COUNTS.faults
    return {
      options: this.#options,
      failure,
      hash: trace.hash,
      lines: trace.lines,
      simMs: nowMs,
      operations: this.#done,
      faults: this.#faults.count,
      events: trace.events,
      revisions: this.cluster.truth.lastRevision,
      watched: this.#watches.reduce((sum, watch) => sum + watch.checker.delivered, 0),
      leases: this.#lives.length,
      counts,
    }
  }

  #context(): RunContext {
    return {
      world: this.#world,
      nodes: this.cluster.nodes,
      connections: this.cluster.connections,
      truth: this.cluster.truth,
      history: this.#history,
      lives: this.#lives,
      nextValue: () => this.#nextValue(),
      isOver: () => this.#isOver,
      onDone: () => {
        this.#done++
      },
      compactedMax: (): number => this.#compact.askedMax,
    }
  }

  /** Each is there once. A long one is written over several sectors, so that a power cut can tear it. */
  #nextValue(): string {
    const random = this.#choices
    const padding = random.chance(LONG_CHANCE) ? random.between(400, LONG_MAX) : 0
    return `v${++this.#values}${'.'.repeat(padding)}`
  }

  async #boot(): Promise<void> {
    const { nodes } = this.cluster
    for (const node of nodes) {
      this.#world.time.after(this.#world.around(200), () => this.cluster.start(node))
    }
    this.#disturbances.add(0, BOOT_MS_MAX)
    const isServing = (): boolean => this.cluster.leader !== null && nodes.every((node) => node.isServing)
    await this.#waitFor(BOOT_MS_MAX, isServing, () => 'no leader after the start')
  }

  async #work(): Promise<void> {
    const startMs = this.#world.nowMs
    const context = this.#context()
    for (let i = 0; i < CLIENTS; i++) this.#kvClients.push(new KvClient(`c${i}`, context))
    for (const client of this.#kvClients) client.start()
    for (const [key, end] of WATCHES) {
      const range = { key: key === '' ? '\0' : key, end }
      this.#watches.push(new WatchClient(`w${this.#watches.length}`, range, context))
    }
    for (const watch of this.#watches) watch.start()
    for (let i = 0; i < LEASE_CLIENTS; i++) new LeaseClient(`l${i}`, context).start()
    this.#compact.start()
    this.#changeMembers(context)
    this.#startLocks()
    this.#startAuth()
    if (this.#options.isCalm !== true) this.#faults.start()
    const { seconds } = this.#options
    await this.#run(seconds * 1000)
    // A cluster in great trouble answers little, and one in little trouble proves little; it goes on until it counts.
    for (let extra = 0; extra < EXTRA_MS_MAX && this.#isShort(); extra += EXTRA_MS) await this.#run(EXTRA_MS)
    this.#workedMs = this.#world.nowMs - startMs
  }

  #changeMembers(context: RunContext): void {
    const { members, isCalm } = this.#options
    if (members < COUNTS.members) return
    const isOften = this.#choices.chance(MEMBER_CHANGES_CHANCE)
    const badSectors = new BadSectors(this.#faults)
    const hasBadSectors = badSectors.isPlanned && isCalm !== true
    if (!isOften && !hasBadSectors) return
    const links = new Links(this.#world, this.cluster)
    links.start()
    const judge = new ReconfigJudge(this.#world, this.cluster, links)
    const client = new MemberClient({ ...context, cluster: this.cluster, onlyReplaces: !isOften, judge })
    client.start()
    if (hasBadSectors) badSectors.start(() => client.isResting)
  }

  #startLocks(): void {
    const world = this.#world
    const random = world.aside(LOCKS_ASIDE)
    if (!random.chance(LOCKS_CHANCE)) return
    world.usesPromises = true
    const context = { ...this.#context(), locks: this.#locks }
    for (let i = 0; i < LOCK_CLIENTS; i++) {
      this.#lockClients.push(new LockClient(`k${i}`, context, world.aside(LOCKS_ASIDE + 1 + i)))
    }
    for (const client of this.#lockClients) client.start()
  }

  #startAuth(): void {
    const world = this.#world
    const random = world.aside(AUTH_ASIDE)
    // A member alone gives entries to its store before they are certain.
    if (this.#options.members < COUNTS.members || !random.chance(AUTH_CHANCE)) return
    world.usesPromises = true
    const context = { ...this.#context(), auth: this.#auth }
    const users = AUTH_USERS.map((name, i) => new AuthClient(name, context, world.aside(AUTH_ASIDE + 1 + i)))
    this.#users.push(...users)
    new AuthAdmin(context, random, () => users.forEach((user) => user.start())).start()
  }

  #isShort(): boolean {
    const { seconds, isCalm } = this.#options
    if (seconds < COUNTS.seconds || this.#world.failure !== null) return false
    return this.#done < COUNTS.operations || (isCalm !== true && this.#faults.count < COUNTS.faults)
  }

  /** Nothing goes wrong any more: everybody must agree before long, and every watch have had its events. */
  async #settle(): Promise<void> {
    this.#isOver = true
    this.#faults.heal()
    for (const watch of this.#watches) watch.settle()
    await this.#waitFor(SETTLE_MS_MAX, () => this.#unsettled() === null, () => this.#unsettled() ?? '')
  }

  #unsettled(): string | null {
    if (this.cluster.leader === null) return 'there is no leader'
    const busy = [...this.#kvClients, ...this.#lockClients, ...this.#users].find((client) => client.isBusy)
    if (busy !== undefined) return `${busy.name} has no answer yet`
    if (this.#compact.isBusy) return 'a compaction has no answer yet'
    this.cluster.retireRemoved()
    const { truth, nodes } = this.cluster
    const laggard = unsettledMember(nodes, truth.lastIndex)
    if (laggard !== null) return laggard
    for (const watch of this.#watches) {
      const owed = watch.checker.owed()
      if (owed !== null) return `${watch.name} still waits for ${owed.key} of revision ${owed.modRevision}`
    }
    const place = keysInLine(truth)[0]
    if (place !== undefined) return `${place.key} is still there`
    const electionsMs = 2 * this.cluster.electionMs
    const open = this.#lives.find((life) => this.#ended(life).endedMs === null)
    if (open !== undefined && this.#world.nowMs < lastRenewalMs(open) + open.ttlMs + electionsMs) {
      return `${open.name} has not run out yet`
    }
    return null
  }

  async #compare(): Promise<void> {
    const { connections, nodes, truth } = this.cluster
    // A learner answers no questions, and who is broken none at all.
    const voters = nodes.filter((node) => !node.isLost && node.loadWord('isLearner') === 0)
    const hashes = new HashComparison(connections, voters, truth.lastRevision)
    await this.#waitFor(SETTLE_MS_MAX, () => hashes.isDone, () => 'a member does not tell its hash')
    const problem = hashes.problem()
    if (problem !== null) return this.#world.fail('correctness', problem)
    const compactions = compactionVerdict(nodes.map((node) => {
      return { member: node.name, hashes: node.words === null ? [] : compactionHashes(node.words) }
    }))
    if (compactions.problem !== null) return this.#world.fail('correctness', compactions.problem)
    this.#world.say('sim', () => `${compactions.compared} hashes of compactions are the same as another member's`)
  }

  #judge(): void {
    const { truth } = this.cluster
    const world = this.#world
    const problem = checkKv(this.#history, truth, isLockKey) ?? checkLocks(this.#locks, truth) ??
      checkAuth(this.#auth, this.cluster.firstApplied.auth, truth)
    if (problem !== null) return world.fail('correctness', problem)
    for (const life of this.#lives) {
      const late = checkLease(this.#ended(life), {
        electionTimeoutMs: this.cluster.electionMs, disturbances: this.#disturbances, nowMs: world.nowMs,
      })
      if (late !== null) return world.fail('correctness', late)
    }
    const { lastRevision, lastIndex } = truth
    const sum = (what: string): number => this.#auth.calls.filter(({ outcome }) => outcome === what).length
    if (this.#users.length > 0) {
      world.say('sim', () => `${sum('done')} requests of users done, ${sum('denied')} denied`)
    }
    const { calls } = this.#locks
    const held = calls.filter(({ outcome }) => typeof outcome !== 'string' && outcome.kind === 'held').length
    if (this.#lockClients.length > 0) world.say('sim', () => `${held} locks of ${calls.length} were held`)
    world.say('sim', () => `${this.#done} operations, revision ${lastRevision}, index ${lastIndex}: all is well`)
  }

  /** With what the log and the members' changes tell of it. */
  #ended(life: LeaseLife): LeaseLife {
    const { truth, firstApplied } = this.cluster
    const gone = truth.changesOf(life.name).find((change) => change.value === null)
    life.endedMs = gone === undefined ? null : (truth.revisions[gone.modRevision]?.atMs ?? null)
    life.renewedMs = firstApplied.renewedMs.get(life.leaseId) ?? null
    return life
  }

  async #run(ms: number): Promise<void> {
    const world = this.#world
    const untilMs = world.nowMs + ms
    const isOver = (): boolean => world.failure !== null || world.owesPromises
    for (;;) {
      world.time.runUntil(untilMs, isOver)
      if (!world.owesPromises || world.failure !== null) return
      world.owesPromises = false
      await promisesHaveRun()
    }
  }

  async #waitFor(msMax: number, isDone: () => boolean, why: () => string): Promise<void> {
    const untilMs = this.#world.nowMs + msMax
    while (!isDone()) {
      if (this.#world.nowMs >= untilMs) return this.#world.fail('liveness', why())
      await this.#run(SETTLE_STEP_MS)
      if (this.#world.failure !== null) return
    }
  }
}

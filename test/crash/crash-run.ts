/**
 * One server and one data directory through round after round of load, kill -9, restart and a full
 * check.
 */

import { strict as assert } from 'node:assert'
import { setTimeout as delay } from 'node:timers/promises'
import { Prng } from '../../src/base/prng.js'
import { EtcdClient } from '../support/etcd-client.js'
import { ServerProcess, type ServerKind, type ServerSpec } from '../support/server-process.js'
import { describeEntry } from './journal.js'
import { Ledger } from './ledger.js'
import { checkStore } from './store-check.js'
import { Workload } from './workload.js'

export interface CrashRunOptions {
  readonly kind: ServerKind
  readonly dataDir: string
  readonly clientPort: number
  readonly seed: number
  readonly clients: number
  readonly flags?: readonly string[]
}

/**
 * - `plain`: killed under load, restarted.
 * - `replay`: killed again, once or twice, while it starts.
 * - `early`: killed again soon after the restart, before the next checkpoint.
 * - `long`: under load for seconds first, past a checkpoint.
 * - `clean`: asked to stop under load.
 */
export const SCHEDULES = ['plain', 'replay', 'early', 'long', 'clean'] as const
export type Schedule = (typeof SCHEDULES)[number]

const LONG_MS = 7000
const ANSWERS_MAX = 1500
const START_MS_MAX = 700
const LEASE_TTL = 40
const LEASE_AGE_MS = 5000
const SHORT_LEASE_MS_MAX = 30_000

export class CrashRun {
  readonly ledger = new Ledger()
  restarts = 0
  readonly #options: CrashRunOptions
  #server: ServerProcess | undefined

  constructor(options: CrashRunOptions) {
    this.#options = options
  }

  get server(): ServerProcess {
    if (this.#server === undefined) throw new Error('the server has not been started')
    return this.#server
  }

  async start(): Promise<void> {
    this.#server = await ServerProcess.start(this.#spec())
  }

  async end(): Promise<void> {
    await this.#server?.kill()
  }

  async round(number: number, schedule: Schedule): Promise<void> {
    const prng = new Prng(this.#options.seed * 100_003 + number)
    let workload = await this.#load(number * 10, prng.u32() >>> 8)
    await this.#moment(workload, schedule, prng)
    await this.#takeDown(workload, schedule)
    if (schedule === 'replay') await this.#killWhileStarting(prng)
    await this.start()
    if (schedule === 'early') {
      workload = await this.#load(number * 10 + 1, prng.u32() >>> 8, workload)
      const answers = workload.journal.answered + prng.between(0, 60)
      await Promise.race([workload.journal.whenAnswered(answers), workload.clientsEnded()])
      await this.#takeDown(workload, schedule)
      await this.start()
    }
    this.restarts++
    await this.#check(workload, prng)
  }

  /** What is left of a lease's time survives a kill; what nobody renews is gone in the end. */
  async leasesOverRestart(): Promise<void> {
    const before = new EtcdClient(this.server.endpoint)
    const { id } = await before.leaseGrant({ ttl: LEASE_TTL })
    const grantedAt = performance.now()
    await delay(LEASE_AGE_MS)
    // A write carries the leases' clock into the log.
    await before.put({ key: 'lease-clock', value: 'tick' })
    before.close()
    await this.server.kill()
    await this.start()
    const client = new EtcdClient(this.server.endpoint)
    const { ttl } = await client.leaseTimeToLive(id)
    const ageSeconds = (performance.now() - grantedAt) / 1000
    // 3.4 gives a lease its full time again.
    const ttlMax = this.#options.kind === 'etcd' ? LEASE_TTL : LEASE_TTL - LEASE_AGE_MS / 1000 + 1
    assert(ttl <= ttlMax, `${ttl} s left of ${LEASE_TTL} s, ${ageSeconds} s after the grant`)
    assert(ttl >= LEASE_TTL - ageSeconds - 2, `${ttl} s left ${ageSeconds} s after the grant`)
    await client.leaseRevoke(id)
    for (const short of this.ledger.leases.shortLeases()) {
      while ((await client.leaseTimeToLive(short)).grantedTtl !== 0) {
        const waitedMs = performance.now() - grantedAt
        assert(waitedMs < SHORT_LEASE_MS_MAX, `lease ${short} outlives its time`)
        await delay(100)
      }
    }
    client.close()
  }

  async #load(round: number, seed: number, after?: Workload): Promise<Workload> {
    const { clients } = this.#options
    const workload = new Workload({
      endpoint: this.server.endpoint,
      seed,
      round,
      clients,
      watchFrom: this.ledger.model.revision + 1,
      ...(after === undefined ? { leases: this.ledger.leases.usable() } : { after }),
    })
    await workload.start()
    return workload
  }

  /** Waits for the moment to strike, which is as random as the answers that come in. */
  async #moment(workload: Workload, schedule: Schedule, prng: Prng): Promise<void> {
    if (schedule === 'long') await delay(LONG_MS)
    const answers = workload.journal.answered + prng.between(1, ANSWERS_MAX)
    const isDone = await Promise.race([
      workload.journal.whenAnswered(answers).then(() => true),
      workload.clientsEnded().then(() => false),
    ])
    if (this.server.exit !== undefined)
      throw new Error(`the server ended by itself: ${this.server.log.slice(-4000)}`)
    if (!isDone) {
      const last = workload.journal.entries.filter((entry) => entry.outcome.kind === 'unknown')
      throw new Error(`no client gets an answer: ${last.map(describeEntry).join('\n')}`)
    }
    if (prng.chance(0.5)) await delay(prng.between(0, 5))
  }

  async #takeDown(workload: Workload, schedule: Schedule): Promise<void> {
    if (schedule !== 'clean') {
      await this.server.kill()
    } else {
      const exit = await this.server.stop()
      const isClean = this.#options.kind === 'etcd' || exit.code === 0
      if (!isClean) throw new Error(`SIGTERM ended with ${JSON.stringify(exit)}`)
    }
    await workload.stop()
  }

  async #killWhileStarting(prng: Prng): Promise<void> {
    for (let i = prng.between(1, 2); i > 0; i--) {
      const server = ServerProcess.spawn(this.#spec())
      await delay(prng.between(5, START_MS_MAX))
      await server.kill()
      this.restarts++
    }
  }

  async #check(workload: Workload, prng: Prng): Promise<void> {
    const { kind } = this.#options
    const { ledger } = this
    const client = new EtcdClient(this.server.endpoint, { deadlineMs: 30_000 })
    const { entries } = workload.journal
    try {
      await checkStore({ client, kind, ledger, prng, entries, heard: workload.heard })
    } finally {
      client.close()
    }
  }

  #spec(): ServerSpec {
    const { kind, dataDir, clientPort, flags } = this.#options
    const peerPort = clientPort + 1
    return { kind, dataDir, clientPort, peerPort, ...(flags === undefined ? {} : { flags }) }
  }
}

/** The schedule of a round, from the seed. */
export function scheduleOf(seed: number, round: number): Schedule {
  const dice = new Prng(seed * 31 + round).between(0, 99)
  if (dice < 45) return 'plain'
  if (dice < 65) return 'replay'
  if (dice < 85) return 'early'
  return dice < 90 ? 'long' : 'clean'
}

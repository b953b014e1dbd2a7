/**
 * Kills the leader again and again in the middle of loops of puts: nothing acknowledged may be lost, and how long
 * clients had to wait for the next acknowledged put is printed.
 * `node dist/test/cluster/failover.js [--kills N] [--vs etcd]`; with `--vs etcd` the same is done to etcd in turn.
 */

import { strict as assert } from 'node:assert'
import { scriptOptions } from '../../scripts/support/script-options.js'
import { Report } from '../support/report.js'
import { ClusterProcess, type ClusterMember } from '../support/cluster/cluster-process.js'
import type { ServerKind } from '../support/server-process.js'

const ELECTION_MS = 1000
const WRITERS = 6
/** A put without an answer is tried on another member after this. */
const PUT_MS_MAX = 300
/** Puts that go well between two kills. */
const PUTS_BETWEEN = 200
const WAIT_MS_MAX = 30_000

class Writers {
  /** Of each acknowledged put: its key. */
  readonly acknowledged: string[] = []
  readonly #cluster: ClusterProcess
  #running: Promise<void>[] = []
  #isStopping = false
  #waiters: { readonly sinceMs: number; readonly count: number; readonly resolve: (atMs: number) => void }[] = []

  constructor(cluster: ClusterProcess) {
    this.#cluster = cluster
    this.#running = Array.from({ length: WRITERS }, (_, writer) => this.#write(writer))
  }

  /** Resolves with the time at which so many puts that began after now were acknowledged. */
  after(count: number): Promise<number> {
    const patience = new Promise<number>((_, reject) => {
      setTimeout(() => reject(new Error(`no put was acknowledged for ${WAIT_MS_MAX} ms`)), WAIT_MS_MAX).unref()
    })
    const seen = new Promise<number>((resolve) => {
      this.#waiters.push({ sinceMs: performance.now(), count: this.acknowledged.length + count, resolve })
    })
    return Promise.race([seen, patience])
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#running)
  }

  async #write(writer: number): Promise<void> {
    const { members } = this.#cluster
    for (let i = 0, at = writer; !this.#isStopping; i++) {
      const key = `failover/${writer}/${i}`
      const startMs = performance.now()
      const member = members[at % members.length] as ClusterMember
      const put = member.client.put({ key, value: key }, { deadlineMs: PUT_MS_MAX })
      const isDone = await put.then(() => true, () => false)
      // Whether a put without an acknowledgement was done is anybody's guess; its key is not used again.
      if (isDone) this.#onAcknowledged(key, startMs)
      else at++
    }
  }

  #onAcknowledged(key: string, startMs: number): void {
    this.acknowledged.push(key)
    const nowMs = performance.now()
    this.#waiters = this.#waiters.filter(({ sinceMs, count, resolve }) => {
      if (startMs < sinceMs || this.acknowledged.length < count) return true
      resolve(nowMs)
      return false
    })
  }
}

async function failover(kind: ServerKind, kills: number, report: Report): Promise<void> {
  await ClusterProcess.with({ size: 3, kind }, async (cluster) => {
    const writers = new Writers(cluster)
    const tookMs: number[] = []
    for (let kill = 0; kill < kills; kill++) {
      await writers.after(PUTS_BETWEEN)
      const leader = await cluster.leader()
      const startMs = performance.now()
      const next = writers.after(1)
      await leader.kill()
      tookMs.push((await next) - startMs)
      await leader.start()
    }
    await writers.stop()
    await report.check(`${kind}: nothing acknowledged is lost in ${kills} kills of the leader`, () =>
      checkAll(cluster, writers.acknowledged))
    const sorted = tookMs.toSorted((a, b) => a - b)
    const median = sorted[sorted.length >>> 1] ?? NaN
    console.log(
      `${kind}: ${writers.acknowledged.length} puts acknowledged; from the kill to the next one, of ${kills}: ` +
        `best ${ms(sorted[0])}, median ${ms(median)}, worst ${ms(sorted.at(-1))} (election timeout ${ELECTION_MS} ms)`,
    )
  })
}

async function checkAll(cluster: ClusterProcess, keys: readonly string[]): Promise<void> {
  await cluster.leader()
  for (const { name, client } of cluster.members) {
    const { kvs } = await client.range({ key: 'failover/', rangeEnd: 'failover0' })
    const found = new Map(kvs.map(({ key, value }) => [key.toString(), value.toString()]))
    for (const key of keys) assert.equal(found.get(key), key, `${key} on ${name}`)
  }
}

function ms(value: number | undefined): string {
  return `${(value ?? NaN).toFixed(0)} ms`
}

async function main(): Promise<void> {
  const { values } = scriptOptions({
    does: 'Kills the leader amid loops of puts: nothing acknowledged may be lost; prints how long clients wait.',
    options: {
      kills: { type: 'count', default: 20, min: 1, text: 'how often' },
      vs: { type: 'text', choices: ['etcd'], text: 'the same is done to etcd in turn' },
    },
  })
  const report = new Report()
  const { kills } = values
  await failover('raftring', kills, report)
  if (values.vs === 'etcd') await failover('etcd', kills, report)
  report.end()
}

await main()

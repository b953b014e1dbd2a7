/**
 * What a member that has missed everything costs the clients of its cluster: the p99 of puts at a part of the
 * closed-loop peak, open loop, with two of three members, and while the third gets the leader's store and catches up.
 *
 *   npm run build && node dist/bench/system/snapshot-catch-up.bench.js [--entries 500000] [--value-bytes 2000]
 *                                                                      [--share 0.3] [--flags ""] [--quiet-seconds 20]
 *
 * The member that missed the entries has none of them; --flags are given to every member.
 */

import { runLoad } from '../../src/ctl/load/grpc-load.js'
import { puts } from '../../src/ctl/load/kv-requests.js'
import { scriptOptions } from '../../scripts/support/script-options.js'
import { ClusterProcess, type ClusterMember } from '../../test/support/cluster/cluster-process.js'
import { machineLine, readMachine } from '../support/machine-facts.js'
import { OpenLoop, type OpenLoopResult } from '../support/open-loop.js'

const { values: options } = scriptOptions({
  does: 'What a member that has missed everything costs the clients of its cluster while it gets the store.',
  options: {
    entries: { type: 'count', default: 500_000, min: 1, text: 'how many it has missed' },
    'value-bytes': { type: 'count', default: 2000, min: 1, text: 'of each of them' },
    share: { type: 'number', default: 0.3, max: 1, text: 'of the closed-loop peak that is put meanwhile' },
    flags: { type: 'flags', text: 'for every member' },
    'quiet-seconds': { type: 'number', default: 20, min: 1, text: 'measured before, with two members' },
  },
})

const CONNECTIONS = 8
const CLIENTS = 256
const PEAK_MS = 5000
const POLL_MS = 100
const CATCH_UP_MS_MAX = 600_000
/** With puts going on a member is never quite there. */
const LAG_ENTRIES = 1000

const { entries, 'value-bytes': valueBytes } = options

async function main(): Promise<void> {
  console.log(machineLine(readMachine()))
  const flags = ['--quota-backend-bytes=8589934592', ...options.flags]
  await ClusterProcess.with({ size: 3, flags }, async (cluster) => {
    const leader = await cluster.leader()
    const behind = cluster.members.find((member) => member !== leader) as ClusterMember
    await behind.kill()
    await fill(leader)
    const { dbSize, dbSizeInUse } = await leader.client.status()
    console.log(`missed ${entries} entries; the store has ${mib(dbSizeInUse)} of ${mib(dbSize)} MiB in use`)
    await measure(leader, behind)
  })
}

/** Every key once, and nothing of it is left in the leader's memory for who was away. */
async function fill(leader: ClusterMember): Promise<void> {
  const startedMs = Date.now()
  const port = leader.spec.clientPort
  const generator = puts({ prefix: 'fill/', keys: entries, valueBytes })
  const load = { port, clients: CLIENTS, connections: CONNECTIONS, generator }
  let done = 0
  while (done < entries) {
    const { perSecond } = await runLoad({ ...load, durationMs: 10_000 })
    done = (await leader.client.status()).raftAppliedIndex
    const seconds = Math.round((Date.now() - startedMs) / 1000)
    console.log(`  ${done} entries, ${perSecond.toFixed(0)} per second, ${seconds} s`)
  }
}

async function measure(leader: ClusterMember, behind: ClusterMember): Promise<void> {
  const port = leader.spec.clientPort
  const generator = puts({ prefix: 'bench/', keys: 100_000, valueBytes: 256 })
  const peak = await runLoad({ port, clients: CLIENTS, connections: CONNECTIONS, generator, durationMs: PEAK_MS })
  const perSecond = Math.floor(peak.perSecond * options.share)
  console.log(`peak ${peak.perSecond.toFixed(0)} puts/s with two members, open loop ${perSecond} puts/s`)
  const loop = await OpenLoop.start({ port, generator, perSecond, connections: CONNECTIONS })
  try {
    const before = await loop.measure(1000 * options['quiet-seconds'])
    const startedMs = Date.now()
    let installedMs = 0
    const during = await loop.measure((async () => {
      const server = behind.spawn()
      await server.logged(/the store is a leader's/, CATCH_UP_MS_MAX)
      installedMs = Date.now()
      await server.ready()
      await caughtUp(leader, behind)
    })())
    const caughtUpMs = Date.now()
    console.log(`  before: ${text(before)}\n  during: ${text(during)}`)
    const times = `store after ${installedMs - startedMs} ms, caught up after ${caughtUpMs - startedMs} ms`
    console.log(`  p99 ${(during.p99Us / before.p99Us).toFixed(2)}x; ${times}`)
  } finally {
    loop.stop()
  }
}

/** Resolves when the member has applied what the leader had when it was asked. */
async function caughtUp(leader: ClusterMember, behind: ClusterMember): Promise<void> {
  for (const giveUpMs = Date.now() + CATCH_UP_MS_MAX; Date.now() < giveUpMs;) {
    const wanted = (await leader.client.status()).raftAppliedIndex
    const found = (await behind.client.status()).raftAppliedIndex
    if (found + LAG_ENTRIES >= wanted) return
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  throw new Error(`not caught up within ${CATCH_UP_MS_MAX} ms`)
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0)
}

function text({ p50Us, p99Us, p999Us, maxUs, count, perSecond, errors, firstError }: OpenLoopResult): string {
  const failures = errors > 0 ? `, ${errors} errors: ${firstError}` : ''
  return `p50 ${p50Us} p99 ${p99Us} p99.9 ${p999Us} max ${maxUs} us of ${count}, ${perSecond.toFixed(0)}/s${failures}`
}

await main()

/**
 * What 100,000 leases that end together do to everybody else: the p99 of puts at 30 % of the closed-loop peak, open
 * loop, before and while they end, and how long it takes until the last one is gone.
 *
 *   npm run build && node dist/bench/system/lease-storm.bench.js [--leases 100000] [--keys] [--kind etcd] [--flags ""]
 *
 * --keys puts one key on each lease. --flags are given to the server.
 */

import { scriptOptions } from '../../scripts/support/script-options.js'
import { EtcdClient } from '../../test/support/etcd-client.js'
import { runLoad } from '../../src/ctl/load/grpc-load.js'
import { OpenLoop, type OpenLoopResult } from '../support/open-loop.js'
import { ServerUnderLoad } from '../../src/ctl/load/server-under-load.js'
import { puts } from '../../src/ctl/load/kv-requests.js'

const PORT = 24_160
const SHARE_OF_PEAK = 0.3
const CONNECTIONS = 8
const GRANTS_AT_ONCE = 256
/** Grants per second that the machine is trusted with, to know how long before the end to begin. */
const GRANTS_PER_SECOND = 1500
const QUIET_MS = 5000
const POLL_MS = 250
const STORM_MS_MAX = 300_000

const { values: options } = scriptOptions({
  does: 'What leases that end together do to everybody else: p99 of puts, before and meanwhile.',
  options: {
    leases: { type: 'count', default: 100_000, min: 1, text: 'how many' },
    keys: { type: 'switch', text: 'puts one key on each' },
    kind: { type: 'text', choices: ['raftring', 'etcd'], default: 'raftring', text: 'the server' },
    flags: { type: 'flags', text: 'for the server' },
  },
})
const { leases } = options
const generator = puts({ prefix: 'bench/', keys: 100_000, valueBytes: 256 })

async function main(): Promise<void> {
  const { kind, flags } = options
  const server = await ServerUnderLoad.start({ kind, port: PORT, cores: null, flags })
  const client = new EtcdClient(`127.0.0.1:${PORT}`, { deadlineMs: STORM_MS_MAX })
  try {
    const load = { port: PORT, clients: 256, connections: CONNECTIONS, generator, durationMs: 4000 }
    const { perSecond: peak } = await runLoad(load)
    const perSecond = Math.floor(peak * SHARE_OF_PEAK)
    console.log(`${kind}: peak ${peak.toFixed(0)} puts/s, open loop ${perSecond} puts/s, ${leases} leases`)
    const endsAtMs = await grantAll(client)
    const loop = await OpenLoop.start({ port: PORT, generator, perSecond, connections: CONNECTIONS })
    const quietMs = Math.min(QUIET_MS, endsAtMs - Date.now() - 1000)
    const quiet = await loop.measure(Math.max(1000, quietMs))
    const before = await termOf(client)
    await sleep(endsAtMs - Date.now())
    const startedMs = Date.now()
    const over = untilRevoked(startedMs)
    const storm = await loop.measure(QUIET_MS)
    const lastedMs = await over
    loop.stop()
    console.log(`  before: ${text(quiet)}\n  storm:  ${text(storm)}`)
    console.log(`  p99 ${(storm.p99Us / quiet.p99Us).toFixed(2)}x; gone after ${lastedMs} ms`)
    console.log(`  elections: ${(await termOf(client)) - before}`)
  } finally {
    client.close()
    await server.stop()
  }
}

/** Grants leases that all end at one time, which it returns. */
async function grantAll(client: EtcdClient): Promise<number> {
  const perLease = options.keys ? 2 : 1
  const endsAtMs = Date.now() + (perLease * leases / GRANTS_PER_SECOND) * 1000 + 4 * QUIET_MS
  let next = 1
  const worker = async (): Promise<void> => {
    while (next <= leases) {
      const id = BigInt(next++)
      const ttl = Math.ceil((endsAtMs - Date.now()) / 1000)
      await client.leaseGrant({ id, ttl: BigInt(ttl) })
      if (options.keys) await client.put({ key: Buffer.from(`lease/${id}`), value: Buffer.from('v'), lease: id })
    }
  }
  await Promise.all(Array.from({ length: GRANTS_AT_ONCE }, worker))
  if (Date.now() > endsAtMs - QUIET_MS) throw new Error('granting took too long: the leases end while they are granted')
  return endsAtMs
}

async function untilRevoked(startedMs: number): Promise<number> {
  for (;;) {
    const page = await (await fetch(`http://127.0.0.1:${PORT}/metrics`)).text()
    const revoked = /^etcd_debugging_lease_revoked_total (\S+)$/m.exec(page)?.[1]
    const nowMs = Date.now()
    if (Number(revoked) >= leases || nowMs - startedMs > STORM_MS_MAX) return nowMs - startedMs
    await sleep(POLL_MS)
  }
}

async function termOf(client: EtcdClient): Promise<number> {
  return Number((await client.status()).raftTerm)
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)))
}

function text({ p50Us, p99Us, p999Us, count, errors, firstError }: OpenLoopResult): string {
  const failures = errors > 0 ? `, ${errors} errors: ${firstError}` : ''
  return `p50 ${p50Us} p99 ${p99Us} p99.9 ${p999Us} us of ${count}${failures}`
}

await main()

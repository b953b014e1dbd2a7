/**
 * Full load for minutes: memory must become flat, no ring may lose a record, a watch on everything
 * must see every revision, and nothing may fail: `node dist/test/soak/soak.js [--minutes M]
 * [--clients C] [--flags '...']`, or MINUTES in the environment.
 */

import { strict as assert } from 'node:assert'
import { setTimeout as delay } from 'node:timers/promises'
import { GrpcLoad } from '../../src/ctl/load/grpc-load.js'
import { puts, ranges } from '../../src/ctl/load/kv-requests.js'
import { scriptOptions } from '../../scripts/support/script-options.js'
import { Report } from '../support/report.js'
import { serverKind, withServer, type ServerProcess } from '../support/server-process.js'
import { growthOf, mebibytes, sampleMemory, type MemorySample } from './memory-samples.js'
import { revisionWatch } from './revision-watch.js'
import { ringStats } from './ring-stats.js'
import { SideTraffic } from './side-traffic.js'

const PORT = 21_140
const SAMPLE_MS = 2000
const WARM_UP_SHARE = 0.3
const KEYS = 20_000
const DRAIN_MS = 5000
const PRINT_EVERY = 15

interface Options {
  readonly minutes: number
  readonly clients: number
  readonly flags: readonly string[]
}

async function main(): Promise<void> {
  const { values: options } = scriptOptions({
    does: 'Full load for minutes: memory must become flat, no ring may lose a record, a watch must see every revision.',
    options: {
      minutes: { type: 'number', default: 2, env: 'MINUTES', text: 'how long' },
      clients: { type: 'count', default: 200, min: 1, text: 'how many write at the same time' },
      flags: { type: 'flags', text: 'for the server' },
    },
  })
  const kind = serverKind()
  console.log(`soak of ${kind}, ${options.minutes} minutes, ${options.clients} writers`)
  const report = new Report('')
  await withServer({ kind, clientPort: PORT, flags: options.flags }, (server) => soak(server, options, report))
  report.end()
}

async function soak(server: ServerProcess, options: Options, report: Report): Promise<void> {
  const side = new SideTraffic(server.endpoint)
  const watcher = await GrpcLoad.start({ port: PORT, shape: 'stream', generator: revisionWatch() })
  await watcher.begin()
  await watcher.measure()
  const firstRevision = await side.revision()
  const keys = { prefix: 'soak/', keys: KEYS }
  const writers = await GrpcLoad.start({
    port: PORT,
    clients: options.clients,
    connections: 8,
    generator: puts({ ...keys, valueBytes: 256 }),
  })
  const readers = await GrpcLoad.start({
    port: PORT,
    clients: 20,
    connections: 4,
    generator: ranges({ ...keys, serializable: false }),
  })
  side.start()
  for (const load of [writers, readers]) {
    await load.begin()
    await load.measure()
  }
  const samples = await sampleUntil(server, side, options.minutes * 60_000)
  const written = await writers.end()
  const read = await readers.end()
  await report.check('leases, txns, compactions and catch-ups went well', () => side.stop())
  await report.check('leases left alone have expired', async () =>
    assert.equal(await side.leftovers(), 0),
  )
  const lastRevision = await side.revision()
  await delay(DRAIN_MS)
  const watched = await watcher.end()
  console.log(
    `${written.count} puts (${written.perSecond.toFixed(0)}/s, p99 ${written.p99Us.toFixed(0)} us), ` +
      `${read.count} ranges, ${JSON.stringify(side.counts)}`,
  )
  await report.check('no request failed', () => {
    assert.deepEqual([written.errors, written.firstError], [0, ''])
    assert.deepEqual([read.errors, read.firstError], [0, ''])
  })
  await report.check('a watch on everything saw every revision', () => {
    assert.deepEqual([watched.errors, watched.firstError], [0, ''])
    assert.equal(watched.count, lastRevision - firstRevision)
  })
  await report.check('memory is flat after the warm-up', () => {
    assert.equal(growthOf(samples, options.minutes * 60_000 * WARM_UP_SHARE), undefined)
  })
  if (server.spec.kind === 'raftring')
    await report.check('no ring lost a record', () => checkRings(server))
  await report.check('the server still runs, and logged nothing bad', () => {
    assert.equal(server.exit, undefined)
    const bad = server.log.split('\n').filter((line) => /"level":"(error|fatal|panic)"/u.test(line))
    assert.deepEqual(bad.slice(0, 3), [])
  })
  side.close()
}

async function sampleUntil(
  server: ServerProcess,
  side: SideTraffic,
  durationMs: number,
): Promise<MemorySample[]> {
  const startedAt = performance.now()
  const samples: MemorySample[] = []
  let revision = await side.revision()
  let printedAt = startedAt
  for (;;) {
    await delay(SAMPLE_MS)
    const now = performance.now()
    if (server.exit !== undefined) throw new Error(`the server ended: ${server.log.slice(-2000)}`)
    samples.push(sampleMemory(server.pid, now - startedAt))
    if (samples.length % PRINT_EVERY === 0 || samples.length === 1) {
      const reached = await side.revision()
      printLine(samples, ((reached - revision) * 1000) / (now - printedAt))
      revision = reached
      printedAt = now
    }
    if (now - startedAt >= durationMs) return samples
  }
}

function printLine(samples: readonly MemorySample[], revisionsPerSecond: number): void {
  const last = samples.at(-1)
  if (last === undefined) return
  console.log(
    `${(last.atMs / 1000).toFixed(0).padStart(5)} s  own ${mebibytes(last.ownBytes)} MiB, ` +
      `mapped ${mebibytes(last.fileBytes)} MiB, ${revisionsPerSecond.toFixed(0)} revisions/s`,
  )
}

async function checkRings(server: ServerProcess): Promise<void> {
  const stats = await ringStats(server)
  assert(stats.length > 0, 'SIGUSR2 logs no ring stats')
  for (const ring of stats) {
    const { recordsIn, recordsOut, full, highWaterBytes, capacityBytes } = ring
    console.log(
      `ring ${ring.ring}: ${recordsIn} in, ${recordsOut} out, ${full} times full, ` +
        `high water ${highWaterBytes} of ${capacityBytes}`,
    )
  }
  const lossy = stats.filter((ring) => ring.recordsIn !== ring.recordsOut)
  // A record may be under way at the moment of asking; so a second look decides.
  const again = new Map((await ringStats(server)).map((ring) => [ring.ring, ring]))
  for (const { ring, recordsIn } of lossy) {
    const later = again.get(ring)
    assert(later !== undefined && later.recordsOut >= recordsIn, `${ring} lost a record`)
  }
}

await main()

/**
 * Space is given back without an operator: a store is filled, nine tenths are deleted and compacted away, and the file
 * has to become small while puts go on at a fixed rate and stay as fast as they were:
 * `node dist/test/space/give-back.js [--megabytes M] [--value-bytes B] [--rate R] [--minutes M] [--flags '...']`.
 * The rate is half of what the server can do, unless another one is given. Times are printed; with --latency, on a
 * machine that does nothing else, they are judged as well.
 */

import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { scriptOptions } from '../../scripts/support/script-options.js'
import { OpenLoop, type OpenLoopResult } from '../../bench/support/open-loop.js'
import { runLoad } from '../../src/ctl/load/grpc-load.js'
import { puts } from '../../src/ctl/load/kv-requests.js'
import { EtcdClient, prefixEnd } from '../support/etcd-client.js'
import { Report } from '../support/report.js'
import { withServer, type ServerProcess } from '../support/server-process.js'

const PORT = 21_180
const BASELINE_MS = 10_000
/** The disk has what was filled in by then. */
const CALM_MS = 20_000
const P99_ROOM_MS = 10
const PEAK_MS = 4000
const PEAK_CLIENTS = 256
const CONNECTIONS = 8
const STEADY = puts({ prefix: 'steady/', keys: 10_000, valueBytes: 256 })
const MIB = 1024 * 1024

interface Options {
  readonly megabytes: number
  /** Null is half of the peak. */
  readonly rate: number | null
  readonly minutes: number
  readonly valueBytes: number
  readonly latency: boolean
}

async function main(): Promise<void> {
  const { values } = scriptOptions({
    does: 'Fills a store, deletes nine tenths and compacts: the file has to become small while puts go on.',
    options: {
      megabytes: { type: 'number', default: 1000, min: 1, text: 'how much is filled in' },
      'value-bytes': { type: 'count', default: 10_000, min: 1, text: 'in portions of this size' },
      rate: { type: 'number', min: 1, shown: 'half of the peak', text: 'puts a second that go on meanwhile' },
      minutes: { type: 'number', default: 10, text: 'after which it is given up' },
      flags: { type: 'flags', text: 'for the server' },
      latency: { type: 'switch', text: 'judges times as well; only on a machine that does nothing else' },
    },
  })
  const { flags, 'value-bytes': valueBytes } = values
  const options = { ...values, valueBytes }
  const report = new Report('')
  await withServer({ kind: 'raftring', clientPort: PORT, flags }, (server) => giveBack(server, options, report))
  report.end()
}

async function giveBack(server: ServerProcess, options: Options, report: Report): Promise<void> {
  const client = new EtcdClient(server.endpoint, { deadlineMs: 120_000 })
  const keys = Math.round((options.megabytes * MIB) / options.valueBytes)
  const perSecond = options.rate ?? (await halfOfPeak())
  await fill(client, keys, options.valueBytes)
  console.log(`${keys} keys filled: ${await sizes(client, server)}`)
  const loop = await OpenLoop.start({ port: PORT, generator: STEADY, perSecond, connections: CONNECTIONS })
  await delay(CALM_MS)
  const before = await measure(loop, 'before', delay(BASELINE_MS))
  const startedMs = performance.now()
  const deleting = await measure(loop, 'while keys were deleted and compacted away', deleteMost(client, keys))
  console.log(`deleted and compacted: ${await sizes(client, server)}`)
  const giveUpMs = startedMs + options.minutes * 60_000
  const copying = await measure(loop, 'until the file was small', becomesSmall(client, server, giveUpMs))
  const tookS = Math.round((performance.now() - startedMs) / 1000)
  const later = await measure(loop, 'in ten seconds after that', delay(BASELINE_MS))
  loop.stop()
  const { dbSize, dbSizeInUse } = await client.status()
  console.log(`after ${tookS} s: ${await sizes(client, server)}`)
  verdict(report, dbSize <= 2 * dbSizeInUse, `the file is at most twice what is in use: ${dbSize} of ${dbSizeInUse}`)
  verdict(report, diskUse(server).store <= 2 * dbSizeInUse, 'so is what the store takes on the disk')
  const p99Ms = copying.p99Us / 1000
  const isQuick = p99Ms <= before.p99Us / 1000 + P99_ROOM_MS
  const what = `p99 of puts ${p99Ms} ms is within ${P99_ROOM_MS} ms of ${before.p99Us / 1000} ms`
  if (options.latency) verdict(report, isQuick, what)
  const failed = [before, deleting, copying, later].reduce((sum, { errors }) => sum + errors, 0)
  verdict(report, failed === 0, `no put failed (${failed})`)
  const left = await client.range({ key: 'fill/', rangeEnd: prefixEnd('fill/'), countOnly: true })
  verdict(report, left.count === keys - Math.floor(keys * 0.9), `${left.count} keys are left`)
  client.close()
}

async function halfOfPeak(): Promise<number> {
  const load = { port: PORT, clients: PEAK_CLIENTS, connections: CONNECTIONS, generator: STEADY, durationMs: PEAK_MS }
  const { perSecond } = await runLoad(load)
  console.log(`peak ${Math.round(perSecond)} puts/s, half of it from here on`)
  return Math.floor(perSecond / 2)
}

/** Latencies of the puts for as long as something goes on. */
async function measure(loop: OpenLoop, when: string, work: Promise<unknown>): Promise<OpenLoopResult> {
  const result = await loop.measure(work)
  const { p50Us, p99Us, maxUs, count, errors, firstError } = result
  const failures = errors > 0 ? `, ${errors} failed: ${firstError}` : ''
  console.log(`puts ${when}: p50 ${p50Us / 1000}, p99 ${p99Us / 1000}, most ${maxUs / 1000} ms of ${count}${failures}`)
  return result
}

/** Nine tenths of what was filled in, and all history. */
async function deleteMost(client: EtcdClient, keys: number): Promise<void> {
  for (let from = 0; from < keys * 0.9; from += 1000) {
    const to = Math.min(from + 1000, Math.floor(keys * 0.9))
    await client.deleteRange({ key: keyOf(from), rangeEnd: keyOf(to) })
  }
  const { header } = await client.range({ key: keyOf(keys) })
  await client.compact({ revision: header?.revision ?? 0, physical: true })
}

async function becomesSmall(client: EtcdClient, server: ServerProcess, giveUpMs: number): Promise<void> {
  while (performance.now() < giveUpMs) {
    await delay(1000)
    const { dbSize, dbSizeInUse } = await client.status()
    if (dbSize <= 2 * dbSizeInUse && diskUse(server).store <= 2 * dbSizeInUse) return
  }
}

function verdict(report: Report, holds: boolean, what: string): void {
  if (holds) report.pass(what)
  else report.fail(what, 'it does not hold')
}

async function fill(client: EtcdClient, keys: number, valueBytes: number): Promise<void> {
  const value = Buffer.alloc(valueBytes, 'v')
  for (let from = 0; from < keys; from += 100) {
    const count = Math.min(100, keys - from)
    await Promise.all(Array.from({ length: count }, (_, i) => client.put({ key: keyOf(from + i), value })))
  }
}

function keyOf(number: number): string {
  return `fill/${String(number).padStart(9, '0')}`
}

/** Bytes on the disk of the store's directory, and of the whole data directory. */
function diskUse(server: ServerProcess): { store: number; all: number } {
  let store = 0
  let all = 0
  for (const entry of readdirSync(server.spec.dataDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const stats = statSync(path.join(entry.parentPath, entry.name), { throwIfNoEntry: false })
    const bytes = (stats?.blocks ?? 0) * 512
    all += bytes
    if (entry.name.endsWith('.mdb')) store += bytes
  }
  return { store, all }
}

async function sizes(client: EtcdClient, server: ServerProcess): Promise<string> {
  const { dbSize, dbSizeInUse } = await client.status()
  const { store, all } = diskUse(server)
  const mib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`
  return `file ${mib(dbSize)}, in use ${mib(dbSizeInUse)}, du ${mib(store)}, with the log ${mib(all)}`
}

await main()

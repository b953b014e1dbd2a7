/** Results of a whole run: as JSON, as lines of text, and for the page. */

import type { MachineFacts } from './machine-facts.js'
import { medianReading, type Reading } from './reading.js'
import type { CurvePoint } from '../system/workloads/workload.js'

export interface WorkloadResult {
  readonly workload: string
  readonly unit: string
  readonly point: CurvePoint | null
  readonly servers: readonly ServerResult[]
}

export interface ServerResult {
  readonly label: string
  readonly median: Reading
  readonly rounds: readonly Reading[]
  /** Why it could not be measured; empty when it was. */
  readonly problem: string
}

export interface BenchResults {
  readonly machine: MachineFacts
  readonly command: string
  readonly rounds: number
  readonly seconds: number
  /** Version by label. */
  readonly servers: Readonly<Record<string, string>>
  readonly workloads: readonly WorkloadResult[]
}

export function serverResult(label: string, rounds: readonly Reading[], problem: string): ServerResult {
  return { label, rounds, median: medianReading(rounds), problem }
}

export interface Ratios {
  readonly throughput: number
  readonly p50: number
  readonly p99: number
  readonly cpu: number
}

/** Ours over theirs, or the second build over the first. */
export function ratiosOf(ours: Reading, theirs: Reading): Ratios {
  return {
    throughput: ours.perSecond / theirs.perSecond,
    p50: ours.p50Us / theirs.p50Us,
    p99: ours.p99Us / theirs.p99Us,
    cpu: ours.serverCpuUs / theirs.serverCpuUs,
  }
}

/** Stands beside the others as what the driver can do at most, and takes part in no ratio. */
export const CEILING = 'no-op'

/** Those that were measured, of which the first two are compared. */
export function contestants(servers: readonly ServerResult[]): ServerResult[] {
  return servers.filter(({ problem, label }) => problem === '' && label !== CEILING)
}

export function workloadText({ workload, servers }: WorkloadResult): string {
  const lines = [
    `\n${workload}`,
    '                per second     p50 us     p99 us   p99.9 us  server us/op  driver us/op   MiB/s  resident  errors',
  ]
  for (const { label, median, problem } of servers) {
    if (problem !== '') {
      lines.push(`${label.padEnd(12)} ${problem}`)
      continue
    }
    lines.push(label.slice(0, 12).padEnd(12) + [
      number(median.perSecond, median.perSecond < 10 ? 2 : 0).padStart(14),
      number(median.p50Us, 0).padStart(11), number(median.p99Us, 0).padStart(11), number(median.p999Us, 0).padStart(11),
      number(median.serverCpuUs, 2).padStart(14), number(median.clientCpuUs, 2).padStart(14),
      number(median.bytesPerSecond / 1024 ** 2, 1).padStart(8),
      number(median.residentBytes / 1024 ** 2, 0).padStart(10), String(median.errors).padStart(8),
    ].join(''))
    if (median.firstError !== '') lines.push(`             first error: ${median.firstError}`)
  }
  const [first, second] = contestants(servers)
  if (first === undefined || second === undefined) return lines.join('\n')
  const ratios = ratiosOf(first.median, second.median)
  lines.push(`${first.label} over ${second.label}: throughput ${times(ratios.throughput)}, p50 ${times(ratios.p50)}, ` +
    `p99 ${times(ratios.p99)}, server CPU ${times(ratios.cpu)}`)
  return lines.join('\n')
}

export function times(ratio: number): string {
  return Number.isFinite(ratio) ? `${ratio.toFixed(2)}x` : '-'
}

/** For docs: a row for each workload. */
export function markdownTable({ workloads, servers }: BenchResults): string {
  const [ours = '', theirs = ''] = Object.keys(servers).filter((label) => label !== CEILING)
  const head = theirs === ''
    ? `| workload | ${ours} | p50 | p99 | server CPU of one |\n|---|---|---|---|---|`
    : `| workload | ${ours} | ${theirs} | throughput | p50 | p99 | server CPU |\n|---|---|---|---|---|---|---|`
  const rows = workloads.map(({ workload, servers: found }) => {
    const [first, second] = found
    const rate = (server: ServerResult | undefined): string =>
      server === undefined || server.problem !== '' ? '-' : `${number(server.median.perSecond, 0)}/s`
    if (theirs === '') {
      const { p50Us = NaN, p99Us = NaN, serverCpuUs = NaN } = first?.median ?? {}
      const cells = [`${number(p50Us, 0)} us`, `${number(p99Us, 0)} us`, `${number(serverCpuUs, 1)} us`]
      return `| ${workload} | ${rate(first)} | ${cells.join(' | ')} |`
    }
    if (first === undefined || second === undefined) return `| ${workload} | ${rate(first)} | ${rate(second)} | | | | |`
    const ratios = ratiosOf(first.median, second.median)
    const cells = [ratios.throughput, ratios.p50, ratios.p99, ratios.cpu].map(times)
    return `| ${workload} | ${rate(first)} | ${rate(second)} | ${cells.join(' | ')} |`
  })
  return [head, ...rows].join('\n')
}

function number(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '-'
}

/**
 * The benchmarks of a whole server: throughput, latency, and what the kernel says that each operation cost it. Against
 * this build alone, any endpoint, or in turn with etcd on the same machine with the same driver; then ratios are what
 * to look at, for absolute figures are of the machine.
 */

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scriptOptions } from '../../scripts/support/script-options.js'
import { machineLine, readMachine } from '../support/machine-facts.js'
import { CEILING, markdownTable, workloadText, type BenchResults, type WorkloadResult } from '../support/results.js'
import { resultsHtml } from '../support/results-page.js'
import { endpointKind, localKind, noOpKind, type TargetKind } from '../support/target.js'
import { runWorkload } from './run-workloads.js'
import { CURVES, WORKLOADS } from './workloads/all-workloads.js'
import { httpWorkloads } from './workloads/http-workloads.js'

const HELP = `Usage: npm run bench -- [flags]

  --vs etcd|PATH     in turn with Debian's etcd, or with any etcd program: A B A B; medians of the rounds. With etcd
                     where one is installed; --vs none measures raftring alone
  --endpoint H:P     a server that runs somewhere, instead of one that is started here
  --only TEXT        only workloads whose name contains TEXT, such as "put"
  --curves           how it grows: clients, sizes of values, keys, connections, watchers
  --quick            a first impression in a few minutes: one round of a second, fewer keys
  --rounds N         rounds of each workload and server (3)
  --seconds S        measured seconds of each run (5)
  --rate N           open loop: N operations a second whether or not earlier ones are answered; latency counts from
                     when each was due
  --flags "..."      flags for our server
  --dir DIRECTORY    where data directories are made (the system's place for temporary files)
  --out DIRECTORY    where results go, as JSON, HTML and a table for documents (bench-results)
  --http             the JSON gateway instead of gRPC, by autocannon; --connections N (64)
  --cores            server on core 0, driver on core 1
  --threads          CPU time of each thread of the server
  --list             the workloads
`

const { values: options } = scriptOptions({
  does: 'The benchmarks of a whole server.',
  usage: HELP,
  options: {
    vs: { type: 'text' },
    endpoint: { type: 'text' },
    rounds: { type: 'count', min: 1 },
    seconds: { type: 'number', min: 0.1 },
    rate: { type: 'number', min: 1 },
    only: { type: 'text', default: '' },
    curves: { type: 'switch' },
    quick: { type: 'switch' },
    flags: { type: 'flags' },
    dir: { type: 'text' },
    out: { type: 'text', default: 'bench-results' },
    cores: { type: 'switch' },
    threads: { type: 'switch' },
    http: { type: 'switch' },
    connections: { type: 'count', default: 64, min: 1 },
    list: { type: 'switch' },
  },
})

const WARMUP_MS = 2000
const ETCD = etcdProgram()

async function main(): Promise<void> {
  const all = options.http ? httpWorkloads(options.connections) : options.curves ? CURVES : WORKLOADS
  const workloads = all.filter(({ name, needsProcess }) =>
    name.includes(options.only) && (options.endpoint === null || needsProcess !== true))
  if (options.list) return void process.stdout.write(`${workloads.map(({ name }) => name).join('\n')}\n`)
  if (workloads.length === 0) throw new Error(`no workload's name has "${options.only}" in it; --list names them`)
  const kinds = kindsOf()
  const rounds = options.rounds ?? (options.quick ? 1 : 3)
  const seconds = options.seconds ?? (options.quick ? 1 : 5)
  const machine = readMachine(options.dir ?? undefined)
  const servers = Object.fromEntries(kinds.map(({ label }) => [label, versionOf(label)]))
  console.log(machineLine(machine))
  const names = Object.entries(servers).map((pair) => pair.join(' ')).join('; ')
  console.log(`${rounds} rounds of ${seconds} s, medians; ${names}`)
  if (options.cores) {
    execFileSync('taskset', ['-acp', '1', String(process.pid)], { stdio: 'ignore' })
    console.log('server on core 0, driver on core 1')
  }
  const found: WorkloadResult[] = []
  const command = `npm run bench -- ${process.argv.slice(2).join(' ')}`.trim()
  for (const workload of workloads) {
    const result = await runWorkload(workload, {
      kinds, rounds, say: console.log, tellsThreads: options.threads,
      timing: {
        warmupMs: options.quick ? WARMUP_MS / 4 : WARMUP_MS, durationMs: seconds * 1000, isQuick: options.quick,
        rate: options.rate,
      },
    })
    console.log(workloadText(result))
    const ours = result.servers[0]
    // Figures of failures are none.
    if (ours === undefined || ours.problem !== '' || ours.median.errors > 0) process.exitCode = 1
    found.push(result)
    // After each, so that what was measured is there if the next one never ends.
    save({ machine, command, rounds, seconds, servers, workloads: found })
  }
  console.log(`\n${join(options.out, 'results.html')}, results.json, table.md`)
}

/** The program of etcd, or null when raftring is measured alone. */
function etcdProgram(): string | null {
  const { vs, endpoint } = options
  if (vs !== null) return vs === 'none' ? null : vs
  return endpoint === null && spawnSync('etcd', ['--version']).status === 0 ? 'etcd' : null
}

function kindsOf(): TargetKind[] {
  const cores = options.cores ? '0' : null
  const parent = options.dir === null ? {} : { parent: options.dir }
  const { flags } = options
  const ours = options.endpoint === null
    ? localKind({ label: 'raftring', kind: 'raftring', flags, cores, ...parent })
    : endpointKind(options.endpoint)
  const ceiling = options.http ? [noOpKind(CEILING)] : []
  if (ETCD === null) return [ours, ...ceiling]
  const etcd = { label: 'etcd', kind: 'etcd', program: ETCD, flags: [], cores, ...parent } as const
  return [ours, localKind(etcd), ...ceiling]
}

function versionOf(label: string): string {
  if (label !== 'etcd') return label === 'raftring' ? options.flags.join(' ') : ''
  const lines = execFileSync(ETCD ?? 'etcd', ['--version'], { encoding: 'utf8' })
  return lines.split('\n')[0]?.replace('etcd Version: ', '') ?? ''
}

function save(results: BenchResults): void {
  mkdirSync(options.out, { recursive: true })
  writeFileSync(join(options.out, 'results.json'), `${JSON.stringify(results, null, 1)}\n`)
  writeFileSync(join(options.out, 'results.html'), resultsHtml(results))
  writeFileSync(join(options.out, 'table.md'), `${markdownTable(results)}\n`)
}

await main()

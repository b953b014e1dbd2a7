/** Reports of runs that never were, for looking at their pages. */

import { CURVE_SHARES } from '../../src/ctl/load/grpc-load.js'
import type { MeasuredTrial } from '../../src/ctl/tune/run-trial.js'
import { tuneHtml } from '../../src/ctl/tune/tune-report.js'
import type { Settings, Trial } from '../../src/ctl/tune/tune-plan.js'
import type { NodeView } from '../../src/ctl/view/node-view.js'
import type { Reading } from '../../bench/support/reading.js'
import { serverResult, type BenchResults, type WorkloadResult } from '../../bench/support/results.js'
import { resultsHtml } from '../../bench/support/results-page.js'
import { WRITE_STAGES } from '../../src/metrics/stage-histogram.js'

function reading(perSecond: number, us: number): Reading {
  return {
    perSecond, p50Us: us, p99Us: 4 * us, p999Us: 9 * us, serverCpuUs: us / 10, clientCpuUs: us / 50,
    bytesPerSecond: 1e6, errors: 0, firstError: '', residentBytes: 2e8, anonymousBytes: 1e8,
    curve: CURVE_SHARES.map((share) => [share, us * (1 + 20 * share ** 30)]),
  }
}

/** Ratios from a fiftieth to fifty times, one server that fails, and a curve. */
export function benchPage(): string {
  const factors = [0.02, 0.4, 1, 1.2, 3, 50]
  const single = (factor: number, i: number): WorkloadResult => ({
    workload: `workload number ${i + 1} with a name as long as they come, 1000 clients`, unit: 'put', point: null,
    servers: [
      serverResult('raftring', [reading(10_000 * factor, 300 / factor)], ''),
      serverResult('etcd', [reading(10_000, 300)], i === 2 ? 'unknown method' : ''),
    ],
  })
  const curve = [1, 100, 10_000].map((x): WorkloadResult => ({
    workload: `put, ${x} clients`, unit: 'put', point: { curve: 'put by clients', xTitle: 'clients', x },
    servers: [serverResult('raftring', [reading(900 * x, x)], ''), serverResult('etcd', [reading(500 * x, 2 * x)], '')],
  }))
  const results: BenchResults = {
    machine: {
      processor: 'a processor', cores: 2, memoryBytes: 2 ** 34, kernel: '6.1', node: 'v20', commit: 'abc',
      fileSystem: 'ext4', loadBefore: 0.1, at: '2026-01-01',
    },
    command: 'npm run bench', rounds: 3, seconds: 5, servers: { raftring: '', etcd: '3.4.23' },
    workloads: [...factors.map(single), ...curve],
  }
  return resultsHtml(results)
}

function viewOf(scale: number): NodeView {
  return {
    seconds: 3, rates: [], calls: [], batches: [], rings: [], threads: [], facts: {}, cpuCores: 1,
    stages: WRITE_STAGES.map((stage, i) => ({
      stage, count: 100, perSecond: 33, meanMs: scale * (1 + (i % 4)), p50Ms: scale, p99Ms: 5 * scale, share: 0.07,
    })),
  }
}

function trial(settings: Settings, flag: string, perSecond: number): Trial<MeasuredTrial> {
  return {
    settings, flag,
    measured: {
      perSecond, p50Us: 1e6 / perSecond, p99Us: 4e6 / perSecond, serverCpuUs: 20, errors: 0, firstError: '',
      otherCores: 0, view: viewOf(1000 / perSecond),
      saturation: { limit: 'front', share: 0.97, text: 'front-0: 97 % of a core' },
    },
  }
}

/** Two settings that were worth having among ten trials. */
export function tunePage(): string {
  const chosen = { 'front-workers': '4', 'wal-batch-delay': '200us' }
  const trials = [
    trial({}, '', 10_000), trial({ 'front-workers': '2' }, 'front-workers', 12_000),
    trial({ 'front-workers': '4' }, 'front-workers', 15_000), trial({}, '', 10_100),
    trial({ 'front-workers': '4' }, 'front-workers', 15_100), trial(chosen, 'wal-batch-delay', 17_000),
    trial({ 'front-workers': '4' }, '', 15_050), trial(chosen, 'wal-batch-delay', 17_100),
  ]
  const [first, best] = [trials[0], trials.at(-1)] as [Trial<MeasuredTrial>, Trial<MeasuredTrial>]
  const choices = Object.entries(chosen).map(([flag, value]) => ({
    flag, value, gain: 1.3, limitBefore: 'front-0: 97 % of a core',
    limitAfter: "the log's disk: 91 % of the time in fdatasync",
  }))
  return tuneHtml({
    takenAt: '2026-01-01', machine: 'a processor, 8 cores', directory: '/tmp', goal: 'throughput',
    load: { readPercent: 20, valueBytes: 256, keys: 10_000, clients: 64, watchers: 0, seconds: 3 },
    result: { settings: chosen, choices, trials, first: first.measured, best: best.measured, isComplete: true },
  })
}

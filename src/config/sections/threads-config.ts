/** Threads: how many, how they wait, and how much they do at once. What is not given follows from the cores. */

import type { OptionReader } from '../option-values.js'
import type { Findings } from './findings.js'

export type ThreadsMode = 'shared' | 'dedicated' | 'inline'
export type IdleStrategy = 'park' | 'yield' | 'spin'

export interface ThreadsConfig {
  readonly threadsMode: ThreadsMode
  readonly frontWorkers: number
  readonly watchWorkers: number
  /** These three are of each front. */
  readonly snapshotWorkers: number
  readonly hashWorkers: number
  readonly passwordWorkers: number
  readonly idleStrategy: IdleStrategy
  readonly stageClocks: boolean
  /** Infinity: all that waits. */
  readonly walBatchBytes: number
  readonly walBatchDelayMs: number
  readonly applyBatchEntries: number
  readonly applyBatchBytes: number
}

/** From this many cores on each actor gets a thread of its own. */
const DEDICATED_CORES_MIN = 8
const FRONTS_MAX = 32
const WATCHES_MAX = 8
const SNAPSHOTS_MIN = 4
const SNAPSHOTS_MAX = 16
const CORES_PER_HASH = 8
/** Cores beside those of threads that look around before they sleep: for the kernel, and for whoever else is there. */
const SPARE_CORES = 4
const DELAY_MS_MAX = 100

export function concludeThreads(options: OptionReader, cores: number, findings: Findings): ThreadsConfig {
  const workers = workersOf(options, cores)
  const { frontWorkers } = workers
  return {
    ...workers,
    snapshotWorkers: options.numberOr(
      'snapshot-workers', Math.min(SNAPSHOTS_MAX, Math.max(SNAPSHOTS_MIN, Math.floor(cores / 2))),
    ),
    hashWorkers: options.numberOr('hash-workers', Math.max(1, Math.floor(cores / CORES_PER_HASH / frontWorkers))),
    // They leave a core to the rest, and have it only when the rest has nothing to do.
    passwordWorkers: options.numberOr('password-workers', Math.max(1, Math.floor((cores - 1) / frontWorkers))),
    idleStrategy: idleStrategy(options, cores, threadCount(workers), findings),
    stageClocks: options.text('stage-clocks') === 'on',
    walBatchBytes: options.numberOr('wal-batch-bytes', Infinity),
    walBatchDelayMs: batchDelay(options, findings),
    applyBatchEntries: options.number('apply-batch-entries'),
    applyBatchBytes: options.number('apply-batch-bytes'),
  }
}

type Workers = Pick<ThreadsConfig, 'threadsMode' | 'frontWorkers' | 'watchWorkers'>

/** Fronts take the cores that raft, wal, mvcc and watch leave; one front serves a machine of few cores. */
function workersOf(options: OptionReader, cores: number): Workers {
  const mode = options.text('actor-threads')
  const threadsMode: ThreadsMode =
    mode === 'auto' ? (cores < DEDICATED_CORES_MIN ? 'shared' : 'dedicated') : (mode as ThreadsMode)
  const spare = threadsMode === 'dedicated' ? Math.max(1, Math.floor((cores - 4) / 2)) : 1
  const isInline = threadsMode === 'inline'
  const watches = Math.min(WATCHES_MAX, Math.max(1, Math.floor(spare / 2)))
  return {
    threadsMode,
    frontWorkers: isInline ? 1 : options.numberOr('front-workers', Math.min(FRONTS_MAX, spare)),
    watchWorkers: isInline ? 1 : options.numberOr('watch-workers', watches),
  }
}

/** Of those that wait for one another: fronts, raft, wal, mvcc, peer, and where they are apart watch and lease. */
function threadCount({ threadsMode, frontWorkers, watchWorkers }: Workers): number {
  if (threadsMode === 'inline') return 1
  return threadsMode === 'shared' ? frontWorkers + 4 : frontWorkers + watchWorkers + 5
}

/** With fewer cores than threads, one that looks around keeps the very thread from running that it waits for. */
function idleStrategy(
  options: OptionReader, cores: number, threads: number, { warnings }: Findings,
): IdleStrategy {
  const wanted = options.text('idle-strategy')
  if (wanted === 'auto') return cores >= threads + SPARE_CORES ? 'yield' : 'park'
  if (wanted !== 'park' && cores < threads) {
    warnings.push(`--idle-strategy=${wanted} has no effect: there are ${cores} cores for ${threads} threads`)
    return 'park'
  }
  return wanted as IdleStrategy
}

function batchDelay(options: OptionReader, { problems }: Findings): number {
  const delayMs = options.durationMs('wal-batch-delay')
  if (delayMs < 0 || delayMs > DELAY_MS_MAX) problems.push('--wal-batch-delay must be between 0s and 100ms')
  return delayMs
}

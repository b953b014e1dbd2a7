/** What is tried: settings one after the other, each beside the best so far, measured again before and after. */

import type { Limit, Saturation } from './saturation.js'

export interface Dimension {
  readonly flag: string
  /** What counts without the flag. */
  readonly usual: string
  readonly values: readonly string[]
  /** Which limits it may move. */
  readonly helps: readonly Limit[]
}

export interface Machine {
  readonly cores: number
  /** As derived without flags. */
  readonly threadsMode: string
  readonly frontWorkers: number
  readonly watchWorkers: number
}

export interface Workload {
  readonly readPercent: number
  readonly watchers: number
}

export type Settings = Readonly<Record<string, string>>
export type Goal = 'throughput' | 'latency'

export interface Measured {
  readonly perSecond: number
  readonly p50Us: number
  readonly p99Us: number
  readonly serverCpuUs: number
  readonly saturation: Saturation
}

export interface Trial<M extends Measured = Measured> {
  readonly settings: Settings
  /** The flag that is tried; empty for the best so far. */
  readonly flag: string
  readonly measured: M
}

export interface Choice {
  readonly flag: string
  readonly value: string
  /** Beside what was best before: above 1 is better. */
  readonly gain: number
  readonly limitBefore: string
  readonly limitAfter: string
}

export interface TuneResult<M extends Measured = Measured> {
  readonly settings: Settings
  readonly choices: readonly Choice[]
  readonly trials: readonly Trial<M>[]
  readonly first: M
  readonly best: M
  /** False when the time ran out before everything had been tried. */
  readonly isComplete: boolean
}

/** A gain below this may be chance, and a setting that gains nothing is one to forget about. */
const GAIN_MIN = 1.03
const FRONTS = [1, 2, 4, 8, 16]

export function dimensions(machine: Machine, { readPercent, watchers }: Workload): Dimension[] {
  const { cores, threadsMode, frontWorkers, watchWorkers } = machine
  const counts = FRONTS.filter((count) => count <= Math.max(2, cores)).map(String)
  const writes = readPercent < 100
  return [
    {
      flag: 'actor-threads', usual: threadsMode, values: ['shared', 'dedicated'],
      helps: ['machine', 'none', 'watch', 'front'],
    },
    { flag: 'front-workers', usual: String(frontWorkers), values: counts, helps: ['front'] },
    ...(watchers > 0
      ? [{ flag: 'watch-workers', usual: String(watchWorkers), values: counts, helps: ['watch' as const] }]
      : []),
    // With as many cores as threads; else it has no effect.
    ...(cores >= frontWorkers + 4
      ? [{ flag: 'idle-strategy', usual: 'auto', values: ['park', 'yield', 'spin'], helps: ['none' as const] }]
      : []),
    ...(writes
      ? [
          {
            flag: 'wal-batch-delay', usual: '0s', values: ['200us', '1ms'],
            helps: ['disk', 'wal', 'mvcc', 'machine'] as const,
          },
          { flag: 'wal-batch-bytes', usual: '0', values: ['65536', '1048576'], helps: ['disk', 'wal'] as const },
          { flag: 'apply-batch-entries', usual: '4096', values: ['32', '256'], helps: ['mvcc', 'none'] as const },
        ]
      : []),
  ]
}

/** What may move the limit comes first: the time may not suffice for all. */
export function inOrder(all: readonly Dimension[], limit: Limit): Dimension[] {
  const rank = ({ helps }: Dimension): number => (helps.includes(limit) ? 0 : 1)
  return all.toSorted((a, b) => rank(a) - rank(b))
}

export function trialCount(all: readonly Dimension[]): number {
  return 1 + all.reduce((sum, { values, usual }) => sum + values.filter((value) => value !== usual).length + 1, 0)
}

export interface Search<M extends Measured> {
  readonly dimensions: readonly Dimension[]
  readonly goal: Goal
  readonly measure: (settings: Settings, flag: string) => Promise<M>
  /** False once there is no time for another trial. */
  readonly hasTime: () => boolean
}

/**
 * One setting after the other. Its values are measured between two runs of the best so far, so that a machine that
 * slows down or speeds up meanwhile does not choose; the best of them counts only if it is better by more than these
 * two are apart, and still is when it is run again.
 */
export async function search<M extends Measured>(options: Search<M>): Promise<TuneResult<M>> {
  const { goal, hasTime } = options
  const trials: Trial<M>[] = []
  const run = async (settings: Settings, flag: string): Promise<M> => {
    const measured = await options.measure(settings, flag)
    trials.push({ settings, flag, measured })
    return measured
  }
  let settings: Settings = {}
  const first = await run(settings, '')
  let best = first
  const choices: Choice[] = []
  let isComplete = true
  for (const { flag, usual, values } of inOrder(options.dimensions, first.saturation.limit)) {
    const found: { value: string; measured: M }[] = []
    for (const value of values) {
      if (value === usual) continue
      if (!hasTime()) isComplete = false
      else found.push({ value, measured: await run({ ...settings, [flag]: value }, flag) })
    }
    if (found.length === 0) continue
    const again = await run(settings, '')
    const [reference, apart] = between(goal, best, again)
    const bar = Math.max(GAIN_MIN, 1 + apart)
    const winner = found.toSorted((a, b) => scoreOf(goal, b.measured) - scoreOf(goal, a.measured))[0]
    const before = best
    best = again
    if (winner === undefined || scoreOf(goal, winner.measured) / reference < bar) continue
    const candidate = { ...settings, [flag]: winner.value }
    const confirmed = await run(candidate, flag)
    const gain = Math.min(scoreOf(goal, confirmed), scoreOf(goal, winner.measured)) / reference
    if (gain < bar) continue
    settings = candidate
    best = confirmed
    choices.push({
      flag, value: winner.value, gain,
      limitBefore: before.saturation.text, limitAfter: confirmed.saturation.text,
    })
  }
  return { settings, choices, trials, first, best, isComplete }
}

/** Higher is better. */
export function scoreOf(goal: Goal, { perSecond, p99Us }: Measured): number {
  return goal === 'throughput' ? perSecond : 1e6 / Math.max(1, p99Us)
}

function between(goal: Goal, a: Measured, b: Measured): readonly [middle: number, apart: number] {
  const [x, y] = [scoreOf(goal, a), scoreOf(goal, b)]
  const middle = (x + y) / 2
  return [middle, Math.abs(x - y) / middle]
}

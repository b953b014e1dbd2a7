/** Runs workloads against kinds of servers in turn, so that a machine that changes its pace changes it for all. */

import type { Reading } from '../support/reading.js'
import { serverResult, type WorkloadResult } from '../support/results.js'
import type { TargetKind } from '../support/target.js'
import type { Timing, Workload } from './workloads/workload.js'

export interface RunOptions {
  readonly kinds: readonly TargetKind[]
  readonly rounds: number
  readonly timing: Timing
  readonly say: (text: string) => void
  /** CPU time of threads, told after each run. */
  readonly tellsThreads: boolean
}

export async function runWorkload(workload: Workload, options: RunOptions): Promise<WorkloadResult> {
  const { kinds, rounds, timing, say } = options
  const readings = new Map<string, Reading[]>(kinds.map(({ label }) => [label, []]))
  const problems = new Map<string, string>()
  for (let round = 0; round < rounds; round++) {
    for (const kind of kinds) {
      if (problems.has(kind.label)) continue
      try {
        readings.get(kind.label)?.push(await runOnce(kind, workload, timing, options.tellsThreads ? say : null))
      } catch (error) {
        problems.set(kind.label, (error as Error).message)
      }
    }
  }
  return {
    workload: workload.name,
    unit: workload.unit,
    point: workload.point ?? null,
    servers: kinds.map(({ label }) => serverResult(label, readings.get(label) ?? [], problems.get(label) ?? '')),
  }
}

async function runOnce(
  kind: TargetKind, workload: Workload, timing: Timing, tellThreads: ((text: string) => void) | null,
): Promise<Reading> {
  const target = await kind.start()
  try {
    const before = tellThreads === null ? undefined : target.process?.threadSeconds()
    const reading = await workload.run(target, timing)
    if (before !== undefined && target.process !== null) {
      tellThreads?.(threadsText(before, target.process.threadSeconds()))
    }
    return reading
  } finally {
    await target.stop()
  }
}

function threadsText(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): string {
  return [...after]
    .map(([name, seconds]) => [name, seconds - (before.get(name) ?? 0)] as const)
    .filter(([, seconds]) => seconds >= 0.05)
    .sort((a, b) => b[1] - a[1])
    .map(([name, seconds]) => `  ${name.padEnd(28)} ${seconds.toFixed(2)} s`)
    .join('\n')
}

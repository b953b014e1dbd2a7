/** The memory of a process over time, and whether it stays flat. */

import { readFileSync } from 'node:fs'

export interface MemorySample {
  readonly atMs: number
  /** What the process owns: heap, buffers, rings. */
  readonly ownBytes: number
  /** Pages of mapped files, which the kernel takes back when it needs them. */
  readonly fileBytes: number
}

const MIB = 1024 * 1024
/** Growth that a run may show before it counts as a leak: noise of garbage collection. */
const GROWTH_RATIO_MAX = 1.15
const GROWTH_BYTES_MAX = 24 * MIB

export function sampleMemory(pid: number, atMs: number): MemorySample {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kilobytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'mu').exec(status)?.[1] ?? 0)
  return {
    atMs,
    ownBytes: (kilobytes('RssAnon') + kilobytes('RssShmem')) * 1024,
    fileBytes: kilobytes('RssFile') * 1024,
  }
}

/** Compares the first third with the last, both after the warm-up; undefined when flat. */
export function growthOf(samples: readonly MemorySample[], warmUpMs: number): string | undefined {
  const warm = samples.filter((sample) => sample.atMs >= warmUpMs)
  if (warm.length < 6) return `too few samples after the warm-up: ${warm.length}`
  const third = Math.floor(warm.length / 3)
  const before = median(warm.slice(0, third))
  const after = median(warm.slice(-third))
  if (after <= before * GROWTH_RATIO_MAX + GROWTH_BYTES_MAX) return undefined
  return `from ${mebibytes(before)} to ${mebibytes(after)} MiB`
}

export function mebibytes(bytes: number): string {
  return (bytes / MIB).toFixed(0)
}

function median(samples: readonly MemorySample[]): number {
  const sorted = samples.map((sample) => sample.ownBytes).sort((a, b) => a - b)
  return sorted[sorted.length >>> 1] ?? 0
}

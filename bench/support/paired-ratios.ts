/** Ratios of pairs that were measured one right after the other, and how sure their median is. */

import { Prng } from '../../src/base/prng.js'
import { median } from './reading.js'

export interface PairedRatio {
  readonly median: number
  /** Between these the median of such pairs lies with 95 % certainty. */
  readonly low: number
  readonly high: number
  readonly pairs: number
}

const RESAMPLES = 5000
const TAIL = 0.025
const SEED = 1

/** By resampling with replacement (bootstrap): it asks nothing of how the ratios are spread. */
export function pairedRatio(first: readonly number[], second: readonly number[]): PairedRatio {
  const ratios = first.map((value, i) => (second[i] ?? NaN) / value).filter(Number.isFinite)
  const prng = new Prng(SEED)
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(ratios.map(() => ratios[Math.floor(prng.float() * ratios.length)] as number)))
  medians.sort((a, b) => a - b)
  return {
    median: median(ratios),
    low: medians[Math.floor(RESAMPLES * TAIL)] ?? NaN,
    high: medians[Math.ceil(RESAMPLES * (1 - TAIL)) - 1] ?? NaN,
    pairs: ratios.length,
  }
}

export function pairedText({ median: middle, low, high }: PairedRatio): string {
  return Number.isFinite(middle) ? `${middle.toFixed(3)}x (${low.toFixed(3)} to ${high.toFixed(3)})` : '-'
}

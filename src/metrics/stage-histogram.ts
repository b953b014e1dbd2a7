/**
 * How long requests spend in each stage, in shared memory: one page per front, readable by any thread. Buckets are
 * log-linear: eight to an octave from one microsecond up, so that a quantile is within an eighth of the truth.
 */

/** In the order of a write's way. Each begins where the one before ends, so that their sum is the total. */
export const WRITE_STAGES = [
  'decode',
  'auth',
  'queue_raft',
  'propose',
  'wal_queue',
  'write',
  'fsync',
  'replicate',
  'commit',
  'apply_queue',
  'apply',
  'answer_queue',
  'encode',
  'send',
] as const

/** The same for a read, which asks no other actor. */
export const READ_STAGES = ['read_decode', 'read_auth', 'read_index', 'read', 'read_send'] as const

export const STAGES = [...WRITE_STAGES, 'total', ...READ_STAGES, 'read_total'] as const
export type StageName = (typeof STAGES)[number]

/** The number of a stage in its page. */
export const Stage = Object.freeze(
  Object.fromEntries(STAGES.map((name, index) => [name, index])) as Record<StageName, number>,
)

const BUCKETS_PER_OCTAVE = 8
/** 2^27 us, over two minutes; longer ones count in the last bucket. */
const OCTAVES = 27
export const BUCKET_COUNT = OCTAVES * BUCKETS_PER_OCTAVE + 1

/** Per stage: bucket counts, then the sum in milliseconds. */
const STAGE_WORDS = BUCKET_COUNT + 1

export function allocateStagePage(): SharedArrayBuffer {
  return new SharedArrayBuffer(STAGES.length * STAGE_WORDS * 8)
}

export interface StageSummary {
  readonly stage: StageName
  readonly count: number
  readonly sumMs: number
  /** By bucket; see `bucketUpperMs`. */
  readonly counts: Float64Array
  /** Upper bound in milliseconds of the bucket that the quantile falls into. */
  quantileMs(quantile: number): number
}

export class StageHistogram {
  readonly #words: Float64Array

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Float64Array(memory)
  }

  /**
   * `count` requests that took as long. Only the page's one writer may call this. Times below zero count as zero:
   * clocks of two threads may differ by a tick.
   */
  record(stage: number, ms: number, count = 1): void {
    const words = this.#words
    const base = stage * STAGE_WORDS
    const at = base + bucketOf(ms * 1000)
    words[at] = (words[at] as number) + count
    if (ms > 0) words[base + BUCKET_COUNT] = (words[base + BUCKET_COUNT] as number) + ms * count
  }

  /** Count in one bucket, for joining pages. */
  bucket(stage: number, index: number): number {
    return this.#words[stage * STAGE_WORDS + index] ?? 0
  }

  sumMs(stage: number): number {
    return this.#words[stage * STAGE_WORDS + BUCKET_COUNT] ?? 0
  }
}

/** Joins the pages of several fronts into one summary per stage. */
export function summarize(pages: readonly StageHistogram[]): StageSummary[] {
  return STAGES.map((stage, index) => {
    const counts = new Float64Array(BUCKET_COUNT)
    let sumMs = 0
    for (const page of pages) {
      for (let b = 0; b < BUCKET_COUNT; b++) counts[b] = (counts[b] as number) + page.bucket(index, b)
      sumMs += page.sumMs(index)
    }
    return summaryOf(stage, counts, sumMs)
  })
}

export function summaryOf(stage: StageName, counts: Float64Array, sumMs: number): StageSummary {
  const count = counts.reduce((a, b) => a + b, 0)
  return { stage, count, sumMs, counts, quantileMs: (quantile) => quantileOf(counts, count, quantile) }
}

function quantileOf(counts: Float64Array, count: number, quantile: number): number {
  let left = Math.ceil(count * quantile)
  for (let b = 0; b < BUCKET_COUNT; b++) {
    left -= counts[b] as number
    if (left <= 0) return bucketUpperMs(b)
  }
  return bucketUpperMs(BUCKET_COUNT - 1)
}

/** A number's own bits hold its octave and, in the highest bits of the fraction, the eighth of it. */
const number = new Float64Array(1)
const halves = new Uint32Array(number.buffer)
const HIGH = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0
const EIGHTHS_SHIFT = 17
/** The bits of 1.0, counted in eighths of an octave. */
const ONE = 1023 * BUCKETS_PER_OCTAVE

/** Bucket 0 holds everything below one microsecond. */
export function bucketOf(us: number): number {
  if (!(us >= 1)) return 0
  number[0] = us
  const bucket = 1 + ((halves[HIGH] as number) >>> EIGHTHS_SHIFT) - ONE
  return bucket < BUCKET_COUNT ? bucket : BUCKET_COUNT - 1
}

export function bucketUpperMs(bucket: number): number {
  const octave = Math.floor(bucket / BUCKETS_PER_OCTAVE)
  return (2 ** octave * (1 + (bucket % BUCKETS_PER_OCTAVE) / BUCKETS_PER_OCTAVE)) / 1000
}

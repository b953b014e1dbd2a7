/** Stage histograms against exact quantiles of the same samples. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Prng } from '../../src/base/prng.js'
import {
  BUCKET_COUNT,
  STAGES,
  Stage,
  StageHistogram,
  allocateStagePage,
  bucketOf,
  bucketUpperMs,
  summarize,
  type StageSummary,
} from '../../src/metrics/stage-histogram.js'

/** A quantile is the upper bound of its bucket, and a bucket is an eighth of an octave's beginning wide. */
const ERROR_MAX = 1 + 1 / 8

function fsyncOf(pages: readonly StageHistogram[]): StageSummary {
  const summary = summarize(pages)[Stage.fsync]
  assert.ok(summary !== undefined)
  return summary
}

function exact(samples: readonly number[], quantile: number): number {
  return samples.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(samples.length * quantile) - 1)] as number
}

test('quantiles are never below the exact ones and at most an eighth above', () => {
  const prng = new Prng(11)
  const page = new StageHistogram(allocateStagePage())
  // From one microsecond to twenty seconds, evenly over the orders of magnitude.
  const samples = Array.from({ length: 20_000 }, () => 10 ** (prng.float() * 7.3 - 3))
  for (const ms of samples) page.record(Stage.fsync, ms)
  const summary = fsyncOf([page])
  for (const quantile of [0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1]) {
    const truth = exact(samples, quantile)
    const said = summary.quantileMs(quantile)
    assert.ok(said >= truth * (1 - 1e-12) && said <= truth * ERROR_MAX * (1 + 1e-12), `${quantile}: ${said}, ${truth}`)
  }
})

test('count and sum are exact', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e5, noNaN: true })), (samples) => {
      const page = new StageHistogram(allocateStagePage())
      for (const ms of samples) page.record(Stage.fsync, ms)
      const summary = fsyncOf([page])
      assert.equal(summary.count, samples.length)
      assert.equal(summary.sumMs, samples.reduce((a, b) => a + b, 0))
    }),
  )
})

test('every time falls into the bucket whose bounds hold it', () => {
  fc.assert(
    fc.property(fc.double({ min: 1, max: 1e8, noNaN: true }), (us) => {
      const bucket = bucketOf(us)
      assert.ok(us <= bucketUpperMs(bucket) * 1000 * (1 + 1e-12))
      if (bucket > 0) assert.ok(us >= bucketUpperMs(bucket - 1) * 1000 * (1 - 1e-12))
    }),
  )
})

test('times that are negative, tiny, no number or very long have a bucket', () => {
  assert.deepEqual([-5, 0, 0.5, Number.NaN].map(bucketOf), [0, 0, 0, 0])
  assert.equal(bucketOf(Infinity), BUCKET_COUNT - 1)
  assert.equal(bucketOf(1e12), BUCKET_COUNT - 1)
})

test('pages of several threads join into one summary', () => {
  const memories = [allocateStagePage(), allocateStagePage()]
  const prng = new Prng(5)
  const samples: number[] = []
  for (const memory of memories) {
    const page = new StageHistogram(memory)
    for (let i = 0; i < 1000; i++) {
      const ms = prng.float() * 10
      samples.push(ms)
      page.record(Stage.fsync, ms)
    }
  }
  const summary = fsyncOf(memories.map((memory) => new StageHistogram(memory)))
  assert.equal(summary.count, 2000)
  const truth = exact(samples, 0.5)
  assert.ok(summary.quantileMs(0.5) >= truth && summary.quantileMs(0.5) <= truth * ERROR_MAX)
})

test('stages do not mix', () => {
  const page = new StageHistogram(allocateStagePage())
  STAGES.forEach((_, stage) => {
    for (let i = 0; i <= stage; i++) page.record(stage, 1)
  })
  assert.deepEqual(summarize([page]).map(({ stage, count }) => [stage, count]), STAGES.map((name, i) => [name, i + 1]))
})

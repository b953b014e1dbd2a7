/** The text of /metrics, read back. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { between, Metrics, quantile } from '../../src/ctl/view/metrics-text.js'

function histogram(counts: readonly number[], sum: number): Metrics {
  const bound = (i: number): string => (i === counts.length - 1 ? '+Inf' : String(i + 1))
  const lines = counts.map((count, i) => `h_bucket{t="a",le="${bound(i)}"} ${count}`)
  const head = '# HELP h nothing\n# TYPE h histogram'
  return new Metrics(`${head}\n${lines.join('\n')}\nh_sum{t="a"} ${sum}\nh_count{t="a"} 9\n`)
}

test('samples are found by name and added up over labels', () => {
  const metrics = new Metrics('a{x="1",y="q\\"\\\\"} 2\na{x="2"} 3\nb 1e+06\nc -Inf\nnot a line\n')
  assert.equal(metrics.value('a'), 5)
  assert.equal(metrics.value('a', { x: '2' }), 3)
  assert.equal(metrics.samples('a')[0]?.labels['y'], 'q"\\')
  assert.deepEqual([metrics.value('b'), metrics.value('c'), metrics.value('nothing')], [1e6, -Infinity, 0])
})

test('a histogram between two readings has what was observed in between', () => {
  const [before] = histogram([1, 4, 6, 6], 9).histograms('h')
  const [after] = histogram([1, 5, 15, 16], 40).histograms('h')
  assert.ok(before !== undefined && after !== undefined)
  const change = between(before, after)
  assert.deepEqual([change.count, change.sum, change.cumulative], [10, 31, [0, 1, 9, 10]])
  assert.deepEqual([0.1, 0.5, 0.9, 1].map((share) => quantile(change, share)), [2, 3, 3, 3])
  assert.equal(quantile(between(after, after), 0.5), 0)
})

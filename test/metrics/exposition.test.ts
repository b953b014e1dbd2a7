/** What is counted in pages comes out as text that other programs read. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { counters, watchEventsTaken } from '../../src/metrics/counter-catalogue.js'
import { Counters } from '../../src/metrics/counters.js'
import { Exposition } from '../../src/metrics/exposition.js'
import { addPendingEvents } from '../../src/metrics/member-metrics.js'
import { combinations, exponential, PageLayout } from '../../src/metrics/metric-family.js'
import { allocateCountersPage, TEXTS_MAX } from '../../src/ring/counters-page.js'
import { memoryCounters } from '../support/metrics/memory-counters.js'
import { Scrape } from '../support/metrics/prometheus-text.js'

const layout = new PageLayout()
const puts = layout.counter('puts_total', 'Puts.')
const depth = layout.gauge('depth', 'A gauge with \\ and\nmore.')
const calls = layout.counter('calls_total', 'Calls.', {
  labels: ['a', 'b'], series: combinations(['x', 'y'], ['1', '2']),
})
const times = layout.histogram('time_seconds', 'Times.', exponential(0.001, 2, 4))
const rare = layout.histogram('rare_seconds', 'Times of rare things.', [1, 2], {
  labels: ['op'], series: [['one'], ['two']], isSparse: true,
})
const check = layout.gauge('check', 'The last result.', { labels: ['name'], series: [['c'], ['d']], joining: 'newest' })
const clients = layout.counter('clients_total', 'By version.', {
  labels: ['type', 'version'], series: [['unary'], ['stream']], isByText: true,
})

function pages(count: number): Counters[] {
  return Array.from({ length: count }, () => new Counters(allocateCountersPage(layout.wordCount)))
}

function scrape(...all: readonly Counters[]): Scrape {
  const exposition = new Exposition()
  exposition.sums(layout.families, all.map(({ page }) => page))
  return new Scrape(exposition.render())
}

test('counters of several writers add up, series by series', () => {
  const [a, b] = pages(2) as [Counters, Counters]
  a.add(puts, 2)
  b.add(puts, 3)
  a.addTo(calls, 3)
  b.addTo(calls, 1, 5)
  a.set(depth, -1.5)
  const seen = scrape(a, b)
  assert.equal(seen.value('puts_total'), 5)
  assert.equal(seen.value('calls_total', { a: 'y', b: '2' }), 1)
  assert.equal(seen.value('calls_total', { a: 'x' }), 5)
  assert.equal(seen.value('depth'), -1.5)
})

test('a histogram counts each value once, in the bucket whose bound is not below it', () => {
  const [a, b] = pages(2) as [Counters, Counters]
  const histogram = a.histogram(times)
  for (const value of [0, 0.001, 0.0011, 0.008, 0.1]) histogram.observe(value)
  b.histogram(times).observe(0.002, 3)
  const family = scrape(a, b).families.get('time_seconds')
  assert.deepEqual(family?.bounds, [0.001, 0.002, 0.004, 0.008])
  assert.equal(family?.counts.get(''), 8)
  assert.ok(Math.abs((family?.sums.get('') ?? 0) - 0.1161) < 1e-9)
  assert.equal(histogram.count, 5)
})

test('rare series are left out until something was counted in them', () => {
  const [a] = pages(1) as [Counters]
  assert.equal(scrape(a).families.has('rare_seconds'), false)
  a.histogram(rare, 1).observe(1.5)
  assert.deepEqual([...(scrape(a).families.get('rare_seconds')?.counts ?? [])], [['op=two', 1]])
})

test('of several last results the youngest counts', () => {
  const [a, b] = pages(2) as [Counters, Counters]
  a.setNewest(check, 0, 1, 1000)
  b.setNewest(check, 0, 0, 2000)
  assert.deepEqual([...(scrape(a, b).families.get('check')?.values ?? [])], [['name=c', 0]])
  a.setNewest(check, 0, 1, 3000)
  assert.equal(scrape(a, b).value('check', { name: 'c' }), 1)
})

test('texts are labels, whatever is in them, and their number is bounded', () => {
  const [a] = pages(1) as [Counters]
  const odd = 'a"b\\c\nd'
  assert.equal(a.page.textSlot(odd), 0)
  assert.equal(a.page.textSlot(odd), 0)
  a.page.values[clients.at] = 7
  assert.equal(scrape(a).value('clients_total', { type: 'unary', version: 'a\\"b\\\\c\\nd' }), 7)
  for (let i = 1; i < TEXTS_MAX; i++) assert.equal(a.page.textSlot(`v${i}`), i)
  assert.equal(a.page.textSlot('one more'), -1)
  assert.equal(a.page.textSlot('v3'), 3)
})

test('a text that is too long is cut between characters', () => {
  const [a] = pages(1) as [Counters]
  a.page.textSlot('ä'.repeat(60))
  assert.deepEqual(a.page.texts(), ['ä'.repeat(31)])
})

test('events that watch workers have sent and fronts have not taken are pending', () => {
  const [worker, other, front] = [memoryCounters(), memoryCounters(), memoryCounters()]
  worker.set(counters.watchEvents, 7)
  other.set(counters.watchEvents, 5)
  front.add(watchEventsTaken, 4)
  const exposition = new Exposition()
  addPendingEvents(exposition, [worker, other, front].map(({ page }) => page))
  assert.equal(new Scrape(exposition.render()).value('etcd_debugging_mvcc_pending_events_total'), 8)
})

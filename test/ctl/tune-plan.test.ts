/** The search for settings, on machines that are made up. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../../src/base/prng.js'
import {
  dimensions, inOrder, search, trialCount, type Dimension, type Measured, type Settings,
} from '../../src/ctl/tune/tune-plan.js'

const MACHINE = { cores: 8, threadsMode: 'dedicated', frontWorkers: 2, watchWorkers: 1 }
const DIMENSIONS = dimensions(MACHINE, { readPercent: 20, watchers: 0 })

function measured(perSecond: number, limit: 'front' | 'disk' | 'none' = 'none'): Measured {
  return {
    perSecond, p50Us: 1e6 / perSecond, p99Us: 2e6 / perSecond, serverCpuUs: 10,
    saturation: { limit, share: 1, text: limit },
  }
}

/** Throughput by settings: what is not named multiplies by 1. */
function machine(factors: Readonly<Record<string, number>>, noise: () => number = () => 1) {
  return async (settings: Settings): Promise<Measured> => {
    const rate = Object.entries(settings).reduce((product, [flag, value]) => {
      return product * (factors[`${flag}=${value}`] ?? 1)
    }, 10_000)
    return measured(rate * noise())
  }
}

test('the settings that help are found, each with its gain', async () => {
  const measure = machine({
    'front-workers=4': 1.4, 'front-workers=8': 1.2, 'wal-batch-delay=200us': 1.25, 'wal-batch-delay=1ms': 0.8,
    'actor-threads=shared': 0.5,
  })
  const result = await search({ dimensions: DIMENSIONS, goal: 'throughput', measure, hasTime: () => true })
  assert.deepEqual(result.settings, { 'front-workers': '4', 'wal-batch-delay': '200us' })
  assert.deepEqual(result.choices.map(({ gain }) => Number(gain.toFixed(2))), [1.4, 1.25])
  assert.equal(Math.round(result.best.perSecond), 17_500)
  assert.ok(result.isComplete)
})

test('for latency the tail counts, not the rate', async () => {
  const measure = async (settings: Settings): Promise<Measured> => {
    const isSpinning = settings['actor-threads'] === 'shared'
    return { ...measured(isSpinning ? 9000 : 10_000), p99Us: isSpinning ? 100 : 300 }
  }
  const result = await search({ dimensions: DIMENSIONS, goal: 'latency', measure, hasTime: () => true })
  assert.deepEqual(result.settings, { 'actor-threads': 'shared' })
})

test('on a machine that only makes noise the defaults stay', async () => {
  const prng = new Prng(3)
  let recommended = 0
  for (let round = 0; round < 50; round++) {
    const measure = machine({}, () => 0.98 + 0.04 * prng.float())
    const result = await search({ dimensions: DIMENSIONS, goal: 'throughput', measure, hasTime: () => true })
    recommended += Object.keys(result.settings).length
  }
  assert.ok(recommended <= 2, `${recommended} settings recommended by chance`)
})

test('a machine that slows down meanwhile does not choose', async () => {
  let factor = 1
  const measure = machine({}, () => (factor *= 0.97))
  const result = await search({ dimensions: DIMENSIONS, goal: 'throughput', measure, hasTime: () => true })
  assert.deepEqual(result.settings, {})
})

test('what may move the limit is tried first, and the time ends the search', async () => {
  const flags = (list: readonly Dimension[]): string[] => list.map(({ flag }) => flag)
  assert.equal(flags(inOrder(DIMENSIONS, 'front')).at(1), 'front-workers')
  assert.deepEqual(flags(inOrder(DIMENSIONS, 'disk')).slice(0, 2), ['wal-batch-delay', 'wal-batch-bytes'])
  let trials = 0
  const result = await search({
    dimensions: DIMENSIONS, goal: 'throughput', hasTime: () => trials < 3,
    measure: async () => measured(10_000 + ++trials, 'disk'),
  })
  assert.ok(!result.isComplete)
  assert.deepEqual(result.trials.slice(0, 3).map(({ flag }) => flag), ['', 'wal-batch-delay', 'wal-batch-delay'])
  assert.ok(result.trials.length <= 5)
})

test('a search has at most as many trials as it says, but for those that confirm', async () => {
  const result = await search({
    dimensions: DIMENSIONS, goal: 'throughput', measure: machine({}), hasTime: () => true,
  })
  assert.equal(result.trials.length, trialCount(DIMENSIONS))
})

test('only what can have an effect is tried', () => {
  const flags = (cores: number, readPercent: number, watchers: number): string[] =>
    dimensions({ ...MACHINE, cores, frontWorkers: 1 }, { readPercent, watchers }).map(({ flag }) => flag)
  assert.ok(!flags(2, 20, 0).includes('idle-strategy'))
  assert.ok(!flags(2, 20, 0).includes('watch-workers') && flags(2, 20, 5).includes('watch-workers'))
  assert.deepEqual(flags(2, 100, 0), ['actor-threads', 'front-workers'])
})

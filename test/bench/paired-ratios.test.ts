/** What benchmarks make of their rounds. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pairedRatio } from '../../bench/support/paired-ratios.js'
import { medianReading, type Reading } from '../../bench/support/reading.js'
import { markdownTable, serverResult, workloadText } from '../../bench/support/results.js'
import { Prng } from '../../src/base/prng.js'

function reading(perSecond: number, more: Partial<Reading> = {}): Reading {
  return {
    perSecond, p50Us: 100, p99Us: 500, p999Us: 900, serverCpuUs: 20, clientCpuUs: 2, bytesPerSecond: 1e6, errors: 0,
    firstError: '', curve: [[0.5, 100], [1, 900]], residentBytes: 1e8, anonymousBytes: 5e7, ...more,
  }
}

test('the range around the median of pairs holds the true ratio, and is narrower with more of them', () => {
  const prng = new Prng(7)
  const width = (pairs: number): number => {
    const first = Array.from({ length: pairs }, () => 1000 * (0.9 + 0.2 * prng.float()))
    const second = first.map((value) => value * 1.3 * (0.95 + 0.1 * prng.float()))
    const { median, low, high } = pairedRatio(first, second)
    assert.ok(low <= 1.3 * 1.03 && high >= 1.3 * 0.97 && low <= median && median <= high, `${low} ${median} ${high}`)
    return high - low
  }
  assert.ok(width(40) < width(6))
})

test('pairs cancel what changes the pace of both', () => {
  const paces = [1, 0.5, 0.8, 0.3, 1]
  const { median, low, high } = pairedRatio(paces, paces.map((pace) => 2 * pace))
  assert.deepEqual([median, low, high], [2, 2, 2])
})

test('rounds become their medians, errors their sum', () => {
  const found = medianReading([
    reading(10), reading(30, { errors: 2, firstError: 'x' }), reading(20, { curve: [[0.5, 300], [1, 700]] }),
  ])
  assert.deepEqual([found.perSecond, found.errors, found.firstError], [20, 2, 'x'])
  assert.deepEqual(found.curve, [[0.5, 100], [1, 900]])
})

test('a server that could not be measured says why, and has no ratio', () => {
  const result = {
    workload: 'w', unit: 'put', point: null,
    servers: [serverResult('raftring', [reading(10)], ''), serverResult('etcd', [], 'unknown method')],
  }
  const text = workloadText(result)
  assert.match(text, /etcd +unknown method$/)
  assert.ok(!text.includes('over'))
})

test('two servers have ratios, in text and in the table for documents', () => {
  const theirs = reading(10, { serverCpuUs: 40 })
  const servers = [serverResult('raftring', [reading(30)], ''), serverResult('etcd', [theirs], '')]
  const result = { workload: 'put', unit: 'put', point: null, servers }
  assert.match(workloadText(result), /raftring over etcd: throughput 3\.00x, p50 1\.00x, p99 1\.00x, server CPU 0\.50x/)
  const machine = {
    processor: 'p', cores: 2, memoryBytes: 1, kernel: 'k', node: 'n', commit: 'c', fileSystem: 'f', loadBefore: 0,
    at: '',
  }
  const table = markdownTable({
    machine, command: '', rounds: 1, seconds: 1, servers: { raftring: '', etcd: '3' }, workloads: [result],
  })
  assert.ok(table.endsWith('| put | 30/s | 10/s | 3.00x | 1.00x | 1.00x | 0.50x |'), table)
})

/** What follows from the cores, and what may be given. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { conclude, type Config } from '../../src/config/config.js'
import { readFlags } from '../../src/config/flags.js'

function concluded(flags: readonly string[], cores: number) {
  const result = readFlags(['--name=n1', ...flags], {})
  assert.ok(result.ok && 'raw' in result, JSON.stringify(result))
  return conclude(result.raw, cores)
}

function config(flags: readonly string[], cores = 4): Config {
  const result = concluded(flags, cores)
  assert.ok(result.ok, JSON.stringify(result))
  return result.config
}

function warnings(flags: readonly string[], cores: number): readonly string[] {
  const result = concluded(flags, cores)
  return result.ok ? result.warnings : []
}

test('every number is at least one, whatever the cores', () => {
  const modes = fc.constantFrom('auto', 'shared', 'dedicated', 'inline')
  fc.assert(fc.property(fc.integer({ min: 1, max: 512 }), modes, (cores, mode) => {
    const { snapshotWorkers, hashWorkers, passwordWorkers, idleStrategy } = config([`--actor-threads=${mode}`], cores)
    const counts = [snapshotWorkers, hashWorkers, passwordWorkers]
    assert.ok(counts.every((count) => Number.isInteger(count) && count >= 1), counts.join(' '))
    assert.ok(idleStrategy !== 'spin', 'nobody is made to spin')
  }))
})

test('pools grow with the cores', () => {
  const pools = [2, 16, 64].map((cores) => {
    const { snapshotWorkers, passwordWorkers } = config(['--front-workers=1'], cores)
    return [snapshotWorkers, passwordWorkers]
  })
  assert.deepEqual(pools, [[4, 1], [8, 15], [16, 63]])
  const given = config(['--snapshot-workers=2', '--hash-workers=3', '--password-workers=5'])
  assert.deepEqual([given.snapshotWorkers, given.hashWorkers, given.passwordWorkers], [2, 3, 5])
})

test('threads look around before they sleep only where they keep nobody from running', () => {
  assert.equal(config([], 2).idleStrategy, 'park')
  assert.equal(config(['--actor-threads=shared'], 8).idleStrategy, 'park')
  assert.equal(config(['--actor-threads=shared'], 9).idleStrategy, 'yield')
  assert.equal(config(['--idle-strategy=spin'], 7).idleStrategy, 'spin')
  assert.equal(config(['--idle-strategy=spin'], 2).idleStrategy, 'park')
  assert.deepEqual(warnings(['--idle-strategy=spin'], 2),
    ['--idle-strategy=spin has no effect: there are 2 cores for 5 threads'])
  assert.deepEqual(warnings(['--idle-strategy=park'], 2), [])
})

test('batches are bounded as given, and in sensible ranges only', () => {
  const usual = config([])
  assert.deepEqual([usual.walBatchBytes, usual.walBatchDelayMs], [Infinity, 0])
  assert.deepEqual([usual.applyBatchEntries, usual.applyBatchBytes], [4096, 2 * 1024 * 1024])
  const given = config([
    '--wal-batch-bytes=65536', '--wal-batch-delay=250us', '--apply-batch-entries=100', '--apply-batch-bytes=4096',
  ])
  assert.deepEqual([given.walBatchBytes, given.walBatchDelayMs], [65_536, 0.25])
  assert.deepEqual([given.applyBatchEntries, given.applyBatchBytes], [100, 4096])
  for (const delay of ['101ms', '-1ms']) {
    assert.deepEqual(concluded([`--wal-batch-delay=${delay}`], 2),
      { ok: false, message: '--wal-batch-delay must be between 0s and 100ms' })
  }
})

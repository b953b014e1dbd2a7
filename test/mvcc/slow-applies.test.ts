/** Batches that took long are logged, a few in a second, and the others counted. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogFields } from '../../src/metrics/logger.js'
import { SlowApplies } from '../../src/mvcc/apply/slow-applies.js'
import { QUIET_LOGGER } from './support/quiet-logger.js'

test('what took longer than the threshold is logged, a few in a second, the others counted', () => {
  const lines: LogFields[] = []
  const applies = new SlowApplies(100, { ...QUIET_LOGGER, warn: (_, __, fields = {}) => void lines.push(fields) })
  applies.onApplied(100, 1, 1, 0)
  assert.deepEqual(lines, [])
  for (let i = 0; i < 20; i++) applies.onApplied(100.5, 3, i, i)
  assert.equal(lines.length, 5)
  assert.deepEqual(lines[0], { tookMs: 100.5, 'expected-duration': '100ms', entries: 3, lastIndex: 0 })
  applies.onApplied(200, 1, 20, 1500)
  assert.equal(lines.at(-1)?.['unloggedBefore'], 15)
})

/** Numbers at a glance. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bar, percent, shortBytes, shortCount, shortTime, sparkline } from '../../src/ctl/view/amounts.js'

test('counts, times and octets have three characters and a unit', () => {
  assert.deepEqual([0, 0.25, 7, 999, 1000, 12_345, 999_499, 999_500, 1.5e9].map(shortCount),
    ['0', '0.3', '7', '999', '1.0k', '12k', '999k', '1.0M', '1.5G'])
  assert.deepEqual([0, 0.0004, 0.25, 0.9999, 1.25, 99, 1500].map(shortTime),
    ['0', '0 us', '250 us', '1.0 ms', '1.3 ms', '99 ms', '1.5 s'])
  assert.deepEqual([0, 512, 1024, 15_360, 3 * 2 ** 30].map(shortBytes),
    ['0 B', '512 B', '1.0 KiB', '15 KiB', '3.0 GiB'])
  assert.deepEqual([0, 0.005, 0.5, 1].map(percent), ['0.0 %', '0.5 %', '50 %', '100 %'])
})

test('bars fill in eighths and never overflow', () => {
  assert.deepEqual([0, 0.5, 1, 7, -1].map((share) => bar(share, 4)), ['', '██', '████', '████', ''])
  assert.equal(bar(1 / 8, 1), '▏')
})

test('a sparkline reaches its top at the largest value', () => {
  assert.equal(sparkline([0, 1, 2, 4]), '▁▂▄█')
  assert.equal(sparkline([0, 0]), '▁▁')
})

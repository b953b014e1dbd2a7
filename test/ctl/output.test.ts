/** Sizes as etcd's tools print them. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { humanBytes } from '../../src/ctl/output.js'

test('sizes have a unit of thousands and a decimal below ten', () => {
  const sizes: [number, string][] = [
    [0, '0 B'], [9, '9 B'], [10, '10 B'], [999, '999 B'], [1000, '1.0 kB'], [9949, '9.9 kB'], [9951, '10 kB'],
    [24_576, '25 kB'], [527_980, '528 kB'], [1_044_480, '1.0 MB'], [98_304, '98 kB'], [2_147_483_648, '2.1 GB'],
  ]
  for (const [bytes, text] of sizes) assert.equal(humanBytes(bytes), text)
})

test('a half is rounded to the even number', () => {
  assert.deepEqual([20_480, 21_500, 22_500].map(humanBytes), ['20 kB', '22 kB', '22 kB'])
})

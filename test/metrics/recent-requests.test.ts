/** The newest requests, as a reader on another thread finds them. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecentRequests, allocateRecentRequests } from '../../src/metrics/recent-requests.js'
import { WRITE_STAGES } from '../../src/metrics/stage-histogram.js'

function filled(count: number): RecentRequests {
  const memory = allocateRecentRequests()
  const writer = new RecentRequests(memory)
  for (let i = 0; i < count; i++) writer.add(1 + (i % 3), 1000 + i, new Float64Array(WRITE_STAGES.length).fill(i))
  return new RecentRequests(memory)
}

test('the newest requests come oldest first, with what was told of each', () => {
  const reader = filled(5)
  const found = reader.newest(2)
  assert.deepEqual(found.map(({ sequence, kind, heardMs }) => [sequence, kind, heardMs]), [[3, 1, 1003], [4, 2, 1004]])
  assert.deepEqual(found[0]?.stagesMs, WRITE_STAGES.map(() => 3))
  assert.deepEqual(reader.newest(100, 4).map(({ sequence }) => sequence), [4])
})

test('a page that was gone round holds the newest, whole', () => {
  const found = filled(10_000).newest(1_000_000)
  assert.ok(found.length > 900)
  assert.equal(found.at(-1)?.sequence, 9999)
  assert.ok(found.every(({ sequence, heardMs, stagesMs }) => heardMs === 1000 + sequence && stagesMs[0] === sequence))
})

test('nothing was asked yet', () => {
  assert.deepEqual(filled(0).newest(10), [])
})

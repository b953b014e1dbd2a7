/** Where a thread's time went, from a profile. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { summarizeCpu } from '../../src/ctl/report/cpu-summary.js'

const frame = (functionName: string, url = '', lineNumber = 0) => ({ functionName, url, lineNumber })

test('time is of the function that was running, sleep is of none, native code goes by its caller', () => {
  const nodes = [
    { id: 1, callFrame: frame('(root)'), children: [2, 3, 4] },
    { id: 2, callFrame: frame('park', 'file:///x/dist/src/ring/doorbell.js', 43) },
    { id: 3, callFrame: frame('commit', 'file:///x/dist/src/store/lmdb-store.js', 9), children: [5] },
    { id: 4, callFrame: frame('(garbage collector)') },
    { id: 5, callFrame: frame('') },
  ]
  const profile = {
    nodes, startTime: 0, endTime: 1_000_000, samples: [2, 3, 5, 5, 4, 2], timeDeltas: [0, 500, 100, 200, 100, 100],
  }
  const { busyShare, functions, seconds } = summarizeCpu('mvcc', profile)
  assert.equal(seconds, 1)
  assert.equal(busyShare, 0.5)
  assert.deepEqual(functions, [
    { name: 'native code ← commit', place: 'src/store/lmdb-store.js:10', selfMs: 0.3, share: 0.6 },
    { name: 'commit', place: 'src/store/lmdb-store.js:10', selfMs: 0.1, share: 0.2 },
    { name: '(garbage collector)', place: '', selfMs: 0.1, share: 0.2 },
  ])
})

test('a profile without samples is of a thread that slept', () => {
  assert.deepEqual(summarizeCpu('raft', { nodes: [], startTime: 0, endTime: 5 }).functions, [])
})

/** Hashes of compactions that members have, and that one should not have. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compactionVerdict } from '../../../src/sim/checkers/compaction-verdict.js'

const at = (revision: number, hash: number, compactRevision = revision - 1) => ({ revision, compactRevision, hash })

test('members that hashed the same compactions alike are right', () => {
  const members = [
    { member: 'a', hashes: [at(9, 1), at(8, 2)] },
    { member: 'b', hashes: [at(9, 1)] },
    { member: 'c', hashes: [] },
    { member: 'd', hashes: [at(8, 2), at(7, 3)] },
  ]
  assert.deepEqual(compactionVerdict(members), { compared: 2, problem: null })
})

test('two hashes of one compaction are wrong', () => {
  const { problem } = compactionVerdict([{ member: 'a', hashes: [at(9, 1)] }, { member: 'b', hashes: [at(9, 2)] }])
  assert.equal(problem, 'the compaction from 8 to 9 has hash 1 on a and 2 on b')
})

test('a compaction that began elsewhere is another one', () => {
  const members = [{ member: 'a', hashes: [at(9, 1, 5)] }, { member: 'b', hashes: [at(9, 2, 6)] }]
  assert.deepEqual(compactionVerdict(members), { compared: 0, problem: null })
})

/** Who is named when members' hashes differ, and whose hashes are not compared at all. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  compareHashes, comparePeriodically, type AnsweredHash, type HeardHash,
} from '../../../src/front/hashes/hash-comparison.js'
import { NOBODY_KNOWS } from '../../../src/front/upkeep/state-comparison.js'
import type { KeyspaceHash } from '../../../src/messages/compaction-hashes.js'

const SELF = 1n
const OWN: KeyspaceHash = { hash: 0xaa, revision: 100, compactRevision: 40 }

/** Answers of members 2, 3, ...: a hash at the leader's compact revision, another answer, or none. */
function heard(...answers: (number | Partial<AnsweredHash> | null)[]): HeardHash[] {
  return answers.map((one, i) => {
    const member = BigInt(i + 2)
    if (one === null) return { member, answer: null, problem: 'nobody has answered' }
    const given = typeof one === 'number' ? { hash: one } : one
    const answer = { hash: OWN.hash, compactRevision: OWN.compactRevision, currentRevision: OWN.revision, ...given }
    return { member, answer, problem: '' }
  })
}

test('members with the same hash are all compared and nobody is named', () => {
  const { named, compared, differing } = compareHashes(SELF, OWN, heard(OWN.hash, OWN.hash))
  assert.deepEqual([named, compared, differing], [[], [2n, 3n], []])
})

test('the one who differs from the majority is named, the leader too', () => {
  assert.deepEqual(compareHashes(SELF, OWN, heard(OWN.hash, 0xbb)).named, [3n])
  assert.deepEqual(compareHashes(SELF, OWN, heard(0xbb, 0xbb)).named, [SELF])
  assert.deepEqual(compareHashes(SELF, OWN, heard(0xbb, 0xbb)).differing, [2n, 3n])
  assert.deepEqual(compareHashes(SELF, OWN, heard(OWN.hash, OWN.hash, 0xbb, 0xcc)).named, [4n, 5n])
})

test('without a majority nobody knows who is right', () => {
  for (const answers of [heard(0xbb), heard(0xbb, 0xcc), heard(OWN.hash, 0xbb, 0xbb), heard(0xbb, null)]) {
    assert.deepEqual(compareHashes(SELF, OWN, answers).named, [NOBODY_KNOWS])
  }
})

test('a member that is silent counts for the majority, but is not named', () => {
  assert.deepEqual(compareHashes(SELF, OWN, heard(OWN.hash, 0xbb, null)).named, [NOBODY_KNOWS])
  assert.deepEqual(compareHashes(SELF, OWN, heard(OWN.hash, OWN.hash, 0xbb, null)).named, [4n])
  assert.deepEqual(compareHashes(SELF, OWN, heard(null, null)), { named: [], compared: [], differing: [] })
})

test('hashes that were seen from other compact revisions say nothing about each other', () => {
  const elsewhere = { hash: 0xbb, compactRevision: OWN.compactRevision - 1 }
  const { named, compared } = compareHashes(SELF, OWN, heard(elsewhere, OWN.hash))
  assert.deepEqual([named, compared], [[], [3n]])
  assert.deepEqual(compareHashes(SELF, OWN, heard({ ...elsewhere, compactRevision: -1 }, 0xbb)).named, [NOBODY_KNOWS])
})

test('by the clock the leader also looks at itself, and at who is ahead of it', () => {
  const now = { before: OWN, after: OWN, currentRevision: OWN.revision }
  assert.deepEqual(comparePeriodically(SELF, now, heard(OWN.hash, OWN.hash)).named, [])
  const unsteady = { ...now, after: { ...OWN, hash: 0xbb } }
  assert.deepEqual(comparePeriodically(SELF, unsteady, heard(OWN.hash, OWN.hash)).named, [SELF])
  const ahead = heard({ currentRevision: OWN.revision + 1 }, { compactRevision: OWN.compactRevision + 1 }, OWN.hash)
  assert.deepEqual(comparePeriodically(SELF, now, ahead).ahead, [2n, 3n])
  assert.deepEqual(comparePeriodically(SELF, now, ahead).named, [2n, 3n])
})

test('a leader that has gone on in the meantime is compared by the hash of before', () => {
  const after = { hash: 0xdd, revision: OWN.revision + 5, compactRevision: OWN.compactRevision + 1 }
  const later = { before: OWN, after, currentRevision: after.revision }
  const answers = heard({ currentRevision: after.revision }, { compactRevision: after.compactRevision, hash: 0xbb })
  const { named, isSelfUnsteady, compared } = comparePeriodically(SELF, later, answers)
  assert.deepEqual([named, isSelfUnsteady, compared], [[], false, [2n]])
  assert.deepEqual(comparePeriodically(SELF, later, heard(OWN.hash, 0xdd)).named, [3n])
})

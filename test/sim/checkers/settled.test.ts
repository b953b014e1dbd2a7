/** When a cluster that was mended has settled, and what members say of their hashes then. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashProblem, type HashAnswer } from '../../../src/sim/checkers/hash-verdict.js'
import { unsettledMember, type SettlingMember } from '../../../src/sim/checkers/settled.js'

function member(name: string, rest: Partial<SettlingMember> = {}): SettlingMember {
  return { name, isLost: false, isServing: true, appliedIndex: 431, ...rest }
}

function answer(name: string, rest: Partial<HashAnswer> = {}): HashAnswer {
  return { member: name, hash: 7, revision: 186, compactRevision: 172, text: '', ...rest }
}

test('members that have applied everything and serve have settled', () => {
  assert.equal(unsettledMember([member('m1'), member('m2', { appliedIndex: 432 })], 431), null)
})

test('a member that lacks entries is waited for', () => {
  assert.equal(unsettledMember([member('m1'), member('m5', { appliedIndex: 430 })], 431), 'm5 has applied 430 of 431')
})

test('a member that came back by a leader\'s store and has not opened its ports is waited for', () => {
  const said = unsettledMember([member('m1'), member('m5', { isServing: false })], 431)
  assert.equal(said, 'm5 has applied all and serves no clients')
})

test('nobody waits for a member that is lost', () => {
  assert.equal(unsettledMember([member('m1'), member('m2', { isLost: true, appliedIndex: 0 })], 431), null)
})

test('members that tell one hash agree', () => {
  assert.equal(hashProblem([answer('m1'), answer('m2'), answer('m3')]), null)
})

test('another hash, revision or compaction is a difference, and every member is named', () => {
  for (const other of [{ hash: 8 }, { revision: 185 }, { compactRevision: 171 }]) {
    assert.match(hashProblem([answer('m1'), answer('m2', other)]) ?? '', /^members differ: m1 hash 7 .*; m2 hash /)
  }
})

test('a member that tells no hash is no agreement, not even if none tells one', () => {
  const silent = { hash: null, text: 'refused' }
  assert.equal(hashProblem([answer('m1'), answer('m5', silent)]), 'm5 does not tell its hash: refused')
  assert.equal(hashProblem([answer('m1', silent), answer('m2', silent)]), 'm1 does not tell its hash: refused')
})

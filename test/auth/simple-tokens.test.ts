/** Tokens of one front: how long they last and what ends them. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimpleTokens, TOKENS_MAX } from '../../src/auth/simple-tokens.js'

const TTL_MS = 300_000

test('a token stands for its user as of the revision that is asked about', () => {
  const tokens = new SimpleTokens(TTL_MS)
  tokens.assign('t', 'alice', 0)
  assert.deepEqual(tokens.find('t', 7, 1), { user: 'alice', revision: 7 })
  assert.deepEqual(tokens.find('t', 8, 2), { user: 'alice', revision: 8 })
  assert.equal(tokens.find('u', 8, 2), null)
})

test('being used keeps a token; left alone it lapses', () => {
  const tokens = new SimpleTokens(TTL_MS)
  tokens.assign('used', 'alice', 0)
  tokens.assign('left', 'alice', 0)
  assert.notEqual(tokens.find('used', 1, TTL_MS - 1), null)
  assert.equal(tokens.find('left', 1, TTL_MS), null)
  assert.notEqual(tokens.find('used', 1, 2 * TTL_MS - 2), null)
  assert.equal(tokens.find('used', 1, 3 * TTL_MS - 2), null)
})

test('lapsed tokens leave no memory behind once another is given', () => {
  const tokens = new SimpleTokens(TTL_MS)
  for (let i = 0; i < 100; i++) tokens.assign(`t${i}`, 'alice', 0)
  tokens.assign('late', 'bob', TTL_MS)
  assert.equal(tokens.count, 1)
})

test("one user's tokens end together, and so do all", () => {
  const tokens = new SimpleTokens(TTL_MS)
  for (const [token, user] of [['a', 'alice'], ['b', 'alice'], ['c', 'carol']] as const) tokens.assign(token, user, 0)
  tokens.voidUser('alice')
  assert.deepEqual(['a', 'b', 'c'].map((token) => tokens.find(token, 1, 0) !== null), [false, false, true])
  tokens.voidAll()
  assert.equal(tokens.count, 0)
})

test('of too many tokens the oldest goes', () => {
  const tokens = new SimpleTokens(TTL_MS)
  for (let i = 0; i <= TOKENS_MAX; i++) tokens.assign(`t${i}`, 'alice', 0)
  assert.deepEqual([tokens.count, tokens.droppedCount], [TOKENS_MAX, 1])
  assert.equal(tokens.find('t0', 1, 0), null)
  assert.notEqual(tokens.find('t1', 1, 0), null)
})

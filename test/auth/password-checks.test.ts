/** Repeated logins: the same password is hashed once, another one, or another user's, is another question. */

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { JobsPool } from '../../src/actor/jobs/jobs-pool.js'
import { PasswordChecks, type PasswordOutcome, type PasswordQuestion } from '../../src/front/auth/password-checks.js'

const QUEUE_MAX = 2

let pool: JobsPool
let hash: string
let checks: PasswordChecks
let question: PasswordQuestion

before(async () => {
  pool = new JobsPool({ threadsMax: 1, queueMax: QUEUE_MAX })
  hash = (await pool.run('hashPassword', { password: 'secret', cost: 4 })) as string
})

after(() => pool.close())

beforeEach(() => {
  checks = new PasswordChecks(pool)
  question = { user: 'ann', password: 'secret', hash }
})

function ask(changes: Partial<PasswordQuestion> = {}): Promise<PasswordOutcome> {
  return new Promise((resolve) => checks.check({ ...question, ...changes }, resolve))
}

test('a password that was right is known at once, without another hash', async () => {
  assert.equal(await ask(), 'right')
  let outcome: PasswordOutcome | null = null
  checks.check(question, (known) => (outcome = known))
  assert.equal(outcome, 'right')
  assert.deepEqual(checks.counters, { remembered: 1, checked: 1, refused: 0 })
})

test('a wrong password is hashed every time; another user, or a changed hash, is another question', async () => {
  assert.equal(await ask(), 'right')
  for (let i = 0; i < 2; i++) assert.equal(await ask({ password: 'Secret' }), 'wrong')
  assert.equal(await ask({ user: 'bob' }), 'right')
  const changed = (await pool.run('hashPassword', { password: 'other', cost: 4 })) as string
  assert.equal(await ask({ hash: changed }), 'wrong')
  assert.deepEqual(checks.counters, { remembered: 0, checked: 5, refused: 0 })
})

test('who asks the same while it is hashed hears the same outcome', async () => {
  const outcomes = await Promise.all([ask(), ask(), ask(), ask()])
  assert.deepEqual(outcomes, ['right', 'right', 'right', 'right'])
  assert.deepEqual(checks.counters, { remembered: 0, checked: 1, refused: 0 })
})

test('what the pool has no room for is busy, and asked again later', async () => {
  const users = ['a', 'b', 'c'].map((user) => ask({ user }))
  assert.deepEqual(await Promise.all(users), ['right', 'right', 'busy'])
  assert.equal(checks.counters.refused, 1)
  assert.equal(await ask({ user: 'c' }), 'right')
})

test('nothing is known after users have changed', async () => {
  assert.equal(await ask(), 'right')
  checks.forget()
  assert.equal(await ask(), 'right')
  assert.deepEqual(checks.counters, { remembered: 0, checked: 2, refused: 0 })
})

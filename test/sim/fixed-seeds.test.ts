/** Whole runs of the simulator: a few seeds, each the same every time. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulate, type RunOptions } from '../../src/sim/run.js'

const BASE: RunOptions = { seed: 1, members: 3, seconds: 10, keepsTrace: false, onLmdb: false }

async function outcomeOf(options: Partial<RunOptions>): Promise<string> {
  const { failure, operations, watched } = await simulate({ ...BASE, ...options })
  if (failure !== null) return `${failure.kind}: ${failure.message}`
  return operations > 0 && watched > 0 ? 'all is well' : 'nothing happened'
}

for (const seed of [11, 12, 13]) {
  test(`three members keep their word with seed ${seed}`, async () => {
    assert.equal(await outcomeOf({ seed }), 'all is well')
  })
}

test('five members keep their word', async () => {
  assert.equal(await outcomeOf({ seed: 21, members: 5 }), 'all is well')
})

test('a member alone keeps its word', async () => {
  assert.equal(await outcomeOf({ seed: 31, members: 1 }), 'all is well')
})

test('three members keep their word on lmdb', async () => {
  assert.equal(await outcomeOf({ seed: 50, onLmdb: true }), 'all is well')
})

test('a healthy cluster answers everything', async () => {
  const { failure, operations, faults } = await simulate({ ...BASE, isCalm: true })
  assert.equal(failure, null)
  assert.equal(faults, 0)
  assert.ok(operations > 100, `${operations} operations`)
})

test('with seed 4 clients take locks and users have rights, and both are the same every time', async () => {
  const first = await simulate({ ...BASE, seed: 4, seconds: 20, keepsTrace: true })
  const second = await simulate({ ...BASE, seed: 4, seconds: 20, keepsTrace: true })
  assert.equal(first.failure, null)
  assert.deepEqual(second.lines, first.lines)
  const said = first.lines.join('\n')
  assert.match(said, /[1-9]\d* locks of \d+ were held/)
  assert.match(said, /[1-9]\d* requests of users done, [1-9]\d* denied/)
})

test('a seed is the same run every time, with its lines or without', async () => {
  const first = await simulate({ ...BASE, seed: 77, keepsTrace: true })
  const second = await simulate({ ...BASE, seed: 77, keepsTrace: true })
  const third = await simulate({ ...BASE, seed: 77 })
  assert.deepEqual(second.lines, first.lines)
  assert.equal(second.hash, first.hash)
  assert.equal(third.hash, first.hash)
  assert.ok(first.lines.length > 100)
})

test('another seed is another run', async () => {
  const [one, other] = [await simulate({ ...BASE, seed: 78 }), await simulate({ ...BASE, seed: 79 })]
  assert.notEqual(one.hash, other.hash)
})

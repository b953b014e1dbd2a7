/** Runs in which sectors of logs go bad. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayLoseOne } from '../../../src/sim/faults/bad-sectors.js'
import { simulate } from '../../../src/sim/run.js'

const whole = { isLost: false, damage: null }
const lost = { isLost: true, damage: null }
const damaged = { isLost: false, damage: { name: 'x', start: 0, end: 512, syncedEnd: 512 } }

test('a minority may be broken, damage that no start has shown yet included', () => {
  assert.equal(mayLoseOne([whole]), false)
  assert.equal(mayLoseOne([whole, whole]), false)
  assert.equal(mayLoseOne([whole, whole, whole]), true)
  assert.equal(mayLoseOne([whole, whole, lost]), false)
  assert.equal(mayLoseOne([whole, whole, damaged, whole]), false)
  assert.equal(mayLoseOne([whole, whole, damaged, whole, whole]), true)
  assert.equal(mayLoseOne([whole, lost, damaged, whole, whole]), false)
})

test('a member with a bad sector does not start again, and another one stands in for it', async () => {
  const { failure, lines } = await simulate({ seed: 5, members: 3, seconds: 60, keepsTrace: true, onLmdb: false })
  assert.equal(failure, null)
  const find = (text: RegExp): number => lines.findIndex((line) => text.test(line))
  const struck = find(/faults +m\d: bits flip in /)
  const refused = find(/ends: wal: Error: corrupt write-ahead log: \/disk\/wal\/\S+ at offset \d+: /)
  const replaced = find(/members +m\d stands in for a broken member/)
  assert.ok(struck > 0 && refused > struck && replaced > refused, [struck, refused, replaced].join())
})

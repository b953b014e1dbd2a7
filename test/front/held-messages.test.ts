/** Messages that wait to be judged: in order for each call, and no more than there is room for. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeldMessages } from '../../src/front/auth/held-messages.js'
import { plainCall } from './plain-call.js'

const [a, b] = [plainCall('a'), plainCall('b')]

function hold(held: HeldMessages, call: ReturnType<typeof plainCall>, text: string): boolean {
  return held.hold(call, 0, Buffer.from(`..${text}`), 2, 2 + text.length)
}

test('messages go on in the order they came, each with a copy of its bytes', () => {
  const held = new HeldMessages()
  hold(held, a, 'one')
  hold(held, b, 'two')
  held.holdHalfClose(a, 0)
  assert.deepEqual([held.holds(a), held.holds(b), held.isEmpty], [true, true, false])
  const seen: unknown[] = []
  assert.equal(held.release((call, bytes) => seen.push([call.method, bytes?.toString() ?? null]) > 0), 3)
  assert.deepEqual(seen, [['a', 'one'], ['b', 'two'], ['a', null]])
  assert.deepEqual([held.holds(a), held.isEmpty], [false, true])
})

test('behind a message that has to wait, nothing else of its call goes on', () => {
  const held = new HeldMessages()
  hold(held, a, 'waits')
  hold(held, a, 'behind')
  hold(held, b, 'other')
  const first: string[] = []
  held.release((_, bytes) => bytes?.toString() !== 'waits' && first.push(bytes?.toString() ?? '') > 0)
  assert.deepEqual(first, ['other'])
  const then: string[] = []
  held.release((_, bytes) => then.push(bytes?.toString() ?? '') > 0)
  assert.deepEqual(then, ['waits', 'behind'])
})

test('what there is no room for is refused', () => {
  const held = new HeldMessages()
  const large = Buffer.alloc(16 * 1024 * 1024)
  for (let i = 0; i < 4; i++) assert.ok(held.hold(a, 0, large, 0, large.length))
  assert.equal(held.hold(a, 0, large, 0, 1), false)
  held.release(() => true)
  assert.ok(held.hold(a, 0, large, 0, large.length))
})

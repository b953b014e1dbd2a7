/** The index of watchers against looking at every one of them. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareBytes, type Bytes } from '../../src/base/bytes.js'
import { Slice } from '../../src/base/slice.js'
import type { FrontChannel } from '../../src/watch/front-channel.js'
import { WatcherIndex, watchedRange, type WatchedRange } from '../../src/watch/watcher-index.js'
import { WatchStream, Watcher } from '../../src/watch/watcher.js'

const stream = new WatchStream(1, {} as FrontChannel)

function watcher(number: number): Watcher {
  return new Watcher({ number, stream, options: 0, startRevision: 0, from: 0 })
}

function contains({ from, to, isSingle }: WatchedRange, key: Bytes): boolean {
  if (isSingle) return compareBytes(from, key) === 0
  return compareBytes(from, key) <= 0 && (to === null || compareBytes(key, to) < 0)
}

/** Numbers of those found, the key standing in the middle of other bytes. */
function find(index: WatcherIndex, key: Bytes): number[] {
  const bytes = Uint8Array.from([9, 9, 9, ...key, 9])
  const groups = index.find(new Slice().at(bytes, 3, 3 + key.length))
  return groups.flatMap(({ watchers }) => watchers.map(({ number }) => number)).toSorted((a, b) => a - b)
}

const key = fc.uint8Array({ minLength: 0, maxLength: 3, max: 3 })
const range = fc.oneof(
  key.map((from) => watchedRange(from, new Uint8Array(0))),
  key.map((from) => watchedRange(from, new Uint8Array(1))),
  fc.tuple(key, key)
    .filter(([from, to]) => compareBytes(from, to) < 0 && !(to.length === 1 && to[0] === 0))
    .map(([from, to]) => watchedRange(from, to)),
)
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ add: range }) },
  { weight: 2, arbitrary: fc.record({ remove: fc.nat() }) },
)

test('the index finds exactly those whose key or range contains the key', () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), fc.array(key, { maxLength: 20 }), (steps, keys) => {
    const index = new WatcherIndex(3)
    const model = new Map<Watcher, WatchedRange>()
    let next = 0
    for (const each of steps) {
      if ('add' in each) {
        const added = watcher(next++)
        index.add(added, each.add)
        model.set(added, each.add)
      } else if (model.size > 0) {
        const removed = [...model.keys()][each.remove % model.size] as Watcher
        const watched = index.remove(removed)
        assert.deepEqual(watched.from, model.get(removed)?.from)
        model.delete(removed)
      }
    }
    assert.equal(index.size, model.size)
    for (const each of keys) {
      const expected = [...model].filter(([, watched]) => contains(watched, each)).map(([{ number }]) => number)
      assert.deepEqual(find(index, each), expected)
    }
  }), { numRuns: 500 })
})

test('many keys and ranges come and go', () => {
  const index = new WatcherIndex(5)
  const encoder = new TextEncoder()
  const keys = Array.from({ length: 5000 }, (_, i) => encoder.encode(`/registry/pods/namespace-${i % 50}/pod-${i}`))
  const watchers = keys.map((each, i) => {
    const added = watcher(i)
    index.add(added, watchedRange(each, new Uint8Array(0)))
    return added
  })
  const prefixes = Array.from({ length: 50 }, (_, i) => {
    const added = watcher(5000 + i)
    index.add(added, watchedRange(
      encoder.encode(`/registry/pods/namespace-${i}/`), encoder.encode(`/registry/pods/namespace-${i}0`),
    ))
    return added
  })
  keys.forEach((each, i) => assert.deepEqual(find(index, each), [i, 5000 + (i % 50)]))
  for (const each of [...watchers.filter((_, i) => i % 3 === 0), ...prefixes]) index.remove(each)
  keys.forEach((each, i) => assert.deepEqual(find(index, each), i % 3 === 0 ? [] : [i]))
})

test('keys that differ only in the middle of a long key are told apart', () => {
  const index = new WatcherIndex(1)
  const long = (at: number): Bytes => {
    const bytes = new Uint8Array(5000)
    bytes[at] = 1
    return bytes
  }
  for (let i = 0; i < 20; i++) index.add(watcher(i), watchedRange(long(2000 + i), new Uint8Array(0)))
  for (let i = 0; i < 20; i++) assert.deepEqual(find(index, long(2000 + i)), [i])
  assert.deepEqual(find(index, long(100)), [])
})

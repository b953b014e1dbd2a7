/** Every message goes to the wire and back, and protobufjs agrees. */

import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { codecs } from '../../src/proto/generated/registry.js'
import { packages } from '../../src/proto/schema.js'
import { protobufjsRoot } from './protobufjs-root.js'
import { decodedOf, inputOf, protobufjsOf } from './schema-arbitraries.js'

const RUNS = 30
const root = protobufjsRoot()

for (const home of packages) {
  describe(`messages of ${home.name}`, () => {
    for (const message of home.messages) {
      const name = `${home.name}.${message.name}`
      test(`${message.name} has the bytes of protobufjs and comes back whole`, () => {
        const codec = codecs.get(name)
        assert.ok(codec)
        const theirs = root.lookupType(name)
        fc.assert(fc.property(inputOf(home, message), (input) => {
          const bytes = codec.encode(input)
          const expected = theirs.encode(protobufjsOf(home, message, input)).finish()
          assert.equal(Buffer.from(bytes).toString('hex'), Buffer.from(expected).toString('hex'))
          assert.equal(codec.sizeOf(input), bytes.length)
          assert.deepEqual(codec.decode(bytes), decodedOf(home, message, input))
          assert.deepEqual(codec.peek(Buffer.from(bytes)), decodedOf(home, message, input))
        }), { numRuns: RUNS })
      })
    }
  })
}

test('an encoding in the middle of other bytes is written and read where it lies', () => {
  const codec = codecs.get('etcdserverpb.PutRequest')
  assert.ok(codec)
  const message = { key: Buffer.from('key'), value: Buffer.from('value'), lease: 5n }
  const size = codec.sizeOf(message)
  const target = new Uint8Array(size + 20).fill(0xee)
  assert.equal(codec.write(message, target, 7), 7 + size)
  assert.deepEqual(codec.decode(target, 7, 7 + size), codec.decode(codec.encode(message)))
  assert.ok(target.subarray(0, 7).every((byte) => byte === 0xee))
  assert.ok(target.subarray(7 + size).every((byte) => byte === 0xee))
})

test('a decoded message stays when its bytes change, a peeked one does not', () => {
  const codec = codecs.get('etcdserverpb.PutRequest')
  assert.ok(codec)
  for (const length of [5, 500]) {
    const value = new Uint8Array(length).fill(7)
    const shared = new Uint8Array(new SharedArrayBuffer(600))
    const end = codec.write({ value }, shared, 0)
    const decoded = codec.decode(shared, 0, end) as { readonly value: Uint8Array }
    const peeked = codec.peek(shared, 0, end) as { readonly value: Uint8Array }
    shared.fill(9)
    assert.deepEqual(decoded.value, value)
    assert.ok(decoded.value.buffer instanceof ArrayBuffer)
    assert.deepEqual(peeked.value, new Uint8Array(length).fill(9))
  }
})

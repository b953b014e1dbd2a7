/** What a sender puts into a ring is what the handler hears, for every kind of field in any order. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { InvariantError } from '../../src/base/assert.js'
import { Slice } from '../../src/base/slice.js'
import { dispatcherOf, senderOf } from '../../src/messages/message-codec.js'
import { defineProtocol, layoutOf, message, type FieldKind, type Message } from '../../src/messages/protocol.js'
import { allocateRing } from '../../src/ring/ring-layout.js'
import { RingReader } from '../../src/ring/ring-reader.js'
import { RingWriter } from '../../src/ring/ring-writer.js'

const VALUES: Readonly<Record<FieldKind, fc.Arbitrary<unknown>>> = {
  u8: fc.nat(255),
  u32: fc.nat(2 ** 32 - 1),
  u53: fc.maxSafeNat(),
  f64: fc.double({ noNaN: true }),
  i64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  bytes: fc.uint8Array({ maxLength: 100 }),
}

const kinds = fc.array(fc.constantFrom<FieldKind>('u8', 'u32', 'u53', 'f64', 'i64', 'bytes'), { maxLength: 12 })

/** A message of these kinds with a value for each field. */
const samples = kinds.chain((list) =>
  fc.record({
    fields: fc.constant(Object.fromEntries(list.map((kind, index) => [`field${index}`, kind]))),
    values: fc.record(Object.fromEntries(list.map((kind, index) => [`field${index}`, VALUES[kind]]))),
  }),
)

function rig(): { memory: SharedArrayBuffer; writer: RingWriter; reader: RingReader } {
  const memory = allocateRing(4096)
  return { memory, writer: new RingWriter(memory), reader: new RingReader(memory) }
}

/** Copies what a handler must not keep. */
function kept(heard: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(heard).map(([name, value]) => [name, value instanceof Slice ? value.copy() : value]),
  )
}

test('any message arrives as it was sent', () => {
  fc.assert(
    fc.property(samples, fc.boolean(), ({ fields, values }, asSlices) => {
      const protocol = defineProtocol({ sample: message(1, fields) })
      const { writer, reader } = rig()
      const heard: Record<string, unknown>[] = []
      const dispatch = dispatcherOf(protocol, { onSample: (it: Record<string, unknown>) => heard.push(kept(it)) })
      const sent = Object.entries(values).map(([name, value]) => {
        if (!asSlices || !(value instanceof Uint8Array)) return [name, value]
        const padded = Buffer.concat([Buffer.of(1, 2), value, Buffer.of(3)])
        return [name, new Slice().at(padded, 2, 2 + value.length)]
      })
      const sender = senderOf(protocol, writer)
      assert.equal(sender.sample(Object.fromEntries(sent)), true)
      writer.publish()
      assert.equal(reader.next(), true)
      dispatch(reader)
      assert.deepEqual(heard, [{ ...values }])
      assert.equal(reader.next(), false)
    }),
  )
})

test('fields are aligned to their size and do not overlap', () => {
  const sizes: Readonly<Record<FieldKind, number>> = { u8: 1, u32: 4, u53: 8, f64: 8, i64: 8, bytes: 4 }
  fc.assert(
    fc.property(samples, ({ fields }) => {
      const layout = layoutOf('sample', { number: 1, fields })
      let end = 0
      for (const { kind, offset } of layout.fields) {
        assert.equal(offset % sizes[kind], 0)
        assert.ok(offset >= end)
        end = offset + sizes[kind]
      }
      assert.ok(layout.fixedBytes >= end && layout.fixedBytes % 8 === 0)
    }),
  )
})

const protocol = defineProtocol({
  put: message(1, { id: 'u32', key: 'bytes', value: 'bytes' }),
  stop: message(7, {}),
})
type Put = Message<typeof protocol, 'put'>

test('each message arrives at its own method, in the order sent', () => {
  const { writer, reader } = rig()
  const heard: string[] = []
  const dispatch = dispatcherOf(protocol, {
    onPut: (put: Put) => heard.push(`put ${put.id} ${Buffer.from(put.key.copy()).toString()}`),
    onStop: () => heard.push('stop'),
  })
  const sender = senderOf(protocol, writer)
  sender.put({ id: 1, key: Buffer.from('a'), value: Buffer.from('') })
  sender.stop({})
  sender.put({ id: 2, key: Buffer.from('b'), value: Buffer.from('') })
  writer.publish()
  while (reader.next()) dispatch(reader)
  assert.deepEqual(heard, ['put 1 a', 'stop', 'put 2 b'])
})

test('a full ring makes the sender return false and sends nothing', () => {
  const { writer, reader } = rig()
  const sender = senderOf(protocol, writer)
  const value = new Uint8Array(1000)
  let sent = 0
  while (sender.put({ id: sent, key: value, value })) sent++
  assert.ok(sent >= 1)
  writer.publish()
  let heard = 0
  while (reader.next()) heard++
  assert.equal(heard, sent)
})

test('the decoded object is the same one each time, so that hearing makes no garbage', () => {
  const { writer, reader } = rig()
  const seen = new Set<unknown>()
  const dispatch = dispatcherOf(protocol, {
    onPut: (put: Put) => void seen.add(put).add(put.key),
    onStop: () => assert.fail('nobody sent stop'),
  })
  const sender = senderOf(protocol, writer)
  for (let id = 0; id < 3; id++) sender.put({ id, key: Uint8Array.of(id), value: Uint8Array.of() })
  writer.publish()
  while (reader.next()) dispatch(reader)
  assert.equal(seen.size, 2)
})

test('a number that the protocol does not have is a broken invariant', () => {
  const { writer, reader } = rig()
  writer.claim(3, 0)
  writer.commit(0)
  writer.publish()
  reader.next()
  const dispatch = dispatcherOf(protocol, { onPut: () => undefined, onStop: () => undefined })
  assert.throws(() => dispatch(reader), InvariantError)
})

test('two messages with one number, or a number out of range, are a broken invariant', () => {
  assert.throws(() => defineProtocol({ a: message(1, {}), b: message(1, {}) }), InvariantError)
  assert.throws(() => defineProtocol({ a: message(0, {}) }), InvariantError)
  assert.throws(() => defineProtocol({ a: message(256, {}) }), InvariantError)
})

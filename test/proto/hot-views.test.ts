/** Views of messages in place see what the generated codecs see. */

import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import * as generated from '../../src/proto/generated/etcdserverpb.js'
import { codecs } from '../../src/proto/generated/registry.js'
import { DeleteRangeRequestView } from '../../src/proto/hot/delete-range-request-view.js'
import { PutRequestView } from '../../src/proto/hot/put-request-view.js'
import { RaftBody, RaftRequestView } from '../../src/proto/hot/raft-request.js'
import { ProtoError } from '../../src/proto/proto-error.js'
import { packages } from '../../src/proto/schema.js'
import type { Message, Package } from '../../src/proto/schema/notation.js'
import { inputOf } from './schema-arbitraries.js'
import { damaged, disguised, framed } from './wire-fields.js'

const RUNS = 200

/** What a view says about bytes, in the words of the generated codec, or null when it refuses them. */
type Look = (bytes: Uint8Array, start: number, end: number) => object | null

const put = new PutRequestView()
const deleteRange = new DeleteRangeRequestView()
const raftRequest = new RaftRequestView()

const slice = (bytes: Uint8Array, start: number, end: number): Uint8Array => new Uint8Array(bytes.subarray(start, end))

const LOOKS: readonly (readonly [string, Look])[] = [
  ['etcdserverpb.PutRequest', (bytes, start, end) => !put.decode(bytes, start, end) ? null : {
    key: slice(bytes, put.keyStart, put.keyEnd),
    value: slice(bytes, put.valueStart, put.valueEnd),
    lease: put.leaseId(),
    prev_kv: put.prevKv,
    ignore_value: put.ignoreValue,
    ignore_lease: put.ignoreLease,
  }],
  ['etcdserverpb.DeleteRangeRequest', (bytes, start, end) => !deleteRange.decode(bytes, start, end) ? null : {
    key: slice(bytes, deleteRange.keyStart, deleteRange.keyEnd),
    range_end: slice(bytes, deleteRange.rangeEndStart, deleteRange.rangeEndEnd),
    prev_kv: deleteRange.prevKv,
  }],
]

function messageOf(name: string): [Package, Message] {
  for (const home of packages) {
    for (const message of home.messages) if (`${home.name}.${message.name}` === name) return [home, message]
  }
  throw new Error(name)
}

for (const [name, look] of LOOKS) {
  describe(`the view of ${name}`, () => {
    const codec = codecs.get(name)
    assert.ok(codec)
    const encoded = inputOf(...messageOf(name)).map((input) => codec.encode(input))

    test('says what the codec says, in any order of fields, with unknown ones, in the middle of other bytes', () => {
      fc.assert(fc.property(encoded.chain(disguised), (bytes) => {
        const inside = framed(bytes, 0xff)
        assert.deepEqual(look(inside.bytes, inside.start, inside.end), codec.decode(bytes))
      }), { numRuns: RUNS })
    })

    test('refuses what the codec refuses and nothing else', () => {
      fc.assert(fc.property(encoded.chain(damaged), (bytes) => {
        const inside = framed(bytes, 0xff)
        let expected: object | null = null
        try {
          expected = codec.decode(bytes)
        } catch (error) {
          assert.ok(error instanceof ProtoError)
        }
        assert.deepEqual(look(inside.bytes, inside.start, inside.end), expected)
      }), { numRuns: 3 * RUNS })
    })

    test('keeps nothing of the message before', () => {
      fc.assert(fc.property(encoded, (bytes) => {
        look(bytes, 0, bytes.length)
        assert.deepEqual(look(bytes, 0, 0), codec.decode(new Uint8Array(0)))
      }), { numRuns: 20 })
    })
  })
}

describe('the view of an entry', () => {
  const [home, message] = messageOf('etcdserverpb.InternalRaftRequest')
  const bodies = message.fields.filter((field) => field.type.endsWith('Request'))

  test('knows every body that the schema has, by its number', () => {
    const numbers: readonly number[] = Object.values(RaftBody)
    assert.deepEqual(numbers.slice(1), bodies.map((field) => field.number))
  })

  const extras = fc.record({
    ID: fc.bigInt(0n, 2n ** 64n - 1n),
    header: fc.option(fc.record({
      ID: fc.bigInt(0n, 2n ** 64n - 1n), username: fc.string(), auth_revision: fc.maxSafeNat(),
    }), { nil: undefined }),
    raftring: fc.option(fc.record({ lease_clock_ms: fc.maxSafeNat() }), { nil: undefined }),
  }, { requiredKeys: [] })

  for (const field of bodies) {
    test(`finds the body, header and extension of a request ${field.name}`, () => {
      const body = inputOf(home, { ...message, fields: [field] }, 2)
      const input = fc.tuple(body, extras).map(([one, more]) => ({ ...one, ...more }))
      const encoded = input.map((it) => generated.encodeInternalRaftRequest(it)).chain(disguised)
      fc.assert(fc.property(encoded, (bytes) => {
        const inside = framed(bytes, 0xff)
        assert.ok(raftRequest.decode(inside.bytes, inside.start, inside.end))
        const expected = generated.decodeInternalRaftRequest(bytes)
        const present = Reflect.get(expected, field.name) as object | undefined
        assert.equal(raftRequest.bodyField, present === undefined ? RaftBody.none : field.number)
        if (present !== undefined) {
          const codec = codecs.get(field.type.includes('.') ? field.type : `etcdserverpb.${field.type}`)
          assert.deepEqual(codec?.decode(inside.bytes, raftRequest.bodyStart, raftRequest.bodyEnd), present)
        }
        const id = BigInt(raftRequest.idHigh) << 32n | BigInt(raftRequest.idLow)
        assert.equal(id, expected.ID === 0n ? expected.header?.ID ?? 0n : expected.ID)
        const { usernameStart, usernameEnd, extensionStart, extensionEnd } = raftRequest
        const username = Buffer.from(inside.bytes.subarray(usernameStart, usernameEnd)).toString()
        assert.equal(username, expected.header?.username ?? '')
        assert.equal(raftRequest.authRevision, expected.header?.auth_revision ?? 0)
        assert.equal(raftRequest.hasExtension, expected.raftring !== undefined)
        const extension = generated.encodeInternalRaftRequest({ raftring: expected.raftring })
        assert.deepEqual(
          slice(inside.bytes, extensionStart, extensionEnd),
          extension.slice(extension.length - (extensionEnd - extensionStart)),
        )
      }), { numRuns: 20 })
    })
  }

  test('refuses nothing that the codec takes, and takes nothing broken outside of bodies', () => {
    const encoded = inputOf(home, message, 2).map((it) => generated.encodeInternalRaftRequest(it))
    fc.assert(fc.property(encoded.chain(damaged), (bytes) => {
      const inside = framed(bytes, 0xff)
      const taken = raftRequest.decode(inside.bytes, inside.start, inside.end)
      if (taken) {
        assert.ok(raftRequest.bodyStart >= inside.start && raftRequest.bodyEnd <= inside.end)
        assert.ok(raftRequest.extensionStart >= inside.start && raftRequest.extensionEnd <= inside.end)
      } else {
        assert.throws(() => generated.decodeInternalRaftRequest(bytes), ProtoError)
      }
    }), { numRuns: RUNS })
  })

  test('refuses a body, header or extension that is a number', () => {
    for (const field of [...bodies.map((it) => it.number), 100, 30001]) {
      const bytes = Buffer.concat([varintTag(field), Uint8Array.of(1)])
      assert.equal(raftRequest.decode(bytes, 0, bytes.length), false, `field ${field}`)
    }
  })
})

/** The tag of a number under `field`. */
function varintTag(field: number): Uint8Array {
  const bytes: number[] = []
  let rest = field * 8
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Uint8Array.from([...bytes, rest])
}

/** Bytes that are no message are refused, and never more than refused. */

import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  decodePutRequest, decodeTxnRequest, encodeTxnRequest, type TxnRequestInput,
} from '../../src/proto/generated/etcdserverpb.js'
import { codecs } from '../../src/proto/generated/registry.js'
import { decodeConfState } from '../../src/proto/generated/raftpb.js'
import type { ProtoCodec } from '../../src/proto/proto-codec.js'
import { ProtoError, type ProtoErrorCode } from '../../src/proto/proto-error.js'
import { packages } from '../../src/proto/schema.js'
import { damaged, disguised, framed, UNKNOWN_FIELDS } from './wire-fields.js'
import { inputOf } from './schema-arbitraries.js'

const RUNS = 60

/** What decoding gives: a message, or the code of the only error that a decoder may throw. */
function outcome(codec: ProtoCodec, bytes: Uint8Array, start: number, end: number): unknown {
  try {
    return codec.decode(bytes, start, end)
  } catch (error) {
    assert.ok(error instanceof ProtoError, String(error))
    return error.code
  }
}

describe('bytes that are not what an encoder writes', () => {
  for (const home of packages) {
    for (const message of home.messages) {
      const codec = codecs.get(`${home.name}.${message.name}`) as ProtoCodec

      test(`${home.name}.${message.name} is refused or read when damaged, and never past its end`, () => {
        const input = inputOf(home, message, 2).chain((it) => damaged(codec.encode(it)))
        fc.assert(fc.property(input, (bytes) => {
          const alone = outcome(codec, bytes, 0, bytes.length)
          // Continuation bytes after the end lengthen a cut number, zeros end it.
          for (const filler of [0xff, 0x00]) {
            const inside = framed(bytes, filler)
            assert.deepEqual(outcome(codec, inside.bytes, inside.start, inside.end), alone)
          }
        }), { numRuns: RUNS })
      })

      test(`${home.name}.${message.name} is read in any order of fields and among unknown ones`, () => {
        const input = inputOf(home, message, 2).chain((it) => {
          const bytes = codec.encode(it)
          return fc.tuple(fc.constant(bytes), disguised(bytes))
        })
        fc.assert(fc.property(input, ([bytes, other]) => {
          assert.deepEqual(codec.decode(other), codec.decode(bytes))
        }), { numRuns: RUNS / 2 })
      })
    }
  }
})

const NINE_CONTINUED: readonly number[] = new Array<number>(9).fill(0x80)
const REFUSED: readonly (readonly [string, readonly number[], ProtoErrorCode])[] = [
  ['a tag that is cut', [0x80], 'truncated'],
  ['a number that is cut', [0x18, 0x80], 'truncated'],
  ['a number that is missing', [0x18], 'truncated'],
  ['a field past the end', [0x0a, 0x02, 0x61], 'lengthPastEnd'],
  ['a length above 2^53', [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], 'lengthPastEnd'],
  ['field number 0', [0x00, 0x00], 'badTag'],
  ['field number 0 with a length', [0x02, 0x00], 'badTag'],
  ['a field number above 2^29', [0x80, 0x80, 0x80, 0x80, 0x10, 0x00], 'badTag'],
  ['a number of more than 64 bits', [0x18, ...NINE_CONTINUED, 0x02], 'varintTooLong'],
  ['a number of eleven bytes', [0x18, ...NINE_CONTINUED, 0x81, 0x00], 'varintTooLong'],
  ['a number where bytes belong', [0x08, 0x01], 'badWireType'],
  ['bytes where a number belongs', [0x1a, 0x01, 0x61], 'badWireType'],
  ['a fixed number for a known field', [0x1d, 1, 2, 3, 4], 'badWireType'],
  ['wire type 6', [0x56], 'badWireType'],
  ['wire type 7', [0x57], 'badWireType'],
  ['the end of a group that did not begin', [0x54], 'badWireType'],
  ['a group that ends as another', [0x53, 0x5c], 'badWireType'],
  ['a group without end', [0x53, 0x58, 0x01], 'truncated'],
  ['an unknown fixed number that is cut', [0x55, 1, 2, 3], 'truncated'],
]

for (const [what, bytes, code] of REFUSED) {
  test(`${what} is refused as ${code}`, () => {
    assert.throws(() => decodePutRequest(Uint8Array.from(bytes)), { name: 'ProtoError', code })
  })
}

test('a nested field may not reach past the message that holds it', () => {
  // compare (field 1) of two bytes whose key claims three.
  const bytes = Uint8Array.from([0x0a, 0x02, 0x1a, 0x03, 0x61, 0x62, 0x63])
  assert.throws(() => decodeTxnRequest(bytes), { name: 'ProtoError', code: 'lengthPastEnd' })
})

test('transactions nested 49 deep are read, 50 deep are refused', () => {
  const nest = (depth: number): Uint8Array => {
    let request: TxnRequestInput = {}
    for (let i = 0; i < depth; i++) request = { success: [{ request_txn: request }] }
    return encodeTxnRequest(request)
  }
  assert.equal(decodeTxnRequest(nest(49)).success.length, 1)
  assert.throws(() => decodeTxnRequest(nest(50)), { name: 'ProtoError', code: 'tooDeep' })
})

test('groups nested too deep are refused', () => {
  const open = new Uint8Array(200).fill(0x53)
  assert.throws(() => decodePutRequest(open), { name: 'ProtoError', code: 'tooDeep' })
})

test('a decoder that threw reads the next message as if nothing had happened', () => {
  assert.throws(() => decodeTxnRequest(Uint8Array.from([0x0a, 0x02, 0x1a, 0x03])))
  assert.deepEqual(decodeTxnRequest(new Uint8Array(0)), { compare: [], success: [], failure: [] })
})

test('numbers of a list are read one by one, packed, and mixed', () => {
  const bytes = Uint8Array.from([0x08, 1, 0x0a, 2, 2, 3, 0x08, 4])
  assert.deepEqual(decodeConfState(bytes).voters, [1n, 2n, 3n, 4n])
})

test('the last of two values of a plain field counts', () => {
  const { key } = decodePutRequest(Buffer.from('\x0a\x01a\x0a\x02bc', 'latin1'))
  assert.deepEqual(key, new Uint8Array(Buffer.from('bc')))
})

test('unknown fields of every wire type alone are an empty message', () => {
  assert.deepEqual(decodePutRequest(Buffer.concat([...UNKNOWN_FIELDS])), decodePutRequest(new Uint8Array(0)))
})

test('a range outside of the bytes is the caller\'s mistake, not the message\'s', () => {
  assert.throws(() => decodePutRequest(new Uint8Array(4), 2, 5), RangeError)
})

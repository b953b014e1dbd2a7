/** Bodies cut anywhere are the same values; messages cut anywhere are the same fields. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { JsonValueSplitter } from '../../../src/front/gateway/json-value-splitter.js'
import { wholeFieldsEnd } from '../../../src/front/gateway/whole-fields.js'
import { encodeRangeResponse } from '../../../src/proto/generated/etcdserverpb.js'
import { splitFields } from '../../proto/wire-fields.js'

const pieceSizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 })
const object = fc.dictionary(fc.string({ unit: 'binary', maxLength: 5 }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 })

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] as number
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return pieces
}

test('a body cut anywhere holds the same objects', () => {
  const blank = fc.constantFrom('', ' ', '\n\t')
  fc.assert(fc.property(fc.array(fc.tuple(object, blank), { maxLength: 5 }), pieceSizes, (values, sizes) => {
    const body = Buffer.from(values.map(([value, space]) => space + JSON.stringify(value) + space).join(''))
    const splitter = new JsonValueSplitter()
    const found: unknown[] = []
    for (const piece of cut(body, sizes)) {
      splitter.take(piece, (start, end) => {
        found.push(JSON.parse(splitter.bytes.toString('utf8', start, end)))
        return true
      })
    }
    assert.deepEqual(found, JSON.parse(JSON.stringify(values.map(([value]) => value))))
    assert.equal(splitter.heldBytes, 0)
  }))
})

test('what is no object is told at once, and ends the body', () => {
  for (const junk of ['x', '[1]', '"text"', '}', '{} ,']) {
    const splitter = new JsonValueSplitter()
    const told: string[] = []
    splitter.take(Buffer.from(junk), (start, end) => told.push(splitter.bytes.toString('utf8', start, end)) > 0)
    assert.equal(told.at(-1)?.trim(), junk.replace('{} ', ''))
    assert.equal(splitter.heldBytes, 0)
  }
})

test('whole fields end where the reader of the wire says', () => {
  const kv = fc.record({ key: fc.uint8Array({ maxLength: 200 }), mod_revision: fc.maxSafeNat() })
  fc.assert(fc.property(fc.array(kv, { maxLength: 6 }), fc.nat(), fc.nat({ max: 2000 }), (kvs, count, cutAt) => {
    const bytes = encodeRangeResponse({ kvs, count })
    const end = Math.min(cutAt, bytes.length)
    let expected = 0
    for (const field of splitFields(bytes)) if (expected + field.bytes.length <= end) expected += field.bytes.length
      else break
    assert.equal(wholeFieldsEnd(bytes, 0, end), expected)
  }))
})

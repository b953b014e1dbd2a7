/** HPACK beyond the RFC's examples: round trips, bounds, and blocks that are not legal. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { HpackDecoder } from '../../../src/front/http2/hpack-decoder.js'
import {
  encodeHeaderBlock,
  writeField,
  writeIndexed,
  writeInteger,
  type HeaderEncoding,
} from '../../../src/front/http2/hpack-encoder.js'
import { decodeHuffman, decodedHuffmanBytesMax, writeHuffman } from '../../../src/front/http2/hpack-huffman.js'
import type { HeaderField } from '../../../src/front/http2/hpack-static-table.js'

const latin1 = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'))
const name = fc.constantFrom(':path', ':status', 'content-type', 'x', 'grpc-timeout', 'a-longer-name')
const field: fc.Arbitrary<HeaderField> = fc.record({ name, value: latin1 }, { noNullPrototype: true })
const encoding: fc.Arbitrary<HeaderEncoding> = fc.record({
  indexing: fc.constantFrom('none' as const, 'incremental' as const, 'never' as const),
  isHuffman: fc.boolean(),
})

test('any list in any encoding comes back, block after block', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.array(field, { maxLength: 10 }), encoding), { maxLength: 10 }), (blocks) => {
      const decoder = new HpackDecoder({ tableBytesMax: 200 })
      for (const [fields, how] of blocks) {
        assert.deepEqual(decode(decoder, encodeHeaderBlock(fields, how)), fields)
        assert.ok(decoder.dynamicTableBytes <= 200)
      }
    }),
  )
})

test('a decoder with a cache and one without agree on every sequence of blocks', () => {
  const step = fc.oneof(
    fc.array(fc.tuple(field, encoding), { maxLength: 4 }).map((list) => fieldsBlock(list)),
    fc.array(fc.integer({ min: 1, max: 66 }), { maxLength: 5 }).map((list) => indexedBlock(list)),
    fc.integer({ min: 0, max: 250 }).map((size) => sizeUpdateBlock(size)),
  )
  fc.assert(
    fc.property(fc.array(fc.array(step, { maxLength: 3 }), { maxLength: 4 }), fc.nat(3), (groups, repeats) => {
      const cached = new HpackDecoder({ tableBytesMax: 250 })
      const plain = new HpackDecoder({ tableBytesMax: 250, isCaching: false })
      for (const blocks of groups) {
        for (let i = 0; i <= repeats; i++) {
          for (const block of blocks) {
            const [a, b] = [cached.decode(block, 0, block.length), plain.decode(block, 0, block.length)]
            if (b === null) {
              assert.equal(a, null)
              return
            }
            assert.deepEqual(a?.fields, b.fields)
            assert.deepEqual(cached.dynamicTable(), plain.dynamicTable())
          }
        }
      }
    }),
  )
})

test('a repeated block is answered from the cache', () => {
  const decoder = new HpackDecoder()
  const block = encodeHeaderBlock([{ name: ':path', value: '/a' }])
  const first = decoder.decode(block, 0, block.length)
  assert.equal(decoder.decode(Buffer.from(block), 0, block.length), first)
  assert.equal(decoder.takeBlocksFromCache(), 1)
})

test('a cached block does not survive a change of the dynamic table', () => {
  const decoder = new HpackDecoder()
  const insert = (value: string): void => {
    decode(decoder, encodeHeaderBlock([{ name: 'k', value }], { indexing: 'incremental' }))
  }
  insert('first')
  assert.deepEqual(decode(decoder, indexedBlock([62])), [{ name: 'k', value: 'first' }])
  insert('second')
  assert.deepEqual(decode(decoder, indexedBlock([62])), [{ name: 'k', value: 'second' }])
})

test('every octet survives Huffman coding', () => {
  fc.assert(
    fc.property(latin1, (text) => {
      const coded = Buffer.alloc(4 * text.length + 4)
      const end = writeHuffman(coded, 0, text)
      const decoded = Buffer.alloc(decodedHuffmanBytesMax(end) + 1)
      const length = decodeHuffman(coded, 0, end, decoded)
      assert.equal(decoded.toString('latin1', 0, length), text)
    }),
  )
})

test('octets that are no Huffman code are refused', () => {
  const target = Buffer.alloc(64)
  // EOS spelled out; padding of a whole octet; padding with zeros.
  for (const hex of ['ffffffff', 'f8ff', '00']) {
    const bytes = Buffer.from(hex, 'hex')
    const isPlain = decodeHuffman(bytes, 0, bytes.length, target) >= 0
    assert.equal(isPlain, false, hex)
  }
})

test('no octets whatever make the decoder throw or hang', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const decoder = new HpackDecoder({ listBytesMax: 1000 })
      const block = decoder.decode(Buffer.from(bytes), 0, bytes.length)
      assert.equal(block === null, decoder.failure !== '')
    }),
    { numRuns: 500 },
  )
})

const illegal: readonly (readonly [title: string, hex: string, failure: string])[] = [
  ['index 0', '80', 'index 0'],
  ['an index beyond both tables', 'be', 'index beyond the dynamic table'],
  ['a name index beyond both tables', '7f00', 'index beyond the dynamic table'],
  ['an integer that never ends', 'ff808080808080808080', 'integer too large'],
  ['an integer above 2^28', 'ffffffffff0f', 'integer too large'],
  ['an integer cut off', 'ff80', 'integer cut off'],
  ['a string longer than its block', '000578', 'string longer than its block'],
  ['a string without a length', '00', 'string cut off'],
  ['a size update above the setting', '3fe21f', 'table size update above SETTINGS_HEADER_TABLE_SIZE'],
  ['a size update behind a field', '8220', 'table size update inside a header block'],
  ['a wrong Huffman code', '0082ffff0178', 'wrong Huffman code'],
]

for (const [title, hex, failure] of illegal) {
  test(`${title} is a compression error`, () => {
    const decoder = new HpackDecoder()
    const bytes = Buffer.from(hex, 'hex')
    assert.equal(decoder.decode(bytes, 0, bytes.length), null)
    assert.equal(decoder.failure, failure)
  })
}

test('a list above its bound is cut, and counted to its end', () => {
  const decoder = new HpackDecoder({ listBytesMax: 100 })
  const fields = ['one', 'two', 'three'].map((value) => ({ name: 'name', value }))
  const encoded = encodeHeaderBlock(fields, { indexing: 'incremental' })
  const block = decoder.decode(encoded, 0, encoded.length)
  assert.equal(block?.isTooLarge, true)
  assert.deepEqual(block?.fields, fields.slice(0, 2))
  assert.equal(block?.listBytes, 39 + 39 + 41)
  assert.equal(decoder.dynamicTable().length, 3, 'the table stays in step')
})

test('a block that found no room in the table is decoded again when there is some', () => {
  const decoder = new HpackDecoder()
  const inserting = encodeHeaderBlock([{ name: 'k', value: 'v' }], { indexing: 'incremental' })
  decode(decoder, sizeUpdateBlock(0))
  decode(decoder, inserting)
  decode(decoder, sizeUpdateBlock(100))
  decode(decoder, inserting)
  assert.deepEqual(decoder.dynamicTable(), [{ name: 'k', value: 'v' }])
})

test('a size update of zero empties the table', () => {
  const decoder = new HpackDecoder()
  decode(decoder, encodeHeaderBlock([{ name: 'k', value: 'v' }], { indexing: 'incremental' }))
  decode(decoder, sizeUpdateBlock(0))
  assert.deepEqual(decoder.dynamicTable(), [])
})

function fieldsBlock(list: readonly (readonly [HeaderField, HeaderEncoding])[]): Buffer {
  const bytes = Buffer.alloc(2000)
  let at = 0
  for (const [one, how] of list) at = writeField(bytes, at, one, how)
  return bytes.subarray(0, at)
}

function indexedBlock(list: readonly number[]): Buffer {
  const bytes = Buffer.alloc(100)
  let at = 0
  for (const index of list) at = writeIndexed(bytes, at, index)
  return bytes.subarray(0, at)
}

function sizeUpdateBlock(size: number): Buffer {
  const bytes = Buffer.alloc(8)
  return bytes.subarray(0, writeInteger(bytes, 0, 0x20, 5, size))
}

function decode(decoder: HpackDecoder, bytes: Buffer): readonly HeaderField[] {
  const block = decoder.decode(bytes, 0, bytes.length)
  assert.ok(block !== null, decoder.failure)
  return block.fields
}

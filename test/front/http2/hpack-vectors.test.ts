/** The examples of RFC 7541 appendix C, as facts: bytes in, fields and table size out. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HpackDecoder } from '../../../src/front/http2/hpack-decoder.js'
import { encodeHeaderBlock, writeInteger } from '../../../src/front/http2/hpack-encoder.js'
import type { HeaderField } from '../../../src/front/http2/hpack-static-table.js'

type Pair = readonly [name: string, value: string]
interface Step {
  readonly hex: string
  readonly fields: readonly Pair[]
  readonly tableBytes: number
}

const WWW = 'www.example.com'
const DATE_21 = 'Mon, 21 Oct 2013 20:13:21 GMT'
const DATE_22 = 'Mon, 21 Oct 2013 20:13:22 GMT'
const COOKIE = 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'

const requests: readonly (readonly Pair[])[] = [
  [[':method', 'GET'], [':scheme', 'http'], [':path', '/'], [':authority', WWW]],
  [
    [':method', 'GET'], [':scheme', 'http'], [':path', '/'], [':authority', WWW],
    ['cache-control', 'no-cache'],
  ],
  [
    [':method', 'GET'], [':scheme', 'https'], [':path', '/index.html'], [':authority', WWW],
    ['custom-key', 'custom-value'],
  ],
]

const responses: readonly (readonly Pair[])[] = [
  [
    [':status', '302'], ['cache-control', 'private'], ['date', DATE_21],
    ['location', 'https://www.example.com'],
  ],
  [
    [':status', '307'], ['cache-control', 'private'], ['date', DATE_21],
    ['location', 'https://www.example.com'],
  ],
  [
    [':status', '200'], ['cache-control', 'private'], ['date', DATE_22],
    ['location', 'https://www.example.com'], ['content-encoding', 'gzip'], ['set-cookie', COOKIE],
  ],
]

function steps(hex: readonly string[], fields: readonly (readonly Pair[])[], sizes: number[]): Step[] {
  return hex.map((line, i) => ({
    hex: line,
    fields: fields[i] as readonly Pair[],
    tableBytes: sizes[i] as number,
  }))
}

const sequences: readonly { title: string; tableBytesMax: number; steps: Step[] }[] = [
  {
    title: 'C.3 requests without Huffman coding',
    tableBytesMax: 4096,
    steps: steps(
      [
        '828684410f7777772e6578616d706c652e636f6d',
        '828684be58086e6f2d6361636865',
        '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
      ],
      requests,
      [57, 110, 164],
    ),
  },
  {
    title: 'C.4 requests with Huffman coding',
    tableBytesMax: 4096,
    steps: steps(
      [
        '828684418cf1e3c2e5f23a6ba0ab90f4ff',
        '828684be5886a8eb10649cbf',
        '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
      ],
      requests,
      [57, 110, 164],
    ),
  },
  {
    title: 'C.5 responses without Huffman coding, with eviction',
    tableBytesMax: 256,
    steps: steps(
      [
        '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54' +
          '6e1768747470733a2f2f7777772e6578616d706c652e636f6d',
        '4803333037c1c0bf',
        '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f' +
          '3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076' +
          '657273696f6e3d31',
      ],
      responses,
      [222, 222, 215],
    ),
  },
  {
    title: 'C.6 responses with Huffman coding, with eviction',
    tableBytesMax: 256,
    steps: steps(
      [
        '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f' +
          '0b97c8e9ae82ae43d3',
        '4883640effc1c0bf',
        '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335df' +
          'dfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
      ],
      responses,
      [222, 222, 215],
    ),
  },
]

for (const { title, tableBytesMax, steps: blocks } of sequences) {
  test(`RFC 7541 ${title} decodes to its fields and leaves its table size`, () => {
    const decoder = new HpackDecoder({ tableBytesMax })
    for (const { hex, fields, tableBytes } of blocks) {
      assert.deepEqual(decode(decoder, hex), fields)
      assert.equal(decoder.dynamicTableBytes, tableBytes)
    }
  })
}

test('RFC 7541 C.3.3 leaves the newest entry first in the table', () => {
  const decoder = new HpackDecoder()
  for (const { hex } of (sequences[0] as { steps: Step[] }).steps) decode(decoder, hex)
  const table = decoder.dynamicTable().map((field) => field.name)
  assert.deepEqual(table, ['custom-key', 'cache-control', ':authority'])
})

const single: readonly (readonly [string, string, Pair, HeaderEncodingName])[] = [
  ['C.2.1', '400a637573746f6d2d6b65790d637573746f6d2d686561646572', ['custom-key', 'custom-header'], 'incremental'],
  ['C.2.2', '040c2f73616d706c652f70617468', [':path', '/sample/path'], 'none'],
  ['C.2.3', '100870617373776f726406736563726574', ['password', 'secret'], 'never'],
  ['C.2.4', '82', [':method', 'GET'], 'none'],
]
type HeaderEncodingName = 'none' | 'incremental' | 'never'

for (const [section, hex, [name, value], indexing] of single) {
  test(`RFC 7541 ${section} is what the encoder writes and the decoder reads`, () => {
    assert.equal(encodeHeaderBlock([{ name, value }], { indexing }).toString('hex'), hex)
    assert.deepEqual(decode(new HpackDecoder(), hex), [[name, value]])
  })
}

const integers: readonly (readonly [string, number, number, string])[] = [
  ['C.1.1', 10, 5, '0a'],
  ['C.1.2', 1337, 5, '1f9a0a'],
  ['C.1.3', 42, 8, '2a'],
]

for (const [section, value, prefixBits, hex] of integers) {
  test(`RFC 7541 ${section}: ${value} in a prefix of ${prefixBits} bits is ${hex}`, () => {
    const bytes = Buffer.alloc(8)
    const end = writeInteger(bytes, 0, 0, prefixBits, value)
    assert.equal(bytes.toString('hex', 0, end), hex)
  })
}

test('the encoder Huffman-codes as RFC 7541 C.4.1 does', () => {
  const block = encodeHeaderBlock([{ name: ':authority', value: WWW }], {
    indexing: 'incremental',
    isHuffman: true,
  })
  assert.equal(block.toString('hex'), '418cf1e3c2e5f23a6ba0ab90f4ff')
})

function decode(decoder: HpackDecoder, hex: string): Pair[] {
  const bytes = Buffer.from(hex, 'hex')
  const block = decoder.decode(bytes, 0, bytes.length)
  assert.ok(block !== null, decoder.failure)
  return block.fields.map((field: HeaderField) => [field.name, field.value] as const)
}

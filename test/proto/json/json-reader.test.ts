/** What the JSON reader refuses and what it lets pass, as protobuf's JSON mapping has it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeBase64, decodedBytesMax, encodeBase64, encodedBytes } from '../../../src/proto/json/base64.js'
import { parseInteger } from '../../../src/proto/json/json-integer.js'
import { JsonReader } from '../../../src/proto/json/json-reader.js'
import { jsonShape } from '../../../src/proto/json/json-shape.js'
import { decodePutRequest, decodeRangeRequest, decodeTxnRequest } from '../../../src/proto/generated/etcdserverpb.js'

const reader = new JsonReader()

function problemOf(message: string, text: string): string | null {
  const bytes = Buffer.from(text, 'latin1')
  const read = reader.read(jsonShape(`etcdserverpb.${message}`), bytes, 0, bytes.length)
  return read.ok ? null : read.problem
}

const REFUSED: readonly (readonly [message: string, text: string, problem: RegExp])[] = [
  ['PutRequest', '', /unexpected EOF/],
  ['PutRequest', '{', /unexpected EOF/],
  ['PutRequest', '{"key":"Zm9v"', /unexpected EOF/],
  ['PutRequest', '[]', /beginning of object/],
  ['PutRequest', 'null', /beginning of object/],
  ['PutRequest', '{"key":"Zm9v",}', /beginning of string/],
  ['PutRequest', '{key:"Zm9v"}', /beginning of string/],
  ['PutRequest', "{'key':'Zm9v'}", /beginning of string/],
  ['PutRequest', '{"key" "Zm9v"}', /after object key/],
  ['PutRequest', '{"key":"Zm9v" "value":""}', /after object key:value pair/],
  ['PutRequest', '{"key":1}', /field key/],
  ['PutRequest', '{"key":"Z"}', /field key/],
  ['PutRequest', '{"key":"Zm9v="}', /field key/],
  ['PutRequest', '{"key":"Zg="}', /field key/],
  ['PutRequest', '{"key":"Z*=="}', /field key/],
  ['PutRequest', '{"key":"+_=="}', /field key/],
  ['PutRequest', '{"key":"Zg==","key":"Zg=="}', /duplicate field "key"/],
  ['PutRequest', '{"prev_kv":true,"prevKv":true}', /duplicate field "prev_kv"/],
  ['PutRequest', '{"prev_kv":"true"}', /field prev_kv/],
  ['PutRequest', '{"prev_kv":1}', /field prev_kv/],
  ['PutRequest', '{"lease":"9223372036854775808"}', /field lease/],
  ['PutRequest', '{"lease":1.5}', /field lease/],
  ['PutRequest', '{"lease":""}', /field lease/],
  ['PutRequest', '{"lease":" 1"}', /field lease/],
  ['PutRequest', '{"lease":01}', /after object key:value pair/],
  ['PutRequest', '{"lease":-}', /numeric literal/],
  ['PutRequest', '{"lease":1e}', /numeric literal/],
  ['PutRequest', '{"x":tru}', /beginning of value/],
  ['PutRequest', '{"x":[1,]}', /beginning of value/],
  ['PutRequest', '{"x":{"y"}}', /after object key/],
  ['PutRequest', '{"x":"\n"}', /string literal/],
  ['PutRequest', '{"x":"\\q"}', /string escape code/],
  ['PutRequest', '{"x":"\\u00g0"}', /hexadecimal/],
  ['RangeRequest', '{"sort_order":2147483648}', /field sort_order/],
  ['AuthUserAddRequest', '{"name":"\xff"}', /invalid UTF-8/],
  ['AuthUserAddRequest', '{"name":"\\ud800"}', /invalid escape code/],
  ['TxnRequest', '{"compare":{}}', /the list compare/],
  ['TxnRequest', '{"compare":[null]}', /beginning of object/],
  ['TxnRequest', '{"compare":[{"version":1,"value":""}]}', /oneof etcdserverpb.Compare.target_union is already set/],
  ['TxnRequest', `${'{"success":[{"requestTxn":'.repeat(1001)}`, /max depth/],
  ['TxnRequest', `{"x":${'['.repeat(1001)}`, /max depth/],
]

for (const [message, text, problem] of REFUSED) {
  test(`${message} does not take ${text.slice(0, 60)}`, () => {
    assert.match(problemOf(message, text) ?? 'taken', problem)
  })
}

test('unknown fields, nulls, unknown enum names and what follows the first value are passed over', () => {
  const text = '{"x":{"y":[{},[],"\\"",-1.5e+3,null]},"limit":null,"sort_order":"NO"} {]'
  assert.equal(problemOf('RangeRequest', text), null)
  assert.deepEqual(
    decodeRangeRequest(reader.bytes, 0, reader.length),
    decodeRangeRequest(new Uint8Array(0)),
  )
})

test('a zero that is set in a oneof is there, any other is left out', () => {
  assert.equal(problemOf('TxnRequest', '{"compare":[{"version":"0","result":0,"target":"VERSION"}]}'), null)
  const txn = decodeTxnRequest(reader.bytes, 0, reader.length)
  assert.equal(txn.compare[0]?.version, 0)
  assert.deepEqual([...reader.bytes.subarray(0, reader.length)], [10, 2, 32, 0])
})

test('a null leaves its oneof free for another field', () => {
  assert.equal(problemOf('TxnRequest', '{"compare":[{"version":null,"value":"YQ"}]}'), null)
  assert.equal(decodeTxnRequest(reader.bytes, 0, reader.length).compare[0]?.version, undefined)
})

test('a lease id of 64 bits is exact as a number', () => {
  assert.equal(problemOf('PutRequest', '{"lease":7587862094584840531}'), null)
  assert.equal(decodePutRequest(reader.bytes, 0, reader.length).lease, 7587862094584840531n)
})

test('a value of megabytes comes through whole, and its memory is given back', () => {
  const value = Buffer.alloc(3_000_000, 'raftring')
  assert.equal(problemOf('PutRequest', `{"value":"${value.toString('base64')}"}`), null)
  assert.ok(value.equals(decodePutRequest(reader.bytes, 0, reader.length).value))
  assert.equal(problemOf('PutRequest', '{}'), null)
  assert.ok(reader.bytes.length <= 64 * 1024)
})

test('base64 goes both ways for every length and alphabet', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, isUrlSafe) => {
    const out = Buffer.alloc(encodedBytes(bytes.length) + 2, '#')
    const end = encodeBase64(Buffer.from(bytes), 0, bytes.length, out, 1)
    const text = out.toString('latin1', 1, end)
    assert.equal(text, Buffer.from(bytes).toString('base64'))
    assert.equal(out.toString('latin1', end), '#')
    const spelled = Buffer.from(isUrlSafe ? Buffer.from(bytes).toString('base64url') : text)
    const back = Buffer.alloc(decodedBytesMax(spelled.length))
    const length = decodeBase64(spelled, 0, spelled.length, back, 0)
    assert.deepEqual([...back.subarray(0, length)], [...bytes])
  }))
})

test('base64 that is not as it should be is refused at every length', () => {
  const strange = fc.constantFrom(
    '=', '==', '-', '_', '+', '/', ' ', '\n', '\r\n', '\0', '\xe4', 'A', 'AA', 'AAA', '-+',
  )
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), strange, fc.nat(300), (bytes, inserted, place) => {
    const good = Buffer.from(bytes).toString('base64')
    const at = place % (good.length + 1)
    const spelled = Buffer.from(good.slice(0, at) + inserted + good.slice(at), 'latin1')
    const out = Buffer.alloc(decodedBytesMax(spelled.length))
    const length = decodeBase64(spelled, 0, spelled.length, out, 0)
    assert.equal(length < 0 ? null : out.toString('latin1', 0, length), decodedByRule(spelled.toString('latin1')))
  }), { numRuns: 3000 })
})

function decodedByRule(text: string): string | null {
  const digits = text.replaceAll(/[\r\n]/g, '')
  const form = /[-_]/.test(text) ? /^[\w-]*={0,2}$/ : /^[A-Za-z0-9+/]*={0,2}$/
  if (!form.test(digits) || (text.length % 4 === 0 ? digits.length % 4 !== 0 : /=/.test(text))) return null
  return digits.length % 4 === 1 ? null : Buffer.from(digits, 'base64').toString('latin1')
}

test('line breaks inside base64 do not count', () => {
  const text = Buffer.from('QUJD\r\nREVG\n\nRw==')
  const out = Buffer.alloc(32)
  assert.equal(out.toString('latin1', 0, decodeBase64(text, 0, text.length, out, 0)), 'ABCDEFG')
})

test('a whole number is whole however it is written', () => {
  const forms: readonly (readonly [string, bigint | null])[] = [
    ['0', 0n], ['-0', 0n], ['10', 10n], ['1e1', 10n], ['1.0', 1n], ['12.50e1', 125n], ['100e-2', 1n], ['-5E0', -5n],
    ['0e999999999', 0n], ['1e400', 10n ** 400n], ['1e401', null], ['1.5', null], ['15e-1', null], ['1e-1', null],
    ['', null], ['01', null], ['+1', null], ['.5', null], ['1.', null], ['NaN', null], ['0x1', null], [' 1', null],
  ]
  for (const [text, value] of forms) assert.equal(parseInteger(text), value, text)
})

test('a number of millions of digits costs no more than reading it, whatever its form', () => {
  const [nines, zeros] = ['9'.repeat(3_000_000), '0'.repeat(3_000_000)]
  const start = process.cpuUsage().user
  for (const text of [nines, `-${nines}`, `${nines}.0`, `${nines}e-2000000`, `0.${nines}e2999999`]) {
    assert.equal(parseInteger(text), null)
  }
  assert.equal(parseInteger(`7.${zeros}`), 7n)
  assert.equal(parseInteger(`0.${zeros}7e3000001`), 7n)
  assert.match(problemOf('PutRequest', `{"lease":${nines}}`) ?? '', /lease, which is an integer: 9{40}$/)
  assert.ok(process.cpuUsage().user - start < 1_500_000)
})

test('no text at all makes the reader throw', () => {
  const shape = jsonShape('etcdserverpb.TxnRequest')
  const pieces = [
    '{', '}', '[', ']', ',', ':', '"compare"', '"success"', '"request_put"', '"key"', '"\\', '"YQ=="', '1',
    '-', 'null', 'true', '\\u0022', ' ', '\u00ff', '1e9', '"target"', '"MOD"',
  ]
  const piece = fc.constantFrom(...pieces)
  const soup = fc.array(piece, { maxLength: 30 }).map((parts) => Buffer.from(parts.join(''), 'latin1'))
  fc.assert(fc.property(soup, (text) => {
    const read = reader.read(shape, text, 0, text.length)
    if (read.ok) decodeTxnRequest(reader.bytes, 0, reader.length)
  }), { numRuns: 3000 })
})

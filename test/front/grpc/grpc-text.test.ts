/** The small texts of gRPC: timeouts and messages. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseGrpcTimeout } from '../../../src/front/grpc/grpc-timeout.js'
import { percentEncode } from '../../../src/front/grpc/percent-encoding.js'

const timeouts: readonly (readonly [string, number])[] = [
  ['2H', 7_200_000],
  ['3M', 180_000],
  ['5S', 5000],
  ['100m', 100],
  ['1500u', 1.5],
  ['99999999n', 99.999999],
  ['0S', 0],
  ['00000001S', 1000],
]

for (const [text, ms] of timeouts) {
  test(`a timeout of ${text} is ${ms} ms`, () => {
    assert.ok(Math.abs(parseGrpcTimeout(text) - ms) < 1e-9)
  })
}

for (const text of ['', 'S', '5', '5s', '-5S', '5.5S', ' 5S', '5 S', '123456789S', 'fiveS', '5SS']) {
  test(`'${text}' is no timeout`, () => {
    assert.ok(Number.isNaN(parseGrpcTimeout(text)))
  })
}

test('any text survives percent-encoding and travels as printable ASCII', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 50 }), (text) => {
      const encoded = percentEncode(text, 10_000)
      assert.match(encoded, /^[ -~]*$/)
      assert.equal(decodeURIComponent(encoded), text)
    }),
  )
})

test('a text that is too long is cut between characters', () => {
  assert.equal(percentEncode('aüb', 8), 'a%C3%BCb')
  assert.equal(percentEncode('aüb', 7), 'a%C3%BC')
  assert.equal(percentEncode('aüb', 6), 'a')
  assert.equal(percentEncode('plain', 3), 'pla')
})

/** Heads of one connection: what is remembered from call to call must never leak into another. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RequestHeadReader, type GrpcRequestHead } from '../../../src/front/grpc/grpc-request-head.js'
import { HpackDecoder } from '../../../src/front/http2/hpack-decoder.js'
import { writeField } from '../../../src/front/http2/hpack-encoder.js'
import { GRPC_REQUEST, type Fields } from '../http2/support/frames.js'
import { RequestHeaders } from '../../../src/ctl/load/request-headers.js'

/** A client that keeps every field in the dynamic table, as Go's does. */
class Connection {
  readonly #decoder = new HpackDecoder()
  readonly #reader = new RequestHeadReader()

  read(fields: Fields): GrpcRequestHead | null {
    const bytes = Buffer.alloc(2000)
    let at = 0
    const table = this.#decoder.dynamicTable()
    let inserted = 0
    for (const [name, value] of fields) {
      const known = table.findIndex((field) => field.name === name && field.value === value)
      if (known >= 0) {
        bytes[at++] = 0x80 | (62 + known + inserted)
        continue
      }
      at = writeField(bytes, at, { name, value }, { indexing: 'incremental' })
      if (!STATIC.has(`${name} ${value}`)) inserted++
    }
    const block = this.#decoder.decode(bytes, 0, at)
    assert.ok(block !== null, this.#decoder.failure)
    assert.deepEqual(block.fields.map((field) => [field.name, field.value]), fields)
    return this.#reader.read(block)
  }
}

/** Fields that the static table knows whole, which are never inserted. */
const STATIC: ReadonlySet<string> = new Set([':method POST', ':scheme http', ':method GET'])

function withTimeout(text: string, more: Fields = []): Fields {
  return [...GRPC_REQUEST, ['grpc-timeout', text], ...more]
}

test('calls that differ in their timeout only share their metadata, not their deadline', () => {
  const connection = new Connection()
  const [first, second] = [connection.read(withTimeout('100m')), connection.read(withTimeout('200m'))]
  assert.equal(first?.timeoutMs, 100)
  assert.equal(second?.timeoutMs, 200)
  assert.equal(first?.metadata, second?.metadata)
})

test('a wrong timeout is refused, and forgotten with the next', () => {
  const connection = new Connection()
  const refusals = ['1S', 'never', '2S', 'x'].map((text) => connection.read(withTimeout(text))?.refusal?.httpStatus)
  assert.deepEqual(refusals, [undefined, 400, undefined, 400])
})

test('a refusal for another reason stays, whatever the timeout', () => {
  const connection = new Connection()
  const refusals = ['1S', 'never', '2S'].map((text) => {
    const fields = withTimeout(text).map(([name, value]) => [name, name === ':method' ? 'GET' : value] as const)
    return connection.read(fields)?.refusal?.httpStatus
  })
  assert.deepEqual(refusals, [405, 405, 405])
})

test('a connection reads every sequence of heads as if each were its first', () => {
  const head = fc.tuple(
    fc.constantFrom('/a/B', '/a/C'),
    fc.constantFrom('', '1S', '2S', 'wrong'),
    fc.constantFrom('', 'secret', 'other'),
    fc.boolean(),
  )
  fc.assert(
    fc.property(fc.array(head, { maxLength: 12 }), (heads) => {
      const connection = new Connection()
      for (const [path, timeout, token, isTimeoutLast] of heads) {
        const base = GRPC_REQUEST.map(([name, value]) => [name, name === ':path' ? path : value] as const)
        const tokens: Fields = token === '' ? [] : [['token', token]]
        const timeouts: Fields = timeout === '' ? [] : [['grpc-timeout', timeout]]
        const fields = isTimeoutLast ? [...base, ...tokens, ...timeouts] : [...base, ...timeouts, ...tokens]
        const [read, alone] = [connection.read(fields), new Connection().read(fields)]
        assert.deepEqual(comparable(read), comparable(alone))
        assert.equal(read?.metadata.get('token'), token === '' ? undefined : token)
      }
    }),
  )
})

function comparable(head: GrpcRequestHead | null): unknown {
  return head === null ? null : { ...head, metadata: head.metadata.fields }
}

test("the load generator's heads are read as they were meant, the repeated ones from the cache", () => {
  const decoder = new HpackDecoder()
  const headers = new RequestHeaders('localhost:2379')
  const methods = ['/a/B', '/a/B', '/a/C', '/a/B', '/a/C', '/a/B', '/a/C']
  for (const method of methods) {
    const frame = headers.next(method)
    const block = decoder.decode(frame, 9, frame.length)
    assert.ok(block !== null, decoder.failure)
    assert.equal(new RequestHeadReader().read({ ...block, interpretation: undefined })?.method, method)
  }
  assert.equal(decoder.takeBlocksFromCache(), 2)
})

/** The gateway between an exchange and a service, both in the test's hands. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JsonGateway } from '../../../src/front/gateway/json-gateway.js'
import {
  encodePutResponse,
  encodeRangeResponse,
  encodeWatchResponse,
} from '../../../src/proto/generated/etcdserverpb.js'
import { counters } from '../../../src/metrics/counter-catalogue.js'
import { etcdErrors } from '../../../src/proto/etcd-errors.js'
import { methods } from '../../../src/proto/schema.js'
import { memoryCounters } from '../../support/metrics/memory-counters.js'
import { MemoryExchange, type Asked } from './support/memory-exchange.js'
import { RecordingService } from './support/recording-service.js'

const MESSAGE_BYTES_MAX = 1000
const BODY_MS_MAX = 60_000

class Bench {
  readonly service = new RecordingService()
  readonly counters = memoryCounters()
  nowMs = 1000
  readonly gateway = new JsonGateway({
    clock: { nowMs: () => this.nowMs, wallMs: () => this.nowMs },
    counters: this.counters,
    service: this.service,
    messageBytesMax: MESSAGE_BYTES_MAX,
    requestTurn: () => undefined,
  })

  ask(path: string, asked: Asked = {}): MemoryExchange {
    const exchange = new MemoryExchange({ target: path, ...asked })
    this.gateway.answer(exchange, path)
    return exchange
  }

  pass(ms: number): void {
    this.nowMs += ms
    this.gateway.onDeadline(this.nowMs)
  }
}

test('a unary call is started, told its message, and answered as one text', () => {
  const bench = new Bench()
  const exchange = bench.ask('/v3/kv/put')
  assert.deepEqual(bench.service.heard, [])
  exchange.send('{"key":"YQ=="}')
  assert.deepEqual(bench.service.heard, ['start /etcdserverpb.KV/Put', 'message 0a0161', 'half-close'])
  bench.service.last.sendMessage(encodePutResponse({ header: { revision: 5 } }))
  assert.equal(exchange.text, '')
  bench.service.last.finish(0, '')
  assert.deepEqual([exchange.status, exchange.text], [200, '{"header":{"revision":"5"}}'])
  assert.equal(bench.service.last.isOver, true)
})

test('a message written into reserved room is the same answer', () => {
  const bench = new Bench()
  const exchange = bench.ask('/v3/kv/put')
  exchange.send('')
  const call = bench.service.last
  const message = encodePutResponse({ header: { revision: 300 } })
  const at = call.reserveMessage(message.length)
  call.output.set(message, at)
  call.finish(0, '')
  assert.equal(exchange.text, '{"header":{"revision":"300"}}')
})

test('a failed call has its code, its text and the status that goes with it', () => {
  const bench = new Bench()
  const exchange = bench.ask('/v3/kv/put')
  exchange.send('{}')
  bench.service.last.finish(16, 'etcdserver: invalid auth token')
  assert.deepEqual([exchange.status, exchange.text], [401, '{"code":16,"message":"etcdserver: invalid auth token"}'])
  assert.deepEqual(exchange.added.slice(-2), ['WWW-Authenticate', 'etcdserver: invalid auth token'])
})

test('a stream is a line for each message and for its error', () => {
  const bench = new Bench()
  const exchange = bench.ask('/v3/watch')
  const call = bench.service.last
  exchange.reader?.onData(Buffer.from('{"create_request":{"key":"YQ=='))
  assert.deepEqual(bench.service.heard, ['start /etcdserverpb.Watch/Watch'])
  exchange.reader?.onData(Buffer.from('"}} {"progress_request":{}}'))
  assert.equal(bench.service.heard.length, 3)
  assert.equal(call.reserveMessage(10), -1)
  call.sendMessage(encodeWatchResponse({ watch_id: 1 }))
  assert.equal(exchange.text, '{"result":{"watch_id":"1"}}\n')
  call.abort(14, 'etcdserver: server stopped')
  assert.equal(exchange.text.split('\n')[1], '{"error":{"code":14,"message":"etcdserver: server stopped"}}')
  assert.equal(exchange.isClosed, true)
})

test('a stream that fails before its first message has a status', () => {
  const bench = new Bench()
  const exchange = bench.ask('/v3/watch')
  bench.service.last.finish(12, 'no')
  assert.deepEqual([exchange.status, exchange.text], [501, '{"error":{"code":12,"message":"no"}}\n'])
})

test('a large message that comes in pieces is text before it is whole, and cut off when it fails', () => {
  const bench = new Bench()
  const kvs = Array.from({ length: 40 }, (_, i) => ({ key: Buffer.from(`k${i}`), value: Buffer.alloc(10_000, 'v') }))
  const message = encodeRangeResponse({ kvs, count: kvs.length })
  for (const piece of [1, 7, 4096, 200_000]) {
    const exchange = bench.ask('/v3/kv/range')
    exchange.send('{}')
    const call = bench.service.last
    call.startStreamedMessage(message.length)
    let seenEarly = false
    for (let at = 0; at < message.length; at += piece) {
      call.writeChunk(message, at, Math.min(message.length, at + piece))
      seenEarly ||= exchange.text !== '' && at + piece < message.length
    }
    call.finish(0, '')
    const json = JSON.parse(exchange.text) as { kvs: { value: string }[]; count: string }
    assert.deepEqual([seenEarly, json.kvs.length, json.count], [true, 40, '40'])
  }
  const exchange = bench.ask('/v3/kv/range')
  exchange.send('{}')
  bench.service.last.startStreamedMessage(message.length)
  bench.service.last.writeChunk(message, 0, 200_000)
  bench.service.last.abort(4, 'late')
  assert.equal(exchange.isDestroyed, true)
})

test('a writer hears of a full queue and of room in it', () => {
  const bench = new Bench()
  const exchange = bench.ask('/v3/watch')
  exchange.isFull = true
  assert.equal(bench.service.last.wantsWritable, true)
  exchange.isFull = false
  exchange.reader?.onWritable()
  assert.equal(bench.service.heard.at(-1), 'writable')
})

test('a client that leaves cancels its call; what is sent to it then goes nowhere', () => {
  const bench = new Bench()
  const exchange = bench.ask('/v3/kv/put')
  exchange.send('{}')
  exchange.leave()
  assert.equal(bench.service.heard.at(-1), 'cancel')
  bench.service.last.sendMessage(encodePutResponse({}))
  bench.service.last.finish(0, '')
  assert.equal(exchange.text, '')
})

test('a call whose time is up is answered and cancelled; no time means no limit', () => {
  const bench = new Bench()
  const limited = bench.ask('/v3/kv/put', { fields: ['Grpc-Timeout', '100m'] })
  limited.send('{}')
  const unlimited = bench.ask('/v3/kv/put', { fields: ['Grpc-Timeout', '0S'] })
  unlimited.send('{}')
  assert.ok(bench.gateway.wakeAtMs() <= bench.nowMs + 120)
  bench.pass(200)
  assert.deepEqual([limited.status, unlimited.status], [504, 0])
  assert.equal(bench.service.heard.at(-1), 'cancel')
})

test('a body that does not come in time is not waited for', () => {
  const bench = new Bench()
  const slow = bench.ask('/v3/kv/put')
  slow.reader?.onData(Buffer.from('{'))
  const watch = bench.ask('/v3/watch')
  bench.pass(BODY_MS_MAX - 1)
  assert.equal(slow.isClosed, false)
  bench.pass(1000)
  assert.deepEqual([slow.status, slow.isLast, watch.isClosed], [504, true, false])
  assert.equal(bench.gateway.held.bytes, 0)
})

test('a body over its bound is refused, and its memory given back', () => {
  const bench = new Bench()
  for (const path of ['/v3/kv/put', '/v3/watch']) {
    const exchange = bench.ask(path)
    exchange.reader?.onData(Buffer.from('{"x":"'))
    assert.ok(bench.gateway.held.bytes > 0)
    exchange.reader?.onData(Buffer.alloc(bench.gateway.bodyBytesMax, 'x'))
    assert.equal(exchange.status, 429)
    exchange.reader?.onData(Buffer.from('more'))
    exchange.reader?.onEnd()
    assert.equal(bench.gateway.held.bytes, 0)
  }
})

test('memory of a stream is charged as it was taken, and given back behind a large request', () => {
  const bench = new Bench()
  const exchange = bench.ask('/v3/watch')
  const [first, second] = [60_000, 50_000].map((length) =>
    Buffer.from(`{"cancel_request":{},"unknown":"${'x'.repeat(length)}"}\n`)) as [Buffer, Buffer]
  exchange.reader?.onData(first)
  assert.equal(bench.gateway.held.bytes, 0)
  // Its room is doubled for the second piece, and is there still when less is in it.
  exchange.reader?.onData(second.subarray(0, 40_000))
  exchange.reader?.onData(second.subarray(40_000, 40_010))
  assert.equal(bench.gateway.held.bytes, 80_000)
  exchange.reader?.onData(Buffer.concat([second.subarray(40_010), Buffer.from('{')]))
  assert.ok(bench.gateway.held.bytes >= second.length)
  exchange.reader?.onData(Buffer.from('"cancel_request":{}}'))
  assert.equal(bench.gateway.held.bytes, 0)
  assert.equal(bench.service.heard.filter((heard) => heard.startsWith('message')).length, 3)
})

test('what has come of a body is let go when its call ends first', () => {
  const bench = new Bench()
  const exchange = bench.ask('/v3/watch')
  exchange.reader?.onData(Buffer.from('{"create_request":'))
  assert.ok(bench.gateway.held.bytes > 0)
  bench.service.last.finish(14, 'etcdserver: server stopped')
  assert.equal(bench.gateway.held.bytes, 0)
})

test('a message over its bound is refused though its text is within', () => {
  const bench = new Bench()
  const exchange = bench.ask('/v3/kv/put')
  exchange.send(JSON.stringify({ value: Buffer.alloc(MESSAGE_BYTES_MAX).toString('base64') }))
  assert.deepEqual([exchange.status, bench.service.heard], [429, []])
})

test('bodies that have not come whole share a bound', () => {
  const bench = new Bench()
  bench.gateway.held.charge(256 * 1024 * 1024)
  const exchange = bench.ask('/v3/kv/put')
  exchange.reader?.onData(Buffer.from('{}'))
  assert.deepEqual([exchange.status, exchange.text.includes(etcdErrors.requestTooManyRequests.message)], [429, true])
})

test('what an exchange holds of a message counts as the body does, and is given back', () => {
  const bench = new Bench()
  const exchange = bench.ask('/v3/watch', { isMessageFramed: true })
  exchange.reader?.onHeld(5000)
  assert.equal(bench.gateway.held.bytes, 5000)
  exchange.reader?.onHeld(0)
  assert.equal(bench.gateway.held.bytes, 0)
  bench.gateway.held.charge(256 * 1024 * 1024 - 5000)
  exchange.reader?.onHeld(5001)
  assert.match(exchange.text, /too many requests/u)
  assert.deepEqual([exchange.isClosed, bench.service.heard.at(-1)], [true, 'cancel'])
  assert.equal(bench.gateway.held.bytes, 256 * 1024 * 1024 - 5000)
})

test('over a WebSocket the first message of a single call is all of it', () => {
  const bench = new Bench()
  const exchange = bench.ask('/v3/kv/put', { isMessageFramed: true })
  exchange.reader?.onData(Buffer.from('{"key":"YQ=="}'))
  assert.deepEqual(bench.service.heard.slice(1), ['message 0a0161', 'half-close'])
  exchange.reader?.onData(Buffer.from('{"key":"Yg=="}'))
  assert.equal(bench.service.heard.length, 3)
})

test('tokens and metadata are passed on; a name that others cannot take stands for the gateway', () => {
  const bench = new Bench()
  bench.ask('/v3/watch', {
    fields: ['Authorization', 'Bearer t', 'Grpc-Metadata-Token', 'u', 'grpc-metadata-x-bin', '/w==', 'Cookie', 'c'],
  })
  const { metadata } = bench.service.last
  const values = ['authorization', 'token', 'x-bin', 'cookie', 'grpcgateway-accept'].map((name) => metadata.get(name))
  assert.deepEqual(values, ['Bearer t', 'u', '\u00ff', undefined, '*/*'])
  bench.ask('/v3/watch')
  assert.equal(bench.service.last.metadata.get('grpcgateway-accept'), '*/*')
})

test('every path of the schema is there, for POST alone', () => {
  const bench = new Bench()
  for (const { rpc, path: method } of methods.values()) {
    for (const path of rpc.gatewayPaths) {
      assert.equal(bench.ask(path, { method: 'GET' }).status, 501)
      bench.ask(path).send('{}')
      assert.equal(bench.service.last.method, method)
    }
  }
  assert.equal(bench.ask('/v3/kv/rangestream').status, 404)
  // The first reason is an unknown path.
  assert.equal(bench.counters.get(counters.gatewayRefused), 1)
})

test('a form may say that it is no POST', () => {
  const bench = new Bench()
  const form = ['Content-Type', 'application/x-www-form-urlencoded', 'X-HTTP-Method-Override', 'GET']
  assert.equal(bench.ask('/v3/kv/put', { fields: form }).status, 501)
  assert.equal(bench.ask('/v3/kv/put', { fields: form.slice(2) }).status, 0)
})

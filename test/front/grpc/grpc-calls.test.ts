/** gRPC calls on a session without sockets: what a service hears, what a client is told. */

import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { test } from 'node:test'
import fc from 'fast-check'
import { GrpcServer } from '../../../src/front/grpc/grpc-server.js'
import { FLAG_END_STREAM, FRAME_DATA } from '../../../src/front/http2/frame-layout.js'
import type { Http2Limits } from '../../../src/front/http2/session/http2-limits.js'
import {
  GRPC_REQUEST,
  data,
  headers,
  message,
  reset,
  settings,
  windowUpdate,
  type Fields,
} from '../http2/support/frames.js'
import { WirePeer } from '../http2/support/wire-peer.js'
import { EchoService } from './support/echo-service.js'

const MAX = 10_000
const HEAD = ':status=200 content-type=application/grpc'

class GrpcPeer extends WirePeer {
  readonly service: EchoService
  readonly server: GrpcServer

  constructor(limits: Partial<Http2Limits> = {}, service = new EchoService()) {
    const server = new GrpcServer({ service, messageBytesMax: MAX })
    super({ limits, handler: server })
    this.service = service
    this.server = server
  }

  override pass(ms: number): void {
    super.pass(ms)
    this.server.onDeadline(this.nowMs)
  }
}

function head(name: string, more: Fields = []): Fields {
  const others = [...GRPC_REQUEST.filter(([field]) => field !== ':path'), ...more]
  return others.toSpliced(2, 0, [':path', `/echo.Echo/${name}`])
}

function payloads(peer: WirePeer): Buffer[] {
  return peer.frames().filter(({ type }) => type === FRAME_DATA).map(({ payload }) => payload)
}

/** One frame with a whole message, and the end of the request. */
function ask(id: number, text: string): Buffer {
  return data(id, message(text), FLAG_END_STREAM)
}

test('a unary call is one write of headers, message and trailers', () => {
  const peer = new GrpcPeer()
  peer.send(headers(1, head('Unary')), ask(1, 'hello'))
  const length = peer.session.sender.length
  assert.deepEqual(peer.frames().at(1)?.payload, message('hello'))
  assert.equal(length > 0, true)
  assert.equal(peer.session.streams.size, 0)
})

test('the trailers carry the status after the message', () => {
  const peer = new GrpcPeer()
  peer.send(headers(1, head('Unary')), ask(1, 'hello'))
  assert.deepEqual(peer.lines(), [`HEADERS 1 ${HEAD}`, 'DATA 1 [10]', 'HEADERS 1 grpc-status=0 END'])
})

test('an error without messages is trailers only, its text percent-encoded', () => {
  const peer = new GrpcPeer()
  peer.send(headers(1, head('Fail')), ask(1, '5 50% of ünï\ncode'))
  const text = '50%25 of %C3%BCn%C3%AF%0Acode'
  assert.deepEqual(peer.lines(), [`HEADERS 1 ${HEAD} grpc-status=5 grpc-message=${text} END`])
})

test('a call that ends before its client has, tells it to stop', () => {
  const peer = new GrpcPeer()
  peer.send(headers(1, head('Nope')))
  assert.deepEqual(peer.lines(), [
    `HEADERS 1 ${HEAD} grpc-status=12 grpc-message=unknown method /echo.Echo/Nope END`,
    'RST_STREAM 1 NO_ERROR',
  ])
  peer.send(ask(1, 'late'))
  assert.deepEqual(peer.lines(), [])
  assert.deepEqual(peer.service.halfClosed, [])
})

test('headers may be sent long before the first message', () => {
  const peer = new GrpcPeer()
  peer.send(headers(1, head('Headers')))
  assert.deepEqual(peer.lines(), [`HEADERS 1 ${HEAD}`])
})

test('messages come out whole and in order, however they were cut into frames', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 8 })
  fc.assert(
    fc.property(messages, fc.infiniteStream(fc.integer({ min: 1, max: 1200 })), (list, cuts) => {
      const peer = new GrpcPeer({ emptyDataCountMax: 1e6 })
      peer.send(headers(1, head('Stream')))
      const bytes = Buffer.concat(list.map((body) => message(body)))
      for (let at = 0; at < bytes.length; ) {
        const size = cuts.next().value as number
        peer.send(data(1, bytes.subarray(at, at + size)))
        at += size
      }
      peer.send(data(1, Buffer.alloc(0), FLAG_END_STREAM))
      assert.deepEqual(Buffer.concat(payloads(peer)), bytes)
      assert.equal(peer.session.heldBytes, 0)
    }),
    { numRuns: 50 },
  )
})

test('a message of exactly the limit is heard, one octet more is refused with both numbers', () => {
  const peer = new GrpcPeer()
  peer.send(headers(1, head('Unary')), ask(1, 'x'.repeat(MAX)), headers(3, head('Unary')), ask(3, 'x'.repeat(MAX + 1)))
  const text = `grpc: received message larger than max (${MAX + 1} vs. ${MAX})`
  assert.deepEqual(peer.lines().slice(3), [`HEADERS 3 ${HEAD} grpc-status=8 grpc-message=${text} END`])
  assert.deepEqual(peer.service.cancelled, ['/echo.Echo/Unary'])
})

test('a message that announces too much is refused before it has come', () => {
  const peer = new GrpcPeer()
  peer.send(headers(1, head('Stream')), data(1, Buffer.from([0, 0x7f, 0xff, 0xff, 0xff])))
  assert.match(peer.lines()[0] as string, /grpc-status=8 grpc-message=.*\(2147483647 vs. 10000\)/)
})

test('memory for a message grows with what has come, not with what was announced', () => {
  const peer = new GrpcPeer()
  peer.send(headers(1, head('Stream')), data(1, message('x'.repeat(9000)).subarray(0, 100)))
  assert.ok(peer.session.heldBytes <= 2048)
})

test('unfinished messages of a connection have a common bound', () => {
  const peer = new GrpcPeer({ heldBytesMax: 20_000 })
  const most = message('x'.repeat(8000)).subarray(0, 7000)
  for (const id of [1, 3, 5]) peer.send(headers(id, head('Stream')), data(id, most))
  assert.match(peer.lines()[0] as string, /HEADERS 5 .*grpc-status=8 grpc-message=too many unfinished messages/)
  peer.send(reset(1), reset(3))
  assert.equal(peer.session.heldBytes, 0)
})

test('unfinished messages of all connections have a common bound too', () => {
  const server = new GrpcServer({ service: new EchoService(), messageBytesMax: MAX, heldBytesMax: 20_000 })
  const peers = [1, 2, 3].map(() => new WirePeer({ handler: server }))
  const most = message('x'.repeat(8000)).subarray(0, 7000)
  for (const peer of peers) peer.send(headers(1, head('Stream')), data(1, most))
  assert.deepEqual(peers.map((peer) => peer.frames().length), [0, 0, 2])
})

const broken: readonly (readonly [title: string, fields: Fields, body: Buffer, answer: string])[] = [
  ['half a message', [], data(1, message('hello').subarray(0, 7), FLAG_END_STREAM), '13 unexpected EOF'],
  ['half a prefix', [], data(1, Buffer.from([0, 0]), FLAG_END_STREAM), '13 unexpected EOF'],
  ['an unknown flag', [], data(1, message('hello', 2)), '13 grpc: received unexpected payload format 2'],
  ['a compressed message without an encoding', [], data(1, message('hello', 1)),
    '13 grpc: compressed flag set with identity or empty encoding'],
  ['octets that are no gzip', [['grpc-encoding', 'gzip']], data(1, message('hello', 1)),
    '13 grpc: failed to decompress the received message: incorrect header check'],
  ['gzip cut off', [['grpc-encoding', 'gzip']], data(1, message(gzipSync('hello').subarray(0, 12), 1)),
    '13 grpc: failed to decompress the received message: unexpected end of file'],
  ['a gzip bomb', [['grpc-encoding', 'gzip']], data(1, message(gzipSync(Buffer.alloc(5_000_000)), 1)),
    `8 grpc: received message after decompression larger than max ${MAX}`],
]

for (const [title, fields, body, answer] of broken) {
  test(`${title} ends the call with a status, and the service is told`, () => {
    const peer = new GrpcPeer()
    peer.send(headers(1, head('Unary', fields)), body)
    const space = answer.indexOf(' ')
    const line = `HEADERS 1 ${HEAD} grpc-status=${answer.slice(0, space)} grpc-message=${answer.slice(space + 1)} END`
    assert.equal(peer.lines()[0], line)
    assert.deepEqual(peer.service.cancelled, ['/echo.Echo/Unary'])
    assert.equal(peer.session.streams.size, 0)
  })
}

test('gzip messages are heard inflated, plain ones beside them too, and answered plainly', () => {
  const peer = new GrpcPeer()
  const text = 'again and again '.repeat(100)
  peer.send(
    headers(1, head('Stream', [['grpc-encoding', 'gzip'], ['grpc-accept-encoding', 'gzip,identity']])),
    data(1, message(gzipSync(text), 1)),
    ask(1, 'plain'),
  )
  assert.deepEqual(payloads(peer), [message(text), message('plain')])
})

/** What is changed in a good request, and how its answer begins and ends. */
const refused: readonly (readonly [title: string, fields: Fields, begins: string, ends: string])[] = [
  ['another content type', [['content-type', 'application/json']], ':status=415',
    'grpc-status=3 grpc-message=invalid gRPC request content-type "application/json" END'],
  ['a content type that only begins so', [['content-type', 'application/grpc-web']], ':status=415', ' END'],
  ['another method', [[':method', 'GET']], ':status=405',
    'grpc-status=13 grpc-message=gRPC calls are made with POST, not GET END'],
  ['a path without a slash', [[':path', 'echo']], ':status=200',
    'grpc-status=12 grpc-message=malformed method name: "echo" END'],
  ['an unknown encoding', [['grpc-encoding', 'snappy']], ':status=200',
    'not installed for grpc-encoding "snappy" grpc-accept-encoding=identity,gzip END'],
  ['a timeout without a unit', [['grpc-timeout', '10']], ':status=400',
    'grpc-status=13 grpc-message=malformed grpc-timeout: "10" END'],
  ['a timeout of nine digits', [['grpc-timeout', '123456789S']], ':status=400', ' END'],
  ['a header list above the bound', [['x', 'y'.repeat(5000)]], ':status=431',
    'grpc-status=8 grpc-message=request header list larger than allowed END'],
]

for (const [title, change, begins, ends] of refused) {
  test(`${title} is answered without the service`, () => {
    const peer = new GrpcPeer({ headerListBytesMax: 4096 })
    const changed = new Map(change)
    const replaced = GRPC_REQUEST.map(([name, value]) => [name, changed.get(name) ?? value] as const)
    const added = change.filter(([name]) => !GRPC_REQUEST.some(([known]) => known === name))
    peer.send(headers(1, [...replaced, ...added], FLAG_END_STREAM))
    const line = peer.lines()[0] as string
    assert.ok(line.startsWith(`HEADERS 1 ${begins} `) && line.endsWith(ends), line)
    assert.deepEqual([peer.service.started.length, peer.service.cancelled.length], [0, 0])
  })
}

const malformed: readonly (readonly [title: string, fields: Fields])[] = [
  ['no :path', GRPC_REQUEST.filter(([name]) => name !== ':path')],
  ['an empty :path', head('Unary').map(([name, value]) => (name === ':path' ? [name, ''] : [name, value]))],
  ['two :method', [[':method', 'POST'], ...GRPC_REQUEST]],
  ['an unknown pseudo field', [[':color', 'red'], ...GRPC_REQUEST]],
  ['a response pseudo field', [[':status', '200'], ...GRPC_REQUEST]],
  ['a pseudo field behind others', [...GRPC_REQUEST.slice(1), [':method', 'POST']]],
  ['upper case in a name', [...GRPC_REQUEST, ['Token', 'x']]],
  ['a line break in a value', [...GRPC_REQUEST, ['token', 'a\r\nb: c']]],
  ['a blank before a value', [...GRPC_REQUEST, ['token', ' a']]],
  ['an empty name', [...GRPC_REQUEST, ['', 'a']]],
  ['connection', [...GRPC_REQUEST, ['connection', 'close']]],
  ['transfer-encoding', [...GRPC_REQUEST, ['transfer-encoding', 'chunked']]],
  ['te other than trailers', [...GRPC_REQUEST.filter(([name]) => name !== 'te'), ['te', 'gzip']]],
  ['two lengths', [...GRPC_REQUEST, ['content-length', '5'], ['content-length', '6']]],
]

for (const [title, fields] of malformed) {
  test(`a request with ${title} is malformed and reset`, () => {
    const peer = new GrpcPeer()
    peer.send(headers(1, fields, FLAG_END_STREAM), headers(3, head('Unary')), ask(3, 'ok'))
    const lines = peer.lines()
    assert.equal(lines[0], 'RST_STREAM 1 PROTOCOL_ERROR')
    assert.equal(lines.at(-1), 'HEADERS 3 grpc-status=0 END')
  })
}

test('a body that is longer or shorter than announced is malformed', () => {
  const peer = new GrpcPeer()
  const announced = (length: number): Fields => head('Unary', [['content-length', String(length)]])
  peer.send(headers(1, announced(9)), ask(1, 'hello'), headers(3, announced(11)), ask(3, 'hello'))
  assert.deepEqual(peer.lines(), ['RST_STREAM 1 PROTOCOL_ERROR', 'RST_STREAM 3 PROTOCOL_ERROR'])
  peer.send(headers(5, announced(10)), ask(5, 'hello'))
  assert.equal(peer.lines().at(-1), 'HEADERS 5 grpc-status=0 END')
})

test('metadata is found by name, and is one object for calls with the same fields', () => {
  const peer = new GrpcPeer()
  const fields = head('Hang', [['token', 'secret']])
  for (const id of [1, 3]) peer.send(headers(id, fields))
  const [first, second] = peer.service.started
  assert.equal(first?.metadata.get('token'), 'secret')
  assert.equal(first?.metadata.get('missing'), undefined)
  assert.equal(first?.metadata, second?.metadata)
})

test('a call whose deadline passes is answered, and its service told', () => {
  const peer = new GrpcPeer()
  peer.send(headers(1, head('Hang', [['grpc-timeout', '250m']])), ask(1, 'x'))
  assert.equal(peer.service.started[0]?.deadlineMs, peer.nowMs + 250)
  assert.ok(peer.server.wakeAtMs() <= peer.nowMs + 250 + 16)
  peer.pass(249)
  assert.deepEqual(peer.lines(), [])
  peer.pass(17)
  assert.deepEqual(peer.lines(), [`HEADERS 1 ${HEAD} grpc-status=4 grpc-message=context deadline exceeded END`])
  assert.deepEqual(peer.service.cancelled, ['/echo.Echo/Hang'])
  assert.equal(peer.server.wakeAtMs(), Infinity)
})

test('a deadline of zero is over at once and never reaches the service', () => {
  const peer = new GrpcPeer()
  peer.send(headers(1, head('Hang', [['grpc-timeout', '0n']]), FLAG_END_STREAM))
  assert.match(peer.lines()[0] as string, /grpc-status=4/)
  assert.equal(peer.service.started.length, 0)
})

test('a deadline while an answer waits for the client resets the stream', () => {
  const peer = new GrpcPeer()
  peer.send(settings([4, 100]), headers(1, head('Big', [['grpc-timeout', '1S']])), ask(1, '5000'))
  peer.frames()
  peer.pass(1020)
  assert.deepEqual(peer.lines(), ['RST_STREAM 1 CANCEL'])
  assert.equal(peer.session.sender.queuedBytes, 0)
})

test('a client that cancels is heard once, and what comes after is nothing', () => {
  const peer = new GrpcPeer()
  peer.send(headers(1, head('Hang')), ask(1, 'x'), reset(1), reset(1))
  const call = peer.service.started[0]
  assert.ok(call !== undefined)
  assert.deepEqual(peer.service.cancelled, ['/echo.Echo/Hang'])
  call.sendMessage(Buffer.from('late'))
  call.finish(0, '')
  assert.equal(call.reserveMessage(4), -1)
  assert.deepEqual(peer.lines(), [])
})

test('a service that has finished hears no more of its call, though the answer is still on the way', () => {
  const peer = new GrpcPeer()
  peer.send(settings([4, 3]), headers(1, head('Fail')), headers(3, head('Stream')))
  peer.send(data(3, message('hello')), data(1, message('0 ')))
  const call = peer.service.started[1]
  assert.ok(call !== undefined)
  call.finish(0, '')
  peer.send(data(3, message('more')), reset(3))
  assert.deepEqual(peer.service.cancelled, [])
  assert.deepEqual(peer.service.halfClosed, [])
})

test('a large answer is streamed with a bounded queue', () => {
  const peer = new GrpcPeer({ callQueueHighBytes: 100_000, callQueueLowBytes: 10_000 })
  const total = 3_000_000
  peer.send(settings([4, 2 ** 20]), headers(1, head('Big')), ask(1, String(total)))
  let received = -5
  for (let turn = 0; received < total && turn < 1000; turn++) {
    const bytes = Buffer.concat(payloads(peer)).length
    received += bytes
    if (bytes > 0) peer.send(windowUpdate(0, bytes), windowUpdate(1, bytes))
  }
  assert.equal(received, total)
  assert.ok(peer.service.queuedBytesHighest < 100_000 + 65_536)
  assert.ok(peer.service.writableCount > 5)
})

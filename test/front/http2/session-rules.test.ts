/** What RFC 9113 lets a client say, and what it is told when it says something else. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FLAG_PADDED,
  FLAG_PRIORITY,
  FRAME_DATA,
  FRAME_GOAWAY,
  FRAME_HEADERS,
  FRAME_PING,
  FRAME_PRIORITY,
  FRAME_PUSH_PROMISE,
  FRAME_RST_STREAM,
  FRAME_SETTINGS,
  FRAME_WINDOW_UPDATE,
} from '../../../src/front/http2/frame-layout.js'
import {
  GRPC_REQUEST,
  PREFACE,
  block,
  continuation,
  data,
  frame,
  goaway,
  headers,
  ping,
  priority,
  request,
  reset,
  settings,
  settingsAck,
  windowUpdate,
} from './support/frames.js'
import { WirePeer } from './support/wire-peer.js'

const hello = Buffer.from('hello')
const empty = Buffer.alloc(0)

test('a session opens with its settings and a wider connection window, and acknowledges the client', () => {
  const peer = new WirePeer({ isOpen: false })
  peer.send(PREFACE, settings([4, 100_000]))
  assert.deepEqual(peer.lines(), ['SETTINGS', `WINDOW_UPDATE 0 +${16 * 2 ** 20 - 65_535}`, 'SETTINGS ACK'])
  assert.equal(peer.session.sender.initialStreamWindow, 100_000)
})

test('the preface and frames may come one octet at a time', () => {
  const peer = new WirePeer({ isOpen: false })
  const bytes = Buffer.concat([PREFACE, settings(), headers(1), data(1, hello, FLAG_END_STREAM)])
  for (let i = 0; i < bytes.length; i++) peer.send(bytes.subarray(i, i + 1))
  assert.deepEqual(peer.recorder.heard, ['start 1', 'data 1 hello', 'half-close 1'])
})

test('padding is dropped and counts against the windows', () => {
  const peer = new WirePeer()
  const padded = Buffer.concat([Buffer.from([10]), hello, Buffer.alloc(10)])
  const head = Buffer.concat([Buffer.from([3]), block(GRPC_REQUEST), Buffer.alloc(3)])
  peer.send(
    frame(FRAME_HEADERS, FLAG_END_HEADERS | FLAG_PADDED, 1, head),
    frame(FRAME_DATA, FLAG_PADDED, 1, padded),
  )
  assert.deepEqual(peer.recorder.heard, ['start 1', 'data 1 hello'])
  const stream = peer.session.streams.get(1)
  assert.equal(stream?.receiveWindow, peer.session.limits.streamWindowBytes - padded.length)
})

test('priority is ignored, alone and inside HEADERS', () => {
  const peer = new WirePeer()
  const head = Buffer.concat([Buffer.alloc(5), block(GRPC_REQUEST)])
  peer.send(priority(7), frame(FRAME_HEADERS, FLAG_END_HEADERS | FLAG_PRIORITY | FLAG_END_STREAM, 1, head), priority(1))
  assert.deepEqual(peer.recorder.heard, ['start 1', 'half-close 1'])
  assert.deepEqual(peer.lines(), [])
})

test('a header block may be cut anywhere into CONTINUATION frames', () => {
  const peer = new WirePeer()
  const whole = block(GRPC_REQUEST)
  peer.send(
    frame(FRAME_HEADERS, FLAG_END_STREAM, 1, whole.subarray(0, 7)),
    continuation(1, empty),
    continuation(1, whole.subarray(7, 30)),
    continuation(1, whole.subarray(30), FLAG_END_HEADERS),
  )
  assert.deepEqual(peer.recorder.heard, ['start 1', 'half-close 1'])
})

test('trailers of a request end it', () => {
  const peer = new WirePeer()
  peer.send(headers(1), data(1, hello), headers(1, [['checksum', 'abc']], FLAG_END_STREAM))
  assert.deepEqual(peer.recorder.heard, ['start 1', 'data 1 hello', 'half-close 1'])
})

test('unknown frame types and unknown settings are ignored', () => {
  const peer = new WirePeer()
  peer.send(frame(0xbe, 0xff, 0, hello), frame(0xbe, 0xff, 9, hello), settings([0xf00d, 1]), request(1))
  assert.deepEqual(peer.lines(), ['SETTINGS ACK'])
  assert.deepEqual(peer.recorder.heard, ['start 1', 'half-close 1'])
})

test('a PING is answered with its own octets', () => {
  const peer = new WirePeer()
  peer.send(ping('abcdefgh'))
  assert.deepEqual(peer.lines(), ['PING ACK abcdefgh'])
})

test('frames that cross the end of their stream on the wire are forgiven', () => {
  const peer = new WirePeer()
  peer.send(headers(1))
  const stream = peer.session.streams.get(1)
  assert.ok(stream !== undefined)
  peer.session.resetStream(stream, 8)
  peer.frames()
  peer.send(data(1, hello), windowUpdate(1, 10), headers(1, [['late', 'trailer']], FLAG_END_STREAM), reset(1))
  assert.deepEqual(peer.lines(), [])
  assert.equal(peer.session.isFinished, false)
})

test('a GOAWAY from the client leaves its open streams alone', () => {
  const peer = new WirePeer()
  peer.send(headers(1), goaway(0), data(1, hello, FLAG_END_STREAM))
  assert.deepEqual(peer.recorder.heard, ['start 1', 'data 1 hello', 'half-close 1'])
})

const half = frame(FRAME_HEADERS, 0, 1, block(GRPC_REQUEST))

/** Sent on an open connection; the GOAWAY that must follow. */
const connectionErrors: readonly (readonly [title: string, bytes: readonly Buffer[], answer: string])[] = [
  ['DATA on stream 0', [data(0, hello)], '0 PROTOCOL_ERROR DATA on stream 0'],
  ['DATA on an idle stream', [data(1, hello)], '0 PROTOCOL_ERROR DATA on an idle stream'],
  ['HEADERS on stream 0', [headers(0)], '0 PROTOCOL_ERROR HEADERS on stream 0'],
  ['an even stream number', [headers(2)], '0 PROTOCOL_ERROR even stream number from a client'],
  ['a falling stream number', [request(601), request(5)], '601 PROTOCOL_ERROR stream numbers must grow'],
  ['RST_STREAM on an idle stream', [reset(1)], '0 PROTOCOL_ERROR RST_STREAM on an idle stream'],
  ['RST_STREAM on stream 0', [reset(0)], '0 PROTOCOL_ERROR RST_STREAM on stream 0'],
  ['a short RST_STREAM', [request(1), frame(FRAME_RST_STREAM, 0, 1, hello)],
    '1 FRAME_SIZE_ERROR RST_STREAM of a wrong size'],
  ['a short PING', [frame(FRAME_PING, 0, 0, hello)], '0 FRAME_SIZE_ERROR PING of a wrong size'],
  ['a PING on a stream', [frame(FRAME_PING, 0, 1, Buffer.alloc(8))], '0 PROTOCOL_ERROR PING on a stream'],
  ['SETTINGS on a stream', [frame(FRAME_SETTINGS, 0, 1)], '0 PROTOCOL_ERROR SETTINGS on a stream'],
  ['half a setting', [frame(FRAME_SETTINGS, 0, 0, hello)], '0 FRAME_SIZE_ERROR SETTINGS of a wrong size'],
  ['an acknowledgement with settings', [frame(FRAME_SETTINGS, 1, 0, Buffer.alloc(6))],
    '0 FRAME_SIZE_ERROR SETTINGS acknowledgement of a wrong size'],
  ['ENABLE_PUSH of 2', [settings([2, 2])], '0 PROTOCOL_ERROR SETTINGS_ENABLE_PUSH must be 0 or 1'],
  ['INITIAL_WINDOW_SIZE of 2^31', [settings([4, 2 ** 31])],
    '0 FLOW_CONTROL_ERROR SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1'],
  ['MAX_FRAME_SIZE of 16383', [settings([5, 16_383])], '0 PROTOCOL_ERROR SETTINGS_MAX_FRAME_SIZE out of range'],
  ['a connection window above 2^31-1', [windowUpdate(0, 2 ** 31 - 1)],
    '0 FLOW_CONTROL_ERROR connection window above 2^31-1'],
  ['a window of all streams above 2^31-1',
    [headers(1), windowUpdate(1, 2 ** 31 - 1 - 65_535), settings([4, 65_536])],
    '1 FLOW_CONTROL_ERROR stream window above 2^31-1'],
  ['a connection window increment of 0', [windowUpdate(0, 0)], '0 PROTOCOL_ERROR window increment of 0'],
  ['WINDOW_UPDATE on an idle stream', [windowUpdate(1, 1)], '0 PROTOCOL_ERROR WINDOW_UPDATE on an idle stream'],
  ['a short WINDOW_UPDATE', [frame(FRAME_WINDOW_UPDATE, 0, 0, hello)],
    '0 FRAME_SIZE_ERROR WINDOW_UPDATE of a wrong size'],
  ['PRIORITY on stream 0', [priority(0)], '0 PROTOCOL_ERROR PRIORITY on stream 0'],
  ['a short PRIORITY on an idle stream', [frame(FRAME_PRIORITY, 0, 3, hello.subarray(1))],
    '0 FRAME_SIZE_ERROR PRIORITY of a wrong size'],
  ['a GOAWAY on a stream', [frame(FRAME_GOAWAY, 0, 1, Buffer.alloc(8))], '0 PROTOCOL_ERROR GOAWAY on a stream'],
  ['a short GOAWAY', [frame(FRAME_GOAWAY, 0, 0, hello)], '0 FRAME_SIZE_ERROR GOAWAY of a wrong size'],
  ['PUSH_PROMISE', [frame(FRAME_PUSH_PROMISE, 0, 1, hello)], '0 PROTOCOL_ERROR PUSH_PROMISE from a client'],
  ['CONTINUATION with nothing to continue', [continuation(1, empty)], '0 PROTOCOL_ERROR CONTINUATION out of place'],
  ['CONTINUATION for another stream', [half, continuation(3, empty)], '0 PROTOCOL_ERROR CONTINUATION out of place'],
  ['a frame inside a header block', [half, ping()], '0 PROTOCOL_ERROR expected CONTINUATION'],
  ['padding as long as its DATA', [headers(1), frame(FRAME_DATA, FLAG_PADDED, 1, Buffer.from([1]))],
    '1 PROTOCOL_ERROR padding longer than its frame'],
  ['padded DATA without a length', [headers(1), frame(FRAME_DATA, FLAG_PADDED, 1)],
    '1 PROTOCOL_ERROR padding longer than its frame'],
  ['padding longer than its HEADERS', [frame(FRAME_HEADERS, FLAG_END_HEADERS | FLAG_PADDED, 1, Buffer.from([200, 0]))],
    '0 PROTOCOL_ERROR padding longer than its frame'],
  ['HEADERS too short for its priority', [frame(FRAME_HEADERS, FLAG_END_HEADERS | FLAG_PRIORITY, 1, hello.subarray(1))],
    '0 PROTOCOL_ERROR HEADERS too short for its priority'],
  ['a frame above the size limit', [data(1, Buffer.alloc(16_385))],
    '0 FRAME_SIZE_ERROR frame larger than SETTINGS_MAX_FRAME_SIZE'],
  ['a header block that is no HPACK', [frame(FRAME_HEADERS, FLAG_END_HEADERS, 1, Buffer.from([0x80]))],
    '0 COMPRESSION_ERROR index 0'],
  ['HEADERS on a stream that the client ended', [request(1), reset(1), headers(1)],
    '1 STREAM_CLOSED HEADERS on a closed stream'],
]

for (const [title, bytes, answer] of connectionErrors) {
  test(`${title} ends the connection`, () => {
    const peer = new WirePeer()
    peer.send(...bytes)
    const lines = peer.lines()
    assert.equal(lines.at(-1), `GOAWAY ${answer}`)
    assert.equal(peer.session.isFinished, true)
  })
}

/** Sent on an open connection whose stream 1 has a head; the RST_STREAM that must follow. */
const streamErrors: readonly (readonly [title: string, bytes: readonly Buffer[], code: string])[] = [
  ['a stream window above 2^31-1', [windowUpdate(1, 2 ** 31 - 1)], 'FLOW_CONTROL_ERROR'],
  ['a stream window increment of 0', [windowUpdate(1, 0)], 'PROTOCOL_ERROR'],
  ['DATA behind END_STREAM', [data(1, hello, FLAG_END_STREAM), data(1, hello)], 'STREAM_CLOSED'],
  ['HEADERS behind END_STREAM', [data(1, hello, FLAG_END_STREAM), headers(1)], 'STREAM_CLOSED'],
  ['trailers without END_STREAM', [headers(1, [['a', 'b']])], 'PROTOCOL_ERROR'],
  ['pseudo fields in trailers', [headers(1, [[':path', '/']], FLAG_END_STREAM)], 'PROTOCOL_ERROR'],
  ['a short PRIORITY', [frame(FRAME_PRIORITY, 0, 1, hello.subarray(1))], 'FRAME_SIZE_ERROR'],
]

for (const [title, bytes, code] of streamErrors) {
  test(`${title} ends its stream only`, () => {
    const peer = new WirePeer()
    peer.send(headers(1), ...bytes, request(3))
    assert.deepEqual(peer.lines(), [`RST_STREAM 1 ${code}`])
    assert.ok(peer.recorder.heard.includes('lost 1'))
    assert.ok(peer.recorder.heard.includes('half-close 3'))
  })
}

const openings: readonly (readonly [title: string, bytes: readonly Buffer[], reason: string])[] = [
  ['another preface', [Buffer.from('PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n')], 'wrong connection preface'],
  ['a request before any SETTINGS', [PREFACE, request(1)], 'expected SETTINGS'],
  ['an acknowledgement before any SETTINGS', [PREFACE, settingsAck()], 'expected SETTINGS'],
]

for (const [title, bytes, reason] of openings) {
  test(`${title} is no way to begin`, () => {
    const peer = new WirePeer({ isOpen: false })
    peer.send(...bytes)
    assert.equal(peer.lines().at(-1), `GOAWAY 0 PROTOCOL_ERROR ${reason}`)
  })
}

test('nothing is heard from a client behind a connection error', () => {
  const peer = new WirePeer()
  peer.send(headers(1), ping('short'), request(3))
  peer.send(request(5))
  assert.deepEqual(peer.recorder.heard, ['start 1', 'over 1', 'lost 1 with its connection'])
})

test('streams end with their connection', () => {
  const peer = new WirePeer()
  peer.send(headers(1), request(3))
  peer.session.onSocketGone()
  assert.deepEqual(peer.recorder.heard.slice(-4), [
    'over 1',
    'lost 1 with its connection',
    'over 3',
    'lost 3 with its connection',
  ])
  assert.equal(peer.session.streams.size, 0)
})

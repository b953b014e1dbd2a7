/** What a hostile client meets: every flood ends its own connection, and memory stays bounded until then. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FLAG_END_HEADERS, FLAG_END_STREAM, FRAME_DATA, FRAME_HEADERS } from '../../../src/front/http2/frame-layout.js'
import type { Http2Limits } from '../../../src/front/http2/session/http2-limits.js'
import { RESPONSE_HEADERS } from '../../../src/front/grpc/grpc-response-frames.js'
import {
  GRPC_REQUEST,
  PREFACE,
  block,
  continuation,
  data,
  frame,
  headers,
  ping,
  priority,
  request,
  reset,
  settings,
} from './support/frames.js'
import { WirePeer } from './support/wire-peer.js'

const CALM = 'ENHANCE_YOUR_CALM'

/** Sends what `next` makes until the session has had enough; how often that was. */
function flood(peer: WirePeer, countMax: number, next: (i: number) => Buffer): number {
  for (let i = 0; i < countMax; i++) {
    peer.send(next(i))
    if (peer.session.isFinished) return i + 1
  }
  return countMax
}

function pingAfter(peer: WirePeer, ms: number): Buffer {
  peer.nowMs += ms
  return ping()
}

test('more concurrent streams than allowed are refused, the others go on', () => {
  const peer = new WirePeer({ limits: { streamCountMax: 2 } })
  peer.send(request(1), request(3), request(5))
  assert.deepEqual(peer.lines(), ['RST_STREAM 5 REFUSED_STREAM'])
  peer.send(reset(1), request(7))
  assert.deepEqual(peer.lines(), [])
  assert.equal(peer.counters.streamsRefused, 1)
})

test('a client that never heeds the stream limit is told to calm down', () => {
  const peer = new WirePeer({ limits: { streamCountMax: 1, resetCountMax: 100 } })
  peer.send(headers(1))
  assert.equal(flood(peer, 1000, (i) => headers(2 * i + 3)), 101)
  assert.equal(peer.lines().at(-1), `GOAWAY 203 ${CALM} too many frames: resets`)
})

test('rapid reset: opening and resetting streams ends the connection', () => {
  const peer = new WirePeer({ limits: { resetCountMax: 100 } })
  const count = flood(peer, 1000, (i) => Buffer.concat([headers(2 * i + 1), reset(2 * i + 1)]))
  assert.equal(count, 101)
  assert.equal(peer.lines().at(-1), `GOAWAY 201 ${CALM} too many frames: resets`)
  assert.equal(peer.session.streams.size, 0)
})

test('the same number of resets over a longer time is nothing', () => {
  const peer = new WirePeer({ limits: { resetCountMax: 100, abuseWindowMs: 1000 } })
  const count = flood(peer, 1000, (i) => {
    peer.pass(11)
    return Buffer.concat([headers(2 * i + 1), reset(2 * i + 1)])
  })
  assert.equal(count, 1000)
  assert.equal(peer.session.isFinished, false)
})

test('a CONTINUATION flood of empty frames ends the connection', () => {
  const peer = new WirePeer({ limits: { continuationCountMax: 16 } })
  peer.send(frame(FRAME_HEADERS, 0, 1, block(GRPC_REQUEST)))
  assert.equal(flood(peer, 1000, () => continuation(1, Buffer.alloc(0))), 17)
  assert.equal(peer.lines().at(-1), `GOAWAY 0 ${CALM} too many frames: continuation`)
})

test('a CONTINUATION flood of large frames ends the connection before it has cost more than the block bound', () => {
  const peer = new WirePeer({ limits: { headerBlockBytesMax: 65_536 } })
  peer.send(frame(FRAME_HEADERS, 0, 1, Buffer.alloc(16_000)))
  assert.equal(flood(peer, 1000, () => continuation(1, Buffer.alloc(16_000))), 4)
  assert.equal(peer.counters.abuse.continuation, 1)
})

test('a SETTINGS flood ends the connection', () => {
  const peer = new WirePeer({ limits: { settingsCountMax: 50 } })
  assert.equal(flood(peer, 1000, () => settings([3, 1])), 50)
  assert.equal(peer.lines().at(-1), `GOAWAY 0 ${CALM} too many frames: settings`)
})

test('a flood of empty DATA frames ends the connection', () => {
  const peer = new WirePeer({ limits: { emptyDataCountMax: 50 } })
  peer.send(headers(1))
  assert.equal(flood(peer, 1000, () => frame(FRAME_DATA, 0, 1)), 51)
  assert.equal(peer.counters.abuse.emptyData, 1)
})

const junk: readonly (readonly [string, Buffer])[] = [
  ['PRIORITY frames', priority(9)],
  ['unknown frames', frame(0xaa, 0, 0)],
  ['resets of a stream that is gone', reset(1)],
  ['DATA on a stream that is gone', data(1, Buffer.alloc(1))],
  ['settings acknowledgements', frame(4, 1, 0)],
  ['answers to no PING', ping('87654321', 1)],
]

for (const [title, bytes] of junk) {
  test(`a flood of ${title} ends the connection`, () => {
    const peer = new WirePeer({ limits: { junkCountMax: 500, resetCountMax: 500 } })
    peer.send(headers(1), reset(1))
    assert.ok(flood(peer, 2000, () => bytes) <= 501)
  })
}

test('PINGs without streams more often than allowed: too_many_pings', () => {
  const peer = new WirePeer()
  assert.equal(flood(peer, 100, () => pingAfter(peer, 60_000)), 4)
  assert.equal(peer.lines().at(-1), `GOAWAY 0 ${CALM} too_many_pings`)
})

test('with an open stream PINGs may come every five seconds, but not every four', () => {
  const patient = new WirePeer()
  patient.send(headers(1))
  assert.equal(flood(patient, 100, () => pingAfter(patient, 5_000)), 100)
  const hasty = new WirePeer()
  hasty.send(headers(1))
  assert.equal(flood(hasty, 100, () => pingAfter(hasty, 4_999)), 4)
  assert.equal(hasty.counters.abuse.pings, 1)
})

test('PINGs that follow answers are excused, because clients measure their bandwidth so', () => {
  const peer = new WirePeer()
  peer.send(headers(1))
  const count = flood(peer, 100, () => {
    peer.session.sender.writeHeaders(1, RESPONSE_HEADERS)
    return ping()
  })
  assert.equal(count, 100)
})

test('a header list larger than allowed is marked and leaves the table in step', () => {
  const peer = new WirePeer({ limits: { headerListBytesMax: 1000 } })
  peer.send(headers(1, [...GRPC_REQUEST, ['x', 'y'.repeat(900)]]), request(3))
  assert.deepEqual(peer.recorder.heard, ['start 1', 'start 3', 'half-close 3'])
})

test('an HPACK bomb of references to one large entry costs neither memory nor much time', () => {
  const peer = new WirePeer({ limits: { headerListBytesMax: 65_536 } })
  const large = Buffer.concat([Buffer.from([0x40, 1, 0x78, 0x7f, 0xa1, 0x1e]), Buffer.alloc(4000, 'y')])
  peer.send(frame(FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, 1, large))
  const references = Buffer.alloc(16_384, 0xbe)
  const started = process.hrtime.bigint()
  for (let id = 3; id < 203; id += 2) {
    peer.send(frame(FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, id, references))
  }
  const tookMs = Number(process.hrtime.bigint() - started) / 1e6
  assert.equal(peer.session.isFinished, false)
  assert.ok(tookMs < 2000, `a hundred blocks that stand for 64 MB each took ${tookMs} ms`)
})

test('a client that does not read is cut when its answers pass the output bound', () => {
  const limits: Partial<Http2Limits> = { outputSoftBytes: 10_000, outputBytesMax: 100_000, settingsCountMax: 1e9 }
  const peer = new WirePeer({ limits })
  const answers = flood(peer, 1e6, () => settings())
  assert.ok(peer.session.isBackedUp)
  assert.equal(peer.session.isCut, true)
  assert.ok(answers < 100_000 / 9 + 10)
  assert.ok(peer.session.sender.bytes.length <= 320 * 1024)
  assert.equal(peer.counters.slowReadersCut, 1)
})

test('a client whose calls have too much waiting gets no new ones, and then no connection', () => {
  const peer = new WirePeer({ limits: { queuedBytesMax: 10_000 } })
  peer.send(settings([4, 0]), request(1))
  const { sender, streams } = peer.session
  const first = streams.get(1)
  assert.ok(first !== undefined)
  sender.sendData(first, Buffer.alloc(6_000), 0, 6_000)
  peer.send(request(3))
  assert.deepEqual(peer.lines(), ['SETTINGS ACK', 'RST_STREAM 3 REFUSED_STREAM'])
  sender.sendData(first, Buffer.alloc(6_000), 0, 6_000)
  assert.equal(peer.session.beforeWrite(), false)
  assert.equal(peer.recorder.heard.at(-1), 'lost 1 with its connection')
})

test('a connection that says nothing is cut after the handshake time', () => {
  const peer = new WirePeer({ isOpen: false, limits: { handshakeMs: 10_000 } })
  peer.send(PREFACE.subarray(0, 10))
  peer.pass(9_999)
  assert.equal(peer.session.isFinished, false)
  peer.pass(1)
  assert.equal(peer.session.isCut, true)
  assert.equal(peer.counters.handshakesTimedOut, 1)
})

test('a connection without streams is closed after its idle time, told so', () => {
  const peer = new WirePeer({ limits: { idleMs: 1000 } })
  peer.pass(900)
  peer.send(headers(1))
  peer.pass(5000)
  assert.equal(peer.session.isFinished, false)
  peer.send(reset(1))
  peer.pass(1000)
  assert.equal(peer.lines().at(-1), 'GOAWAY 1 NO_ERROR max_idle')
})

test('a silent client is asked whether it is alive, and cut when it does not answer', () => {
  const peer = new WirePeer({ limits: { serverPingMs: 1000, serverPingTimeoutMs: 200 } })
  peer.pass(1000)
  assert.deepEqual(peer.lines(), ['PING alive? ?'])
  peer.pass(199)
  assert.equal(peer.session.isFinished, false)
  peer.pass(1)
  assert.equal(peer.session.isCut, true)
  assert.equal(peer.counters.keepaliveTimedOut, 1)
})

test('a silent client that answers lives on', () => {
  const peer = new WirePeer({ limits: { serverPingMs: 1000, serverPingTimeoutMs: 200 } })
  peer.pass(1000)
  peer.send(ping('alive? ?', 1))
  peer.pass(999)
  assert.equal(peer.session.isFinished, false)
  assert.deepEqual(peer.lines(), ['PING alive? ?'])
  peer.pass(1)
  assert.deepEqual(peer.lines(), ['PING alive? ?'])
})

test('output that the socket does not take for too long cuts the connection', () => {
  const peer = new WirePeer({ limits: { stallMs: 1000 } })
  peer.session.deadlines.onStall(peer.nowMs)
  peer.pass(999)
  assert.equal(peer.session.isFinished, false)
  peer.pass(1)
  assert.equal(peer.session.isCut, true)
  assert.equal(peer.counters.slowReadersCut, 1)
})

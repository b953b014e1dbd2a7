/** Graceful shutdown: two GOAWAYs, every call that the client believes served is served, then the end. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FLAG_END_STREAM } from '../../../src/front/http2/frame-layout.js'
import { trailersOnlyFrame } from '../../../src/front/grpc/grpc-response-frames.js'
import { data, headers, ping, request } from './support/frames.js'
import { WirePeer } from './support/wire-peer.js'

const STREAM_ID_MAX = 2 ** 31 - 1

function answer(peer: WirePeer, id: number): void {
  const stream = peer.session.streams.get(id)
  assert.ok(stream !== undefined)
  peer.session.sender.endStream(stream, trailersOnlyFrame(0, ''))
}

test('the first GOAWAY refuses nothing, the answer to its PING brings the second', () => {
  const peer = new WirePeer()
  peer.send(request(1))
  peer.session.drain(peer.nowMs, 10_000)
  assert.deepEqual(peer.lines(), [`GOAWAY ${STREAM_ID_MAX} NO_ERROR shutdown`, 'PING draining'])
  peer.send(request(3), ping('draining', 1), request(5))
  assert.deepEqual(peer.lines(), ['GOAWAY 3 NO_ERROR'])
  assert.deepEqual(peer.recorder.heard, ['start 1', 'half-close 1', 'start 3', 'half-close 3'])
})

test('a client that does not answer the PING gets the second GOAWAY a little later', () => {
  const peer = new WirePeer({ limits: { drainNoticeMs: 1000 } })
  peer.send(request(1))
  peer.session.drain(peer.nowMs, 10_000)
  peer.pass(999)
  assert.equal(peer.frames().length, 2)
  peer.pass(1)
  assert.deepEqual(peer.lines(), ['GOAWAY 1 NO_ERROR'])
})

test('open calls go on until they end, and the connection with the last of them', () => {
  const peer = new WirePeer()
  peer.send(request(1), headers(3))
  peer.session.drain(peer.nowMs, 10_000)
  peer.send(ping('draining', 1))
  answer(peer, 1)
  assert.equal(peer.session.isFinished, false)
  peer.send(data(3, Buffer.from('more'), FLAG_END_STREAM))
  answer(peer, 3)
  assert.equal(peer.session.isFinished, true)
  assert.equal(peer.session.isCut, false)
  assert.equal(peer.lines().at(-1), 'HEADERS 3 :status=200 content-type=application/grpc grpc-status=0 END')
})

test('a connection without calls ends with the second GOAWAY', () => {
  const peer = new WirePeer()
  peer.session.drain(peer.nowMs, 10_000)
  peer.send(ping('draining', 1))
  assert.equal(peer.session.isFinished, true)
})

test('calls that do not end in time are lost with their connection', () => {
  const peer = new WirePeer()
  peer.send(headers(1))
  peer.session.drain(peer.nowMs, 5000)
  peer.pass(4999)
  assert.equal(peer.session.isFinished, false)
  peer.pass(1)
  assert.equal(peer.recorder.heard.at(-1), 'lost 1 with its connection')
  assert.equal(peer.lines().at(-1), 'GOAWAY 1 NO_ERROR shutdown')
})

test('a connection that has not begun is cut', () => {
  const peer = new WirePeer({ isOpen: false })
  peer.session.drain(peer.nowMs, 5000)
  assert.equal(peer.session.isCut, true)
})

test('another answer to a PING is not taken for the one that the shutdown waits for', () => {
  const peer = new WirePeer()
  peer.session.drain(peer.nowMs, 10_000)
  peer.send(ping('alive? ?', 1))
  assert.equal(peer.session.isFinished, false)
})

/** Both directions of flow control: nobody sends more than was asked for, and nobody waits for ever. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FLAG_END_STREAM, FRAME_DATA, FRAME_PAYLOAD_BYTES_DEFAULT } from '../../../src/front/http2/frame-layout.js'
import type { Http2Stream } from '../../../src/front/http2/session/http2-stream.js'
import { RESPONSE_HEADERS, trailersFrame } from '../../../src/front/grpc/grpc-response-frames.js'
import { data, frame, headers, request, reset, settings, windowUpdate } from './support/frames.js'
import { WirePeer } from './support/wire-peer.js'

const KiB = 1024
const MiB = 1024 * KiB

function streamOf(peer: WirePeer, id: number): Http2Stream {
  const stream = peer.session.streams.get(id)
  assert.ok(stream !== undefined)
  return stream
}

function respond(peer: WirePeer, id: number, size: number): void {
  const stream = streamOf(peer, id)
  peer.session.sender.writeHeaders(id, RESPONSE_HEADERS)
  peer.session.sender.sendData(stream, Buffer.alloc(size), 0, size)
  peer.session.sender.endStream(stream, trailersFrame(0, ''))
}

function dataBytes(peer: WirePeer): number {
  let bytes = 0
  for (const { type, payload } of peer.frames()) if (type === FRAME_DATA) bytes += payload.length
  return bytes
}

test('a response larger than its stream window waits for WINDOW_UPDATE, then for nothing', () => {
  const peer = new WirePeer()
  peer.send(settings([4, 10]), request(1))
  peer.frames()
  respond(peer, 1, 25)
  assert.deepEqual(peer.lines().slice(1), ['DATA 1 [10]'])
  peer.send(windowUpdate(1, 10))
  assert.deepEqual(peer.lines(), ['DATA 1 [10]'])
  peer.send(windowUpdate(1, 10))
  assert.deepEqual(peer.lines(), ['DATA 1 [5]', 'HEADERS 1 grpc-status=0 END'])
  assert.equal(peer.session.streams.size, 0)
})

test('a response larger than the connection window waits for it', () => {
  const peer = new WirePeer()
  peer.send(settings([4, 2 ** 30]), request(1))
  peer.frames()
  respond(peer, 1, 100_000)
  assert.equal(dataBytes(peer), 65_535)
  peer.send(windowUpdate(0, 100_000))
  assert.equal(dataBytes(peer), 100_000 - 65_535)
})

test('streams that wait for the connection window are served in turn', () => {
  const peer = new WirePeer()
  peer.send(settings([4, 2 ** 30]), request(1), request(3), request(5))
  respond(peer, 1, 65_535)
  for (const id of [3, 5]) respond(peer, id, 2 * FRAME_PAYLOAD_BYTES_DEFAULT)
  peer.frames()
  peer.send(windowUpdate(0, 2 ** 20))
  const order = peer.frames().filter(({ type }) => type === FRAME_DATA).map(({ streamId }) => streamId)
  assert.deepEqual(order, [3, 5, 3, 5])
})

test('a setting that shrinks the stream windows below zero holds everything back until they are positive again', () => {
  const peer = new WirePeer()
  peer.send(settings([4, 1000]), request(1))
  respond(peer, 1, 1500)
  assert.equal(dataBytes(peer), 1000)
  peer.send(settings([4, 100]))
  assert.equal(streamOf(peer, 1).sendWindow, -900)
  peer.send(windowUpdate(1, 900))
  assert.equal(dataBytes(peer), 0)
  peer.send(windowUpdate(1, 1))
  assert.equal(dataBytes(peer), 1)
  peer.send(settings([4, 1000]))
  assert.equal(dataBytes(peer), 499)
})

test('trailers wait behind queued data', () => {
  const peer = new WirePeer()
  peer.send(settings([4, 0]), request(1))
  peer.frames()
  respond(peer, 1, 3)
  assert.deepEqual(peer.lines(), ['HEADERS 1 :status=200 content-type=application/grpc'])
  peer.send(windowUpdate(1, 3))
  assert.deepEqual(peer.lines(), ['DATA 1 [3]', 'HEADERS 1 grpc-status=0 END'])
})

test('no frame of ours is larger than what every peer takes', () => {
  const peer = new WirePeer()
  peer.send(settings([4, 2 ** 30], [5, 2 ** 24 - 1]), windowUpdate(0, 2 ** 30), request(1))
  respond(peer, 1, 100_000)
  const sizes = peer.frames().filter(({ type }) => type === FRAME_DATA).map(({ payload }) => payload.length)
  assert.deepEqual(sizes, [16_384, 16_384, 16_384, 16_384, 16_384, 16_384, 1_696])
})

test('the output stops taking data at its soft bound and goes on when it was written', () => {
  const peer = new WirePeer({ limits: { outputSoftBytes: 64 * KiB, callQueueHighBytes: 128 * KiB } })
  peer.send(settings([4, 2 ** 30]), windowUpdate(0, 2 ** 30), request(1))
  respond(peer, 1, 1024 * KiB)
  assert.ok(peer.session.sender.length < 64 * KiB + 16_384 + 9)
  assert.equal(peer.session.isBackedUp, true)
  assert.equal(dataBytes(peer), 1024 * KiB)
})

test('a writer whose queue is full is told when it has drained', () => {
  const peer = new WirePeer({ limits: { callQueueHighBytes: 1000, callQueueLowBytes: 100 } })
  peer.send(settings([4, 0]), request(1))
  const stream = streamOf(peer, 1)
  peer.session.sender.sendData(stream, Buffer.alloc(999), 0, 999)
  assert.equal(stream.wantsWritable, false)
  peer.session.sender.sendData(stream, Buffer.alloc(1), 0, 1)
  assert.equal(stream.wantsWritable, true)
  peer.send(windowUpdate(1, 899))
  assert.equal(peer.recorder.heard.includes('writable 1'), false)
  peer.send(windowUpdate(1, 1))
  assert.equal(peer.recorder.heard.at(-1), 'writable 1')
  assert.equal(stream.wantsWritable, false)
})

test('windows are given back by halves, for the stream and for the connection', () => {
  const peer = new WirePeer({ limits: { streamWindowBytes: 40_000, connectionWindowBytes: 80_000 } })
  peer.send(headers(1), data(1, Buffer.alloc(16_000)))
  assert.deepEqual(peer.lines(), [])
  peer.send(data(1, Buffer.alloc(4_000)))
  assert.deepEqual(peer.lines(), ['WINDOW_UPDATE 1 +20000'])
  peer.send(headers(3), data(3, Buffer.alloc(16_000)), data(3, Buffer.alloc(4_000), FLAG_END_STREAM))
  assert.deepEqual(peer.lines(), ['WINDOW_UPDATE 0 +40000'])
})

test('a client that sends more than its stream window loses the stream, not the connection', () => {
  const peer = new WirePeer({ limits: { streamWindowBytes: 10_000 } })
  peer.send(headers(1), data(1, Buffer.alloc(10_001)), request(3))
  assert.deepEqual(peer.lines(), ['RST_STREAM 1 FLOW_CONTROL_ERROR'])
  assert.deepEqual(peer.recorder.heard, ['start 1', 'over 1', 'lost 1', 'start 3', 'half-close 3'])
})

test('a client that goes on sending into a window that is withheld loses the stream', () => {
  const peer = new WirePeer({ limits: { streamWindowBytes: 20_000, callQueueHighBytes: 5_000, callQueueLowBytes: 10 } })
  peer.send(settings([4, 0]), headers(1))
  peer.recorder.onPayload = (stream) => peer.session.sender.sendData(stream, Buffer.alloc(6_000), 0, 6_000)
  peer.send(data(1, Buffer.alloc(12_000)), data(1, Buffer.alloc(8_000)), data(1, Buffer.alloc(1)))
  assert.deepEqual(peer.lines(), ['SETTINGS ACK', 'RST_STREAM 1 FLOW_CONTROL_ERROR'])
})

test('data on a stream that is gone is charged to the connection and given back', () => {
  const peer = new WirePeer({ limits: { connectionWindowBytes: 65_535 } })
  peer.send(headers(1))
  peer.session.resetStream(streamOf(peer, 1), 8)
  peer.frames()
  peer.send(data(1, Buffer.alloc(16_384)), data(1, Buffer.alloc(16_384)))
  assert.deepEqual(peer.lines(), ['WINDOW_UPDATE 0 +32768'])
})

test('a client that does not read its answers is given no more window on that stream', () => {
  const peer = new WirePeer({ limits: { streamWindowBytes: 10_000, callQueueHighBytes: 5_000, callQueueLowBytes: 10 } })
  peer.send(settings([4, 0]), headers(1))
  const answers = 6_000
  peer.recorder.onPayload = (stream) => peer.session.sender.sendData(stream, Buffer.alloc(answers), 0, answers)
  peer.send(data(1, Buffer.alloc(8_000)))
  assert.deepEqual(peer.lines(), ['SETTINGS ACK'])
  peer.send(windowUpdate(1, answers))
  assert.deepEqual(peer.lines(), ['DATA 1 [6000]', 'WINDOW_UPDATE 1 +8000'])
})

test('streams that are opened and reset while the connection window is shut leave nothing behind', () => {
  const peer = new WirePeer({ limits: { resetCountMax: 1e9 } })
  peer.send(settings([4, 2 ** 20]), request(1))
  respond(peer, 1, 65_535 + 1)
  peer.frames()
  for (let id = 3; id < 20_003; id += 2) {
    peer.send(request(id))
    respond(peer, id, 100)
    peer.send(reset(id))
    peer.frames()
  }
  assert.equal(peer.session.streams.size, 1)
  assert.equal(peer.session.sender.queuedBytes, 1)
  assert.ok(peer.session.sender.waitingStreamCount < 2_000)
})

test('whatever windows are opened, in whatever steps, every octet arrives in order and none too early', () => {
  const stream = fc.integer({ min: 0, max: 2 })
  const step = fc.oneof(
    fc.tuple(fc.constant('stream' as const), stream, fc.integer({ min: 1, max: 40_000 })),
    fc.tuple(fc.constant('connection' as const), stream, fc.integer({ min: 1, max: 60_000 })),
    fc.tuple(fc.constant('initial' as const), stream, fc.integer({ min: 0, max: 70_000 })),
    fc.tuple(fc.constant('send' as const), stream, fc.integer({ min: 1, max: 50_000 })),
  )
  const limits = { settingsCountMax: 1000, outputSoftBytes: 30_000, callQueueHighBytes: 40_000, callQueueLowBytes: 10 }
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const peer = new WirePeer({ limits })
      const model = new FlowModel(peer)
      for (const [kind, id, by] of steps) {
        if (kind === 'stream') model.openStreamWindow(id, by)
        else if (kind === 'connection') model.openConnectionWindow(by)
        else if (kind === 'initial') model.setInitialWindow(by)
        else model.send(id, by)
        model.read()
      }
      model.openAll()
    }),
    { numRuns: 60 },
  )
})

/** Keeps the client's own books on three streams. */
class FlowModel {
  readonly #peer: WirePeer
  readonly #windows = [65_535, 65_535, 65_535]
  #connection = 65_535
  #initial = 65_535
  readonly #sent = [0, 0, 0]
  readonly #seen = [0, 0, 0]

  constructor(peer: WirePeer) {
    this.#peer = peer
    peer.send(request(1), request(3), request(5))
  }

  openStreamWindow(index: number, by: number): void {
    this.#windows[index] = (this.#windows[index] as number) + by
    this.#peer.send(windowUpdate(2 * index + 1, by))
  }

  openConnectionWindow(by: number): void {
    this.#connection += by
    this.#peer.send(windowUpdate(0, by))
  }

  setInitialWindow(value: number): void {
    for (let i = 0; i < 3; i++) this.#windows[i] = (this.#windows[i] as number) + value - this.#initial
    this.#initial = value
    this.#peer.send(settings([4, value]))
  }

  /** Octet n of a stream is n mod 251. */
  send(index: number, count: number): void {
    const from = this.#sent[index] as number
    const bytes = Uint8Array.from({ length: count }, (_, i) => (from + i) % 251)
    this.#sent[index] = from + count
    this.#peer.session.sender.sendData(streamOf(this.#peer, 2 * index + 1), bytes, 0, count)
  }

  read(): void {
    for (const { type, streamId, payload } of this.#peer.frames()) {
      if (type !== FRAME_DATA) continue
      const index = (streamId - 1) / 2
      const seen = this.#seen[index] as number
      for (let i = 0; i < payload.length; i++) assert.equal(payload[i], (seen + i) % 251)
      this.#seen[index] = seen + payload.length
      this.#windows[index] = (this.#windows[index] as number) - payload.length
      this.#connection -= payload.length
      assert.ok((this.#windows[index] as number) >= 0, 'a stream window was overrun')
      assert.ok(this.#connection >= 0, 'the connection window was overrun')
    }
  }

  openAll(): void {
    this.setInitialWindow(2 ** 30)
    this.openConnectionWindow(2 ** 30)
    this.read()
    assert.deepEqual(this.#seen, this.#sent)
    assert.equal(this.#peer.session.sender.queuedBytes, 0)
  }
}

test('an empty DATA frame with END_STREAM ends the request', () => {
  const peer = new WirePeer()
  peer.send(headers(1), frame(FRAME_DATA, FLAG_END_STREAM, 1))
  assert.deepEqual(peer.recorder.heard, ['start 1', 'half-close 1'])
})

function dataOrder(peer: WirePeer): number[] {
  return peer.frames().filter(({ type }) => type === FRAME_DATA).map(({ streamId }) => streamId)
}

test('what fits one frame goes before large answers that wait', () => {
  const peer = new WirePeer()
  peer.send(settings([4, 2 ** 30]), ...[1, 3, 5, 7].map((id) => request(id)))
  for (const id of [1, 3, 5]) peer.session.sender.sendData(streamOf(peer, id), Buffer.alloc(MiB), 0, MiB)
  peer.frames()
  peer.session.sender.sendData(streamOf(peer, 7), Buffer.alloc(100), 0, 100)
  assert.deepEqual(dataOrder(peer), [])
  peer.send(windowUpdate(0, 3 * 16_384 + 100))
  assert.deepEqual(dataOrder(peer), [7, 1, 3, 5])
})

test('a large answer has its turn after sixteen small ones', () => {
  const peer = new WirePeer()
  const small = Array.from({ length: 20 }, (_, i) => 2 * i + 3)
  peer.send(settings([4, 2 ** 30]), ...[1, ...small].map((id) => request(id)))
  peer.session.sender.sendData(streamOf(peer, 1), Buffer.alloc(MiB), 0, MiB)
  peer.frames()
  for (const id of small) peer.session.sender.sendData(streamOf(peer, id), Buffer.alloc(10), 0, 10)
  peer.send(windowUpdate(0, 16_384 + 200))
  assert.deepEqual(dataOrder(peer), [...small.slice(0, 16), 1, ...small.slice(16)])
})

/** The hearing end of a stream: what raft gets, what waits, what ends it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClockWatch } from '../../../src/peer/streams/clock-watch.js'
import { FrameKind, PING_BYTES, frameOf } from '../../../src/peer/streams/frames.js'
import type { StreamKind } from '../../../src/peer/streams/handshake.js'
import { IncomingStream, type Inlet } from '../../../src/peer/streams/incoming-stream.js'
import type { LogFields } from '../../../src/metrics/logger.js'
import { PeerSlot, PeerWord } from '../../../src/metrics/peer-page.js'
import { throwingLogger } from '../../support/throwing-logger.js'

const PATIENCE_MS = 5000

class Rig implements Inlet {
  readonly heard: string[] = []
  readonly written: Buffer[] = []
  readonly reasons: string[] = []
  readonly stream: IncomingStream
  hasRoom = true
  dropped = 0
  isPaused = false
  isCut = false

  constructor(kind: StreamKind = 'append') {
    this.stream = new IncomingStream({
      kind,
      inlet: this,
      frameBytesMax: 1000,
      patienceMs: PATIENCE_MS,
      wallMs: () => 77,
      deliver: (bytes, start, end) => {
        if (this.hasRoom) this.heard.push(Buffer.from(bytes.subarray(start, end)).toString())
        return this.hasRoom
      },
      onMark: () => undefined, onDropped: () => void this.dropped++,
      onClosed: (reason) => void this.reasons.push(reason),
    }, 0)
  }

  write(bytes: Buffer): void {
    this.written.push(bytes)
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  close(): void {
    this.isCut = true
  }

  hear(nowMs: number, ...texts: readonly string[]): void {
    this.stream.onData(Buffer.concat(texts.map((text) => frameOf(FrameKind.message, Buffer.from(text)))), nowMs)
  }
}

test('entries wait for room in their order, and the socket is not read meanwhile', () => {
  const rig = new Rig()
  rig.hear(1, 'a')
  rig.hasRoom = false
  rig.hear(2, 'b', 'c')
  assert.ok(rig.isPaused)
  rig.stream.onRoom(3)
  assert.ok(rig.isPaused)
  rig.hasRoom = true
  rig.stream.onRoom(4)
  assert.equal(rig.isPaused, false)
  rig.hear(5, 'd')
  assert.deepEqual(rig.heard, ['a', 'b', 'c', 'd'])
  assert.equal(rig.dropped, 0)
})

test('who is held back is not taken for dead', () => {
  const rig = new Rig()
  rig.hasRoom = false
  rig.hear(0, 'a')
  rig.stream.onDeadline(10 * PATIENCE_MS)
  assert.deepEqual(rig.reasons, [])
  rig.hasRoom = true
  rig.stream.onRoom(10 * PATIENCE_MS)
  rig.stream.onDeadline(11 * PATIENCE_MS)
  assert.deepEqual(rig.reasons, ['nothing heard for 5000 ms'])
  assert.ok(rig.isCut)
})

test('urgent messages without room are dropped and counted, and those after them are heard', () => {
  const rig = new Rig('message')
  rig.hasRoom = false
  rig.hear(1, 'a', 'b')
  rig.hasRoom = true
  rig.hear(2, 'c')
  assert.deepEqual(rig.heard, ['c'])
  assert.equal(rig.dropped, 2)
  assert.equal(rig.isPaused, false)
})

test('a ping is answered with what it said and the time here', () => {
  const rig = new Rig('message')
  const ping = Buffer.alloc(PING_BYTES)
  ping.writeDoubleLE(12.5)
  rig.stream.onData(frameOf(FrameKind.ping, ping), 1)
  const body = Buffer.alloc(16)
  body.writeDoubleLE(12.5)
  body.writeDoubleLE(77, 8)
  assert.deepEqual(rig.written, [frameOf(FrameKind.pong, body)])
})

test('what is no frame, or none of a sender, ends the stream once', () => {
  for (const bytes of [
    Buffer.alloc(50, 0xff),
    frameOf(FrameKind.pong, Buffer.alloc(16)),
    frameOf(FrameKind.ping, Buffer.alloc(3)),
    frameOf(99, Buffer.alloc(0)),
    frameOf(FrameKind.message, Buffer.alloc(2000)),
  ]) {
    const rig = new Rig()
    rig.hear(1, 'before')
    rig.stream.onData(Buffer.from(bytes), 2)
    rig.hear(3, 'after')
    rig.stream.close('again')
    assert.equal(rig.reasons.length, 1)
    assert.deepEqual(rig.heard, ['before'])
    assert.ok(rig.isCut)
  }
})

test('a clock that is far from ours is said in the log, though not with every ping', () => {
  const lines: LogFields[] = []
  const slot = PeerSlot.unseen(0xbn)
  const watch = new ClockWatch(0xbn, slot, { ...throwingLogger, warn: (_, __, fields = {}) => void lines.push(fields) })
  watch.onPong(100, 10_000, 10_040, 0)
  assert.equal(slot.get(PeerWord.clockAheadMs), 10)
  assert.equal(lines.length, 0)
  watch.onPong(100, 8000, 10_050, 1000)
  watch.onPong(100, 8000, 10_050, 2000)
  watch.onPong(100, 12_000, 10_050, 40_000)
  assert.deepEqual(lines, [
    { 'remote-peer-id': 'b', 'clock-drift': '-2000ms', rtt: '100.000ms' },
    { 'remote-peer-id': 'b', 'clock-drift': '2000ms', rtt: '100.000ms' },
  ])
})

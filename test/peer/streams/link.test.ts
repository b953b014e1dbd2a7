/** The sending end of a stream: dialing, pauses, pings and the end of patience, under a clock of the test's own. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FrameKind } from '../../../src/peer/streams/frames.js'
import { LinkRig, TIMES } from './link-rig.js'

const MESSAGE = Buffer.from('message')

test('messages of a turn leave with one write, in their order', () => {
  const rig = new LinkRig()
  rig.dial.open()
  rig.turn()
  rig.dial.written.length = 0
  assert.ok(rig.link.send(Buffer.from('a')))
  assert.ok(rig.link.send(Buffer.from('b')))
  rig.turn()
  assert.equal(rig.dial.written.length, 1)
  assert.deepEqual(rig.dial.frames(FrameKind.message).map(String), ['a', 'b'])
})

test('what is said while a dial is under way waits for it; without a dial it is lost', () => {
  const rig = new LinkRig()
  assert.ok(rig.link.send(MESSAGE))
  rig.turn()
  rig.dial.open()
  rig.turn()
  assert.deepEqual(rig.dial.frames(FrameKind.message), [MESSAGE])
  rig.dial.events.onFailed('reset')
  assert.equal(rig.link.send(MESSAGE), false)
  assert.deepEqual(rig.log, ['open', 'lost: reset'])
})

test('a failed dial loses what waited for it, and nothing of it is sent later', () => {
  const rig = new LinkRig()
  assert.ok(rig.link.send(MESSAGE))
  rig.dial.events.onFailed('refused')
  rig.toNextDeadline()
  rig.dial.open()
  rig.turn()
  assert.deepEqual(rig.dial.frames(FrameKind.message), [])
  assert.deepEqual(rig.log, ['failed: refused', 'open'])
})

test('pauses between dials double up to their bound and begin anew after a stream', () => {
  const rig = new LinkRig()
  const pauses: number[] = []
  for (let i = 0; i < 6; i++) {
    rig.dial.events.onFailed('refused')
    pauses.push(rig.toNextDeadline())
  }
  assert.deepEqual(pauses, [100, 200, 400, 800, 1000, 1000])
  rig.dial.open()
  rig.dial.events.onFailed('reset')
  assert.equal(rig.toNextDeadline(), 100)
})

test('another URL of the member is tried after each failure', () => {
  const rig = new LinkRig(['http://a:1', 'http://b:2'])
  for (let i = 0; i < 3; i++) {
    rig.dial.events.onFailed('refused')
    rig.toNextDeadline()
  }
  assert.deepEqual(rig.dials.map(({ url }) => url), ['http://a:1', 'http://b:2', 'http://a:1', 'http://b:2'])
})

test('a dial without an answer is given up, and what it brings later is cut', () => {
  const rig = new LinkRig()
  const [first] = rig.dials
  assert.equal(rig.toNextDeadline(), TIMES.dialMs)
  assert.ok(first?.isGivenUp)
  assert.deepEqual(rig.log, ['failed: no answer within 2000 ms'])
  first?.open()
  assert.ok(first?.isCut)
  assert.equal(rig.link.isOpen, false)
})

test('pings measure the way', () => {
  const rig = new LinkRig()
  rig.dial.open()
  rig.turn()
  rig.clock.now += 3
  rig.dial.pong(77)
  assert.deepEqual(rig.log, ['open', 'pong 3 77'])
  rig.turn(TIMES.pingMs)
  assert.equal(rig.dial.frames(FrameKind.ping).length, 2)
})

test('a stream on which nobody answers is dead, although the kernel takes what is written', () => {
  const rig = new LinkRig()
  rig.dial.open()
  for (let passed = 0; passed < TIMES.patienceMs; passed += 500) {
    rig.link.send(MESSAGE)
    rig.turn(500)
    rig.dial.drain()
  }
  assert.deepEqual(rig.log, ['open', 'lost: no sign of life for 5000 ms'])
  assert.ok(rig.dial.isCut)
})

test('a stream that answers lives', () => {
  const rig = new LinkRig()
  rig.dial.open()
  for (let i = 0; i < 20; i++) {
    rig.turn(TIMES.pingMs)
    rig.dial.drain()
    rig.dial.pong(0)
  }
  assert.ok(rig.link.isOpen)
  assert.equal(rig.dials.length, 1)
})

test('a receiver that takes nothing costs bounded memory: what comes above is refused', () => {
  const rig = new LinkRig(['http://a:1'], 10_000)
  rig.dial.open()
  let taken = 0
  for (let i = 0; i < 100; i++) {
    if (rig.link.send(Buffer.alloc(500))) taken++
    rig.turn()
  }
  assert.equal(taken, 19)
  assert.ok(rig.link.queuedBytes <= 10_000)
  rig.dial.drain()
  assert.equal(rig.link.queuedBytes, 0)
  assert.ok(rig.link.send(Buffer.alloc(500)))
})

test('a stream whose other end answers but takes nothing is given up', () => {
  const rig = new LinkRig()
  rig.dial.open()
  rig.turn()
  for (let passed = 0; passed < TIMES.writeMs; passed += 500) {
    rig.dial.pong(0)
    rig.link.send(MESSAGE)
    rig.turn(500)
  }
  assert.equal(rig.log.at(-1), 'lost: nothing was taken for 3000 ms')
})

test('other URLs end the stream to the old place and dial the new one at once', () => {
  const rig = new LinkRig()
  const [first] = rig.dials
  first?.open()
  rig.link.setUrls(['http://a:1'], rig.clock.now)
  assert.ok(rig.link.isOpen)
  rig.link.setUrls(['http://c:3'], rig.clock.now)
  assert.ok(first?.isCut)
  assert.equal(rig.dial.url, 'http://c:3')
  first?.events.onFailed('closed')
  rig.dial.open()
  assert.deepEqual(rig.log, ['open', 'lost: its peer URLs have changed', 'open'])
})

test('a member that shows up need not wait for the end of a pause', () => {
  const rig = new LinkRig()
  for (let i = 0; i < 5; i++) {
    rig.dial.events.onFailed('refused')
    rig.toNextDeadline()
  }
  rig.dial.events.onFailed('refused')
  rig.link.hurry(rig.clock.now)
  rig.turn()
  assert.equal(rig.dials.length, 7)
})

test('an answer that is no pong ends the stream', () => {
  const rig = new LinkRig()
  rig.dial.open()
  rig.dial.events.onData(Buffer.alloc(40, 0x55))
  assert.match(rig.log.at(-1) ?? '', /^lost: a frame of \d+ bytes, more than 16$/)
  assert.equal(rig.link.isOpen, false)
})

test('a link that is stopped is silent for good', () => {
  const rig = new LinkRig()
  rig.dial.open()
  rig.link.stop()
  assert.ok(rig.dial.isCut)
  assert.equal(rig.link.send(MESSAGE), false)
  assert.equal(rig.link.wakeAtMs(), Infinity)
  rig.turn(100_000)
  assert.equal(rig.dials.length, 1)
})

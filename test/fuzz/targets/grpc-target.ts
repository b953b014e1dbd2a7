/**
 * gRPC calls with wrong prefixes, lengths, encodings, timeouts and ends: every call is answered or reset, nothing is
 * held for one that is over, and no deadline outlives its call.
 */

import assert from 'node:assert/strict'
import { deflateSync, gzipSync } from 'node:zlib'
import type { Prng } from '../../../src/base/prng.js'
import { GrpcServer } from '../../../src/front/grpc/grpc-server.js'
import { EchoService } from '../../front/grpc/support/echo-service.js'
import { message, type Fields } from '../../front/http2/support/frames.js'
import { WirePeer } from '../../front/http2/support/wire-peer.js'
import type { FuzzTarget } from '../fuzz-target.js'
import { hugeVarint, mutate, pieces, randomText } from '../mutation.js'
import { Conversation } from '../random-frames.js'

const MESSAGE_BYTES_MAX = 2000
const LONGEST_TIMEOUT_MS = 100_000 * 3_600_000
const METHODS = ['Unary', 'Unary', 'Stream', 'Hang', 'Fail', 'Headers', 'Metadata', 'Nope'] as const
const TIMEOUTS = ['1S', '5m', '1n', '99999999H', '0S', '', '-1S', '1', 'S', '123456789S', '10µ', '100u'] as const
const TYPES = ['application/grpc', 'application/grpc+proto', 'application/grpc;x', 'application/json', ''] as const
const ENCODINGS = ['identity', 'gzip', 'deflate', 'snappy', ''] as const

/** Compressing is slow: a few texts are compressed once. */
const COMPRESSED = ['', 'hello', 'x'.repeat(1000), 'x'.repeat(10_000)].flatMap((text) => [
  gzipSync(text),
  deflateSync(text),
])

export class GrpcTarget implements FuzzTarget {
  run(random: Prng): void {
    const service = new EchoService()
    const server = new GrpcServer({ service, messageBytesMax: MESSAGE_BYTES_MAX, heldBytesMax: 100_000 })
    const peer = new WirePeer({ handler: server, limits: { heldBytesMax: 20_000 } })
    const { session } = peer
    const conversation = new Conversation({ fields: randomHead, payload: randomPayload })
    for (let parts = random.between(1, 10); parts > 0 && !session.isFinished; parts--) {
      for (const piece of pieces(random, conversation.part(random))) peer.send(piece)
      if (random.chance(0.5)) peer.frames()
      if (random.chance(0.1)) {
        peer.pass(random.pick([1, 1000, 100_000]))
        server.onDeadline(peer.nowMs)
      }
      assert.ok(session.heldBytes >= 0)
    }
    peer.frames()
    session.onSocketGone()
    assert.equal(session.streams.size, 0, 'calls outlive their connection')
    assert.equal(session.heldBytes, 0, 'memory is held for calls that are over')
    // What is left of the wheel of deadlines holds no calls.
    server.onDeadline(peer.nowMs + LONGEST_TIMEOUT_MS)
    assert.equal(server.wakeAtMs(), Infinity, 'a deadline outlives its call')
    for (const call of service.started) assert.ok(call.isOver, `${call.method} never ended`)
  }
}

function randomHead(random: Prng): Fields {
  const head: [string, string][] = [
    [':method', random.chance(0.95) ? 'POST' : 'GET'],
    [':scheme', 'http'],
    [':path', random.chance(0.95) ? `/echo.Echo/${random.pick(METHODS)}` : latin1(random)],
    [':authority', 'localhost'],
    ['content-type', random.chance(0.9) ? 'application/grpc' : random.pick(TYPES)],
    ['te', 'trailers'],
  ]
  if (random.chance(0.2)) head.push(['grpc-timeout', random.pick(TIMEOUTS)])
  if (random.chance(0.2)) head.push(['grpc-encoding', random.pick(ENCODINGS)])
  if (random.chance(0.1)) head.push(['content-length', random.pick(['0', '10', '99999999999', '-1', 'x'])])
  if (random.chance(0.1)) head.push(['hasleader', 'true'])
  if (random.chance(0.1)) head.push([random.pick(['authorization', 'token', 'a-bin', 'te']), latin1(random)])
  if (random.chance(0.05)) head.splice(random.between(0, head.length - 1), 1)
  return head
}

function randomPayload(random: Prng): Buffer {
  const parts: Buffer[] = []
  for (let count = random.between(0, 3); count > 0; count--) {
    switch (random.between(0, 6)) {
      case 0:
        parts.push(message(random.pick(COMPRESSED), 1))
        break
      case 1:
        parts.push(Buffer.concat([Buffer.from([random.between(0, 2)]), Buffer.from(hugeVarint(random))]))
        break
      case 2:
        parts.push(message(`${random.between(-2, 20)} ${randomText(random, 20)}`))
        break
      case 3:
        parts.push(message('x'.repeat(random.between(0, MESSAGE_BYTES_MAX + 50))))
        break
      default:
        parts.push(message(random.pick(['hello', '', '5 text', 'te', '100'])))
    }
  }
  const whole = Buffer.concat(parts)
  return random.chance(0.2) ? mutate(random, whole) : whole
}

function latin1(random: Prng): string {
  return Buffer.from(random.bytes(random.between(0, 20))).toString('latin1')
}

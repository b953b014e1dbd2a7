/**
 * HTTP/2 connections of clients that are wrong in many ways: the session answers in whole frames, keeps its bounds, and
 * forgets every stream when the socket has gone.
 */

import assert from 'node:assert/strict'
import type { Prng } from '../../../src/base/prng.js'
import { GRPC_REQUEST, PREFACE, settings } from '../../front/http2/support/frames.js'
import { WirePeer } from '../../front/http2/support/wire-peer.js'
import type { FuzzTarget } from '../fuzz-target.js'
import { mutate, pieces } from '../mutation.js'
import { Conversation } from '../random-frames.js'
import { randomFields } from './hpack-target.js'

/** One frame may be written beyond the bound before it is looked at. */
const OUTPUT_SLACK_BYTES = 64 * 1024

export class FramesTarget implements FuzzTarget {
  run(random: Prng): void {
    const peer = new WirePeer({
      isOpen: random.chance(0.9),
      limits: { streamCountMax: random.pick([2, 100]), outputBytesMax: 1024 * 1024, outputSoftBytes: 16_384 },
    })
    const { session, recorder } = peer
    recorder.onPayload = (stream) => {
      if (!stream.isLocalClosed && !stream.isOver) session.sender.sendData(stream, PREFACE, 0, PREFACE.length)
    }
    const conversation = new Conversation({
      fields: (chance) =>
        chance.chance(0.7) ? GRPC_REQUEST : randomFields(chance).map(({ name, value }) => [name, value] as const),
      payload: (chance) => Buffer.from(chance.bytes(chance.between(0, 40))),
    })
    if (session.lastStreamId === 0 && random.chance(0.1)) {
      peer.send(mutate(random, Buffer.concat([PREFACE, settings()])))
    }
    for (let parts = random.between(1, 12); parts > 0 && !session.isFinished; parts--) {
      for (const piece of pieces(random, conversation.part(random))) peer.send(piece)
      if (random.chance(0.5)) peer.frames()
      if (random.chance(0.1)) peer.pass(random.pick([1, 1000, 100_000]))
      assert.ok(session.streams.size <= session.limits.streamCountMax, 'more streams than allowed')
      assert.ok(session.sender.length <= session.limits.outputBytesMax + OUTPUT_SLACK_BYTES, 'more output than allowed')
    }
    peer.frames()
    session.onSocketGone()
    assert.equal(session.streams.size, 0, 'streams outlive their connection')
    checkHeard(recorder.heard)
  }
}

/** Every stream that began ends once, and nothing is heard of it after that. */
function checkHeard(heard: readonly string[]): void {
  const open = new Set<string>()
  for (const line of heard) {
    const [what, id = ''] = line.split(' ', 2) as [string, string]
    if (what === 'start') {
      assert.ok(!open.has(id), `stream ${id} began twice`)
      open.add(id)
    } else if (what === 'over') {
      assert.ok(open.delete(id), `stream ${id} ended twice`)
    } else if (what !== 'lost') {
      assert.ok(open.has(id), `${line} of a stream that is over`)
    }
  }
  assert.equal(open.size, 0, `streams ${[...open].join()} never ended`)
}

/** Conversations of an HTTP/2 client, well-behaved for the most part. */

import type { Prng } from '../../src/base/prng.js'
import type { Setting } from '../../src/front/http2/frame-writer.js'
import { encodeHeaderBlock } from '../../src/front/http2/hpack-encoder.js'
import * as frames from '../front/http2/support/frames.js'
import { mutate } from './mutation.js'

const FLAG_END_STREAM = 1
const FLAG_PADDED = 8
const FLAG_PRIORITY = 0x20
const FRAME_TYPES_MAX = 12
const INCREMENTS = [0, 1, 1000, 65_535, 0x7fff_ffff, 0x8000_0001] as const

export interface ConversationOptions {
  /** The head of a request. */
  readonly fields: (random: Prng) => frames.Fields
  /** What a request carries. */
  readonly payload: (random: Prng) => Buffer
}

/** Stream numbers grow, as they must, but for a few. */
export class Conversation {
  readonly #options: ConversationOptions
  #next = 1

  constructor(options: ConversationOptions) {
    this.#options = options
  }

  /** The next few octets of the client, of which some may be damaged. */
  part(random: Prng): Buffer {
    const whole = this.#frame(random)
    return random.chance(0.15) ? mutate(random, whole) : whole
  }

  #frame(random: Prng): Buffer {
    const id = this.#someStream(random)
    switch (random.between(0, 15)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return this.#request(random)
      case 4:
      case 5:
      case 6:
        return frames.data(id, this.#options.payload(random), random.chance(0.5) ? FLAG_END_STREAM : 0)
      case 7:
        return frames.settings(...randomSettings(random))
      case 8:
        return frames.ping('12345678', random.between(0, 1))
      case 9:
        return frames.windowUpdate(random.chance(0.5) ? 0 : id, random.pick(INCREMENTS))
      case 10:
        return frames.reset(id, random.between(0, 20))
      case 11:
        return frames.priority(id)
      case 12:
        return random.chance(0.3) ? frames.goaway(id, random.between(0, 14)) : frames.settingsAck()
      case 13:
        return frames.continuation(id, Buffer.from(random.bytes(random.between(0, 30))), random.pick([0, 4]))
      case 14:
        return padded(random, id, this.#options.payload(random))
      default:
        return frames.frame(
          random.between(0, FRAME_TYPES_MAX), random.between(0, 255), id, random.bytes(random.between(0, 40)),
        )
    }
  }

  #request(random: Prng): Buffer {
    const id = this.#next
    this.#next += 2
    const fields = this.#options.fields(random)
    const end = random.chance(0.2) ? FLAG_END_STREAM : 0
    const head = random.chance(0.8) ? frames.headers(id, fields, end) : splitHead(random, id, fields, end)
    if (end !== 0 || random.chance(0.3)) return head
    const body = frames.data(id, this.#options.payload(random), random.chance(0.7) ? FLAG_END_STREAM : 0)
    return Buffer.concat([head, body])
  }

  #someStream(random: Prng): number {
    if (random.chance(0.9)) return Math.max(1, this.#next - 2 * random.between(1, 3))
    return random.pick([0, 2, this.#next + 10, 0x7fff_ffff])
  }
}

/** A head in HEADERS and CONTINUATION frames, with a priority in front of it now and then. */
function splitHead(random: Prng, id: number, fields: frames.Fields, flags: number): Buffer {
  const block = encodeHeaderBlock(fields.map(([name, value]) => ({ name, value })))
  const at = random.between(0, block.length)
  const hasPriority = random.chance(0.3)
  const first = hasPriority ? Buffer.concat([Buffer.alloc(5), block.subarray(0, at)]) : block.subarray(0, at)
  return Buffer.concat([
    frames.frame(1, flags | (hasPriority ? FLAG_PRIORITY : 0), id, first),
    frames.continuation(id, block.subarray(at), 4),
  ])
}

function padded(random: Prng, id: number, payload: Buffer): Buffer {
  const length = random.between(0, 255)
  const declared = random.chance(0.9) ? length : random.between(0, 255)
  const bytes = Buffer.concat([Buffer.from([declared]), payload, Buffer.alloc(length)])
  return frames.data(id, bytes, FLAG_PADDED | (random.chance(0.5) ? FLAG_END_STREAM : 0))
}

function randomSettings(random: Prng): Setting[] {
  return Array.from({ length: random.between(0, 4) }, () => [
    random.between(0, 9),
    random.pick([0, 1, 100, 16_384, 65_535, 16_777_215, 0x7fff_ffff, 0xffff_ffff]),
  ])
}

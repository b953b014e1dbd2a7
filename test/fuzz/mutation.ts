/** Damages that are likely to hurt a parser: lengths at their limits, pieces twice, missing, or in another's place. */

import type { Prng } from '../../src/base/prng.js'

const TELLING_BYTES = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff, 0x0a, 0x0b, 0x0c, 0x20, 0x22, 0x5c] as const
const INSERTED_BYTES_MAX = 12

/** A damaged copy. */
export function mutate(random: Prng, bytes: Uint8Array): Buffer {
  let out: Buffer = Buffer.from(bytes)
  for (let times = random.between(1, 4); times > 0; times--) out = mutateOnce(random, out)
  return out
}

function mutateOnce(random: Prng, bytes: Buffer): Buffer {
  if (bytes.length === 0) return Buffer.from(random.bytes(random.between(0, INSERTED_BYTES_MAX)))
  const at = random.between(0, bytes.length - 1)
  switch (random.between(0, 7)) {
    case 0:
      bytes[at] = (bytes[at] as number) ^ (1 << random.between(0, 7))
      return bytes
    case 1:
      bytes[at] = random.pick(TELLING_BYTES)
      return bytes
    case 2:
      return bytes.subarray(0, at)
    case 3:
      return cut(bytes, at, random.between(1, 16))
    case 4:
      return insert(bytes, at, random.bytes(random.between(1, INSERTED_BYTES_MAX)))
    case 5: {
      const length = random.between(1, Math.min(64, bytes.length - at))
      return insert(bytes, random.between(0, bytes.length), bytes.subarray(at, at + length))
    }
    case 6:
      return insert(bytes, at, hugeVarint(random))
    default:
      bytes.fill(random.pick(TELLING_BYTES), at, Math.min(bytes.length, at + random.between(1, 8)))
      return bytes
  }
}

/** A length or number at some limit, in protobuf's form. */
export function hugeVarint(random: Prng): Uint8Array {
  const length = random.between(1, 10)
  const out = new Uint8Array(length + 1).fill(0xff)
  out[length] = random.pick([0x00, 0x01, 0x0f, 0x7f])
  return out
}

/** The bytes in pieces, as a network may deliver them. */
export function pieces(random: Prng, bytes: Buffer): Buffer[] {
  const parts: Buffer[] = []
  const most = random.chance(0.2) ? 3 : Math.max(1, bytes.length)
  for (let at = 0; at < bytes.length; ) {
    const length = random.between(1, most)
    parts.push(bytes.subarray(at, at + length))
    at += length
  }
  return parts
}

/** Any characters, some of them outside ASCII and some that formats give a meaning to. */
export function randomText(random: Prng, lengthMax: number): string {
  let text = ''
  for (let length = random.between(0, lengthMax); length > 0; length--) {
    text += random.chance(0.9)
      ? String.fromCharCode(random.between(32, 126))
      : random.pick(['\n', '\t', '\0', 'ü', '€', '😀', '\ud800', '"', ':', '{', '[', '&a', '*a', '---'])
  }
  return text
}

function insert(bytes: Buffer, at: number, part: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)])
}

function cut(bytes: Buffer, at: number, length: number): Buffer {
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
}

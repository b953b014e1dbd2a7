/** Base64 between stretches of bytes, without text in between. */

import type { Bytes } from '../../base/bytes.js'

const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const PAD = 0x3d
const LF = 0x0a
const CR = 0x0d
const DASH = 0x2d
const UNDERSCORE = 0x5f
const INVALID = 0xff
/** Above this the engine's own encoder is faster than a loop, and its decoder. */
const LOOP_BYTES_MAX = 96

const digits = Buffer.from(STANDARD)
const standardValues = valuesOf(STANDARD)
const urlSafeValues = valuesOf(STANDARD.replace('+', '-').replace('/', '_'))

function valuesOf(alphabet: string): Uint8Array {
  const values = new Uint8Array(256).fill(INVALID)
  for (let i = 0; i < alphabet.length; i++) values[alphabet.charCodeAt(i)] = i
  return values
}

/** Octets that `length` digits stand for at most. */
export function decodedBytesMax(length: number): number {
  return Math.ceil(length / 4) * 3
}

/**
 * Decodes text[start, end) to `out` at `at` and returns the offset behind it, or -1 when it is not base64. As
 * protobuf's JSON has it: the alphabet is the URL-safe one if one of its own digits occurs, padding is there
 * exactly if the length is a multiple of four, and line breaks do not count.
 */
export function decodeBase64(text: Buffer, start: number, end: number, out: Buffer, at: number): number {
  if (end - start > LOOP_BYTES_MAX) {
    const length = decodePlain(text.toString('latin1', start, end), out, at)
    if (length >= 0) return at + length
  }
  const length = decodeWith(standardValues, text, start, end, out, at)
  return length < 0 && isUrlSafe(text, start, end) ? decodeWith(urlSafeValues, text, start, end, out, at) : length
}

/** Octets of a text that is digits of the standard alphabet, and padding where it belongs; -1 for any other. */
function decodePlain(text: string, out: Buffer, at: number): number {
  let digits = text.length
  if (digits % 4 === 0) while (digits > text.length - 2 && text.charCodeAt(digits - 1) === PAD) digits--
  if (digits % 4 === 1 || text.includes('-') || text.includes('_')) return -1
  const expected = Math.floor((digits * 3) / 4)
  // The engine passes over what is no digit: less comes out then.
  return out.write(text, at, 'base64') === expected ? expected : -1
}

function decodeWith(values: Uint8Array, text: Bytes, start: number, end: number, out: Bytes, at: number): number {
  let from = start
  let to = at
  // Whole groups without a line break or padding: nearly everything.
  while (from + 4 <= end) {
    const a = values[text[from] as number] as number
    const b = values[text[from + 1] as number] as number
    const c = values[text[from + 2] as number] as number
    const d = values[text[from + 3] as number] as number
    if ((a | b | c | d) > 0x3f) break
    out[to] = (a << 2) | (b >> 4)
    out[to + 1] = (b << 4) | (c >> 2)
    out[to + 2] = (c << 6) | d
    to += 3
    from += 4
  }
  if (from === end) return to
  return decodeRest(text, from, end, out, to, { values, isPadded: (end - start) % 4 === 0 })
}

function decodeRest(
  text: Bytes,
  start: number,
  end: number,
  out: Bytes,
  at: number,
  how: { readonly values: Uint8Array; readonly isPadded: boolean },
): number {
  let to = at
  let group = 0
  let count = 0
  let pads = 0
  for (let from = start; from < end; from++) {
    const byte = text[from] as number
    if (byte === LF || byte === CR) continue
    if (byte === PAD) {
      if (!how.isPadded || count < 2 || ++pads + count > 4) return -1
      continue
    }
    const value = how.values[byte] as number
    if (value === INVALID || pads > 0) return -1
    group = (group << 6) | value
    if (++count < 4) continue
    out[to] = group >> 16
    out[to + 1] = group >> 8
    out[to + 2] = group
    to += 3
    group = count = 0
  }
  if (how.isPadded ? count + pads !== 0 && count + pads !== 4 : count === 1) return -1
  if (count >= 2) out[to++] = group >> (count === 2 ? 4 : 10)
  if (count === 3) out[to++] = group >> 2
  return to
}

function isUrlSafe(text: Bytes, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (text[i] === DASH || text[i] === UNDERSCORE) return true
  return false
}

export function encodedBytes(length: number): number {
  return Math.ceil(length / 3) * 4
}

/** Encodes bytes[start, end), standard and padded, to `out` at `at`; returns the offset behind it. */
export function encodeBase64(bytes: Buffer, start: number, end: number, out: Buffer, at: number): number {
  if (end - start > LOOP_BYTES_MAX) return at + out.write(bytes.toString('base64', start, end), at, 'latin1')
  let from = start
  let to = at
  for (; from + 3 <= end; from += 3) {
    const group = ((bytes[from] as number) << 16) | ((bytes[from + 1] as number) << 8) | (bytes[from + 2] as number)
    out[to] = digits[group >> 18] as number
    out[to + 1] = digits[(group >> 12) & 63] as number
    out[to + 2] = digits[(group >> 6) & 63] as number
    out[to + 3] = digits[group & 63] as number
    to += 4
  }
  const left = end - from
  if (left === 0) return to
  const group = ((bytes[from] as number) << 16) | (left === 2 ? (bytes[from + 1] as number) << 8 : 0)
  out[to] = digits[group >> 18] as number
  out[to + 1] = digits[(group >> 12) & 63] as number
  out[to + 2] = left === 2 ? (digits[(group >> 6) & 63] as number) : PAD
  out[to + 3] = PAD
  return to + 4
}

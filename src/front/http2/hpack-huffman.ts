/**
 * HPACK's Huffman code (RFC 7541 appendix B). The code is canonical: codes of one length are consecutive in symbol
 * order, and each length starts where the previous one ended. So the 257 lengths are the whole table.
 */

import { assertEqual } from '../../base/assert.js'

const EOS = 256
const SYMBOL_COUNT = 257
const CODE_BITS_MAX = 30

/** Code length in bits of each octet, then of EOS. Sixteen symbols a line. */
const CODE_BITS = Uint8Array.from([
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
])

const CODES = canonicalCodes()

/**
 * A machine that eats four bits a step. State s, nibble n: entry [s * 16 + n]. Codes are at least five bits long,
 * so that a step completes at most one symbol.
 *
 *   bits 0..7  symbol   bit 8  a symbol was completed   bit 9  dead (EOS)   bits 16..  next state
 */
const EMIT = 0x100
const DEAD = 0x200
const STEPS = new Uint32Array(256 * 16)
/** 1 where the input may end: the bits since the last symbol are fewer than eight, and all ones (section 5.2). */
const MAY_END = new Uint8Array(256)
buildMachine()

/**
 * Decodes `source[start, end)` into `target` from offset 0 and returns the count of octets. -1: not a legal code
 * (EOS inside, or wrong padding). `target` must have room for 8/5 of the input.
 */
export function decodeHuffman(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
): number {
  let state = 0
  let length = 0
  for (let at = start; at < end; at++) {
    const octet = source[at] as number
    const high = STEPS[(state << 4) | (octet >> 4)] as number
    if ((high & EMIT) !== 0) target[length++] = high
    const low = STEPS[((high >>> 16) << 4) | (octet & 15)] as number
    if ((low & EMIT) !== 0) target[length++] = low
    if (((high | low) & DEAD) !== 0) return -1
    state = low >>> 16
  }
  return MAY_END[state] === 1 ? length : -1
}

/** The most octets that `encodedLength` octets can decode to. */
export function decodedHuffmanBytesMax(encodedLength: number): number {
  return ((encodedLength * 8) / 5) | 0
}

/** Octets that `text` (one octet per character) takes when encoded. */
export function huffmanBytes(text: string): number {
  let bits = 0
  for (let i = 0; i < text.length; i++) bits += CODE_BITS[text.charCodeAt(i)] as number
  return (bits + 7) >> 3
}

/** Writes the code of `text` at `at` and returns the offset behind it. */
export function writeHuffman(bytes: Uint8Array, at: number, text: string): number {
  let pending = 0
  let pendingBits = 0
  let to = at
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i)
    // At most seven bits wait and a code has at most thirty, so the sum is taken as a double, not as an int32.
    pending = pending * 2 ** (CODE_BITS[symbol] as number) + (CODES[symbol] as number)
    pendingBits += CODE_BITS[symbol] as number
    while (pendingBits >= 8) {
      pendingBits -= 8
      const octet = Math.floor(pending / 2 ** pendingBits)
      bytes[to++] = octet
      pending -= octet * 2 ** pendingBits
    }
  }
  if (pendingBits > 0) {
    const padding = 8 - pendingBits
    bytes[to++] = (pending << padding) | ((1 << padding) - 1)
  }
  return to
}

function canonicalCodes(): Uint32Array {
  const codes = new Uint32Array(SYMBOL_COUNT)
  let code = 0
  for (let bits = 1; bits <= CODE_BITS_MAX; bits++) {
    code *= 2
    for (let symbol = 0; symbol < SYMBOL_COUNT; symbol++) {
      if (CODE_BITS[symbol] === bits) codes[symbol] = code++
    }
  }
  // A complete code uses up every pattern: one wrong length in the table above would show here.
  assertEqual(code, 2 ** CODE_BITS_MAX, 'Huffman code patterns')
  return codes
}

function buildMachine(): void {
  // A tree of 256 inner nodes: child[node * 2 + bit] is an inner node, or a symbol as -1 - symbol.
  const child = new Int32Array(512)
  let nodeCount = 1
  for (let symbol = 0; symbol < SYMBOL_COUNT; symbol++) {
    const bits = CODE_BITS[symbol] as number
    const code = CODES[symbol] as number
    let node = 0
    for (let bit = bits - 1; bit > 0; bit--) {
      const edge = node * 2 + ((code >>> bit) & 1)
      if (child[edge] === 0) child[edge] = nodeCount++
      node = child[edge] as number
    }
    child[node * 2 + (code & 1)] = -1 - symbol
  }
  assertEqual(nodeCount, 256, 'Huffman inner nodes')
  for (let state = 0; state < 256; state++) {
    for (let nibble = 0; nibble < 16; nibble++) STEPS[state * 16 + nibble] = step(child, state, nibble)
  }
  for (let node = 0, ones = 0; ones < 8; ones++) {
    MAY_END[node] = 1
    node = child[node * 2 + 1] as number
  }
}

function step(child: Int32Array, state: number, nibble: number): number {
  let node = state
  let flags = 0
  for (let bit = 3; bit >= 0; bit--) {
    const next = child[node * 2 + ((nibble >> bit) & 1)] as number
    if (next >= 0) {
      node = next
      continue
    }
    const symbol = -1 - next
    if (symbol === EOS) return DEAD
    flags = EMIT | symbol
    node = 0
  }
  return ((node << 16) | flags) >>> 0
}

/** UTF-8 into memory that already exists. Lone surrogates become U+FFFD, as in TextEncoder. */

import type { Bytes } from '../base/bytes.js'

const REPLACEMENT = 0xfffd

export function utf8Length(text: string): number {
  let length = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    if (unit < 0x800) {
      length += 1
    } else if (isPair(text, unit, i)) {
      // Two UTF-16 units become four bytes.
      length += 2
      i++
    } else {
      length += 2
    }
  }
  return length
}

/** Writes `text`, whose `utf8Length` is `length`, to `target` at `at`. */
export function writeUtf8(target: Bytes, at: number, text: string, length: number): void {
  if (length === text.length) {
    for (let i = 0; i < length; i++) target[at + i] = text.charCodeAt(i)
    return
  }
  for (let i = 0; i < text.length; i++) {
    let point = text.charCodeAt(i)
    if (isPair(text, point, i)) {
      point = text.codePointAt(i) as number
      i++
    } else if (point >= 0xd800 && point < 0xe000) {
      point = REPLACEMENT
    }
    at = writePoint(target, at, point)
  }
}

/** Whether the unit at `i` is the first of a surrogate pair. */
function isPair(text: string, unit: number, i: number): boolean {
  if (unit < 0xd800 || unit >= 0xdc00) return false
  const next = text.charCodeAt(i + 1)
  return next >= 0xdc00 && next < 0xe000
}

function writePoint(target: Bytes, at: number, point: number): number {
  if (point < 0x80) {
    target[at++] = point
  } else if (point < 0x800) {
    target[at++] = 0xc0 | (point >>> 6)
    target[at++] = 0x80 | (point & 0x3f)
  } else if (point < 0x1_0000) {
    target[at++] = 0xe0 | (point >>> 12)
    target[at++] = 0x80 | ((point >>> 6) & 0x3f)
    target[at++] = 0x80 | (point & 0x3f)
  } else {
    target[at++] = 0xf0 | (point >>> 18)
    target[at++] = 0x80 | ((point >>> 12) & 0x3f)
    target[at++] = 0x80 | ((point >>> 6) & 0x3f)
    target[at++] = 0x80 | (point & 0x3f)
  }
  return at
}

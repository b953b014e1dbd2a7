/** Byte strings: order, equality, joining, and the text forms people read. */

export type Bytes = Uint8Array

export const EMPTY_BYTES: Bytes = new Uint8Array(0)

/** Negative, zero or positive as `a` sorts before, equal to or after `b` in byte order. */
export function compareBytes(a: Bytes, b: Bytes): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** As `compareBytes` for a[aStart, aEnd) and b[bStart, bEnd). */
export function compareRanges(
  a: Bytes, aStart: number, aEnd: number, b: Bytes, bStart: number, bEnd: number,
): number {
  const length = Math.min(aEnd - aStart, bEnd - bStart)
  for (let i = 0; i < length; i++) {
    const difference = (a[aStart + i] as number) - (b[bStart + i] as number)
    if (difference !== 0) return difference
  }
  return aEnd - aStart - (bEnd - bStart)
}

export function equalBytes(a: Bytes, b: Bytes): boolean {
  return a.length === b.length && compareBytes(a, b) === 0
}

export function concatBytes(...parts: readonly Bytes[]): Bytes {
  let length = 0
  for (const part of parts) length += part.length
  const out = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** A copy in an ArrayBuffer of its own: safe to keep after a ring's turn ends, and safe to hand to lmdb or a socket. */
export function copyBytes(source: Bytes, start = 0, end = source.length): Bytes {
  const out = new Uint8Array(end - start)
  for (let i = 0, n = end - start; i < n && n <= 32; i++) out[i] = source[start + i] as number
  if (end - start > 32) out.set(source.subarray(start, end))
  return out
}

/** The UTF-8 bytes of `text`. */
export function utf8(text: string): Bytes {
  return Buffer.from(text, 'utf8')
}

/** The text of UTF-8 bytes; invalid sequences become U+FFFD. */
export function text(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

/** Lower-case hexadecimal without padding of the value, as etcd prints ids. */
export function hexId(id: bigint): string {
  return BigInt.asUintN(64, id).toString(16)
}

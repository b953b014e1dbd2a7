/** Finds out how much of a message that is still being written consists of whole fields. */

const WIRE_VARINT = 0
const WIRE_DELIMITED = 2

/** The offset behind the last whole field of bytes[start, end), which begins with a field; made by our own encoders. */
export function wholeFieldsEnd(bytes: Uint8Array, start: number, end: number): number {
  let whole = start
  while (whole < end) {
    let at = skipVarint(bytes, whole, end)
    if (at < 0) return whole
    // A tag's wire type is in its first octet.
    const wireType = (bytes[whole] as number) & 7
    if (wireType === WIRE_VARINT) {
      at = skipVarint(bytes, at, end)
    } else if (wireType === WIRE_DELIMITED) {
      const lengthAt = at
      at = skipVarint(bytes, lengthAt, end)
      if (at >= 0) at += varintAt(bytes, lengthAt)
    } else {
      throw new Error(`our encoders write no fields of wire type ${wireType}`)
    }
    if (at < 0 || at > end) return whole
    whole = at
  }
  return whole
}

/** -1 when it ends behind `end`. */
function skipVarint(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) if ((bytes[at] as number) < 0x80) return at + 1
  return -1
}

function varintAt(bytes: Uint8Array, start: number): number {
  let value = 0
  for (let at = start, scale = 1; ; at++, scale *= 0x80) {
    const byte = bytes[at] as number
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value
  }
}

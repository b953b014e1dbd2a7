/** 64-bit wire numbers: the one place that turns two 32-bit halves into a number or a bigint and back. */

const TWO_32 = 0x1_0000_0000

/** high * 2^32 + low as a number; throws RangeError at 2^53 and above. Both halves are unsigned. */
export function joinSafe(high: number, low: number): number {
  if (high > 0x1f_ffff) throw new RangeError(`64-bit value ${high}:${low} is not a safe integer`)
  return high * TWO_32 + low
}

export function highHalf(value: number): number {
  return Math.floor(value / TWO_32) >>> 0
}

export function lowHalf(value: number): number {
  return value >>> 0
}

/** The `grpc-timeout` field: at most eight digits and a unit. */

/** Milliseconds in one of each unit. */
const UNIT_MS: Readonly<Record<string, number>> = Object.freeze({
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
})

const DIGITS_MAX = 8

/** Milliseconds, fractions included; NaN when the text is no timeout. */
export function parseGrpcTimeout(text: string): number {
  const digits = text.length - 1
  if (digits < 1 || digits > DIGITS_MAX) return NaN
  const unitMs = UNIT_MS[text.charAt(digits)]
  if (unitMs === undefined) return NaN
  let count = 0
  for (let i = 0; i < digits; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return NaN
    count = count * 10 + digit
  }
  return count * unitMs
}

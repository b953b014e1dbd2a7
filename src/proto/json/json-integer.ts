/** Integers as protobuf's JSON has them: any number that is whole, 10.0 and 1e1 included, within its type's range. */

const FORM = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/
/** A larger exponent leaves every range, unless all digits are zero. */
const EXPONENT_MAX = 400
/** More leave every range as well, and what BigInt takes for them grows with their square. */
const DIGITS_MAX = EXPONENT_MAX + 1

/** The exact value, or null when the text is no whole number or one far out of every range. */
export function parseInteger(text: string): bigint | null {
  const match = FORM.exec(text)
  if (match === null) return null
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  let digits = whole + fraction
  const scale = Number(exponent) - fraction.length
  if (/^0*$/.test(digits)) return 0n
  if (scale < 0) {
    const cut = digits.length + scale
    if (!/^0*$/.test(digits.slice(Math.max(0, cut))) || cut <= 0) return null
    digits = digits.slice(0, cut)
  } else {
    if (scale > EXPONENT_MAX) return null
    digits += '0'.repeat(scale)
  }
  const first = digits.search(/[1-9]/)
  if (digits.length - first > DIGITS_MAX) return null
  const value = BigInt(digits.slice(first))
  return sign === '' ? value : -value
}

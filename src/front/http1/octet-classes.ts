/** Which octets may stand in the parts of a request's head (RFC 9110 section 5.6, RFC 9112). */

const TOKEN_MARKS = "!#$%&'*+-.^_`|~"

/** Methods and names of fields. */
export const TOKEN: Uint8Array = classOf((octet) => isAlphanumeric(octet) || TOKEN_MARKS.includes(charOf(octet)))
/** Targets: what is visible. */
export const TARGET: Uint8Array = classOf((octet) => octet > 0x20 && octet < 0x7f)
/** Values of fields: no control but the tab. */
export const VALUE: Uint8Array = classOf((octet) => octet === 0x09 || (octet >= 0x20 && octet !== 0x7f))

export const TAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SPACE = 0x20
export const COLON = 0x3a

/** Of a hexadecimal digit; -1 for any other octet. */
export function hexValue(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30
  const lower = octet | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

function classOf(isIn: (octet: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => (isIn(octet) ? 1 : 0))
}

function isAlphanumeric(octet: number): boolean {
  return /^[0-9A-Za-z]$/.test(charOf(octet))
}

function charOf(octet: number): string {
  return String.fromCharCode(octet)
}

/**
 * The id of a proposal: 16 bits of the member id, 8 bits naming the local actor that waits, and a 40-bit sequence that
 * starts from the wall clock, so that a restarted member does not reuse the ids of its last life. Travels as two u32
 * halves.
 *
 * ```
 * high: | member id, low 16 bits | origin 8 bits | sequence bits 32..39 |   low: sequence bits 0..31
 * ```
 */

/** Origins at and above this are not fronts. */
export const FRONT_ORIGIN_MAX = 200
export const LEASE_ORIGIN = 201
/** Entries that nobody waits for: no-ops, configuration changes at bootstrap. */
export const NO_ORIGIN = 255

const TWO_32 = 0x1_0000_0000
const SEQUENCE_MODULUS = 0x100_0000_0000

export function memberPrefix(memberId: bigint): number {
  return Number(memberId & 0xffffn)
}

export function requestHigh(prefix: number, origin: number, sequence: number): number {
  return ((prefix << 16) | (origin << 8) | Math.floor(sequence / TWO_32)) >>> 0
}

export function requestLow(sequence: number): number {
  return sequence >>> 0
}

export function prefixOf(high: number): number {
  return high >>> 16
}

export function originOf(high: number): number {
  return (high >>> 8) & 0xff
}

export function sequenceOf(high: number, low: number): number {
  return (high & 0xff) * TWO_32 + low
}

/** The first sequence after a start at `wallMs`; leaves 256 ids for each millisecond since any earlier start. */
export function firstSequence(wallMs: number): number {
  return (wallMs * 256) % SEQUENCE_MODULUS
}

export function nextSequence(sequence: number): number {
  return sequence + 1 === SEQUENCE_MODULUS ? 0 : sequence + 1
}

/**
 * What may be done with which rights, the slow way. All ranges have their ends in a small set of byte strings; with
 * each string and its successor the key space falls into pieces that are either inside or outside of any range as a
 * whole, so that asking for the first key of each piece asks for all keys.
 */

import type { Prng } from '../../src/base/prng.js'

const LETTERS = ['a', 'b', 'c']
/** Every end of a range, in order. */
export const ENDS: readonly string[] = [...LETTERS, ...LETTERS.flatMap((a) => LETTERS.map((b) => a + b))].toSorted()
/** The first key of each piece. */
const PIECES: readonly string[] = [...ENDS, ...ENDS.map((end) => `${end}\0`)].toSorted()
export const OPEN = '\0'

/** `end` empty: the key alone; OPEN: everything from the key on. */
export interface ModelRange {
  readonly key: string
  readonly end: string
}

export interface ModelGrant extends ModelRange {
  readonly type: 'read' | 'write' | 'both'
}

/** What a request does to keys, as a person would list it. */
export interface ModelTouch extends ModelRange {
  readonly does: 'read' | 'write'
  /** It hangs on a lease that the request names: of that nobody asks root, however old its proof. */
  readonly hangs?: true
}

export interface ModelRequest {
  /** Asks for more than keys. */
  readonly demands: 'nothing' | 'a user' | 'root'
  readonly touches: readonly ModelTouch[]
}

export interface ModelAsker {
  /** Null: there is no user of that name. */
  readonly grants: readonly ModelGrant[] | null
  readonly isRoot: boolean
  readonly named: boolean
  readonly proof: 'none' | 'old' | 'current'
}

export type ModelOutcome = 'yes' | 'userEmpty' | 'userNotFound' | 'permissionDenied' | 'authOldRevision'

export function decide(asker: ModelAsker, request: ModelRequest): ModelOutcome {
  if (request.demands !== 'nothing') {
    if (!asker.named) return 'userEmpty'
    if (asker.grants === null) return 'userNotFound'
    if (request.demands === 'root' && !asker.isRoot) return 'permissionDenied'
  }
  const touches = request.touches.filter(({ hangs }) => hangs === undefined || !asker.isRoot)
  if (touches.length === 0) return 'yes'
  if (asker.proof === 'none') return 'userEmpty'
  if (asker.proof === 'old') return 'authOldRevision'
  if (asker.grants === null) return 'permissionDenied'
  if (asker.isRoot) return 'yes'
  const { grants } = asker
  return touches.every((touch) => isCovered(touch, grants)) ? 'yes' : 'permissionDenied'
}

function isCovered(touch: ModelTouch, grants: readonly ModelGrant[]): boolean {
  const useful = grants.filter(({ type }) => type === 'both' || type === touch.does)
  return piecesOf(touch).every((piece) => useful.some((grant) => holds(grant, piece)))
}

/** A range that is turned around touches nothing, but asks for everything between its ends, and for what is before. */
function piecesOf({ key, end }: ModelRange): readonly string[] {
  if (end === '') return [key]
  if (end === OPEN) return PIECES.filter((piece) => piece >= key)
  if (end > key) return PIECES.filter((piece) => piece >= key && piece < end)
  const before = PIECES.filter((piece) => piece < end).at(-1)
  return [...(before === undefined ? ['\0'] : [before]), ...PIECES.filter((piece) => piece >= end && piece <= key)]
}

function holds({ key, end }: ModelRange, piece: string): boolean {
  if (end === '') return piece === key
  return piece >= key && (end === OPEN || piece < end)
}

export function randomRange(random: Prng): ModelRange {
  const key = random.pick(ENDS)
  if (random.chance(0.4)) return { key, end: '' }
  return { key, end: random.chance(0.15) ? OPEN : random.pick(ENDS) }
}

/** A range that may be granted: not turned around. */
export function randomGrant(random: Prng): ModelGrant {
  const type = random.pick(['read', 'write', 'both'] as const)
  for (;;) {
    const range = randomRange(random)
    if (range.end === '' || range.end === OPEN || range.end > range.key) return { ...range, type }
  }
}

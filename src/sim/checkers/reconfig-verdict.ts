/**
 * Whether a change of members was accepted or refused as --strict-reconfig-check has it. The rules are told here anew,
 * with what the member that was asked may have seen of the others: one answer is wrong only if no view allows it.
 */

import type { Bounds } from '../network/links.js'

/** A voter, as the member that was asked had it. */
export interface VoterSeen {
  readonly isTarget: boolean
  readonly isAsked: boolean
  /** It has said its name. */
  readonly isStarted: boolean
  readonly connected: Bounds
  /** For as long as it takes to count. */
  readonly lasting: Bounds
}

export type ReconfigKind = 'addLearner' | 'promote' | 'remove'
export type ReconfigEnd = 'accepted' | 'unhealthy' | 'notEnoughStarted'

/** What is wrong with the answer, or null. */
export function reconfigProblem(
  kind: ReconfigKind,
  voters: readonly VoterSeen[],
  { end, isStrict }: { readonly end: ReconfigEnd; readonly isStrict: boolean },
): string | null {
  const allowed = isStrict ? allowedEnds(kind, voters) : looseEnds(kind, voters)
  if (allowed.has(end)) return null
  const seen = voters.map((it) => (it.isAsked ? 'asked' : `${textOf(it.connected)}/${textOf(it.lasting)}`)).join(' ')
  return `${kind} with ${voters.length} voters (${seen}) ends with ${end}, not with ${[...allowed].join(' or ')}`
}

function allowedEnds(kind: ReconfigKind, voters: readonly VoterSeen[]): ReadonlySet<ReconfigEnd> {
  const count = voters.length
  const started = voters.filter(({ isStarted }) => isStarted).length
  switch (kind) {
    case 'addLearner':
      // A member alone may always grow. The new one is counted as a voter that is down.
      return count === 1 ? ACCEPTED : healthEnds(voters, 0, majorityOf(count + 1))
    case 'promote':
      return started + 1 < majorityOf(count + 1) ? NOT_STARTED : ACCEPTED
    case 'remove': {
      const target = voters.find(({ isTarget }) => isTarget)
      // A learner is no part of any quorum.
      if (target === undefined) return ACCEPTED
      const needed = majorityOf(count - 1)
      if (started - (target.isStarted ? 1 : 0) < needed) return NOT_STARTED
      // Who is down may always go.
      if (!target.isAsked && !target.connected.maybe) return ACCEPTED
      const ends = healthEnds(voters, 1, needed)
      const isDown = !target.isAsked && !target.connected.surely
      return isDown ? new Set([...ends, 'accepted']) : ends
    }
  }
}

/** Without the check only the last voter stays: nothing could ever be agreed on again. */
function looseEnds(kind: ReconfigKind, voters: readonly VoterSeen[]): ReadonlySet<ReconfigEnd> {
  return kind === 'remove' && voters.length === 1 && voters[0]?.isTarget === true ? NOT_STARTED : ACCEPTED
}

const ACCEPTED: ReadonlySet<ReconfigEnd> = new Set(['accepted'])
const NOT_STARTED: ReadonlySet<ReconfigEnd> = new Set(['notEnoughStarted'])

/** `leaving` of those that are connected will not be there to make the majority. */
function healthEnds(voters: readonly VoterSeen[], leaving: number, needed: number): ReadonlySet<ReconfigEnd> {
  const least = voters.filter(({ isAsked, lasting }) => isAsked || lasting.surely).length - leaving
  const most = voters.filter(({ isAsked, lasting }) => isAsked || lasting.maybe).length - leaving
  const ends = new Set<ReconfigEnd>()
  if (most >= needed) ends.add('accepted')
  if (least < needed) ends.add('unhealthy')
  return ends
}

function majorityOf(voters: number): number {
  return Math.floor(voters / 2) + 1
}

function textOf({ surely, maybe }: Bounds): string {
  return surely ? 'yes' : maybe ? 'maybe' : 'no'
}

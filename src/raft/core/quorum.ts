/**
 * Majorities: of one set of voters, and of both sets of a joint configuration (dissertation
 * 4.3).
 */

import type { Progress } from './progress.js'

export type VoteResult = 'won' | 'lost' | 'pending'

const scratch: number[] = []

/**
 * The highest index that a majority of `voters` holds; Infinity for an empty set, which
 * constrains nothing.
 */
export function majorityMatch(voters: readonly Progress[]): number {
  if (voters.length === 1) return (voters[0] as Progress).match
  scratch.length = 0
  for (let i = 0; i < voters.length; i++) insertSorted((voters[i] as Progress).match)
  return majorityOfScratch()
}

/** The highest read round that a majority of `voters` has confirmed. */
export function majorityReadRound(voters: readonly Progress[]): number {
  scratch.length = 0
  for (let i = 0; i < voters.length; i++) insertSorted((voters[i] as Progress).readRound)
  return majorityOfScratch()
}

export function majorityVote(voters: readonly Progress[]): VoteResult {
  if (voters.length === 0) return 'won'
  let granted = 0
  let rejected = 0
  for (const voter of voters) {
    if (voter.vote > 0) granted++
    if (voter.vote < 0) rejected++
  }
  const majority = Math.floor(voters.length / 2) + 1
  if (granted >= majority) return 'won'
  return voters.length - rejected >= majority ? 'pending' : 'lost'
}

export function majorityActive(voters: readonly Progress[]): boolean {
  let active = 0
  for (const voter of voters) if (voter.recentActive) active++
  return voters.length === 0 || active > voters.length / 2
}

/** Both halves must agree: one loss loses, both wins win. */
export function jointVote(a: VoteResult, b: VoteResult): VoteResult {
  if (a === b) return a
  return a === 'lost' || b === 'lost' ? 'lost' : 'pending'
}

/** Keeps `scratch` in falling order; clusters are small, so insertion is the fastest sort. */
function insertSorted(value: number): void {
  let at = scratch.length
  scratch.push(value)
  while (at > 0 && (scratch[at - 1] as number) < value) {
    scratch[at] = scratch[at - 1] as number
    at--
  }
  scratch[at] = value
}

function majorityOfScratch(): number {
  if (scratch.length === 0) return Infinity
  return scratch[Math.floor(scratch.length / 2)] as number
}

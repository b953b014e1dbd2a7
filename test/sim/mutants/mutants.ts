/** All known bugs that the simulator has to find. docs/TESTING.md has the table. */

import { AUTH_MUTANTS } from './catalogue/auth-mutants.js'
import { CONSENSUS_MUTANTS } from './catalogue/consensus-mutants.js'
import { LEASE_MUTANTS } from './catalogue/lease-mutants.js'
import { LOCK_MUTANTS } from './catalogue/lock-mutants.js'
import { MEMBERSHIP_MUTANTS } from './catalogue/membership-mutants.js'
import { READ_MUTANTS } from './catalogue/read-mutants.js'
import { STORAGE_MUTANTS } from './catalogue/storage-mutants.js'
import { WATCH_MUTANTS } from './catalogue/watch-mutants.js'
import type { Mutant } from './mutant.js'

export const MUTANTS: readonly Mutant[] = [
  ...CONSENSUS_MUTANTS, ...MEMBERSHIP_MUTANTS, ...READ_MUTANTS, ...STORAGE_MUTANTS, ...WATCH_MUTANTS,
  ...LEASE_MUTANTS, ...LOCK_MUTANTS, ...AUTH_MUTANTS,
]

/** Bugs that the seeds run so far have not met, or met late; `--only` runs them. docs/TESTING.md tells which. */
const UNPROVEN: ReadonlySet<string> = new Set([
  'commits-entries-of-older-terms',
  'compares-logs-by-length',
  'votes-twice-in-a-term',
  'forgets-its-vote',
  'promises-its-vote-early',
  'leader-counts-its-own-page-cache',
  'truncates-without-a-conflict',
  'commits-what-was-not-vouched-for',
  'skips-the-consistency-check',
  'old-leader-stays',
  'counts-syncs-of-replaced-entries',
  'remembers-matches-of-an-older-term',
  'counts-votes-of-another-kind',
  'reads-without-a-quorum',
  'reads-before-its-own-term',
  'read-joins-an-old-round',
  'answer-of-an-earlier-batch',
  'checkpoint-ahead-of-the-log',
  'state-without-sync',
  'torn-write-is-corruption',
  'torn-tail-is-kept',
  'replay-keeps-replaced-entries',
  'commit-index-is-trusted-alone',
  'compaction-takes-what-is-needed',
  'compaction-takes-its-own-tombstone',
  'joins-the-live-feed-early',
  'from-now-ignores-the-log',
  'compacted-watch-goes-on',
  'progress-before-events',
  'catch-up-skips-its-first-revision',
  'revokes-in-spite-of-a-renewal',
  'restart-forgets-renewals',
  'new-leader-goes-by-its-own-clock',
  'new-leader-gives-a-new-term',
  'lease-time-starts-again',
])

export const PROVEN_MUTANTS: readonly Mutant[] = MUTANTS.filter(({ name }) => !UNPROVEN.has(name))

export function mutantNamed(name: string): Mutant {
  const mutant = MUTANTS.find((it) => it.name === name)
  if (mutant === undefined) throw new Error(`no mutant ${name}`)
  return mutant
}

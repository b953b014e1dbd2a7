/**
 * What follows from the hashes of several members: pure. Hashes say something about each other only if they were made
 * of the same revision and seen from the same compact revision; who has not answered, or has compacted elsewhere, is
 * not judged. The majority is right. Where nobody has one, nobody knows.
 */

import type { KeyspaceHash } from '../../messages/compaction-hashes.js'
import { NOBODY_KNOWS } from '../upkeep/state-comparison.js'

export interface AnsweredHash {
  readonly hash: number
  readonly compactRevision: number
  /** What the member's current revision was. */
  readonly currentRevision: number
}

export interface HeardHash {
  readonly member: bigint
  /** Null when there is none; `problem` says why. */
  readonly answer: AnsweredHash | null
  readonly problem: string
}

export interface Verdict {
  /** Members that raise an alarm; NOBODY_KNOWS stands for all. */
  readonly named: readonly bigint[]
  /** Members whose hash could be compared with this member's. */
  readonly compared: readonly bigint[]
  /** And those of them that have another one. */
  readonly differing: readonly bigint[]
}

/** This member's hash against the others', who were asked for the same revision. */
export function compareHashes(selfId: bigint, own: KeyspaceHash, heard: readonly HeardHash[]): Verdict {
  const compared: bigint[] = []
  const differing: bigint[] = []
  const membersOf = new Map<number, bigint[]>([[own.hash, [selfId]]])
  for (const { member, answer } of heard) {
    if (answer?.compactRevision !== own.compactRevision) continue
    compared.push(member)
    if (answer.hash !== own.hash) differing.push(member)
    membersOf.set(answer.hash, [...(membersOf.get(answer.hash) ?? []), member])
  }
  if (differing.length === 0) return { named: [], compared, differing }
  const quorum = Math.floor((heard.length + 1) / 2) + 1
  const right = [...membersOf.values()].find(({ length }) => length >= quorum)
  const named = right === undefined
    ? [NOBODY_KNOWS]
    : [...membersOf.values()].flatMap((members) => (members === right ? [] : members))
  return { named, compared, differing }
}

/** What the leader has found of itself before and after it asked the others. */
export interface LeaderHashes {
  readonly before: KeyspaceHash
  /** Made after everything that was committed when the others had answered. */
  readonly after: KeyspaceHash
  /** The leader's revision then. */
  readonly currentRevision: number
}

export interface PeriodicVerdict extends Verdict {
  /** The leader has two hashes of the same. */
  readonly isSelfUnsteady: boolean
  /** Members that have applied, or compacted, what the leader does not know of. */
  readonly ahead: readonly bigint[]
}

export function comparePeriodically(
  selfId: bigint,
  { before, after, currentRevision }: LeaderHashes,
  heard: readonly HeardHash[],
): PeriodicVerdict {
  const isSelfUnsteady = before.hash !== after.hash && before.revision === after.revision &&
    before.compactRevision === after.compactRevision
  const ahead = heard.flatMap(({ member, answer }) => {
    if (answer === null) return []
    const isAhead = answer.currentRevision > currentRevision || answer.compactRevision > after.compactRevision
    return isAhead ? [member] : []
  })
  const verdict = compareHashes(selfId, before, heard)
  const named = new Set([...(isSelfUnsteady ? [selfId] : []), ...ahead, ...verdict.named])
  return { ...verdict, named: [...named], isSelfUnsteady, ahead }
}

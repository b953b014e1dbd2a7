/** What members' keys had come to at compactions: whoever hashed the same one must have the same hash. */

import type { KeyspaceHash } from '../../messages/compaction-hashes.js'

export interface MemberCompactions {
  readonly member: string
  readonly hashes: readonly KeyspaceHash[]
}

export interface CompactionVerdict {
  /** Hashes that could be compared with another member's. */
  readonly compared: number
  /** What is wrong, or null. */
  readonly problem: string | null
}

export function compactionVerdict(members: readonly MemberCompactions[]): CompactionVerdict {
  const first = new Map<string, { readonly member: string; readonly hash: number }>()
  let compared = 0
  for (const { member, hashes } of members) {
    for (const { revision, compactRevision, hash } of hashes) {
      const which = `the compaction from ${compactRevision} to ${revision}`
      const other = first.get(which)
      if (other === undefined) first.set(which, { member, hash })
      else if (other.hash === hash) compared++
      else return { compared, problem: `${which} has hash ${other.hash} on ${other.member} and ${hash} on ${member}` }
    }
  }
  return { compared, problem: null }
}

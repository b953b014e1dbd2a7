/**
 * The entries that a new cluster's log begins with: one per member, in the order of their ids, the same on every
 * member.
 */

import type { Bytes } from '../base/bytes.js'
import { ConfChangeType, encodeConfChange } from '../proto/generated/raftpb.js'
import { encodeMember, type MemberRecord } from './member-record.js'

/** Encoded raftpb.ConfChange entries that add these members. */
export function bootstrapEntries(members: readonly MemberRecord[]): Bytes[] {
  const sorted = [...members].sort((a, b) => (a.id < b.id ? -1 : 1))
  return sorted.map((member) =>
    encodeConfChange({
      id: 0n,
      type: ConfChangeType.ConfChangeAddNode,
      node_id: member.id,
      context: encodeMember(member),
    }),
  )
}

/** The members that a node starts with, before its store knows them. */

import { decodeMember, type MemberRecord } from '../cluster/member-record.js'
import type { Bytes } from '../base/bytes.js'
import { decodeConfChange } from '../proto/generated/raftpb.js'

export type MemberList = readonly MemberRecord[]

/** The members that the first entries of a new log add. */
export function firstMembers(bootstrapEntries: readonly Bytes[]): MemberRecord[] {
  const members: MemberRecord[] = []
  for (const entry of bootstrapEntries) {
    const { node_id, context } = decodeConfChange(entry)
    const member = decodeMember(node_id, context)
    if (member !== null) members.push(member)
  }
  return members
}

/**
 * A change of the membership as an entry of the log carries it: etcd's raftpb.ConfChange with a member in its context,
 * in the form of `member-record.ts`. A promotion is an added voter with `"isPromote":true` in the context.
 */

import { text, utf8, type Bytes } from '../base/bytes.js'
import { ConfChangeType, encodeConfChange, type ConfChange } from '../proto/generated/raftpb.js'
import { decodeMember, encodeMember, type MemberRecord } from './member-record.js'

export type MemberChange =
  | { readonly kind: 'add'; readonly member: MemberRecord }
  | { readonly kind: 'promote' | 'remove'; readonly id: bigint }
  | { readonly kind: 'update'; readonly id: bigint; readonly peerUrls: readonly string[] }

/** An encoded raftpb.ConfChange; `requestId` is how mvcc knows who waits for it. */
export function encodeMemberChange(requestId: bigint, change: MemberChange): Bytes {
  const { type, id, context } = wireOf(change)
  return encodeConfChange({ id: requestId, type, node_id: id, context })
}

/** Null when the entry is none that a member could have proposed. */
export function memberChangeOf({ type, node_id, context }: ConfChange): MemberChange | null {
  const id = BigInt.asUintN(64, node_id)
  if (id === 0n) return null
  if (type === ConfChangeType.ConfChangeRemoveNode) return { kind: 'remove', id }
  const member = decodeMember(id, context)
  if (member === null) return null
  switch (type) {
    case ConfChangeType.ConfChangeAddNode:
      return isPromotion(context) ? { kind: 'promote', id } : { kind: 'add', member: { ...member, isLearner: false } }
    case ConfChangeType.ConfChangeAddLearnerNode:
      return { kind: 'add', member: { ...member, isLearner: true } }
    case ConfChangeType.ConfChangeUpdateNode:
      return { kind: 'update', id, peerUrls: member.peerUrls }
    default:
      return null
  }
}

function wireOf(change: MemberChange): { type: number; id: bigint; context: Bytes } {
  switch (change.kind) {
    case 'add': {
      const { ConfChangeAddNode, ConfChangeAddLearnerNode } = ConfChangeType
      const type = change.member.isLearner ? ConfChangeAddLearnerNode : ConfChangeAddNode
      return { type, id: change.member.id, context: withPromotion(encodeMember(change.member), false) }
    }
    case 'promote': {
      const context = withPromotion(encodeMember(memberWith(change.id, [])), true)
      return { type: ConfChangeType.ConfChangeAddNode, id: change.id, context }
    }
    case 'remove':
      return { type: ConfChangeType.ConfChangeRemoveNode, id: change.id, context: new Uint8Array(0) }
    case 'update': {
      const context = encodeMember(memberWith(change.id, change.peerUrls))
      return { type: ConfChangeType.ConfChangeUpdateNode, id: change.id, context }
    }
  }
}

function memberWith(id: bigint, peerUrls: readonly string[]): MemberRecord {
  return { id, peerUrls, isLearner: false, name: '', clientUrls: [] }
}

function withPromotion(member: Bytes, isPromote: boolean): Bytes {
  return utf8(`${text(member).slice(0, -1)},"isPromote":${isPromote}}`)
}

/** The text is known to be an object. */
function isPromotion(context: Bytes): boolean {
  const { isPromote } = JSON.parse(text(context)) as Record<string, unknown>
  return isPromote === true
}

/**
 * The members as messages between actors carry them: an encoded etcdserverpb.MemberListResponse with the members alone,
 * and removed ids, 8 bytes each, little-endian.
 */

import type { Bytes } from '../base/bytes.js'
import { decodeMemberListResponse, encodeMemberListResponse } from '../proto/generated/etcdserverpb.js'
import type { MemberRecord } from './member-record.js'

const ID_BYTES = 8

export function encodeMembers(members: readonly MemberRecord[]): Bytes {
  return encodeMemberListResponse({ members: members.map(memberMessage) })
}

export function decodeMembers(bytes: Bytes): MemberRecord[] {
  return decodeMemberListResponse(bytes).members.map((member) => ({
    id: member.ID,
    name: member.name,
    peerUrls: member.peerURLs,
    clientUrls: member.clientURLs,
    isLearner: member.isLearner,
  }))
}

export function encodeIds(ids: Iterable<bigint>): Bytes {
  const list = [...ids]
  const bytes = Buffer.alloc(ID_BYTES * list.length)
  list.forEach((id, i) => bytes.writeBigUInt64LE(BigInt.asUintN(64, id), ID_BYTES * i))
  return bytes
}

export function decodeIds(bytes: Bytes): bigint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: bytes.length / ID_BYTES }, (_, i) => view.getBigUint64(ID_BYTES * i, true))
}

/** As etcdserverpb.Member. */
export function memberMessage({ id, name, peerUrls, clientUrls, isLearner }: MemberRecord): {
  readonly ID: bigint
  readonly name: string
  readonly peerURLs: readonly string[]
  readonly clientURLs: readonly string[]
  readonly isLearner: boolean
} {
  return { ID: id, name, peerURLs: peerUrls, clientURLs: clientUrls, isLearner }
}

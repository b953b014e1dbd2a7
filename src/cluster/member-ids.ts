/** Ids as etcd derives them, so that the same flags name the same members and the same cluster. */

import { createHash } from 'node:crypto'

/** A member of a first configuration: of its peer URLs and the cluster's token. */
export function memberIdOf(peerUrls: readonly string[], clusterToken: string): bigint {
  return firstEight(Buffer.from([...peerUrls].sort().join('') + clusterToken, 'utf8'))
}

/** Of a member that is added to a cluster: of its peer URLs and the time, so that who comes back is another. */
export function newMemberId(peerUrls: readonly string[], wallMs: number): bigint {
  return firstEight(Buffer.from([...peerUrls].sort().join('') + String(Math.floor(wallMs / 1000)), 'utf8'))
}

/** A cluster is named by its first members. */
export function clusterIdOf(memberIds: readonly bigint[]): bigint {
  const bytes = Buffer.alloc(8 * memberIds.length)
  sortedIds(memberIds).forEach((id, i) => bytes.writeBigUInt64BE(id, 8 * i))
  return firstEight(bytes)
}

/** By size as unsigned numbers, the order in which etcd lists members. */
export function sortedIds(ids: readonly bigint[]): bigint[] {
  return [...ids].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

function firstEight(bytes: Buffer): bigint {
  return createHash('sha1').update(bytes).digest().readBigUInt64BE(0)
}

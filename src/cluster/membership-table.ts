/** The members and the cluster's version as the store has them, for those who only read. */

import { text } from '../base/bytes.js'
import { Slice } from '../base/slice.js'
import { TABLE, type StoreView } from '../store/store.js'
import { decodeMember, type MemberRecord } from './member-record.js'
import type { Membership } from './membership-rules.js'

/** As etcd's bucket of that name. */
export const CLUSTER_VERSION_KEY = Buffer.from('clusterVersion')

export const DOWNGRADE_KEY = Buffer.from('downgrade')

export interface DowngradeInfo {
  readonly enabled: boolean
  /** Such as 3.6.0; empty unless enabled. */
  readonly targetVersion: string
}

const value = new Slice()

/** Such as 3.7.0; null before the cluster has agreed on one. */
export function readClusterVersion(view: StoreView): string | null {
  const found = view.get(TABLE.cluster, CLUSTER_VERSION_KEY, 0, CLUSTER_VERSION_KEY.length, value)
  return found ? text(value.copy()) : null
}

/** Written as etcd writes it. */
export function encodeDowngradeInfo({ enabled, targetVersion }: DowngradeInfo): Uint8Array {
  return Buffer.from(JSON.stringify({ 'target-version': targetVersion, enabled }))
}

export function readDowngradeInfo(view: StoreView): DowngradeInfo {
  const found = view.get(TABLE.cluster, DOWNGRADE_KEY, 0, DOWNGRADE_KEY.length, value)
  if (!found) return { enabled: false, targetVersion: '' }
  const info = JSON.parse(text(value.copy())) as { 'target-version': string; enabled: boolean }
  return { enabled: info.enabled, targetVersion: info['target-version'] }
}

/** All members, sorted by id as an unsigned number. */
export function readMembers(view: StoreView): MemberRecord[] {
  const members: MemberRecord[] = []
  const cursor = view.openCursor(TABLE.members)
  for (let found = cursor.seek(new Uint8Array(0), 0, 0); found; found = cursor.next()) {
    const id = BigInt(`0x${text(cursor.key.copy())}`)
    const member = decodeMember(id, cursor.value.copy())
    if (member !== null) members.push(member)
  }
  cursor.close()
  return members.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
}

/** The members, and the ids of those that were removed. */
export function readMembership(view: StoreView): Membership {
  const removed = new Set<bigint>()
  const cursor = view.openCursor(TABLE.membersRemoved, true)
  for (let found = cursor.seek(new Uint8Array(0), 0, 0); found; found = cursor.next()) {
    removed.add(BigInt(`0x${text(cursor.key.copy())}`))
  }
  cursor.close()
  return { members: readMembers(view), removed }
}

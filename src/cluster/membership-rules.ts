/**
 * Which changes of the membership a cluster allows. The rules look at nothing but the members and the change, so every
 * member that applies an entry decides alike. Errors are ids of etcd-errors.ts, 0 is none.
 */

import { etcdErrors } from '../proto/etcd-errors.js'
import type { MemberChange } from './member-change.js'
import type { MemberRecord } from './member-record.js'

export interface Membership {
  readonly members: readonly MemberRecord[]
  /** Ids that were members once: nobody may have them again. */
  readonly removed: ReadonlySet<bigint>
}

/** Why the change does not take effect. */
export function memberChangeError(membership: Membership, change: MemberChange, learnersMax: number): number {
  const id = change.kind === 'add' ? change.member.id : change.id
  if (membership.removed.has(id)) return etcdErrors.memberNotFound.id
  const known = membership.members.find((member) => member.id === id)
  switch (change.kind) {
    case 'add':
      return addError(membership, change.member, learnersMax)
    case 'promote':
      if (known === undefined) return etcdErrors.memberNotFound.id
      return known.isLearner ? 0 : etcdErrors.memberNotLearner.id
    case 'remove':
      if (known === undefined) return etcdErrors.memberNotFound.id
      return isLastVoter(membership, known) ? etcdErrors.memberNotEnoughStarted.id : 0
    case 'update':
      if (known === undefined) return etcdErrors.memberNotFound.id
      return hasUrl(membership, change.peerUrls, id) ? etcdErrors.peerURLExist.id : 0
  }
}

/** The members after a change that the rules allow, sorted as before; the removed ids grow by one that was removed. */
export function afterChange({ members, removed }: Membership, change: MemberChange): Membership {
  switch (change.kind) {
    case 'add':
      return { members: [...members, change.member].sort(byId), removed }
    case 'promote':
      return { members: members.map((it) => (it.id === change.id ? { ...it, isLearner: false } : it)), removed }
    case 'remove':
      return { members: members.filter(({ id }) => id !== change.id), removed: new Set([...removed, change.id]) }
    case 'update': {
      const { id, peerUrls } = change
      return { members: members.map((it) => (it.id === id ? { ...it, peerUrls } : it)), removed }
    }
  }
}

export function countLearners({ members }: Pick<Membership, 'members'>): number {
  return members.filter(({ isLearner }) => isLearner).length
}

function addError(membership: Membership, member: MemberRecord, learnersMax: number): number {
  if (membership.members.some(({ id }) => id === member.id)) return etcdErrors.memberExist.id
  if (hasUrl(membership, member.peerUrls, member.id)) return etcdErrors.peerURLExist.id
  if (member.isLearner && countLearners(membership) >= learnersMax) return etcdErrors.tooManyLearners.id
  return 0
}

/** Without voters nothing could ever be agreed on again. */
function isLastVoter({ members }: Membership, member: MemberRecord): boolean {
  return !member.isLearner && members.every(({ id, isLearner }) => isLearner || id === member.id)
}

/** Whether any of the URLs is another member's. */
function hasUrl({ members }: Membership, urls: readonly string[], ownId: bigint): boolean {
  return members.some(({ id, peerUrls }) => id !== ownId && peerUrls.some((url) => urls.includes(url)))
}

function byId(a: MemberRecord, b: MemberRecord): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

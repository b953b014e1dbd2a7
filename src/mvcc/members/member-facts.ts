/** Who the members are after a batch, for peer; and whether this member is one of them, for mvcc itself. */

import { utf8 } from '../../base/bytes.js'
import { encodeIds, encodeMembers } from '../../cluster/membership-message.js'
import type { Membership } from '../../cluster/membership-rules.js'
import { readClusterVersion, readMembership } from '../../cluster/membership-table.js'
import type { PeerMessages } from '../../messages/peer-messages.js'
import type { Sender } from '../../messages/protocol.js'
import { Word } from '../../messages/shared-words.js'
import type { StoreView } from '../../store/store.js'
import type { MvccContext } from '../mvcc-context.js'

export interface ClusterNews extends Membership {
  /** Such as 3.7.0; null before the cluster has agreed on one. */
  readonly version: string | null
}

/**
 * Ids of removed members that are told. Who is not among them is refused for being unknown and not for being removed;
 * so many changes of members no cluster sees.
 */
const REMOVED_MAX = 8192

export function readClusterNews(view: StoreView): ClusterNews {
  return { ...readMembership(view), version: readClusterVersion(view) }
}

export class MemberFacts {
  /** As the batch leaves them; null when it has changed nothing about them. */
  membership: ClusterNews | null = null
  #hasChanged = false

  clear(): void {
    this.membership = null
    this.#hasChanged = false
  }

  /** A member came, went, or is described differently; or the cluster has another version. */
  changed(): void {
    this.#hasChanged = true
  }

  /** The batch is applied, not committed yet. */
  finish(view: StoreView): void {
    if (this.#hasChanged) this.membership = readClusterNews(view)
  }
}

/** Tells everybody who the members are. False when peer's ring is full: nothing was told. */
export function tellMembership(context: MvccContext, membership: ClusterNews): boolean {
  const { peer, publish, words, memberId, onRemoved } = context
  if (peer !== null && !sendMembership(peer, membership)) return false
  publish()
  words.store(Word.isLearner, isLearner(membership, memberId))
  if (membership.removed.has(memberId)) onRemoved()
  return true
}

function sendMembership(peer: Sender<PeerMessages>, { members, removed, version }: ClusterNews): boolean {
  const told = [...removed].slice(-REMOVED_MAX)
  return peer.members({ members: encodeMembers(members), removed: encodeIds(told), version: utf8(version ?? '') })
}

/** 1 if this member is one that does not vote yet. */
function isLearner({ members }: Membership, memberId: bigint): number {
  return members.find(({ id }) => id === memberId)?.isLearner === true ? 1 : 0
}

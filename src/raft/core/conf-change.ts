/**
 * Configuration changes as pure functions: one member at a time, or through a joint
 * configuration (dissertation 4.3).
 */

/**
 * raftpb.ConfState: who votes, who only listens. Ids are sorted; the four lists are disjoint
 * except voters/outgoing.
 */
export interface ConfState {
  readonly voters: readonly bigint[]
  /** The other half of a joint configuration; empty when there is none. */
  readonly votersOutgoing: readonly bigint[]
  readonly learners: readonly bigint[]
  /** Voters of the outgoing half that become learners when the joint configuration is left. */
  readonly learnersNext: readonly bigint[]
  /** The leader itself proposes to leave the joint configuration. */
  readonly autoLeave: boolean
}

/** raftpb.ConfChangeType. */
export const ConfChangeType = Object.freeze({
  addNode: 0, removeNode: 1, updateNode: 2, addLearner: 3,
})
export type ConfChangeType = (typeof ConfChangeType)[keyof typeof ConfChangeType]

/** raftpb.ConfChangeTransition. */
export const ConfTransition = Object.freeze({ auto: 0, jointImplicit: 1, jointExplicit: 2 })
export type ConfTransition = (typeof ConfTransition)[keyof typeof ConfTransition]

export interface ConfChangeSingle {
  readonly type: ConfChangeType
  readonly nodeId: bigint
}

/** No changes at all means: leave the joint configuration. */
export interface ConfChange {
  readonly transition: ConfTransition
  readonly changes: readonly ConfChangeSingle[]
}

export type ConfChangeRefusal = 'already-joint' | 'not-joint' | 'no-voters' | 'more-than-one-voter'

export type ConfChangeResult =
  | { readonly ok: true, readonly confState: ConfState }
  | { readonly ok: false, readonly code: ConfChangeRefusal }

export const EMPTY_CONF_STATE: ConfState = Object.freeze({
  voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false,
})

/** A plain configuration of these voters and learners. */
export function confStateOf(
  voters: readonly bigint[], learners: readonly bigint[] = [],
): ConfState {
  return { ...EMPTY_CONF_STATE, voters: sorted(voters), learners: sorted(learners) }
}

export function isJoint(confState: ConfState): boolean {
  return confState.votersOutgoing.length > 0
}

/** The configuration after `change`, or why it cannot follow the current one. */
export function changeConf(current: ConfState, change: ConfChange): ConfChangeResult {
  if (change.changes.length === 0) return leaveJoint(current)
  if (isJoint(current)) return { ok: false, code: 'already-joint' }
  const joint = change.transition !== ConfTransition.auto || change.changes.length > 1
  const draft = new Draft(current, joint)
  for (const single of change.changes) draft.apply(single)
  if (draft.voters.size === 0) return { ok: false, code: 'no-voters' }
  if (!joint && difference(current.voters, draft.voters) > 1) {
    return { ok: false, code: 'more-than-one-voter' }
  }
  const autoLeave = joint && change.transition !== ConfTransition.jointExplicit
  return { ok: true, confState: draft.finish(autoLeave) }
}

function leaveJoint(current: ConfState): ConfChangeResult {
  if (!isJoint(current)) return { ok: false, code: 'not-joint' }
  const learners = [...current.learners, ...current.learnersNext]
  return { ok: true, confState: confStateOf(current.voters, learners) }
}

/**
 * A configuration being edited. Only the incoming half changes; the outgoing half is the one
 * before the change.
 */
class Draft {
  readonly voters: Set<bigint>
  readonly outgoing: Set<bigint>
  readonly learners: Set<bigint>
  readonly learnersNext: Set<bigint>

  constructor(from: ConfState, joint: boolean) {
    this.voters = new Set(from.voters)
    this.outgoing = new Set(joint ? from.voters : [])
    this.learners = new Set(from.learners)
    this.learnersNext = new Set(from.learnersNext)
  }

  apply(single: ConfChangeSingle): void {
    // Id 0 means nobody; etcd blanks the id of a change that it refused at apply, which makes it
    // a no-op.
    if (single.nodeId === 0n || single.type === ConfChangeType.updateNode) return
    const id = single.nodeId
    this.voters.delete(id)
    this.learners.delete(id)
    this.learnersNext.delete(id)
    if (single.type === ConfChangeType.addNode) this.voters.add(id)
    if (single.type === ConfChangeType.addLearner) {
      // A voter of the outgoing half must not be a learner at the same time: it becomes one on
      // leaving.
      if (this.outgoing.has(id)) this.learnersNext.add(id)
      else this.learners.add(id)
    }
  }

  finish(autoLeave: boolean): ConfState {
    return {
      voters: sorted([...this.voters]),
      votersOutgoing: sorted([...this.outgoing]),
      learners: sorted([...this.learners]),
      learnersNext: sorted([...this.learnersNext]),
      autoLeave,
    }
  }
}

function difference(before: readonly bigint[], after: ReadonlySet<bigint>): number {
  let kept = 0
  for (const id of before) if (after.has(id)) kept++
  return before.length - kept + (after.size - kept)
}

function sorted(ids: readonly bigint[]): bigint[] {
  return [...ids].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

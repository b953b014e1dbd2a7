/**
 * What `--strict-reconfig-check` asks of a change before it is proposed: that the members which have started make a
 * quorum of the new configuration, and that enough of them have been connected for a while. Told by the member that was
 * asked, so unlike the rules for members it may be decided differently elsewhere.
 */

import { hexId } from '../../base/bytes.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import type { MemberChange } from '../member-change.js'
import type { MemberRecord } from '../member-record.js'

/** Only what has lasted this long counts as a connection. */
export const CONNECTED_MS_MIN = 5000

export interface ReconfigFacts {
  readonly selfId: bigint
  readonly members: readonly MemberRecord[]
  /** How long the member has been connected without a break, in ms; -1 while it is not. */
  connectedMs(id: bigint): number
}

export interface Objection {
  /** Id in etcd-errors.ts. */
  readonly error: number
  /** Says the quorum before and after, for the log. */
  readonly message: string
}

/** Null when the change may be proposed. */
export function strictObjection(facts: ReconfigFacts, change: MemberChange): Objection | null {
  switch (change.kind) {
    case 'add':
      return (change.member.isLearner ? null : addObjection(facts)) ?? connectionObjection(facts)
    case 'promote':
      return startedObjection(facts, 'promoting a learner', { voters: 1, started: 1 })
    case 'remove':
      return removeObjection(facts, change.id)
    case 'update':
      return null
  }
}

export function quorumOf(voters: number): number {
  return Math.floor(voters / 2) + 1
}

/** A cluster of one may always grow: that is how data is restored to several members. */
function addObjection(facts: ReconfigFacts): Objection | null {
  const { voters, started } = countVoters(facts)
  if (voters.length === 1 && started === 1) return null
  return startedObjection(facts, 'adding a member', { voters: 1, started: 0 })
}

/** The new member counts as one that is down. */
function connectionObjection(facts: ReconfigFacts): Objection | null {
  const { voters } = countVoters(facts)
  const connected = countConnected(facts, voters)
  const needed = quorumOf(voters.length + 1)
  if (voters.length === 1 || connected >= needed) return null
  return {
    error: etcdErrors.unhealthy.id,
    message: `adding a member: the quorum is ${quorumOf(voters.length)} of ${voters.length} now and ${needed} of ` +
      `${voters.length + 1} after it, and only ${connected} have been connected for ${CONNECTED_MS_MIN / 1000} s`,
  }
}

function removeObjection(facts: ReconfigFacts, id: bigint): Objection | null {
  const target = facts.members.find((member) => member.id === id)
  if (target?.isLearner === true) return null
  const { voters } = countVoters(facts)
  const isStarted = target !== undefined && target.name !== ''
  const difference = { voters: target === undefined ? 0 : -1, started: isStarted ? -1 : 0 }
  const objection = startedObjection(facts, `removing member ${hexId(id)}`, difference)
  if (objection !== null) return objection
  // Who is down is no part of the quorum that works now.
  if (id !== facts.selfId && facts.connectedMs(id) < 0) return null
  const connected = countConnected(facts, voters)
  const needed = quorumOf(voters.length - 1)
  if (connected - 1 >= needed) return null
  return {
    error: etcdErrors.unhealthy.id,
    message: `removing member ${hexId(id)}: the quorum is ${quorumOf(voters.length)} of ${voters.length} now and ` +
      `${needed} of ${voters.length - 1} after it, and only ${connected - 1} of the members that would stay ` +
      `have been connected for ${CONNECTED_MS_MIN / 1000} s`,
  }
}

function startedObjection(
  facts: ReconfigFacts,
  what: string,
  difference: { readonly voters: number; readonly started: number },
): Objection | null {
  const { voters, started } = countVoters(facts)
  const votersAfter = voters.length + difference.voters
  const startedAfter = started + difference.started
  const needed = quorumOf(votersAfter)
  if (startedAfter >= needed) return null
  return {
    error: etcdErrors.memberNotEnoughStarted.id,
    message: `${what}: the quorum is ${quorumOf(voters.length)} of ${voters.length} now and ${needed} of ` +
      `${votersAfter} after it, and only ${startedAfter} of those have started`,
  }
}

function countVoters({ members }: ReconfigFacts): { voters: MemberRecord[]; started: number } {
  const voters = members.filter(({ isLearner }) => !isLearner)
  return { voters, started: voters.filter(({ name }) => name !== '').length }
}

function countConnected(facts: ReconfigFacts, voters: readonly MemberRecord[]): number {
  return voters.filter(({ id }) => id === facts.selfId || facts.connectedMs(id) >= CONNECTED_MS_MIN).length
}

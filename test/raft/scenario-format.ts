/** How scenarios print what members do. */

import { text } from '../../src/base/bytes.js'
import { decodeConfChange, decodeConfChangeV2 } from '../../src/proto/generated/raftpb.js'
import { ConfChangeType, ConfTransition, type ConfState } from '../../src/raft/core/conf-change.js'
import { EntryType, type LogEntry } from '../../src/raft/core/raft-log.js'
import { MessageType, type RaftMessage } from '../../src/raft/core/raft-message.js'
import type { Ready } from '../../src/raft/core/ready.js'
import type { TestMember } from './test-member.js'

const MESSAGE_NAMES = new Map<number, string>(Object.entries(MessageType).map(([name, number]) => [number, name]))
const SIGNS: Readonly<Record<ConfChangeType, string>> = {
  [ConfChangeType.addNode]: '+',
  [ConfChangeType.removeNode]: '-',
  [ConfChangeType.updateNode]: '=',
  [ConfChangeType.addLearner]: '~',
}

/** `index@term`, and what it holds. */
export function formatEntry(entry: LogEntry): string {
  const place = `${entry.index}@${entry.term}`
  if (entry.type === EntryType.confChange) {
    const { type, node_id: id } = decodeConfChange(entry.data)
    return `${place} ${SIGNS[type as ConfChangeType]}${id}`
  }
  if (entry.type === EntryType.confChangeV2) return `${place} ${formatChange(entry)}`
  return entry.data.length === 0 ? `${place} empty` : `${place} ${text(entry.data)}`
}

function formatChange(entry: LogEntry): string {
  const { transition, changes } = decodeConfChangeV2(entry.data)
  if (changes.length === 0) return 'leave'
  const singles = changes.map((single) => `${SIGNS[single.type as ConfChangeType]}${single.node_id}`)
  if (transition === ConfTransition.jointImplicit) singles.push('joint')
  if (transition === ConfTransition.jointExplicit) singles.push('explicit')
  return singles.join(' ')
}

export function formatConf(conf: ConfState): string {
  const parts = [`voters ${conf.voters.join(' ')}`]
  if (conf.votersOutgoing.length > 0) parts.push(`outgoing ${conf.votersOutgoing.join(' ')}`)
  if (conf.learners.length > 0) parts.push(`learners ${conf.learners.join(' ')}`)
  if (conf.learnersNext.length > 0) parts.push(`learners next ${conf.learnersNext.join(' ')}`)
  if (conf.autoLeave) parts.push('leaves by itself')
  return parts.join(', ')
}

export function formatMessage(message: RaftMessage): string {
  const { type, from, to, term, index, logTerm, commit, reject, entries, context } = message
  const head = `${from}->${to} ${MESSAGE_NAMES.get(type) ?? type}${term === 0 ? '' : ` term ${term}`}`
  switch (type) {
    case MessageType.append: {
      const list = entries.length === 0 ? 'nothing' : entries.map(formatEntry).join(', ')
      return `${head}: after ${index}@${logTerm} ${list}; commit ${commit}`
    }
    case MessageType.appendResponse:
      return reject ? `${head}: rejects ${index}, try ${message.rejectHint}@${logTerm}` : `${head}: has ${index}`
    case MessageType.vote:
    case MessageType.preVote: return `${head}: log ends ${index}@${logTerm}${message.transfer ? ', transfer' : ''}`
    case MessageType.voteResponse:
    case MessageType.preVoteResponse: return `${head}: ${reject ? 'no' : 'yes'}`
    case MessageType.snapshot: {
      const meta = message.snapshot
      return meta === null ? head : `${head}: up to ${meta.index}@${meta.term}, ${formatConf(meta.confState)}`
    }
    case MessageType.heartbeat: return `${head}: commit ${commit}, round ${context}`
    case MessageType.heartbeatResponse: return `${head}: round ${context}`
    case MessageType.readIndex: return `${head}: ticket ${context}`
    case MessageType.readIndexResponse: return `${head}: ticket ${context} at ${index}`
    default: return head
  }
}

export function formatReady(member: TestMember, ready: Ready): string[] {
  const core = member.running
  const range = (first: number, last: number): string =>
    Array.from({ length: last - first + 1 }, (_, i) => formatEntry(core.entry(first + i))).join(', ')
  const lines: string[] = []
  if (ready.roleChanged) lines.push(`${ready.role}${ready.leader === 0n ? '' : `, leader ${ready.leader}`}`)
  if (ready.mustSync || ready.hardStateChanged || ready.appendCount > 0) {
    const parts: string[] = []
    if (ready.snapshot !== null) parts.push(`snapshot ${ready.snapshot.index}@${ready.snapshot.term}`)
    if (ready.appendCount > 0) parts.push(range(ready.appendFirst, ready.appendLast))
    const { term, vote, commit } = ready.hardState
    if (ready.hardStateChanged) parts.push(`term ${term} vote ${vote} commit ${commit}`)
    if (parts.length === 0) parts.push('nothing')
    lines.push(`store ${parts.join('; ')}${ready.mustSync ? ` [sync ${ready.appendTerm}/${ready.appendIndex}]` : ''}`)
  }
  if (ready.applyCount > 0) lines.push(`apply ${range(ready.applyFirst, ready.applyLast)}`)
  for (const { ticket, index } of ready.readStates) lines.push(`ticket ${ticket} ${index < 0 ? 'lost' : `at ${index}`}`)
  for (const message of ready.messages) lines.push(`send ${formatMessage(message)}`)
  return lines.map((line) => `${member.id}: ${line}`)
}

/** Where each of these members is; the configuration once when all agree on it. */
export function formatStatuses(members: readonly TestMember[]): string[] {
  const confs = new Set(members.flatMap(({ core }) => core === null ? [] : [formatConf(core.confState)]))
  const lines = members.map((member) =>
    member.core === null || confs.size === 1 ? formatStatus(member)
      : `${formatStatus(member)}; ${formatConf(member.core.confState)}`)
  return confs.size === 1 ? [...lines, ...confs] : lines
}

function formatStatus(member: TestMember): string {
  if (member.core === null) return `${member.id}: down, log ends ${member.disk.lastIndex}`
  const { role, term, vote, leader, committed, applied, stable, firstIndex, lastIndex } = member.core.status()
  const relation = role === 'leader' ? `leader of term ${term}`
    : role === 'follower' && leader !== 0n ? `follower of ${leader} in term ${term}` : `${role} in term ${term}`
  const log = lastIndex < firstIndex ? `log empty after ${lastIndex}` : `log ${firstIndex}..${lastIndex}`
  const isDone = stable === lastIndex && committed === lastIndex && applied === lastIndex
  const progress = isDone ? 'all applied' : `durable ${stable}, commit ${committed}, applied ${applied}`
  return `${member.id}: ${relation}${vote === 0n ? '' : `, voted ${vote}`}; ${log}, ${progress}`
}

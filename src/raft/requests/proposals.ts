/**
 * Requests on their way into the log. The leader appends them. A follower forwards them to its leader, all of a turn in
 * few messages, and their outcome comes from its own mvcc when the entries are applied here; one that is lost on
 * the way has no outcome, and who asked gives up in time. Without a leader they wait for one, as etcd's do, but not
 * longer than who asked; they also wait while the way to it is cut, because the next leader may have them instead.
 *
 * Full: more than may wait is refused as too many requests.
 */

import { assert } from '../../base/assert.js'
import type { Slice } from '../../base/slice.js'
import { MIB } from '../../config/limits.js'
import { LEASE_ORIGIN, originOf } from '../../messages/request-id.js'
import { counters } from '../../metrics/counter-catalogue.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import type { RaftCore } from '../core/raft-core.js'
import { EntryType, LogEntry } from '../core/raft-log.js'
import { MessageType, NOBODY, RaftMessage } from '../core/raft-message.js'
import type { ProposeRefusal } from '../core/replication.js'
import type { EntryArena } from '../entry-arena.js'
import { ForwardedRequests } from './forwarded.js'
import { goesFirst } from './goes-first.js'
import type { RaftContext } from '../raft-context.js'

/** Refusals that wait for room in a ring to their asker. At this many the inbox is left alone. */
const REFUSALS_MAX = 4096
/** What may wait for a leader, or for room to forward it. */
const WAITING_COUNT_MAX = 32_768
const WAITING_BYTES_MAX = 64 * MIB
/** Changes of the configuration that may wait for the one before them. */
const CONF_CHANGES_MAX = 64

interface Refusal {
  readonly high: number
  readonly low: number
  readonly error: number
}

interface Waiting {
  readonly entry: LogEntry
  /** The request's id; 0 and 0 when nobody here waits for it to be lost. */
  readonly high: number
  readonly low: number
  readonly giveUpAtMs: number
}

interface WaitingConf {
  readonly entry: LogEntry
  readonly giveUpAtMs: number
  /** Null for one that another member forwarded. */
  readonly asker: { readonly high: number; readonly low: number } | null
}

/** What is known of a request beside its bytes. */
export interface Asked {
  readonly requestHigh: number
  readonly requestLow: number
  readonly data: Slice
}

const REFUSAL_ERRORS: Readonly<Record<ProposeRefusal, number>> = {
  'no-leader': etcdErrors.noLeader.id,
  'not-leader': etcdErrors.noLeader.id,
  'too-many-uncommitted': etcdErrors.requestTooManyRequests.id,
  'too-many-requests': etcdErrors.requestTooManyRequests.id,
  transferring: etcdErrors.proposalDropped.id,
  'conf-change-pending': etcdErrors.proposalDropped.id,
  'conf-change-joint': etcdErrors.proposalDropped.id,
}
const TOO_MANY = etcdErrors.requestTooManyRequests.id
const LOST = etcdErrors.timeoutDueToLeaderFail.id

export class Proposals {
  readonly #context: RaftContext
  readonly #arena: EntryArena
  readonly #refusals: Refusal[] = []
  readonly #forwarded = new ForwardedRequests()
  /** In the order they came; empty while this member leads. */
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #confs: WaitingConf[] = []
  /** The ring to peer had no room for all that waits for the leader. */
  #isForwardHeld = false
  /** What is sent to this member is lost, as far as is known. */
  #unreachable = NOBODY
  /** No stream takes entries to these: a leader that is heard may still be out of reach. */
  readonly #cut = new Set<bigint>()

  constructor(context: RaftContext, arena: EntryArena) {
    this.#context = context
    this.#arena = arena
  }

  /** True if a ring had no room for what should go now: its reader does not ring its writers. */
  get waitsForRoom(): boolean {
    return this.#refusals.length > 0 || this.#isForwardHeld
  }

  /** True when no more should be heard before refusals have gone. */
  get isFull(): boolean {
    return this.#refusals.length >= REFUSALS_MAX
  }

  /** True if something waits that another turn might send on. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0 || this.#confs.length > 0
  }

  refuse({ requestHigh, requestLow }: Asked, error: number): void {
    this.#refusals.push({ high: requestHigh, low: requestLow, error })
  }

  take(core: RaftCore, asked: Asked, nowMs: number): void {
    const entry = new LogEntry(EntryType.normal, this.#arena.copy(asked.data), 1)
    entry.receivedUs = nowMs * 1000
    const error = core.role === 'leader' ? this.#append(core, entry) : this.#wait(core, entry, asked, nowMs)
    if (error !== 0) this.refuse(asked, error)
  }

  takeConf(asked: Asked, nowMs: number): void {
    const entry = new LogEntry(EntryType.confChange, this.#arena.copy(asked.data), 1)
    entry.receivedUs = nowMs * 1000
    const asker = { high: asked.requestHigh, low: asked.requestLow }
    if (!this.#waitConf(entry, asker, nowMs)) this.refuse(asked, TOO_MANY)
  }

  /** What another member has forwarded: appended, or sent on to who leads now. Without room it is dropped. */
  takeForwarded(core: RaftCore, message: RaftMessage, nowMs: number): void {
    let dropped = 0
    for (const { type, data } of message.entries) {
      const entry = new LogEntry(type, data)
      entry.receivedUs = nowMs * 1000
      let isTaken
      if (type !== EntryType.normal) isTaken = this.#waitConf(entry, null, nowMs)
      else if (core.role === 'leader') isTaken = this.#append(core, entry) === 0
      else isTaken = core.leader !== NOBODY && this.#wait(core, entry, null, nowMs) === 0
      if (!isTaken) dropped++
    }
    if (dropped > 0) this.#context.counters.add(counters.forwardsDropped, dropped)
  }

  onUnreachable(member: bigint): void {
    this.#unreachable = member
  }

  onHeard(member: bigint): void {
    if (member === this.#unreachable) this.#unreachable = NOBODY
  }

  onWay(member: bigint, isOpen: boolean): void {
    if (isOpen) this.#cut.delete(member)
    else this.#cut.add(member)
  }

  /** Sends on what waits, as far as there is a leader, a way to it and room. */
  advance(core: RaftCore, nowMs: number): void {
    this.#forwarded.settle(core, (high, low) => this.#refusals.push({ high, low, error: LOST }))
    this.#isForwardHeld = false
    if (!this.isWaiting) return
    this.#expire(nowMs)
    if (core.role === 'leader') this.#appendWaiting(core)
    else if (core.leader !== NOBODY && core.leader !== this.#unreachable && !this.#cut.has(core.leader)) {
      this.#forwardWaiting(core, nowMs)
      this.#isForwardHeld = this.isWaiting
    }
  }

  sendRefusals(): void {
    let sent = 0
    for (const refusal of this.#refusals) {
      const fields = { requestHigh: refusal.high, requestLow: refusal.low, error: refusal.error }
      const origin = originOf(refusal.high)
      const target = origin === LEASE_ORIGIN ? this.#context.lease : this.#context.fronts[origin]
      assert(target !== undefined, `a proposal from origin ${origin}`)
      if (!target.refused(fields)) break
      sent++
    }
    if (sent > 0) this.#refusals.splice(0, sent)
  }

  /** When the first of those that wait is given up. */
  get dueAtMs(): number {
    return Math.min(this.#waiting[0]?.giveUpAtMs ?? Infinity, this.#confs[0]?.giveUpAtMs ?? Infinity)
  }

  #append(core: RaftCore, entry: LogEntry): number {
    let result = core.proposeOne(entry)
    if (!result.ok && result.code === 'too-many-requests') result = core.proposeOne(entry, goesFirst(entry.data))
    return result.ok ? 0 : REFUSAL_ERRORS[result.code]
  }

  /** As the core asks of a leader. */
  #isTooFarBehind(core: RaftCore, entry: LogEntry): boolean {
    const { unappliedCountMax, unappliedCountMaxFirst } = this.#context.limits
    const gap = core.committed - core.applied
    return gap > unappliedCountMax && (gap > unappliedCountMaxFirst || !goesFirst(entry.data))
  }

  #wait(core: RaftCore, entry: LogEntry, asked: Asked | null, nowMs: number): number {
    if (this.#isTooFarBehind(core, entry)) return TOO_MANY
    const bytes = this.#waitingBytes + entry.sizeBytes
    const isFull = this.#waiting.length >= WAITING_COUNT_MAX || (bytes > WAITING_BYTES_MAX && this.#waitingBytes > 0)
    if (isFull) return TOO_MANY
    // Lease takes a refusal for certain; what it cannot be sure of is left to its own patience.
    const isTracked = asked !== null && originOf(asked.requestHigh) !== LEASE_ORIGIN
    const high = isTracked ? asked.requestHigh : 0
    const low = isTracked ? asked.requestLow : 0
    this.#waiting.push({ entry, high, low, giveUpAtMs: nowMs + this.#context.requestTimeoutMs })
    this.#waitingBytes = bytes
    return 0
  }

  #waitConf(entry: LogEntry, asker: WaitingConf['asker'], nowMs: number): boolean {
    if (this.#confs.length >= CONF_CHANGES_MAX) return false
    this.#confs.push({ entry, asker, giveUpAtMs: nowMs + this.#context.requestTimeoutMs })
    return true
  }

  /** Who asked for these has given up by now and was told so. */
  #expire(nowMs: number): void {
    let expired = 0
    while ((this.#waiting[expired]?.giveUpAtMs ?? Infinity) <= nowMs) expired++
    if (expired > 0) this.#forget(expired)
    while ((this.#confs[0]?.giveUpAtMs ?? Infinity) <= nowMs) this.#confs.shift()
  }

  #forget(count: number): void {
    for (const { entry } of this.#waiting.splice(0, count)) this.#waitingBytes -= entry.sizeBytes
  }

  #appendWaiting(core: RaftCore): void {
    let taken = 0
    for (const { entry } of this.#waiting) {
      // What does not fit now has its turn when something was committed.
      if (this.#append(core, entry) !== 0) break
      taken++
    }
    if (taken > 0) this.#forget(taken)
    while (this.#confs.length > 0 && this.#appendConf(core, this.#confs[0] as WaitingConf)) this.#confs.shift()
  }

  /** False when it has to wait for another change to be in force. */
  #appendConf(core: RaftCore, { entry, asker }: WaitingConf): boolean {
    const result = core.proposeOne(entry)
    if (result.ok) return true
    if (result.code === 'conf-change-pending' || result.code === 'conf-change-joint') return false
    if (asker !== null) this.#refusals.push({ ...asker, error: REFUSAL_ERRORS[result.code] })
    return true
  }

  #forwardWaiting(core: RaftCore, nowMs: number): void {
    const { peer, limits, memberId } = this.#context
    assert(peer !== null, 'a member with another leader has a way to it')
    while (this.isWaiting) {
      const entries: LogEntry[] = []
      let bytes = 0
      const room = peer.roomBytes
      const bytesMax = Math.min(limits.messageBytesMax, room)
      for (const { entry } of this.#waiting) {
        bytes += entry.sizeBytes
        if (bytes > bytesMax && (entries.length > 0 || bytes > room)) break
        entries.push(entry)
      }
      const normal = entries.length
      const conf = normal === this.#waiting.length ? this.#confs[0] : undefined
      if (conf !== undefined) entries.push(conf.entry)
      if (entries.length === 0) return
      const message = new RaftMessage(MessageType.propose, core.leader, memberId, 0)
      message.entries = entries
      if (!peer.send(message)) return
      for (let i = 0; i < normal; i++) this.#remember(this.#waiting[i] as Waiting, core.term, nowMs)
      this.#forget(normal)
      if (conf !== undefined) this.#confs.shift()
    }
  }

  #remember({ high, low }: Waiting, term: number, nowMs: number): void {
    if (high !== 0 || low !== 0) this.#forwarded.add(high, low, term, nowMs)
  }
}

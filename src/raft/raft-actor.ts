/**
 * Raft on its thread: feeds the pure core, turns what it asks for into messages. The only writer of term, vote and log
 * order. Waits at start until wal has replayed its log and mvcc has said how far the store is.
 *
 * It never stops for anyone: what has no room is refused, forgotten and asked for again, or left in the log.
 */

import type { Actor } from '../actor/actor.js'
import { assert } from '../base/assert.js'
import { dispatcherOf, type Dispatch } from '../messages/message-codec.js'
import type { Handler, Message } from '../messages/protocol.js'
import { raftMessages, SpaceSource, type RaftMessages } from '../messages/raft-messages.js'
import { originOf } from '../messages/request-id.js'
import { Word } from '../messages/shared-words.js'
import { counters } from '../metrics/counter-catalogue.js'
import { etcdErrors } from '../proto/etcd-errors.js'
import type { RingReader } from '../ring/ring-reader.js'
import { ApplyFeed } from './apply-feed.js'
import { confChangeOf } from './conf-codec.js'
import { RaftCore } from './core/raft-core.js'
import { EntryType, placedEntry, type LogEntry } from './core/raft-log.js'
import { MessageType, type RaftMessage } from './core/raft-message.js'
import type { RaftInitial } from './core/raft-state.js'
import type { Ready } from './core/ready.js'
import { EntryArena } from './entry-arena.js'
import { forcedCluster } from './forced-cluster.js'
import { LateHeartbeats } from './leading/late-heartbeats.js'
import { Proposals, type Asked } from './requests/proposals.js'
import type { RaftContext } from './raft-context.js'
import { RaftRecovery } from './raft-recovery.js'
import { MessageReader } from './raft-wire.js'
import { RaftWords } from './raft-words.js'
import { ReadTickets } from './requests/read-tickets.js'
import { SnapshotInstall } from './snapshot-install.js'
import { StepDown } from './leading/step-down.js'
import { WalFeed, type SnapshotPoint } from './wal-feed.js'
import { WalStall } from './leading/wal-stall.js'

/** Applied entries that are forgotten together. */
const FORGET_COUNT = 64
/** How soon the only voter looks again whether it may stand. */
const CAMPAIGN_RETRY_MS = 2
/** How soon a ring is looked at again that had no room: its reader does not ring its writers. */
const ROOM_RETRY_MS = 1

const NO_LEADER = etcdErrors.noLeader.id
const NO_SPACE = etcdErrors.noSpace.id

export class RaftActor implements Actor, Handler<RaftMessages> {
  readonly name = 'raft' as const
  readonly #context: RaftContext
  readonly #dispatch: Dispatch
  #core: RaftCore | null = null
  readonly #recovery: RaftRecovery
  readonly #arena = new EntryArena()
  readonly #messages = new MessageReader(this.#arena)
  readonly #proposals: Proposals
  readonly #reads: ReadTickets
  readonly #wal: WalFeed
  readonly #feed: ApplyFeed
  readonly #install: SnapshotInstall
  readonly #words: RaftWords
  readonly #stepDown: StepDown
  readonly #walStall: WalStall
  readonly #lateHeartbeats: LateHeartbeats
  /** Bit per SpaceSource that reported a full disk. */
  #fullDisks = 0
  #snapshotIndex = 0
  #forgottenIndex = 0
  #pendingSnapshot: SnapshotPoint | null = null
  #nextTickMs = Infinity
  #nowMs = 0
  /**
   * The only voter need not wait for an election timeout; it stands as soon as no configuration change is unapplied
   * (dissertation 4.1).
   */
  #standsAlone = false
  /** Configuration entries that mvcc has and has not answered for, oldest first. */
  readonly #confsGiven: LogEntry[] = []

  constructor(context: RaftContext) {
    this.#context = context
    this.#dispatch = dispatcherOf(raftMessages, this)
    this.#recovery = new RaftRecovery(context.bootstrapEntries)
    this.#proposals = new Proposals(context, this.#arena)
    this.#reads = new ReadTickets(context)
    this.#wal = new WalFeed(context.wal)
    this.#feed = new ApplyFeed(context)
    this.#install = new SnapshotInstall({ ...context, feed: this.#feed })
    this.#words = new RaftWords(context)
    this.#stepDown = new StepDown(context)
    this.#walStall = new WalStall(context)
    this.#lateHeartbeats = new LateHeartbeats(context)
  }

  onStart(nowMs: number): void {
    this.#nowMs = nowMs
  }

  onFrame(reader: RingReader, nowMs: number): void {
    if (nowMs !== this.#nowMs) {
      this.#nowMs = nowMs
      // Proposals are refused by how far apply is behind, so that is looked at before the first one of a turn.
      if (this.#core !== null) this.#takeApplied(this.#core)
    }
    this.#dispatch(reader)
  }

  isBlocked(): boolean {
    return this.#proposals.isFull
  }

  // What clients ask.

  onPropose(message: Message<RaftMessages, 'propose'>): void {
    const core = this.#admit(message)
    if (core !== null) this.#proposals.take(core, message, this.#nowMs)
  }

  onProposeConf(message: Message<RaftMessages, 'proposeConf'>): void {
    if (this.#admit(message) !== null) this.#proposals.takeConf(message, this.#nowMs)
  }

  onReadIndex(message: Message<RaftMessages, 'readIndex'>): void {
    if (this.#core !== null) this.#reads.ask(this.#core, message)
  }

  onTransferLeader({ to }: Message<RaftMessages, 'transferLeader'>): void {
    this.#core?.transferLeader(BigInt.asUintN(64, to))
  }

  /** An answer that finds no room is lost: who asked gives up in time. */
  onTellProgress({ requestHigh, requestLow, member }: Message<RaftMessages, 'tellProgress'>): void {
    const { fronts, memberId } = this.#context
    const match = this.#core?.matchOf(BigInt.asUintN(64, member)) ?? null
    const leaderMatch = this.#core?.matchOf(memberId) ?? null
    fronts[originOf(requestHigh)]?.memberProgress({
      requestHigh,
      requestLow,
      leads: this.#core?.role === 'leader' ? 1 : 0,
      known: match === null ? 0 : 1,
      match: match ?? 0,
      leaderMatch: leaderMatch ?? 0,
    })
  }

  // What the disk and the store say.

  onDurable(message: Message<RaftMessages, 'durable'>): void {
    const core = this.#core
    assert(core !== null, 'durable before the log was recovered')
    this.#wal.onDurable(core, message)
    this.#install.onDurable(message.sequence)
  }

  onRecoveredEntry(message: Message<RaftMessages, 'recoveredEntry'>): void {
    const type = message.type as EntryType
    this.#recovery.onEntry(placedEntry(message.term, message.index, type, message.data.copy()))
  }

  onRecovered(message: Message<RaftMessages, 'recovered'>): void {
    this.#recovery.onLog(message)
    this.#snapshotIndex = message.snapshotIndex
    this.#begin()
  }

  onStoreRestored(message: Message<RaftMessages, 'storeRestored'>): void {
    this.#recovery.onStore(message)
    this.#begin()
  }

  onCheckpointed(message: Message<RaftMessages, 'checkpointed'>): void {
    if (message.index - this.#snapshotIndex < this.#context.snapshotCount) return
    this.#pendingSnapshot = { index: message.index, term: message.term }
  }

  onConfApplied(message: Message<RaftMessages, 'confApplied'>): void {
    const core = this.#core
    assert(core !== null, 'a configuration entry is applied before the log was recovered')
    // What a snapshot stands for may have been passed over by mvcc.
    if (message.index <= this.#install.takenIndex) return
    // The log may have forgotten the entry by now.
    const entry = this.#confsGiven.shift()
    assert(entry?.index === message.index, `mvcc answers for configuration entry ${message.index}`)
    if (message.ok === 0) core.refuseConfChange()
    else core.applyConfChange(confChangeOf(entry.data))
  }

  onSnapshotPrepared({ index }: Message<RaftMessages, 'snapshotPrepared'>): void {
    assert(this.#core !== null, 'a snapshot was prepared before the log was recovered')
    this.#install.onPrepared(this.#core, index)
  }

  onSpace(message: Message<RaftMessages, 'space'>): void {
    const bit = 1 << message.source
    const before = this.#fullDisks
    this.#fullDisks = message.available === 1 ? before & ~bit : before | bit
    if (before === 0 && this.#fullDisks !== 0) {
      this.#context.logger.error('raft', 'no space left on disk; refusing writes until there is room')
    } else if (before !== 0 && this.#fullDisks === 0) {
      this.#context.logger.info('raft', 'the disk has room again; accepting writes')
    }
  }

  // What other members say.

  onReceived({ data }: Message<RaftMessages, 'received'>): void {
    const core = this.#core
    if (core === null) return
    this.#messages.receivedUs = this.#nowMs * 1000
    const message = this.#messages.read(data.bytes, data.start, data.end)
    if (message === null || message.to !== this.#context.memberId || message.type === MessageType.snapshot) {
      this.#context.counters.add(counters.messagesMalformed)
      return
    }
    this.#proposals.onHeard(message.from)
    if (message.type === MessageType.propose) this.#proposals.takeForwarded(core, message, this.#nowMs)
    else core.step(message)
  }

  onSnapshotReceived({ path, data }: Message<RaftMessages, 'snapshotReceived'>): void {
    const message = this.#messages.read(data.bytes, data.start, data.end)
    const isSound = message?.type === MessageType.snapshot && message.to === this.#context.memberId
    if (!isSound) this.#context.counters.add(counters.messagesMalformed)
    // Without a core nobody waits for it: the leader sends it again.
    const isTaken = this.#core !== null && isSound && this.#install.receive(this.#core, message, path.copy())
    if (isTaken) this.#confsGiven.length = 0
    else this.#install.discard(path.copy())
  }

  onUnreachable({ member }: Message<RaftMessages, 'unreachable'>): void {
    const id = BigInt.asUintN(64, member)
    this.#proposals.onUnreachable(id)
    this.#core?.reportUnreachable(id)
  }

  onWay({ member, open }: Message<RaftMessages, 'way'>): void {
    this.#proposals.onWay(BigInt.asUintN(64, member), open === 1)
  }

  onSnapshotSent({ member, ok }: Message<RaftMessages, 'snapshotSent'>): void {
    this.#core?.reportSnapshot(BigInt.asUintN(64, member), ok === 1)
  }

  doWork(nowMs: number): number {
    this.#nowMs = nowMs
    const core = this.#core
    this.#proposals.sendRefusals()
    if (core === null) return 0
    this.#takeApplied(core)
    this.#forgetApplied(core)
    this.#tick(core, nowMs)
    if (this.#standsAlone && core.campaign()) this.#standsAlone = false
    this.#proposals.advance(core, nowMs)
    const { walRoomBytes, mvccRoomBytes, peer } = this.#context
    for (;;) {
      const ready = core.ready(walRoomBytes(), mvccRoomBytes(), peer === null ? 0 : peer.roomBytes)
      if (ready === null) break
      this.#carryOut(core, ready)
    }
    if (nowMs >= this.#wal.dueAtMs) this.#wal.writeCommit(core)
    this.#install.work()
    this.#saveSnapshot(core)
    this.#words.publish(core, (this.#fullDisks & (1 << SpaceSource.store)) !== 0)
    return 0
  }

  wakeAtMs(): number {
    if (this.#standsAlone) return this.#nowMs + CAMPAIGN_RETRY_MS
    const dueAtMs = Math.min(this.#nextTickMs, this.#wal.dueAtMs, this.#proposals.dueAtMs)
    const waitsForRoom = this.#core?.isSendHeld === true || this.#proposals.waitsForRoom
    return waitsForRoom ? Math.min(dueAtMs, this.#nowMs + ROOM_RETRY_MS) : dueAtMs
  }

  /** Before it goes a leader makes way, so that its cluster need not find out that it has gone. */
  isIdle(): boolean {
    const core = this.#core
    if (core === null) return true
    if (!this.#wal.isSettled) return false
    return core.soloReadable() ? core.committed === core.lastIndex : this.#stepDown.isDone(core, this.#nowMs)
  }

  onClose(): void {
    const core = this.#core
    if (core !== null) this.#wal.writeCommit(core)
  }

  /** The core if it may take a proposal now; a refusal is on its way otherwise. */
  #admit(message: Asked): RaftCore | null {
    if (this.#fullDisks === 0 && this.#core !== null) return this.#core
    this.#proposals.refuse(message, this.#fullDisks !== 0 ? NO_SPACE : NO_LEADER)
    return null
  }

  /** Alone, mvcc may have applied what the disk holds before this actor has heard that it does. */
  #takeApplied(core: RaftCore): void {
    core.appliedTo(Math.min(this.#context.words.load(Word.appliedIndex), core.applying))
  }

  #tick(core: RaftCore, nowMs: number): void {
    const { heartbeatMs } = this.#context
    while (nowMs >= this.#nextTickMs) {
      core.tick()
      this.#walStall.tick(core, this.#wal.oldestFlush)
      // After a long pause the missed ticks are dropped: they say nothing about the other members.
      this.#nextTickMs = Math.max(this.#nextTickMs + heartbeatMs, nowMs - heartbeatMs)
    }
  }

  /** Starts the core once both halves of the past are known. */
  #begin(): void {
    const recovered = this.#recovery.take()
    if (recovered === null) return
    const { restarts } = recovered
    const initial = this.#force(recovered.initial)
    const { memberId, limits, random, heartbeatMs, advancesElection, logger } = this.#context
    const core = new RaftCore(memberId, initial, { limits, random })
    this.#core = core
    if (restarts) {
      this.#snapshotIndex = initial.applied
      this.#wal.restartLog({ ...recovered.initial, index: initial.applied, term: initial.snapshotTerm })
    }
    this.#feed.start(initial.applied, core.lastIndex + 1)
    this.#nextTickMs = this.#nowMs + heartbeatMs
    const { voters } = initial.confState
    const isAlone = voters.length === 1 && voters[0] === memberId
    this.#standsAlone = advancesElection && isAlone
    // Time enough is left for streams to be opened, and for a leader that exists to be heard.
    if (advancesElection && !isAlone) core.hastenElection(Math.floor(limits.electionTicks / 2))
    logger.info('raft', 'log recovered', {
      entries: initial.entries.length,
      lastIndex: core.lastIndex,
      appliedIndex: initial.applied,
      term: initial.hardState.term,
      commit: initial.hardState.commit,
    })
  }

  #force(recovered: RaftInitial): RaftInitial {
    const { forcedWithUrls, memberId, logger } = this.#context
    if (forcedWithUrls === null || !recovered.persisted) return recovered
    const forced = forcedCluster(recovered, memberId, forcedWithUrls)
    logger.warn('raft', 'forcing a new cluster of this member alone', {
      dropped: recovered.entries.filter(({ index }) => index > recovered.hardState.commit).length,
      changes: forced.hardState.commit - recovered.hardState.commit,
      commit: recovered.hardState.commit,
    })
    return forced
  }

  #carryOut(core: RaftCore, ready: Ready): void {
    this.#send(core, ready.messages)
    const proposedMs = ready.appendLast < ready.appendFirst ? 0 : this.#context.clock()
    this.#feed.giveEarly(core, ready.appendFirst, ready.appendLast, proposedMs)
    this.#wal.store(core, ready, proposedMs, this.#nowMs)
    if (ready.snapshot !== null) {
      this.#install.onRecorded(ready.snapshot, this.#wal.lastFlush)
      this.#snapshotIndex = ready.snapshot.index
      this.#pendingSnapshot = null
    }
    this.#feed.giveCommitted(core, ready.applyLast, this.#wal.times, this.#nowMs)
    for (let i = ready.applyFirst; i <= ready.applyLast; i++) {
      const entry = core.entry(i)
      if (entry.type !== EntryType.normal) this.#confsGiven.push(entry)
    }
    this.#reads.answer(ready.readStates)
  }

  /** What finds no room is lost like anything on a network. */
  #send(core: RaftCore, messages: readonly RaftMessage[]): void {
    if (messages.length === 0) return
    const { peer } = this.#context
    assert(peer !== null, 'a member without a way to others has nobody to send to')
    for (const message of messages) {
      if (message.type === MessageType.heartbeat) this.#lateHeartbeats.onSend(message, this.#nowMs)
      if (peer.send(message)) continue
      this.#context.counters.add(counters.messagesDropped)
      if (message.type === MessageType.append) core.reportUnreachable(message.to)
      else if (message.type === MessageType.snapshot) core.reportSnapshot(message.to, false)
    }
  }

  #saveSnapshot(core: RaftCore): void {
    const snapshot = this.#pendingSnapshot
    if (snapshot === null || core.isStorageHeld || this.#context.walRoomBytes() <= 0) return
    // The record holds the configuration of its index, and only the present one is known: a later checkpoint will do.
    if (core.owesConfChange() || core.confIndex > snapshot.index) return
    this.#pendingSnapshot = null
    this.#wal.saveSnapshot(core, snapshot)
    this.#snapshotIndex = snapshot.index
    core.compactLog(snapshot.index)
  }

  /** Entries that nobody will ask for again die young, while they are cheap for the garbage collector. */
  #forgetApplied(core: RaftCore): void {
    if (core.applied < this.#forgottenIndex + FORGET_COUNT) return
    core.compactLog(core.applied)
    this.#forgottenIndex = core.applied
  }
}

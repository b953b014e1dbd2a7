/**
 * MVCC on its thread: applies committed entries to the store, one transaction for all that waits, and tells what came
 * of them. The only writer of the store and of the event log. Entries at or below the store's applied index are
 * passed over: every start replays the log from the newest checkpoint.
 */

import type { Actor } from '../actor/actor.js'
import { authStamp } from '../auth/auth-access.js'
import { readAuthFlags } from '../auth/auth-tables.js'
import { assert, assertEqual } from '../base/assert.js'
import { EMPTY_BYTES, text } from '../base/bytes.js'
import { countLearners } from '../cluster/membership-rules.js'
import { KeyspaceView } from '../keyspace/keyspace-view.js'
import { alarmBits, readAlarms } from '../keyspace/tables/alarm-table.js'
import { beginCompactions } from '../messages/compaction-hashes.js'
import { dispatcherOf, type Dispatch } from '../messages/message-codec.js'
import { mvccMessages, type MvccMessages } from '../messages/mvcc-messages.js'
import type { Handler, Message } from '../messages/protocol.js'
import { SpaceSource } from '../messages/raft-messages.js'
import { memberPrefix } from '../messages/request-id.js'
import { Word } from '../messages/shared-words.js'
import { counters } from '../metrics/counter-catalogue.js'
import type { Histogram } from '../metrics/counters.js'
import type { RingReader } from '../ring/ring-reader.js'
import type { CommitResult, WriteTransaction } from '../store/store.js'
import { ApplyMeter } from './apply/apply-meter.js'
import { EntryApplier } from './apply/apply-entry.js'
import { ApplyGate } from './apply-gate.js'
import { ApplyTransaction } from './apply/apply-transaction.js'
import { CheckpointSchedule } from './checkpoint/checkpoint-schedule.js'
import { Compactor } from './compactor.js'
import { EntryBatch } from './apply/entry-batch.js'
import { SlowApplies } from './apply/slow-applies.js'
import { readClusterNews, tellMembership, type ClusterNews } from './members/member-facts.js'
import { FileShrinker } from './generations/file-shrinker.js'
import { SnapshotInstaller } from './generations/snapshot-installer.js'
import { StoreSwitch } from './generations/store-switch.js'
import { LeaseReplay } from './lease-replay.js'
import type { MvccContext } from './mvcc-context.js'
import { QuotaGauge } from './quota-gauge.js'
import { OutcomeSender } from './outcome-sender.js'

/** How soon a full ring is looked at again: its reader does not ring its writers. */
const FULL_RING_RETRY_MS = 1
/** Recent rows of one transaction at the end, and so many transactions: more than memory has rows of. */
const CLOSING_SLICE_ROWS = 10_000
const CLOSING_SLICES_MAX = 40

export class MvccActor implements Actor, Handler<MvccMessages> {
  readonly name = 'mvcc' as const
  readonly #context: MvccContext
  readonly #dispatch: Dispatch
  readonly #batch: EntryBatch
  readonly #quota: QuotaGauge
  readonly #gate: ApplyGate
  readonly #transaction: ApplyTransaction
  readonly #applier: EntryApplier
  readonly #meter: ApplyMeter
  readonly #commits: Histogram
  readonly #batchSizes: Histogram
  readonly #ttls: Histogram
  /** When the batch was applied, but not committed yet. */
  #commitStartMs = 0
  readonly #outcomes: OutcomeSender
  readonly #compactor: Compactor
  readonly #checkpoints: CheckpointSchedule
  readonly #shrinker: FileShrinker
  readonly #installer: SnapshotInstaller
  readonly #switch: StoreSwitch
  readonly #leaseReplay: LeaseReplay
  readonly #slowApplies: SlowApplies
  /** The entry expected next is one above: those gathered in the batch are counted. */
  #lastTaken = 0
  /** The store holds everything up to here. */
  #appliedIndex = 0
  #appliedTerm = 0
  /** Finite while a batch waits for disk space. */
  #retryAtMs = -Infinity
  #isOutOfSpace = false
  /** The batch was applied while wal syncs it, and undone because that took long. */
  #isWithheld = false
  /** How long the batch has waited for wal with its transaction open. */
  #withheldMs = 0

  constructor(context: MvccContext) {
    this.#context = context
    const { limits, logger, memberId, fronts, eventLog, clock, config } = context
    const page = context.counters
    this.#dispatch = dispatcherOf(mvccMessages, this)
    this.#quota = new QuotaGauge(context.store, context.config.quotaBytes)
    this.#gate = new ApplyGate(context.words, context.syncTimes)
    this.#batch = new EntryBatch(limits.batchEntriesMax, limits.batchBytesMax)
    this.#transaction = new ApplyTransaction(eventLog)
    this.#meter = new ApplyMeter({ counters: page, clock, slowMs: config.slowApplyMs })
    this.#commits = page.histogram(counters.commitDuration)
    this.#batchSizes = page.histogram(counters.applyBatch)
    this.#ttls = page.histogram(counters.leaseTtl)
    this.#applier = new EntryApplier({
      transaction: this.#transaction,
      meter: this.#meter,
      memberId,
      memberPrefix: memberPrefix(memberId),
      frontCount: fronts.length,
      learnersMax: config.learnersMax,
      quota: this.#quota,
      warn: (message, fields) => logger.warn('mvcc', message, fields),
    })
    this.#outcomes = new OutcomeSender(context, this.#batch, this.#transaction)
    this.#compactor = new Compactor(context, this.#transaction.writer)
    this.#checkpoints = new CheckpointSchedule(context, {
      onNext: (isDurable, nowMs) => {
        const next = this.#installer.isCheckpointing ? this.#installer : this.#shrinker
        next.onCheckpoint(isDurable, nowMs)
      },
      onSizes: (stats, nowMs) => {
        this.#quota.set(stats.usedBytes)
        this.#shrinker.onSizes(stats, nowMs)
      },
    })
    this.#shrinker = new FileShrinker(context, this.#checkpoints)
    this.#leaseReplay = new LeaseReplay(context)
    this.#installer = new SnapshotInstaller(context, this.#checkpoints, this.#shrinker)
    this.#switch = new StoreSwitch(context, {
      installer: this.#installer,
      compactor: this.#compactor,
      leaseReplay: this.#leaseReplay,
      auth: this.#transaction.auth,
    })
    this.#slowApplies = new SlowApplies(context.config.slowApplyMs, logger)
  }

  onStart(nowMs: number): void {
    const { store, words, eventLog, raft, firstGeneration, logger } = this.#context
    const snapshot = store.beginRead()
    const view = new KeyspaceView(snapshot)
    const { currentRevision, compactRevision, appliedIndex, appliedTerm } = view
    this.#context.counters.set(counters.mvccKeys, view.liveKeys)
    const alarms = alarmBits(readAlarms(snapshot), this.#context.memberId)
    const confState = view.confState() ?? EMPTY_BYTES
    const auth = readAuthFlags(snapshot)
    const membership = readClusterNews(snapshot)
    snapshot.close()
    this.#appliedIndex = appliedIndex
    this.#appliedTerm = appliedTerm
    this.#lastTaken = appliedIndex
    this.#checkpoints.start(appliedIndex)
    this.#compactor.schedule(compactRevision, nowMs)
    this.#shrinker.start()
    // What was committed before this start is not in the log: watchers read it from the store.
    eventLog.publishGap(currentRevision)
    store.setRevision(currentRevision)
    words.store(Word.currentRevision, currentRevision)
    words.store(Word.alarms, alarms)
    beginCompactions(words, compactRevision)
    words.store(Word.compactRevision, compactRevision)
    words.store(Word.storeGeneration, firstGeneration.number)
    words.store(Word.authStamp, authStamp(auth.enabled, auth.revision))
    words.store(Word.appliedIndex, appliedIndex)
    this.#startMembership(membership)
    const installed = firstGeneration.isInstalled === true ? 1 : 0
    const sent = raft.storeRestored({ appliedIndex, appliedTerm, installed, confState })
    assert(sent, 'an empty ring has room for the first message')
    logger.info('mvcc', 'store restored', { appliedIndex, currentRevision, compactRevision })
  }

  onFrame(reader: RingReader): void {
    this.#dispatch(reader)
  }

  isBlocked(): boolean {
    return !this.#leaseReplay.isDone || this.#isOutOfSpace || this.#outcomes.owes || this.#batch.isFull ||
      this.#isWithheld || !this.#gate.isOpen(this.#lastTaken + 1, this.#batch) || this.#shrinker.isFarBehind() ||
      this.#installer.isSwitchOrdered || this.#switch.isUnderWay
  }

  awaitedWordCame(): boolean {
    return (this.#isWithheld && !this.#isStillWithheld()) || this.#checkpoints.hasOutcome() ||
      this.#shrinker.isAsked() || this.#compactor.isReleased
  }

  onApply(message: Message<MvccMessages, 'apply'>): void {
    if (message.index <= this.#appliedIndex) return
    assertEqual(message.index, this.#lastTaken + 1, 'index of the next entry to apply')
    this.#lastTaken = message.index
    this.#gate.addTimes(this.#batch.add(message))
  }

  onInstallSnapshot(message: Message<MvccMessages, 'installSnapshot'>): void {
    const { index, term } = message
    this.#installer.begin({ index, term, path: text(message.path.copy()) }, this.#context.clock.nowMs())
  }

  onSwitchSnapshot(message: Message<MvccMessages, 'switchSnapshot'>): void {
    this.#installer.order(message.index)
  }

  onDiscardSnapshot(message: Message<MvccMessages, 'discardSnapshot'>): void {
    this.#context.checkpointer.remove(text(message.path.copy()))
  }

  doWork(nowMs: number): number {
    if (this.#switch.isUnderWay && !this.#switch.work()) return 0
    let work = this.#leaseReplay.work()
    if (!this.#leaseReplay.isDone) return work
    if (this.#outcomes.owes) this.#tell()
    else if (this.#isBatchDue(nowMs)) this.#applyBatch(nowMs)
    if (this.#compactor.work(nowMs) > 0) this.#checkpoints.onCommitted(nowMs)
    work += this.#shrinker.work(this.#appliedIndex, this.#appliedTerm, nowMs)
    work += this.#installer.work(nowMs)
    if (this.#installer.isSwitchOrdered && this.#beginSwitch(nowMs)) return work + 1
    work += this.#checkpoints.work(this.#appliedIndex, this.#appliedTerm, nowMs)
    return work
  }

  wakeAtMs(): number {
    const wakeAtMs = Math.min(this.#compactor.dueAtMs, this.#checkpoints.dueAtMs, this.#shrinker.dueAtMs,
      this.#installer.dueAtMs)
    if (this.#outcomes.owes || !this.#leaseReplay.isDone || this.#switch.isUnderWay) {
      return Math.min(wakeAtMs, this.#context.clock.nowMs() + FULL_RING_RETRY_MS)
    }
    // Wal rings when it has what is withheld.
    return this.#batch.length > 0 && !this.#isWithheld ? Math.min(wakeAtMs, this.#retryAtMs) : wakeAtMs
  }

  isIdle(): boolean {
    return this.#batch.length === 0
  }

  /** The last checkpoint is all that tells a clean stop: the next start replays nothing, and makes nothing anew. */
  onClose(): void {
    this.#settle()
    this.#shrinker.prepareClose(this.#context.clock.nowMs())
    this.#checkpoints.close(this.#appliedIndex, this.#appliedTerm)
    this.#shrinker.close()
    this.#installer.close()
    this.#context.store.close()
  }

  /** Puts the rows that are in memory into the file, as far as it has room for them. */
  #settle(): void {
    const { store, clock, words } = this.#context
    const revision = words.load(Word.currentRevision)
    for (let slices = 0; slices < CLOSING_SLICES_MAX && store.settledRevision < revision; slices++) {
      if (!store.settleSome(CLOSING_SLICE_ROWS).ok) return
      this.#checkpoints.onCommitted(clock.nowMs())
    }
  }

  #startMembership(membership: ClusterNews): void {
    const { config } = this.#context
    const learners = countLearners(membership)
    if (learners > config.learnersMax) {
      throw new Error(`the cluster has ${learners} learners, and --max-learners is ${config.learnersMax}`)
    }
    assert(tellMembership(this.#context, membership), 'an empty ring has room for the members')
  }

  /** False while a batch has to be told first. One that found no space is in the new store as it is. */
  #beginSwitch(nowMs: number): boolean {
    if (this.#isOutOfSpace) {
      this.#batch.clear()
      this.#spaceIsBack()
    }
    if (this.#batch.length > 0 || this.#outcomes.owes) return false
    this.#applier.abort()
    const { index, term } = this.#switch.begin(nowMs)
    this.#appliedIndex = this.#lastTaken = index
    this.#appliedTerm = term
    return true
  }

  #applyBatch(nowMs: number): void {
    const { clock, eventLog, store, words } = this.#context
    const batch = this.#batch
    const applyStartMs = clock.nowMs()
    this.#meter.begin(applyStartMs)
    this.#quota.beginBatch(batch.bytes)
    eventLog.expectReaders(words.load(Word.watcherCount) > 0)
    this.#withheldMs = 0
    const result = this.#commit()
    if (!result.ok) {
      if (result.code === 'withheld') this.#withhold()
      else this.#waitForSpace(result.message, nowMs)
      return
    }
    const appliedMs = clock.nowMs()
    this.#count(appliedMs)
    for (let i = 0; i < batch.length; i++) this.#gate.addTimes(batch.at(i))
    batch.setApplied(applyStartMs, appliedMs)
    store.setRevision(this.#transaction.revision)
    this.#appliedIndex = batch.last.index
    this.#appliedTerm = batch.last.term
    this.#slowApplies.onApplied(appliedMs - applyStartMs - this.#withheldMs, batch.length, batch.last.index, nowMs)
    if (this.#isOutOfSpace) this.#spaceIsBack()
    this.#compactor.schedule(this.#transaction.compactRevision, nowMs)
    this.#checkpoints.onCommitted(nowMs)
    this.#outcomes.open(this.#applier.alarmBits)
    this.#tell()
  }

  /** Tries twice where trying again may help. */
  #commit(): CommitResult {
    const { store, logger } = this.#context
    const result = store.transact(this.#applyAll, this.#mayCommit)
    if (result.ok || result.code !== 'try-again') return result
    logger.warn('mvcc', 'a transaction of the store failed and is tried again', { message: result.message })
    this.#undo()
    const second = store.transact(this.#applyAll, this.#mayCommit)
    assert(second.ok || second.code !== 'try-again', `the store fails again and again: ${result.message}`)
    return second
  }

  /** What the batch did is gone with its transaction. */
  #undo(): void {
    this.#context.words.store(Word.authStamp, this.#transaction.auth.stampBefore)
    this.#transaction.abort()
    this.#applier.abort()
  }

  readonly #applyAll = (transaction: WriteTransaction): void => {
    const batch = this.#batch
    this.#transaction.begin(transaction)
    this.#applier.begin()
    for (let i = 0; i < batch.length; i++) this.#applier.apply(batch.at(i))
    this.#transaction.finish(batch.last.index, batch.last.term)
    const { access, stampBefore } = this.#transaction.auth
    // Before the commit: a front that finds the new state in a snapshot finds the word changed as well.
    if (access.stamp !== stampBefore) this.#context.words.store(Word.authStamp, access.stamp)
    this.#commitStartMs = this.#meter.end()
  }

  /** The store has nothing that the log may lose: it commits what wal has on disk. Its answers may be ready before. */
  readonly #mayCommit = (): boolean => {
    const { index } = this.#batch.last
    if (this.#gate.isCommitted(index)) return true
    const { clock, awaitDurable } = this.#context
    const waitsFromMs = clock.nowMs()
    this.#batch.setApplied(waitsFromMs, waitsFromMs)
    this.#outcomes.answerEarly(this.#applier.alarmBits)
    if (!awaitDurable(index)) return false
    this.#commitStartMs = clock.nowMs()
    this.#withheldMs += this.#commitStartMs - waitsFromMs
    return this.#gate.isCommitted(index)
  }

  #count(committedMs: number): void {
    const page = this.#context.counters
    this.#commits.observe((committedMs - this.#commitStartMs) / 1000)
    this.#batchSizes.observe(this.#batch.length)
    this.#transaction.tally.report(page, this.#ttls)
    page.set(counters.mvccKeys, this.#transaction.liveKeys)
  }

  #tell(): void {
    if (this.#outcomes.send()) this.#batch.clear()
  }

  /** Wal takes its time: what was told is true nevertheless, and the batch is applied again when wal has it. */
  #withhold(): void {
    this.#undo()
    this.#batch.keep()
    this.#isWithheld = true
  }

  #isBatchDue(nowMs: number): boolean {
    return this.#batch.length > 0 && nowMs >= this.#retryAtMs && !this.#isStillWithheld()
  }

  #isStillWithheld(): boolean {
    if (this.#isWithheld && this.#gate.isCommitted(this.#batch.last.index)) this.#isWithheld = false
    return this.#isWithheld
  }

  /** The batch is committed in the log, so it can neither be refused nor skipped: it is tried until it fits. */
  #waitForSpace(message: string, nowMs: number): void {
    const { raft, logger, limits } = this.#context
    this.#undo()
    this.#retryAtMs = nowMs + limits.noSpaceRetryMs
    if (this.#isOutOfSpace) return
    this.#isOutOfSpace = true
    this.#batch.keep()
    this.#sayRoom(raft.space({ source: SpaceSource.store, available: 0 }))
    logger.error('mvcc', 'no space to apply committed entries; waiting for it', { message })
  }

  #spaceIsBack(): void {
    const { raft, logger } = this.#context
    this.#isOutOfSpace = false
    this.#retryAtMs = -Infinity
    this.#sayRoom(raft.space({ source: SpaceSource.store, available: 1 }))
    logger.info('mvcc', 'the store has room again')
  }

  #sayRoom(sent: boolean): void {
    assert(sent, 'raft takes what mvcc says about space before the next change of it')
  }
}

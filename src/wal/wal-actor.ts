/**
 * The log on its thread. At start it replays to raft what a crash left; from then on each turn writes all that raft
 * sent with one write, syncs once if something must be durable, and tells raft how far the disk is. Raft is its only
 * neighbour.
 */

import type { Actor } from '../actor/actor.js'
import { assert } from '../base/assert.js'
import { hexId } from '../base/bytes.js'
import { dispatcherOf, type Dispatch } from '../messages/message-codec.js'
import type { Handler, Message, Sender } from '../messages/protocol.js'
import { SpaceSource, type RaftMessages } from '../messages/raft-messages.js'
import { Word, type SharedWords } from '../messages/shared-words.js'
import type { SyncTimesWriter } from '../messages/sync-times.js'
import { walMessages, type WalMessages } from '../messages/wal-messages.js'
import { counters } from '../metrics/counter-catalogue.js'
import type { Counters, Histogram } from '../metrics/counters.js'
import type { Logger } from '../metrics/logger.js'
import type { RingReader } from '../ring/ring-reader.js'
import { EntryReplay } from './entry-replay.js'
import { LogWriter, createLog } from './log-writer.js'
import type { SegmentSupply, WalDevice } from './wal-device.js'
import { recoverLog, type RecoveredLog } from './wal-recovery.js'

export interface WalContext {
  readonly memberId: bigint
  readonly clusterId: bigint
  readonly device: WalDevice
  readonly supply: SegmentSupply
  readonly segmentBytes: number
  /** --max-wals */
  readonly segmentsMax: number
  readonly noFsync: boolean
  /** A write takes no more once it has so many bytes, and waits so long for more before it is made. */
  readonly batchBytesMax: number
  readonly batchDelayMs: number
  /** The longest entry that the ring to raft takes. */
  readonly entryBytesMax: number
  readonly raft: Sender<RaftMessages>
  readonly counters: Counters
  readonly words: SharedWords
  readonly syncTimes: SyncTimesWriter
  /** Wakes mvcc: what it was given early may be applied. */
  readonly ringMvcc: () => void
  /** mvcc has a thread that may wait for this one in the midst of a transaction. */
  readonly mvccMayWait: boolean
  /** Publishes what was sent to raft so far, and wakes nobody. */
  readonly publishToRaft: () => void
  /** Wakes a front: what it was told early may be answered. */
  readonly ringFront: (front: number) => void
  readonly frontCount: number
  readonly logger: Logger
  /** Monotonic milliseconds with fraction, for the times in `durable`. */
  readonly clock: () => number
  readonly random: () => number
}

/** With more entries of one sync than so many, mvcc's transaction for them costs less after it. */
export const WHILE_SYNCING_MAX = 8

/** How long a write waits that found the disk full, and a cut for which the next segment was not ready. */
const RETRY_MS = 500
/** A ring to raft that is full is looked at again after this. */
const RING_RETRY_MS = 1

export class WalActor implements Actor, Handler<WalMessages> {
  readonly name = 'wal' as const
  readonly #context: WalContext
  readonly #dispatch: Dispatch
  #writer: LogWriter | null = null
  /** Null once raft has all entries. */
  #replay: EntryReplay | null = null
  #recovered: { readonly log: RecoveredLog; readonly isFresh: boolean } | null = null

  /** Something written or pending must be durable before the next `durable`. */
  #syncOwed = false
  /** The last flush heard, and the last one answered. */
  #flushHeard = 0
  #flushAnswered = 0
  readonly #times = { sequence: 0, writeStartMs: 0, writtenMs: 0, syncedMs: 0 }
  #durableOwed = false
  /** As published for mvcc. */
  #durableIndex = 0
  /** Of the write that was made last: mvcc was told of it before. */
  #isAnnounced = false
  #purgeAtIndex = -1

  #diskFull = false
  #spaceReported = true
  #retryWriteAtMs = Infinity
  #cutDue = false
  #nextCutAtMs = -Infinity
  /** Said once, not twice a second for as long as a disk is full. */
  #cutFailed = false
  #raftFull = false
  /** When the first entry came that the next write waits with; Infinity while none does. */
  #gatheredSinceMs = Infinity
  #nowMs = 0
  readonly #writes: Histogram
  readonly #syncs: Histogram
  readonly #batches: Histogram
  /** Entries of the next write. */
  #entries = 0

  constructor(context: WalContext) {
    this.#context = context
    this.#dispatch = dispatcherOf(walMessages, this)
    this.#writes = context.counters.histogram(counters.walWrite)
    this.#syncs = context.counters.histogram(counters.walFsync)
    this.#batches = context.counters.histogram(counters.walBatch)
  }

  /** Throws when the log cannot be served; the message says why in one line. */
  onStart(nowMs: number): void {
    this.#nowMs = nowMs
    const { device, logger } = this.#context
    const startedMs = this.#context.clock()
    const recovery = recoverLog(device)
    if (!recovery.ok) throw new Error(recovery.message)
    const log = recovery.log ?? this.#create()
    this.#checkLog(log)
    const isFresh = recovery.log === null
    this.#recovered = { log, isFresh }
    this.#replay = new EntryReplay(device, log)
    this.#writer = new LogWriter(log, this.#context)
    if (log.torn !== null) logger.warn('wal', 'cut off a write that a crash interrupted', { ...log.torn })
    logger.info('wal', isFresh ? 'log created' : 'log checked', {
      segments: log.segments.length,
      lastIndex: log.lastIndex,
      snapshotIndex: log.snapshot.index,
      tookMs: Math.round(this.#context.clock() - startedMs),
    })
  }

  onFrame(reader: RingReader): void {
    this.#dispatch(reader)
  }

  /** While the disk is full what raft sends waits in its ring, which bounds it. */
  isBlocked(): boolean {
    return this.#recovered !== null || this.#diskFull || this.#cutDue || this.#isBatchFull
  }

  /** What goes to disk with the next write is as much as one may take, and somebody waits for it. */
  get #isBatchFull(): boolean {
    if (this.#flushHeard === this.#flushAnswered) return false
    return (this.#writer?.pendingBytes ?? 0) >= this.#context.batchBytesMax
  }

  onAppend(message: Message<WalMessages, 'append'>): void {
    const { bytes, start, end } = message.data
    this.#log().entry(message.type, message.term, message.index, bytes, start, end)
    this.#entries++
    this.#syncOwed = true
  }

  onSaveState(message: Message<WalMessages, 'saveState'>): void {
    this.#log().state(message.term, BigInt.asUintN(64, message.vote), message.commit)
    if (message.mustSync === 1) this.#syncOwed = true
  }

  onSaveSnapshot(message: Message<WalMessages, 'saveSnapshot'>): void {
    const { bytes, start, end } = message.confState
    if (message.restarts === 1) this.#log().restart(message.index, message.term, bytes, start, end)
    else this.#log().snapshot(message.index, message.term, bytes, start, end)
    this.#syncOwed = true
    this.#purgeAtIndex = message.index
  }

  onFlush(message: Message<WalMessages, 'flush'>): void {
    assert(message.sequence > this.#flushHeard, `flush ${message.sequence} after ${this.#flushHeard}`)
    this.#flushHeard = message.sequence
  }

  doWork(nowMs: number): number {
    this.#nowMs = nowMs
    this.#raftFull = false
    const writer = this.#writer
    assert(writer !== null, 'onStart comes first')
    if (this.#recovered !== null) return this.#replayMore()
    if (this.#cutDue) this.#cut(writer)
    else this.#save(writer)
    this.#report()
    return this.#cutDue ? 1 : 0
  }

  wakeAtMs(): number {
    const ringRetryAtMs = this.#raftFull ? this.#nowMs + RING_RETRY_MS : Infinity
    return Math.min(ringRetryAtMs, this.#retryWriteAtMs, this.#gatheredSinceMs + this.#context.batchDelayMs)
  }

  isIdle(): boolean {
    return this.#recovered === null && !this.#durableOwed && !this.#cutDue && (this.#writer?.pendingBytes ?? 0) === 0
  }

  onClose(): void {
    this.#replay?.close()
    const writer = this.#writer
    if (writer === null) return
    if (writer.write()) writer.sync()
    else this.#context.logger.error('wal', 'the disk is full; what was not acknowledged is not saved')
    writer.close()
  }

  #create(): RecoveredLog {
    const { memberId, clusterId, device } = this.#context
    const log = createLog(this.#context, { nodeId: memberId, clusterId })
    if (log === null) throw new Error(`no space left on disk for a new write-ahead log in ${device.path}`)
    return log
  }

  #checkLog(log: RecoveredLog): void {
    const { memberId, clusterId, device, entryBytesMax } = this.#context
    const { nodeId } = log.metadata
    if (nodeId !== memberId || log.metadata.clusterId !== clusterId) {
      const found = `member ${hexId(nodeId)} of cluster ${hexId(log.metadata.clusterId)}`
      const asked = `member ${hexId(memberId)} of cluster ${hexId(clusterId)}`
      throw new Error(`the write-ahead log in ${device.path} is of ${found}, not of ${asked}`)
    }
    if (log.entryBytesMax > entryBytesMax) {
      const found = `the write-ahead log in ${device.path} holds an entry of ${log.entryBytesMax} bytes`
      throw new Error(`${found}; start with a --max-request-bytes at least as large as before`)
    }
  }

  /** One turn's part of the replay. Raft hears `recovered` after the last entry and not before. */
  #replayMore(): number {
    const recovered = this.#recovered
    const replay = this.#replay
    assert(recovered !== null && replay !== null, 'a replay is under way')
    const progress = replay.pump(this.#context.raft)
    if (progress === 'more') return 1
    this.#raftFull = progress === 'full'
    if (this.#raftFull) return 0
    const { hardState, snapshot } = recovered.log
    this.#raftFull = !this.#context.raft.recovered({
      fresh: recovered.isFresh ? 1 : 0,
      term: hardState.term,
      vote: BigInt.asIntN(64, hardState.vote),
      commit: hardState.commit,
      snapshotIndex: snapshot.index,
      snapshotTerm: snapshot.term,
      confState: snapshot.confState,
    })
    if (this.#raftFull) return 0
    replay.close()
    this.#replay = null
    this.#recovered = null
    return 1
  }

  /** One write and at most one sync for everything heard since the last turn. */
  #save(writer: LogWriter): void {
    if (this.#diskFull && this.#nowMs < this.#retryWriteAtMs) return
    const isFlushed = this.#flushHeard > this.#flushAnswered
    if (writer.pendingBytes === 0 && !isFlushed) return
    if (this.#context.batchDelayMs > 0 && this.#gathersMore(isFlushed)) return
    this.#isAnnounced = isFlushed && this.#syncOwed && this.#announceSync(writer.lastIndex)
    const times = this.#times
    const { clock } = this.#context
    const bytes = writer.pendingBytes
    times.writeStartMs = clock()
    if (!writer.write()) return this.#onDiskFull()
    this.#onDiskRoom()
    times.writtenMs = clock()
    this.#countWrite(bytes, times.writtenMs - times.writeStartMs)
    times.syncedMs = times.writtenMs
    if (isFlushed) this.#answer(writer)
    if (writer.wantsNext) writer.prepareNext()
    // Answered first: the cut waits for the turn after, so that raft need not wait for it.
    this.#cutDue = writer.isFull && this.#nowMs >= this.#nextCutAtMs
  }

  /**
   * What begins now has few entries, and nothing else decides on them: mvcc may apply them meanwhile. It has them in
   * its ring, because raft gave them to it first.
   */
  #announceSync(last: number): boolean {
    const { words, ringMvcc, mvccMayWait } = this.#context
    const count = last - this.#durableIndex
    if (!mvccMayWait || count <= 0 || count > WHILE_SYNCING_MAX) return false
    if (words.load(Word.commitsWhenDurable) < last) return false
    words.store(Word.applyWhileSyncing, last)
    ringMvcc()
    return true
  }

  /** Entries that nobody waits for yet do not begin the time. */
  #gathersMore(isFlushed: boolean): boolean {
    if (!isFlushed || !this.#syncOwed || this.#isBatchFull) return this.#endGathering()
    if (this.#gatheredSinceMs === Infinity) this.#gatheredSinceMs = this.#nowMs
    return this.#nowMs < this.#gatheredSinceMs + this.#context.batchDelayMs || this.#endGathering()
  }

  #endGathering(): false {
    this.#gatheredSinceMs = Infinity
    return false
  }

  #countWrite(bytes: number, tookMs: number): void {
    if (bytes === 0) return
    this.#writes.observe(tookMs / 1000)
    this.#context.counters.add(counters.walBytes, bytes)
    if (this.#entries > 0) this.#batches.observe(this.#entries)
    this.#entries = 0
  }

  #answer(writer: LogWriter): void {
    const times = this.#times
    if (this.#syncOwed) {
      writer.sync()
      this.#syncOwed = false
      times.syncedMs = this.#context.clock()
      this.#syncs.observe((times.syncedMs - times.writtenMs) / 1000)
    }
    times.sequence = this.#flushAnswered = this.#flushHeard
    this.#durableOwed = true
    this.#publishDurable(writer.lastIndex)
    if (this.#purgeAtIndex < 0) return
    const purged = writer.purge(this.#purgeAtIndex)
    if (purged > 0) this.#context.logger.info('wal', 'segments purged', { purged, left: writer.segmentCount })
    const errno = this.#context.supply.discardFailure()
    if (errno !== 0) this.#context.logger.warn('wal', 'a purged segment could not be removed', { errno })
    this.#purgeAtIndex = -1
  }

  /** For what the only voter has given to mvcc already; with more members nothing was, and only raft is told. */
  #publishDurable(index: number): void {
    const { words, syncTimes, ringMvcc, ringFront, frontCount, clock } = this.#context
    if (index === this.#durableIndex) return
    const before = this.#durableIndex
    const isAwaited = words.load(Word.commitsWhenDurable) > before
    this.#durableIndex = index
    if (isAwaited) syncTimes.add(index, this.#times, clock())
    words.store(Word.durableIndex, index)
    if (!isAwaited) return
    // Clients first. Asked after the store: mvcc tells a front first and looks at what is durable after that.
    for (let front = 0; front < frontCount; front++) {
      if (words.load(Word.answeredEarly + front) > before) ringFront(front)
    }
    words.notify(Word.durableIndex)
    ringMvcc()
  }

  /** A segment that cannot be left yet, because the next one is not ready, grows. */
  #cut(writer: LogWriter): void {
    this.#cutDue = false
    this.#nextCutAtMs = -Infinity
    const { supply, logger, clock } = this.#context
    const startedMs = clock()
    if (writer.cut()) {
      this.#cutFailed = false
      logger.info('wal', 'segment cut', { segments: writer.segmentCount, tookMs: Math.round(clock() - startedMs) })
      return
    }
    this.#nextCutAtMs = this.#nowMs + RETRY_MS
    if (supply.status() === 'preparing') return
    if (!this.#cutFailed) {
      logger.warn('wal', 'the next segment could not be made ready; trying again', { errno: supply.failure() })
    }
    this.#cutFailed = true
    writer.prepareNext()
  }

  #onDiskFull(): void {
    if (!this.#diskFull) this.#context.logger.error('wal', 'no space left on disk; waiting for room')
    this.#diskFull = true
    this.#retryWriteAtMs = this.#nowMs + RETRY_MS
  }

  #onDiskRoom(): void {
    if (this.#diskFull) this.#context.logger.info('wal', 'the disk has room again')
    this.#diskFull = false
    this.#retryWriteAtMs = Infinity
  }

  /** Tells raft what it does not know yet; what finds the ring full is told later, merged with what comes. */
  #report(): void {
    const { raft } = this.#context
    if (this.#spaceReported === this.#diskFull) {
      const isSent = raft.space({ source: SpaceSource.wal, available: this.#diskFull ? 0 : 1 })
      if (isSent) this.#spaceReported = !this.#diskFull
      this.#raftFull ||= !isSent
    }
    if (this.#durableOwed) {
      const isSent = raft.durable(this.#times)
      this.#durableOwed = !isSent
      this.#raftFull ||= !isSent
      // Others go by the words: whatever raft has to do about these entries it does at its next entry or tick.
      if (isSent && this.#isAnnounced) this.#context.publishToRaft()
    }
  }

  #log(): LogWriter {
    const writer = this.#writer
    assert(writer !== null, 'a message before the start')
    return writer
  }
}

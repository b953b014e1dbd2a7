/** A log actor between two real rings, with the test in raft's place. */

import { Turn } from '../../src/actor/turn.js'
import { text, utf8, type Bytes } from '../../src/base/bytes.js'
import { dispatcherOf, senderOf } from '../../src/messages/message-codec.js'
import type { Handler, Message, Sender } from '../../src/messages/protocol.js'
import { raftMessages, type RaftMessages } from '../../src/messages/raft-messages.js'
import { SharedWords, allocateWords } from '../../src/messages/shared-words.js'
import { SyncTimesWriter, allocateSyncTimes } from '../../src/messages/sync-times.js'
import { walMessages, type WalMessages } from '../../src/messages/wal-messages.js'
import type { LogFields, Logger } from '../../src/metrics/logger.js'
import { allocateRing } from '../../src/ring/ring-layout.js'
import { RingReader } from '../../src/ring/ring-reader.js'
import { RingWriter } from '../../src/ring/ring-writer.js'
import { WalActor, type WalContext } from '../../src/wal/wal-actor.js'
import type { WalDevice } from '../../src/wal/wal-device.js'
import { InlineSupply } from './simulated-disk.js'
import { memoryCounters } from '../support/metrics/memory-counters.js'

export interface ReplayedEntry {
  readonly term: number
  readonly index: number
  readonly type: number
  readonly data: string
}

export interface RecoveredState {
  readonly fresh: boolean
  readonly term: number
  readonly vote: bigint
  readonly commit: number
  readonly snapshotIndex: number
  readonly snapshotTerm: number
  readonly confState: string
}

/** Keeps what the log told raft. */
class RaftMailbox implements Handler<RaftMessages> {
  readonly durables: number[] = []
  readonly times: { writeStartMs: number; writtenMs: number; syncedMs: number }[] = []
  readonly spaces: number[] = []
  entries: ReplayedEntry[] = []
  recovered: RecoveredState | null = null

  onPropose(): void {
    throw new Error('the log proposes nothing')
  }

  onStoreRestored(): void {
    throw new Error('the log restores no store')
  }

  onProposeConf(): void {
    throw new Error('the log proposes nothing')
  }

  onTellProgress(): void {
    throw new Error('nobody asks the log for progress')
  }

  onReadIndex(): void {
    throw new Error('the log reads nothing')
  }

  onTransferLeader(): void {
    throw new Error('the log knows no leader')
  }

  onReceived(): void {
    throw new Error('the log has no peers')
  }

  onUnreachable(): void {
    throw new Error('the log has no peers')
  }

  onWay(): void {
    throw new Error('the log has no peers')
  }

  onSnapshotSent(): void {
    throw new Error('the log has no peers')
  }

  onConfApplied(): void {
    throw new Error('the log applies nothing')
  }

  onCheckpointed(): void {
    throw new Error('the log makes no checkpoints')
  }

  onSnapshotReceived(): void {
    throw new Error('the log receives no stores')
  }

  onSnapshotPrepared(): void {
    throw new Error('the log prepares no store')
  }

  onDurable(message: Message<RaftMessages, 'durable'>): void {
    this.durables.push(message.sequence)
    const { writeStartMs, writtenMs, syncedMs } = message
    this.times.push({ writeStartMs, writtenMs, syncedMs })
  }

  onRecoveredEntry(message: Message<RaftMessages, 'recoveredEntry'>): void {
    const { term, index, type } = message
    while (this.entries.length > 0 && (this.entries.at(-1) as ReplayedEntry).index >= index) this.entries.pop()
    this.entries.push({ term, index, type, data: text(message.data.copy()) })
  }

  onRecovered(message: Message<RaftMessages, 'recovered'>): void {
    const { term, vote, commit, snapshotIndex, snapshotTerm } = message
    const confState = text(message.confState.copy())
    this.recovered = { fresh: message.fresh === 1, term, vote, commit, snapshotIndex, snapshotTerm, confState }
  }

  onSpace(message: Message<RaftMessages, 'space'>): void {
    this.spaces.push(message.available)
  }
}

type Overridable =
  | 'batchBytesMax' | 'batchDelayMs' | 'segmentBytes'
  | 'segmentsMax' | 'noFsync' | 'entryBytesMax' | 'memberId' | 'clusterId' | 'supply' | 'mvccMayWait'

export interface RigOptions extends Partial<Pick<WalContext, Overridable>> {
  readonly ringBytes?: number
}

export class WalRig {
  readonly actor: WalActor
  readonly raft = new RaftMailbox()
  readonly warnings: string[] = []
  nowMs = 1000
  readonly words = new SharedWords(allocateWords())
  readonly syncTimes = allocateSyncTimes()
  rungMvcc = 0
  readonly rungFronts: number[] = []
  onRing: () => void = () => undefined
  /** How often raft was told something and not woken. */
  quietly = 0
  readonly #turn: Turn
  readonly #wal: Sender<WalMessages>
  readonly #toWal: RingWriter
  readonly #fromWal: RingReader
  readonly #dispatch: (reader: RingReader) => void
  #sequence = 0

  constructor(device: WalDevice, options: RigOptions = {}) {
    const clock = { nowMs: () => this.nowMs, wallMs: () => 0 }
    this.#turn = new Turn(clock)
    const toWal = allocateRing(options.ringBytes ?? 1024 * 1024)
    const toRaft = allocateRing(options.ringBytes ?? 1024 * 1024)
    this.#toWal = new RingWriter(toWal)
    this.#wal = senderOf(walMessages, this.#toWal)
    this.#fromWal = new RingReader(toRaft)
    this.#dispatch = dispatcherOf(raftMessages, this.raft)
    const raftWriter = new RingWriter(toRaft)
    this.#turn.outbox.add(raftWriter, null)
    const segmentBytes = options.segmentBytes ?? 64 * 1024
    let tick = 0
    this.actor = new WalActor({
      memberId: options.memberId ?? 0x8e9e_05c5_2164_694dn,
      clusterId: options.clusterId ?? 0xcdf8_1819_4e3a_8c32n,
      device,
      supply: options.supply ?? new InlineSupply(device, segmentBytes),
      segmentBytes,
      segmentsMax: options.segmentsMax ?? 5,
      noFsync: options.noFsync ?? false,
      batchBytesMax: options.batchBytesMax ?? Infinity,
      batchDelayMs: options.batchDelayMs ?? 0,
      entryBytesMax: options.entryBytesMax ?? 256 * 1024,
      raft: senderOf(raftMessages, raftWriter),
      counters: memoryCounters(),
      words: this.words,
      syncTimes: new SyncTimesWriter(this.syncTimes),
      ringMvcc: () => {
        this.rungMvcc++
        this.onRing()
      },
      mvccMayWait: options.mvccMayWait ?? false,
      publishToRaft: () => {
        this.quietly++
        raftWriter.publish()
      },
      ringFront: (front) => this.rungFronts.push(front),
      frontCount: 2,
      logger: this.#logger(),
      clock: () => this.nowMs + (tick++ % 1000) / 1000,
      random: () => 0.3,
    })
    this.#turn.add(this.actor).add(new RingReader(toWal), 0)
  }

  /** Starts the actor and lets it replay everything. */
  start(): this {
    this.#turn.start()
    for (let turns = 0; this.raft.recovered === null && turns < 10_000; turns++) this.run()
    return this
  }

  /** One turn of the log, then one of raft. Returns what the log's turn did. */
  run(): number {
    this.#toWal.publish()
    const work = this.#turn.run()
    this.hear()
    return work
  }

  hear(): void {
    while (this.#fromWal.next()) this.#dispatch(this.#fromWal)
    this.#fromWal.release()
  }

  append(index: number, term: number, data: string): this {
    return this.appendBytes(index, term, 0, utf8(data))
  }

  appendBytes(index: number, term: number, type: number, data: Bytes): this {
    return this.#must(this.#wal.append({ term, index, type, data }))
  }

  state(term: number, vote: bigint, commit: number, mustSync = true): this {
    return this.#must(this.#wal.saveState({ term, vote: BigInt.asIntN(64, vote), commit, mustSync: mustSync ? 1 : 0 }))
  }

  snapshot(index: number, term: number, confState = ''): this {
    return this.#must(this.#wal.saveSnapshot({ index, term, restarts: 0, confState: utf8(confState) }))
  }

  /** The log begins anew behind a leader's store. */
  restart(index: number, term: number, confState = ''): this {
    return this.#must(this.#wal.saveSnapshot({ index, term, restarts: 1, confState: utf8(confState) }))
  }

  flush(): number {
    this.#must(this.#wal.flush({ sequence: ++this.#sequence }))
    return this.#sequence
  }

  close(): void {
    this.#turn.close()
    this.hear()
  }

  /** True if the ring to the log would take another append of this size. */
  get freeBytes(): number {
    return this.#toWal.freeBytes
  }

  #must(sent: boolean): this {
    if (!sent) throw new Error('the ring to the log is full')
    return this
  }

  #logger(): Logger {
    const keep = (_caller: string, msg: string, fields?: LogFields): void => {
      this.warnings.push(`${msg} ${JSON.stringify(fields ?? {})}`)
    }
    const ignore = (): void => undefined
    return { debug: ignore, info: ignore, warn: keep, error: keep, enabled: () => true }
  }
}

/** With these the logs in test/fixtures were written: small segments that are never purged. */
export const FIXTURE_OPTIONS: RigOptions = { segmentBytes: 8 * 1024, segmentsMax: 0 }

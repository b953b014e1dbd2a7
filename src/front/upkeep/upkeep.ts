/** What the first front proposes by the clock, like any client: compactions, and the end of the alarm for space. */

import { AlarmBit, readAlarms } from '../../keyspace/tables/alarm-table.js'
import { Word } from '../../messages/shared-words.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import {
  AlarmRequestAlarmAction,
  encodeAlarmRequest,
  encodeCompactionRequest,
} from '../../proto/generated/etcdserverpb.js'
import { RaftBody, type RaftBodyField } from '../../proto/hot/raft-request.js'
import type { FrontContext } from '../front-context.js'
import type { ReadPath } from '../kv/read-path.js'
import { RequestKind, type PendingRequest } from '../requests/pending-request.js'
import type { Proposer } from '../requests/proposer.js'
import { AlarmRelease, alarmsToRelease } from './alarm-release.js'
import { compactionTimer, type CompactionTimer } from './auto-compaction.js'

/** So many alarms are ended at a time; what is left is looked at ten seconds later. */
const RELEASES_MAX = 16

/** A proposal under way. A request that nobody answered in time leaves its slot to others. */
interface Outstanding {
  readonly pending: PendingRequest
  readonly sequence: number
}

export class Upkeep {
  readonly #context: FrontContext
  readonly #proposer: Proposer
  readonly #reads: ReadPath
  readonly #release: AlarmRelease | null
  /** Begins when the store can be read. */
  #compaction: CompactionTimer | null = null
  #hasBegun = false
  #compacting: (Outstanding & { readonly revision: number }) | null = null
  #releasing: readonly Outstanding[] = []

  constructor(context: FrontContext, proposer: Proposer, reads: ReadPath) {
    this.#reads = reads
    this.#context = context
    this.#proposer = proposer
    const { quotaAutoDisarm, quotaBytes } = context.config
    this.#release = quotaAutoDisarm ? new AlarmRelease(quotaBytes) : null
  }

  get dueAtMs(): number {
    return Math.min(this.#compaction?.dueAtMs ?? Infinity, this.#release?.dueAtMs ?? Infinity)
  }

  /** Returns how much was proposed. */
  advance(nowMs: number): number {
    const { words, config } = this.#context
    if (!this.#hasBegun) {
      if (words.load(Word.storeGeneration) === 0) return 0
      this.#hasBegun = true
      this.#compaction = compactionTimer(config.autoCompaction, nowMs, words.load(Word.currentRevision))
    }
    this.#proposer.heardMs = nowMs
    return this.#compact(nowMs) + this.#disarm(nowMs)
  }

  /** A proposal is applied, or was refused: `error` is an id of etcd-errors.ts. */
  onAnswer(pending: PendingRequest, error: number, nowMs: number): void {
    this.#releasing = this.#releasing.filter((one) => one.pending !== pending)
    if (pending === this.#compacting?.pending) this.#endCompaction(error, nowMs)
  }

  #compact(nowMs: number): number {
    const timer = this.#compaction
    if (timer === null) return 0
    if (this.#compacting !== null && !this.#isUnderWay(this.#compacting)) {
      this.#endCompaction(etcdErrors.timeout.id, nowMs)
    }
    if (nowMs < timer.dueAtMs) return 0
    const { words, memberId, logger } = this.#context
    const isLeader = words.loadId(Word.leaderId) === memberId
    const revision = timer.tick(nowMs, words.load(Word.currentRevision), isLeader)
    if (revision === 0) return 0
    logger.info('front', 'starting auto compaction', { revision })
    const outstanding = this.#propose(RaftBody.compaction, encodeCompactionRequest({ revision }))
    if (outstanding === null) timer.onResult(false, nowMs)
    else this.#compacting = { ...outstanding, revision }
    return 1
  }

  #endCompaction(error: number, nowMs: number): void {
    const { logger } = this.#context
    const revision = this.#compacting?.revision
    this.#compacting = null
    const isDone = error === 0 || error === etcdErrors.compacted.id
    if (isDone) logger.info('front', 'completed auto compaction', { revision })
    else logger.warn('front', 'failed auto compaction; it is tried again', { revision, error })
    this.#compaction?.onResult(isDone, nowMs)
  }

  #disarm(nowMs: number): number {
    const { words } = this.#context
    if (this.#release === null) return 0
    const isActive = (words.load(Word.alarms) & AlarmBit.noSpace) !== 0
    if (!this.#release.look(nowMs, isActive, words.load(Word.dbInUseBytes)) || this.#reads.isFull) return 0
    this.#reads.whenFresh({ call: null, run: () => this.#endAlarms() })
    return 1
  }

  /** The alarm that the word stands for may be any member's: the store says whose. */
  #endAlarms(): void {
    const { words, memberId, logger, config } = this.#context
    if (this.#releasing.some((one) => this.#isUnderWay(one))) return
    const members = new Set(this.#reads.members().map(({ id }) => id))
    const alarms = alarmsToRelease(readAlarms(this.#reads.store()), memberId, members).slice(0, RELEASES_MAX)
    if (alarms.length === 0) return
    logger.info('front', 'disarming the alarm for space: there has been room for a while', {
      usedBytes: words.load(Word.dbInUseBytes), quotaBytes: config.quotaBytes, members: alarms.length,
    })
    this.#releasing = alarms.flatMap(({ memberID, alarm }) => {
      const body = encodeAlarmRequest({ action: AlarmRequestAlarmAction.DEACTIVATE, memberID, alarm })
      return this.#propose(RaftBody.alarm, body) ?? []
    })
  }

  #isUnderWay({ pending, sequence }: Outstanding): boolean {
    return pending.sequence === sequence && this.#proposer.table.find(pending.high, pending.low) === pending
  }

  #propose(field: RaftBodyField, body: Uint8Array): Outstanding | null {
    const pending = this.#proposer.admit(null, RequestKind.upkeep)
    if (pending === null) return null
    if (this.#proposer.proposeBody(pending, field, body, 0, body.length) !== 0) {
      this.#proposer.table.release(pending)
      return null
    }
    return { pending, sequence: pending.sequence }
  }
}

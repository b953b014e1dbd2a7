/** etcdserverpb.Maintenance, but for snapshots: what this member says of itself and does for its operator. */

import { SERVER_VERSION } from '../../config/versions.js'
import { readAlarms } from '../../keyspace/tables/alarm-table.js'
import type { FrontMessages } from '../../messages/front-messages.js'
import type { Message } from '../../messages/protocol.js'
import { Word } from '../../messages/shared-words.js'
import { committedIndex } from '../../messages/told-early.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import { AlarmType, encodeStatusResponse } from '../../proto/generated/etcdserverpb.js'
import type { FrontContext } from '../front-context.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import { unary, type Route } from '../grpc-routes.js'
import { HashService } from '../hashes/hash-service.js'
import type { RangeJobs } from '../kv/range-jobs.js'
import type { ReadPath } from '../kv/read-path.js'
import { RequestKind, type PendingRequest } from '../requests/pending-request.js'
import { isEnded, type Proposer } from '../requests/proposer.js'
import { AlarmService } from './alarm-service.js'
import { DefragmentService } from './defragment-service.js'
import { DowngradeService } from './downgrade-service.js'
import { LeaderMoves } from './leader-moves.js'
import { QuotaGate } from './quota-gate.js'

export class MaintenanceService {
  readonly quota: QuotaGate
  readonly defragments: DefragmentService
  readonly moves: LeaderMoves
  readonly hashes: HashService
  readonly #context: FrontContext
  readonly #proposer: Proposer
  readonly #reads: ReadPath
  readonly #alarms: AlarmService
  readonly #downgrades: DowngradeService

  constructor(context: FrontContext, proposer: Proposer, reads: ReadPath, jobs: RangeJobs) {
    this.#context = context
    this.#proposer = proposer
    this.#reads = reads
    this.quota = new QuotaGate(context, proposer)
    this.defragments = new DefragmentService(context, proposer)
    this.moves = new LeaderMoves(context, proposer, reads)
    this.#alarms = new AlarmService(proposer, reads)
    this.hashes = new HashService(context, proposer, reads, jobs)
    this.#downgrades = new DowngradeService(proposer, reads)
  }

  routes(): [string, Route][] {
    const path = (name: string): string => `/etcdserverpb.Maintenance/${name}`
    return [
      [path('Status'), unary((call) => this.#status(call))],
      [path('Alarm'), unary((call, bytes, start, end) => this.#alarms.alarm(call, bytes, start, end))],
      [path('Defragment'), unary((call) => this.defragments.defragment(call))],
      [path('Hash'), unary((call) => this.hashes.hash(call))],
      [path('HashKV'), unary((call, bytes, start, end) => this.hashes.hashKv(call, bytes, start, end))],
      [path('MoveLeader'), unary((call, bytes, start, end) => this.moves.move(call, bytes, start, end))],
      [path('Downgrade'), unary((call, bytes, start, end) => this.#downgrades.downgrade(call, bytes, start, end))],
    ]
  }

  /** An entry that one of these services has proposed is applied. */
  onApplied(pending: PendingRequest, message: Message<FrontMessages, 'applied'>): void {
    const call = pending.call as GrpcCall
    if (pending.kind === RequestKind.quotaAlarm) this.quota.onAlarm(call)
    else if (pending.kind === RequestKind.alarm) this.#alarms.onApplied(pending, message)
    else this.#downgrades.onApplied(pending, message.revision)
  }

  close(): void {
    this.hashes.close()
  }

  /** Answered whether there is a leader or not, from a snapshot that has all that this front was told. */
  #status(call: GrpcCall): void {
    if (this.#reads.isFull) this.#proposer.fail(call, etcdErrors.requestTooManyRequests.id)
    else this.#reads.whenFresh({ call, run: () => this.#answerStatus(call) })
  }

  #answerStatus(call: GrpcCall): void {
    if (isEnded(call)) return
    const { words, config } = this.#context
    const leader = words.loadId(Word.leaderId)
    const downgradeInfo = this.#downgrades.info()
    this.#proposer.answer(call, encodeStatusResponse({
      header: this.#proposer.headers.fields(this.#reads.view().currentRevision),
      version: SERVER_VERSION,
      dbSize: words.load(Word.dbSizeBytes),
      dbSizeInUse: words.load(Word.dbInUseBytes),
      leader,
      raftIndex: committedIndex(words),
      raftTerm: words.load(Word.term),
      raftAppliedIndex: words.load(Word.appliedIndex),
      errors: [...(leader === 0n ? [etcdErrors.noLeader.message] : []), ...this.#alarmTexts()],
      isLearner: words.load(Word.isLearner) === 1,
      storageVersion: this.#downgrades.storageVersion(),
      dbSizeQuota: config.quotaBytes === Infinity ? -1 : config.quotaBytes,
      downgradeInfo,
    }))
  }

  #alarmTexts(): string[] {
    if (this.#context.words.load(Word.alarms) === 0) return []
    return readAlarms(this.#reads.store()).map(({ memberID, alarm }) => {
      const name = Object.entries(AlarmType).find(([, value]) => value === alarm)?.[0] ?? String(alarm)
      return `memberID:${BigInt.asUintN(64, memberID)} alarm:${name}`
    })
  }
}

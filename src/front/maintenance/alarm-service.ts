/** Maintenance.Alarm: changes of alarms go through the log, the list is a read like any other. */

import { readAlarms } from '../../keyspace/tables/alarm-table.js'
import type { FrontMessages } from '../../messages/front-messages.js'
import type { Message } from '../../messages/protocol.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import {
  AlarmRequestAlarmAction,
  AlarmType,
  decodeAlarmRequest,
  encodeAlarmResponse,
  type AlarmMember,
  type AlarmRequest,
} from '../../proto/generated/etcdserverpb.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import type { ReadPath } from '../kv/read-path.js'
import { RequestKind, type PendingRequest } from '../requests/pending-request.js'
import { isEnded, type Proposer } from '../requests/proposer.js'

export class AlarmService {
  readonly #proposer: Proposer
  readonly #reads: ReadPath

  constructor(proposer: Proposer, reads: ReadPath) {
    this.#proposer = proposer
    this.#reads = reads
  }

  alarm(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const request = decodeAlarmRequest(bytes, start, end)
    if (request.action !== AlarmRequestAlarmAction.GET) {
      this.#proposer.propose(call, RequestKind.alarm, bytes, start, end, { request })
    } else if (this.#reads.isFull) {
      this.#proposer.fail(call, etcdErrors.requestTooManyRequests.id)
    } else {
      this.#reads.linearizable({ call, run: () => this.#list(call, request) }, this.#proposer.heardMs)
    }
  }

  onApplied(pending: PendingRequest, message: Message<FrontMessages, 'applied'>): void {
    const { memberID, alarm } = pending.request as AlarmRequest
    this.#answer(pending.call as GrpcCall, message.revision, message.count > 0 ? [{ memberID, alarm }] : [])
  }

  /** Of one kind, or all; which member is meant does not matter, as in etcd. */
  #list(call: GrpcCall, { alarm }: AlarmRequest): void {
    if (isEnded(call)) return
    const alarms = readAlarms(this.#reads.store()).filter((one) => alarm === AlarmType.NONE || one.alarm === alarm)
    this.#answer(call, this.#reads.view().currentRevision, alarms)
  }

  #answer(call: GrpcCall, revision: number, alarms: readonly AlarmMember[]): void {
    this.#proposer.answer(call, encodeAlarmResponse({ header: this.#proposer.headers.fields(revision), alarms }))
  }
}

/**
 * Requests that would go over the quota are not proposed: the alarm is, and then the caller is told. The same alarm
 * follows a request that went over the quota when it was applied.
 */

import { AlarmBit } from '../../keyspace/tables/alarm-table.js'
import type { FrontMessages } from '../../messages/front-messages.js'
import type { Message } from '../../messages/protocol.js'
import { Word } from '../../messages/shared-words.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import { AlarmRequestAlarmAction, AlarmType, encodeAlarmRequest } from '../../proto/generated/etcdserverpb.js'
import type { FrontContext } from '../front-context.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import { RequestKind } from '../requests/pending-request.js'
import type { Proposer } from '../requests/proposer.js'

/** Bit 1 of `applied.flags`. */
const QUOTA_CROSSED = 2

export class QuotaGate {
  readonly #context: FrontContext
  readonly #proposer: Proposer
  readonly #quotaBytes: number
  readonly #alarm: Uint8Array

  constructor(context: FrontContext, proposer: Proposer) {
    this.#context = context
    this.#proposer = proposer
    this.#quotaBytes = context.config.quotaBytes
    this.#alarm = encodeAlarmRequest({
      action: AlarmRequestAlarmAction.ACTIVATE, memberID: context.memberId, alarm: AlarmType.NOSPACE,
    })
  }

  /** False after the call was refused, or will be. */
  admits(call: GrpcCall, cost: number): boolean {
    if (this.#context.words.load(Word.dbInUseBytes) + cost < this.#quotaBytes) return true
    this.#refuse(call)
    return false
  }

  /** True if the answer waits for the alarm that this request has caused. */
  takes(call: GrpcCall, message: Message<FrontMessages, 'applied'>): boolean {
    if ((message.flags & QUOTA_CROSSED) === 0 || message.error !== etcdErrors.noSpace.id) return false
    this.#refuse(call)
    return true
  }

  /** The alarm is active. */
  onAlarm(call: GrpcCall): void {
    this.#proposer.fail(call, etcdErrors.noSpace.id)
  }

  #refuse(call: GrpcCall): void {
    if ((this.#context.words.load(Word.alarms) & AlarmBit.noSpace) !== 0) this.onAlarm(call)
    else this.#proposer.propose(call, RequestKind.quotaAlarm, this.#alarm, 0, this.#alarm.length)
  }
}

/**
 * Alarms are replicated: while one is active, every member refuses the same requests. A request that crosses the quota
 * is applied all the same, and its caller is told that there is no space (as in etcd); the alarm that follows is
 * proposed by whoever proposed the request.
 */

import { AlarmBit, alarmBits, putAlarm, readAlarms, removeAlarm } from '../../keyspace/tables/alarm-table.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import { AlarmRequestAlarmAction, AlarmType, type AlarmRequest } from '../../proto/generated/etcdserverpb.js'
import { RaftBody } from '../../proto/hot/raft-request.js'
import type { ApplyTransaction } from './apply-transaction.js'

const REFUSED_WHEN_CORRUPT: ReadonlySet<number> = new Set([
  RaftBody.range, RaftBody.put, RaftBody.deleteRange, RaftBody.txn, RaftBody.compaction, RaftBody.leaseGrant,
  RaftBody.leaseRevoke,
])

export class AlarmApplier {
  readonly #transaction: ApplyTransaction
  readonly #memberId: bigint
  /** Of AlarmBit; what the store says, kept between batches. */
  #bits = 0
  #isKnown = false

  constructor(transaction: ApplyTransaction, memberId: bigint) {
    this.#transaction = transaction
    this.#memberId = memberId
  }

  get bits(): number {
    return this.#bits
  }

  get isOutOfSpace(): boolean {
    return (this.#bits & AlarmBit.noSpace) !== 0
  }

  /** A transaction has begun. */
  begin(): void {
    if (this.#isKnown) return
    this.#bits = alarmBits(readAlarms(this.#transaction.tables), this.#memberId)
    this.#isKnown = true
  }

  /** The transaction could not commit. */
  forget(): void {
    this.#isKnown = false
  }

  /** The error that a request of this kind gets whatever it says, 0 for none. */
  refusalOf(bodyField: number): number {
    if ((this.#bits & AlarmBit.corrupt) !== 0 && REFUSED_WHEN_CORRUPT.has(bodyField)) return etcdErrors.corrupt.id
    if (!this.isOutOfSpace) return 0
    return bodyField === RaftBody.put || bodyField === RaftBody.leaseGrant ? etcdErrors.noSpace.id : 0
  }

  /** Returns how many alarms the answer tells of. */
  apply({ action, memberID, alarm }: AlarmRequest): number {
    const { tables } = this.#transaction
    let told = 0
    if (action === AlarmRequestAlarmAction.ACTIVATE && alarm !== AlarmType.NONE) {
      putAlarm(tables, { memberID, alarm })
      told = 1
    } else if (action === AlarmRequestAlarmAction.DEACTIVATE && removeAlarm(tables, { memberID, alarm })) {
      told = 1
    }
    if (told > 0) this.#bits = alarmBits(readAlarms(tables), this.#memberId)
    return told
  }
}

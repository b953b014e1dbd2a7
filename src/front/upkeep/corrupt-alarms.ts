/** Raises the alarm CORRUPT for members, through the log, unless it is active for them already. */

import { AlarmRequestAlarmAction, AlarmType, encodeAlarmRequest } from '../../proto/generated/etcdserverpb.js'
import { readAlarms } from '../../keyspace/tables/alarm-table.js'
import { RaftBody } from '../../proto/hot/raft-request.js'
import type { FrontContext } from '../front-context.js'
import type { ReadPath } from '../kv/read-path.js'
import { RequestKind } from '../requests/pending-request.js'
import type { Proposer } from '../requests/proposer.js'

export class CorruptAlarms {
  readonly #context: FrontContext
  readonly #proposer: Proposer
  readonly #reads: ReadPath

  constructor(context: FrontContext, proposer: Proposer, reads: ReadPath) {
    this.#context = context
    this.#proposer = proposer
    this.#reads = reads
  }

  /** Inside a turn's snapshot. Returns those for whom it was not active. What becomes of it, the next look tells. */
  raise(members: readonly bigint[]): readonly bigint[] {
    if (members.length === 0) return []
    const alarms = readAlarms(this.#reads.store())
    const isActive = (member: bigint): boolean => alarms.some(({ alarm, memberID }) =>
      alarm === AlarmType.CORRUPT && BigInt.asUintN(64, memberID) === member)
    const news = members.filter((member) => !isActive(member))
    this.#proposer.heardMs = this.#context.clock.nowMs()
    for (const member of news) this.#propose(member)
    return news
  }

  #propose(memberID: bigint): void {
    const pending = this.#proposer.admit(null, RequestKind.upkeep)
    if (pending === null) return
    const body = encodeAlarmRequest({
      action: AlarmRequestAlarmAction.ACTIVATE, memberID, alarm: AlarmType.CORRUPT,
    })
    if (this.#proposer.proposeBody(pending, RaftBody.alarm, body, 0, body.length) !== 0) {
      this.#proposer.table.release(pending)
    }
  }
}

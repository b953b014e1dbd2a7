/**
 * A NOSPACE alarm has done its work when less than nine tenths of the quota have been in use for ten seconds; etcd
 * waits for an operator. A CORRUPT alarm never goes by itself.
 */

import { AlarmType, type AlarmMember } from '../../proto/generated/etcdserverpb.js'

export const RELEASE_AFTER_MS = 10_000
export const RELEASE_SHARE = 0.9
const LOOK_MS = 500

export class AlarmRelease {
  readonly #quotaBytes: number
  /** Since when there is room and an alarm; Infinity while there is not. */
  #roomSinceMs = Infinity
  #nextLookMs = Infinity

  constructor(quotaBytes: number) {
    this.#quotaBytes = quotaBytes
  }

  get dueAtMs(): number {
    return this.#nextLookMs
  }

  /** True when the alarm may go. It is asked anew from then on. */
  look(nowMs: number, isActive: boolean, usedBytes: number): boolean {
    if (!isActive || usedBytes >= RELEASE_SHARE * this.#quotaBytes) {
      this.#roomSinceMs = Infinity
      this.#nextLookMs = isActive ? nowMs + LOOK_MS : Infinity
      return false
    }
    if (this.#roomSinceMs === Infinity) this.#roomSinceMs = nowMs
    this.#nextLookMs = nowMs + LOOK_MS
    if (nowMs - this.#roomSinceMs < RELEASE_AFTER_MS) return false
    this.#roomSinceMs = nowMs
    return true
  }
}

/**
 * Alarms for space that this member may end: its own, and those of members that are not in the cluster, such as the
 * ones that a restored snapshot brings along. A member that is there ends its own.
 */
export function alarmsToRelease(
  alarms: readonly AlarmMember[],
  memberId: bigint,
  members: ReadonlySet<bigint>,
): readonly AlarmMember[] {
  return alarms.filter(({ alarm, memberID }) =>
    alarm === AlarmType.NOSPACE && (memberID === memberId || !members.has(memberID)))
}

/** Alarms in the store: each a row whose key is the etcdserverpb.AlarmMember, as in etcd's bucket of that name. */

import { EMPTY_BYTES } from '../../base/bytes.js'
import {
  AlarmType,
  decodeAlarmMember,
  encodeAlarmMember,
  type AlarmMember,
} from '../../proto/generated/etcdserverpb.js'
import { TABLE, type StoreView, type WriteTransaction } from '../../store/store.js'

/** Bits of the word that says which alarms are active on any member; the last is of this member alone. */
export const AlarmBit = Object.freeze({ noSpace: 1, corrupt: 2, selfCorrupt: 4 })

export function readAlarms(view: StoreView): AlarmMember[] {
  const alarms: AlarmMember[] = []
  const cursor = view.openCursor(TABLE.alarms, true)
  for (let found = cursor.seek(EMPTY_BYTES, 0, 0); found; found = cursor.next()) {
    alarms.push(decodeAlarmMember(cursor.key.copy()))
  }
  cursor.close()
  return alarms
}

export function alarmBits(alarms: readonly AlarmMember[], memberId: bigint): number {
  let bits = 0
  for (const { alarm, memberID } of alarms) {
    if (alarm === AlarmType.NOSPACE) bits |= AlarmBit.noSpace
    else if (alarm === AlarmType.CORRUPT) bits |= AlarmBit.corrupt | (memberID === memberId ? AlarmBit.selfCorrupt : 0)
  }
  return bits
}

export function putAlarm(transaction: WriteTransaction, alarm: AlarmMember): void {
  const key = encodeAlarmMember(alarm)
  transaction.put(TABLE.alarms, key, 0, key.length, EMPTY_BYTES, 0, 0)
}

/** False when there is no such alarm. */
export function removeAlarm(transaction: WriteTransaction, alarm: AlarmMember): boolean {
  const key = encodeAlarmMember(alarm)
  return transaction.remove(TABLE.alarms, key, 0, key.length)
}

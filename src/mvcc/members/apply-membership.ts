/**
 * Members and the cluster's version as entries change them. The configuration that raft works with is kept in the
 * same transaction, so that a restart finds both as they were at the applied index. Whether a change takes effect is
 * decided here, by rules that look at nothing but the tables, and raft is told.
 */

import { hexId, type Bytes } from '../../base/bytes.js'
import { Slice } from '../../base/slice.js'
import type { LogFields } from '../../metrics/logger.js'
import { errorById, etcdErrors } from '../../proto/etcd-errors.js'
import {
  decodeClusterMemberAttrSetRequest,
  decodeClusterVersionSetRequest,
  decodeDowngradeInfoSetRequest,
} from '../../proto/generated/membershippb.js'
import {
  EntryType,
  decodeConfChange,
  decodeConfState,
  encodeConfState,
} from '../../proto/generated/raftpb.js'
import { TABLE, type Table } from '../../store/store.js'
import type { ApplyTransaction } from '../apply/apply-transaction.js'
import type { BatchEntry } from '../apply/entry-batch.js'
import { memberChangeOf, type MemberChange } from '../../cluster/member-change.js'
import { afterChange, memberChangeError, type Membership } from '../../cluster/membership-rules.js'
import {
  CLUSTER_VERSION_KEY,
  DOWNGRADE_KEY,
  encodeDowngradeInfo,
  readMembership,
} from '../../cluster/membership-table.js'
import { decodeMember, encodeMember, memberKey, type MemberRecord } from '../../cluster/member-record.js'

const REMOVED = Buffer.from('removed')
const TWO_32 = 0x1_0000_0000n

export class MembershipApplier {
  readonly #transaction: ApplyTransaction
  readonly #warn: (message: string, fields: LogFields) => void
  readonly #learnersMax: number
  readonly #value = new Slice()

  constructor(
    transaction: ApplyTransaction,
    learnersMax: number,
    warn: (message: string, fields: LogFields) => void,
  ) {
    this.#transaction = transaction
    this.#learnersMax = learnersMax
    this.#warn = warn
  }

  /** A change of one member. An id of an error when it does not take effect, which raft is told as well. */
  applyConfChange(entry: BatchEntry): number {
    if (entry.type !== EntryType.EntryConfChange) {
      // etcd's API proposes one member at a time only, and so does this one. What raft's core knows of joint
      // configurations is not enough: a member that leaves by one has its part in the quorum until it is left, and its
      // row, by which others reach it, would be gone.
      this.#warn('configuration entry of a kind that this version does not do', { index: entry.index })
      return etcdErrors.unknownMethod.id
    }
    const wire = decodeConfChange(entry.bytes, entry.start, entry.end)
    const id = BigInt.asUintN(64, wire.id)
    entry.requestHigh = Number(id / TWO_32)
    entry.requestLow = Number(id % TWO_32)
    const change = memberChangeOf(wire)
    if (change === null) {
      this.#warn('configuration entry without a member in it', { index: entry.index })
      return etcdErrors.unknownMethod.id
    }
    const before = readMembership(this.#transaction.tables)
    const error = memberChangeError(before, change, this.#learnersMax)
    if (error !== 0) {
      this.#warn('a change of the membership does not take effect', {
        index: entry.index, change: change.kind, member: hexId(wire.node_id), reason: errorById(error)?.message ?? '',
      })
      return error
    }
    this.#write(change, before)
    this.#changeConfState(change)
    return 0
  }

  setAttributes(bytes: Bytes, start: number, end: number): number {
    const { member_ID, member_attributes } = decodeClusterMemberAttrSetRequest(bytes, start, end)
    const member = this.#find(member_ID)
    if (member === null) {
      // Said by a member before it was removed: there is nothing left to describe.
      this.#warn('attributes of a member that does not exist', { member: member_ID })
      return etcdErrors.memberNotFound.id
    }
    this.#store({
      ...member,
      name: member_attributes?.name ?? '',
      clientUrls: member_attributes?.client_urls ?? [],
    })
    return 0
  }

  setClusterVersion(bytes: Bytes, start: number, end: number): number {
    const { ver } = decodeClusterVersionSetRequest(bytes, start, end)
    this.#put(TABLE.cluster, CLUSTER_VERSION_KEY, Buffer.from(ver))
    this.#transaction.members.changed()
    return 0
  }

  setDowngradeInfo(bytes: Bytes, start: number, end: number): number {
    const { enabled, ver } = decodeDowngradeInfoSetRequest(bytes, start, end)
    this.#put(TABLE.cluster, DOWNGRADE_KEY, encodeDowngradeInfo({ enabled, targetVersion: enabled ? ver : '' }))
    return 0
  }

  #write(change: MemberChange, before: Membership): void {
    if (change.kind !== 'remove') {
      const id = change.kind === 'add' ? change.member.id : change.id
      this.#store(afterChange(before, change).members.find((member) => member.id === id) as MemberRecord)
      return
    }
    const key = memberKey(change.id)
    this.#transaction.members.changed()
    this.#transaction.tables.remove(TABLE.members, key, 0, key.length)
    this.#put(TABLE.membersRemoved, key, REMOVED)
  }

  #changeConfState(change: MemberChange): void {
    if (change.kind === 'update') return
    const { writer, view } = this.#transaction
    const bytes = view.confState()
    const before = bytes === null ? null : decodeConfState(bytes)
    const voters = new Set(before?.voters)
    const learners = new Set(before?.learners)
    const id = change.kind === 'add' ? change.member.id : change.id
    voters.delete(id)
    learners.delete(id)
    if (change.kind === 'add' && change.member.isLearner) learners.add(id)
    else if (change.kind !== 'remove') voters.add(id)
    writer.setConfState(
      encodeConfState({ voters: sorted(voters), learners: sorted(learners), auto_leave: false }),
    )
  }

  #find(id: bigint): MemberRecord | null {
    const key = memberKey(id)
    if (!this.#transaction.tables.get(TABLE.members, key, 0, key.length, this.#value)) return null
    return decodeMember(id, this.#value.copy())
  }

  #store(member: MemberRecord): void {
    this.#transaction.members.changed()
    this.#put(TABLE.members, memberKey(member.id), encodeMember(member))
  }

  #put(table: Table, key: Bytes, value: Bytes): void {
    this.#transaction.tables.put(table, key, 0, key.length, value, 0, value.length)
  }
}

function sorted(ids: ReadonlySet<bigint>): bigint[] {
  return [...ids].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

/**
 * The store as etcd would have it in its backend: bucket by bucket and pair by pair in their order. One walk, each row
 * looked at once; what it reads is one snapshot.
 */

import { utf8, type Bytes } from '../base/bytes.js'
import { Slice } from '../base/slice.js'
import { STORAGE_VERSION } from '../config/versions.js'
import type { KeyRecord } from '../keyspace/key-record.js'
import { KeyspaceView, type Lease } from '../keyspace/keyspace-view.js'
import { encodeLease } from '../proto/generated/leasepb.js'
import { decodeConfState } from '../proto/generated/raftpb.js'
import { TABLE, type StoreView, type Table } from '../store/store.js'
import { Bucket, MetaKey, TOMBSTONE_BYTES, encodeConfStateJson, encodeNumber, writeRevision } from './etcd-buckets.js'

export interface BucketVisitor {
  startBucket(name: string): void
  /** The slices are dead when this returns. */
  pair(key: Slice, value: Slice): void
  endBucket(): void
}

export interface VisitOptions {
  readonly view: StoreView
  readonly visitor: BucketVisitor
  /** Asked now and then; true ends the walk. */
  readonly isUnwanted?: () => boolean
}

const ROWS_BETWEEN_QUESTIONS = 4096
const MS_PER_SECOND = 1000

/** True when all was visited. */
export function visitBuckets(options: VisitOptions): boolean {
  return new BucketWalk(options).run()
}

class BucketWalk {
  readonly #view: StoreView
  readonly #visitor: BucketVisitor
  readonly #isUnwanted: () => boolean
  readonly #keyspace: KeyspaceView
  readonly #key = new Slice()
  readonly #value = new Slice()

  constructor({ view, visitor, isUnwanted }: VisitOptions) {
    this.#view = view
    this.#visitor = visitor
    this.#isUnwanted = isUnwanted ?? (() => false)
    this.#keyspace = new KeyspaceView(view)
  }

  run(): boolean {
    this.#copyTable(Bucket.alarm, TABLE.alarms)
    this.#copyTable(Bucket.auth, TABLE.auth)
    this.#copyTable(Bucket.authRoles, TABLE.authRoles)
    this.#copyTable(Bucket.authUsers, TABLE.authUsers)
    this.#copyTable(Bucket.cluster, TABLE.cluster)
    if (!this.#keys()) return false
    this.#leases()
    this.#copyTable(Bucket.members, TABLE.members)
    this.#copyTable(Bucket.membersRemoved, TABLE.membersRemoved)
    this.#meta()
    return true
  }

  /** Of tables whose rows are etcd's own. */
  #copyTable(name: string, table: Table): void {
    this.#visitor.startBucket(name)
    const cursor = this.#view.openCursor(table)
    for (let found = cursor.seek(new Uint8Array(0), 0, 0); found; found = cursor.next()) {
      this.#visitor.pair(cursor.key, cursor.value)
    }
    cursor.close()
    this.#visitor.endBucket()
  }

  #keys(): boolean {
    const revision = new Uint8Array(TOMBSTONE_BYTES)
    const value = this.#value
    let rows = 0
    let isWanted = true
    this.#visitor.startBucket(Bucket.key)
    this.#keyspace.scanRevisions(0, 0, (record: KeyRecord) => {
      const length = writeRevision(revision, record.modRevision, record.modSub, record.isTombstone)
      const { kv, key } = record
      // A tombstone's KeyValue is its key alone, which is its first field.
      value.at(kv.bytes, kv.start, record.isTombstone ? key.end : kv.end)
      this.#visitor.pair(this.#key.at(revision, 0, length), value)
      if (++rows % ROWS_BETWEEN_QUESTIONS === 0) isWanted = !this.#isUnwanted()
      return isWanted
    })
    this.#visitor.endBucket()
    return isWanted
  }

  #leases(): void {
    const clockMs = this.#keyspace.leaseClockMs
    const id = new Uint8Array(8)
    this.#visitor.startBucket(Bucket.lease)
    this.#keyspace.leases((leaseId, lease) => {
      new DataView(id.buffer).setBigInt64(0, leaseId)
      this.#pair(id, encodeLease({
        ID: leaseId,
        TTL: lease.ttlSeconds,
        RemainingTTL: remainingSeconds(lease, clockMs),
      }))
      return true
    })
    this.#visitor.endBucket()
  }

  #meta(): void {
    const keyspace = this.#keyspace
    const confState = keyspace.confState()
    this.#visitor.startBucket(Bucket.meta)
    if (confState !== null) this.#fact(MetaKey.confState, encodeConfStateJson(decodeConfState(confState)))
    this.#fact(MetaKey.consistentIndex, encodeNumber(keyspace.appliedIndex))
    if (keyspace.compactedRevision >= 0) this.#fact(MetaKey.finishedCompact, revisionOf(keyspace.compactedRevision))
    if (keyspace.compactRevision >= 0) this.#fact(MetaKey.scheduledCompact, revisionOf(keyspace.compactRevision))
    this.#fact(MetaKey.storageVersion, utf8(STORAGE_VERSION))
    this.#fact(MetaKey.term, encodeNumber(keyspace.appliedTerm))
    this.#visitor.endBucket()
  }

  #fact(key: string, value: Bytes): void {
    this.#pair(utf8(key), value)
  }

  #pair(key: Bytes, value: Bytes): void {
    this.#visitor.pair(this.#key.at(key, 0, key.length), this.#value.at(value, 0, value.length))
  }
}

/** What etcd keeps of a lease that has run for a while; 0 for one that has all of its time. */
function remainingSeconds({ ttlSeconds, renewedClockMs }: Lease, clockMs: number): number {
  const remaining = Math.ceil(ttlSeconds - (clockMs - renewedClockMs) / MS_PER_SECOND)
  return remaining >= ttlSeconds ? 0 : Math.max(1, remaining)
}

function revisionOf(main: number): Bytes {
  const bytes = new Uint8Array(TOMBSTONE_BYTES)
  return bytes.subarray(0, writeRevision(bytes, main, 0, false))
}

/**
 * Fills an empty store from an image: every revision, lease, user, role and alarm. Members are not the image's business
 * but the new cluster's.
 */

import { assert } from '../base/assert.js'
import { Slice } from '../base/slice.js'
import { BboltError } from '../bbolt/bbolt-error.js'
import type { BboltReader, Pair } from '../bbolt/bbolt-reader.js'
import { encodeMember, memberKey, type MemberRecord } from '../cluster/member-record.js'
import { KeyspaceWriter } from '../keyspace/keyspace-writer.js'
import { decodeLease, type Lease } from '../proto/generated/leasepb.js'
import { peekKeyValue } from '../proto/generated/mvccpb.js'
import { encodeConfState } from '../proto/generated/raftpb.js'
import { ProtoError } from '../proto/proto-error.js'
import { TABLE, type Store, type Table, type WriteTransaction } from '../store/store.js'
import { Bucket, readRevision } from './etcd-buckets.js'
import { readImageFacts } from './image-facts.js'

export interface ImportOptions {
  readonly image: BboltReader
  readonly store: Store
  readonly members: readonly MemberRecord[]
  /** Members that may not come back. */
  readonly removedMembers: readonly bigint[]
  /** The store is told that it holds the log up to here. */
  readonly applied: { readonly index: number; readonly term: number }
  /** Added to the image's revision, so that no client sees one twice; everything before counts as compacted. */
  readonly bumpRevision: number
}

export type ImportResult =
  | { readonly ok: true; readonly revision: number }
  | { readonly ok: false; readonly message: string }

/** Of one transaction; whichever comes first. */
const ROWS_MAX = 4096
const BYTES_MAX = 8 * 1024 * 1024
const MS_PER_SECOND = 1000
const REMOVED = Buffer.from('removed')

/** Throws a BboltError when the image holds what no etcd writes. */
export function importImage(options: ImportOptions): ImportResult {
  return new ImageImport(options).run()
}

class ImageImport {
  readonly #options: ImportOptions
  readonly #writer = new KeyspaceWriter()
  readonly #keySlice = new Slice()
  readonly #valueSlice = new Slice()
  #lastMain = 1

  constructor(options: ImportOptions) {
    this.#options = options
  }

  run(): ImportResult {
    const { image } = this.#options
    const leases = this.#readLeases()
    const steps: (() => Generator<number>)[] = [
      () => this.#leases(leases),
      () => this.#keys(image.pairs(Bucket.key)),
      () => this.#copy(Bucket.alarm, TABLE.alarms),
      () => this.#copy(Bucket.auth, TABLE.auth),
      () => this.#copy(Bucket.authUsers, TABLE.authUsers),
      () => this.#copy(Bucket.authRoles, TABLE.authRoles),
      () => this.#facts(),
    ]
    for (const step of steps) {
      const message = this.#write(step())
      if (message !== null) return { ok: false, message }
    }
    return { ok: true, revision: this.#lastMain }
  }

  #tables: WriteTransaction | null = null

  /** Takes rows, each told by its bytes, in transactions of bounded size. Returns what went wrong. */
  #write(rows: Generator<number>): string | null {
    for (let isDone = false; !isDone;) {
      const committed = this.#options.store.transact((transaction) => {
        this.#tables = transaction
        this.#writer.begin(transaction)
        let bytes = 0
        for (let count = 0; count < ROWS_MAX && bytes < BYTES_MAX && !isDone; count++) {
          const next = rows.next()
          if (next.done === true) isDone = true
          else bytes += next.value
        }
        this.#writer.finish()
        this.#tables = null
      })
      if (!committed.ok) return committed.message
    }
    return null
  }

  *#keys(pairs: Generator<Pair>): Generator<number> {
    for (const pair of pairs) {
      const revision = readRevision(pair.key.view())
      if (revision === null) throw new BboltError('bucket key: a key that is not a revision')
      this.#lastMain = Math.max(this.#lastMain, revision.main)
      const bytes = pair.value.length
      // A revision that `--bump-revision` made: it has a number and nothing else.
      if (bytes > 0) this.#restore(revision, pair.value)
      yield bytes + pair.key.length
    }
  }

  #restore(revision: { main: number; sub: number; isTombstone: boolean }, encoded: Slice): void {
    const { main, isTombstone } = revision
    const kv = decoded(`revision ${main}`, () => peekKeyValue(encoded.bytes, encoded.start, encoded.end))
    if (kv.key.length === 0) throw new BboltError(`revision ${main}: no key`)
    if (!isTombstone && kv.mod_revision !== main) {
      throw new BboltError(`revision ${main} calls itself ${kv.mod_revision}`)
    }
    this.#writer.restore({
      ...revision,
      key: this.#keySlice.at(kv.key, 0, kv.key.length),
      value: this.#valueSlice.at(kv.value, 0, kv.value.length),
      createRevision: kv.create_revision,
      version: kv.version,
      leaseId: kv.lease,
    })
  }

  #readLeases(): Lease[] {
    const leases: Lease[] = []
    for (const { value } of this.#options.image.pairs(Bucket.lease)) {
      leases.push(decoded('a lease', () => decodeLease(value.bytes, value.start, value.end)))
    }
    return leases
  }

  /** The lease clock begins so late that every lease can have been renewed as long ago as its remaining time says. */
  *#leases(leases: readonly Lease[]): Generator<number> {
    const spentMs = ({ TTL, RemainingTTL }: Lease): number =>
      RemainingTTL > 0 ? Math.max(0, TTL - RemainingTTL) * MS_PER_SECOND : 0
    const clockMs = leases.reduce((most, lease) => Math.max(most, spentMs(lease)), 0)
    this.#writer.setLeaseClock(clockMs)
    for (const lease of leases) {
      const renewedClockMs = clockMs - spentMs(lease)
      this.#writer.grantLease(lease.ID, { ttlSeconds: lease.TTL, grantedClockMs: renewedClockMs, renewedClockMs })
      yield 32
    }
  }

  *#copy(bucket: string, table: Table): Generator<number> {
    for (const { key, value } of this.#options.image.pairs(bucket)) {
      this.#open().put(table, key.bytes, key.start, key.end, value.bytes, value.start, value.end)
      yield key.length + value.length
    }
  }

  *#facts(): Generator<number> {
    const { image, members, removedMembers, applied, bumpRevision } = this.#options
    const writer = this.#writer
    const { scheduledCompact, finishedCompact } = readImageFacts(image)
    this.#lastMain = Math.max(this.#lastMain, scheduledCompact) + bumpRevision
    writer.setCurrentRevision(this.#lastMain)
    const compacted = bumpRevision > 0 ? this.#lastMain : scheduledCompact
    if (compacted >= 0) writer.restoreCompaction(compacted, finishedCompact)
    for (const member of members) this.#put(TABLE.members, memberKey(member.id), encodeMember(member))
    for (const id of removedMembers) this.#put(TABLE.membersRemoved, memberKey(id), REMOVED)
    writer.setConfState(encodeConfState({
      voters: members.filter(({ isLearner }) => !isLearner).map(({ id }) => id).sort(byId),
      learners: members.filter(({ isLearner }) => isLearner).map(({ id }) => id).sort(byId),
      auto_leave: false,
    }))
    writer.setApplied(applied.index, applied.term)
    writer.forgetStateHash()
    yield 0
  }

  #put(table: Table, key: Uint8Array, value: Uint8Array): void {
    this.#open().put(table, key, 0, key.length, value, 0, value.length)
  }

  #open(): WriteTransaction {
    assert(this.#tables !== null, 'rows are taken inside a transaction')
    return this.#tables
  }
}

function decoded<T>(what: string, decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    if (error instanceof ProtoError) throw new BboltError(`${what} cannot be decoded: ${error.message}`)
    throw error
  }
}

function byId(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * A line of contenders: keys under one prefix, each held by its contender's lease, the oldest first. Whose key is the
 * oldest has the lock, or leads; whoever is behind watches the key right before its own, so that one departure wakes
 * one contender.
 */

import { concatBytes, utf8 } from '../../base/bytes.js'
import {
  CompareResult,
  CompareTarget,
  RangeRequestSortOrder,
  RangeRequestSortTarget,
  type CompareInput,
  type RangeRequestInput,
  type ResponseHeader,
  type TxnResponse,
} from '../../proto/generated/etcdserverpb.js'
import { EventType, type KeyValue } from '../../proto/generated/mvccpb.js'
import type { Asker } from './asker.js'
import type { Inner, InnerClient } from './inner-client.js'

/** Seconds; of the lease of a contender that has none. Nobody renews it. */
const LEASE_TTL_SECONDS = 60

export interface Place {
  readonly key: Uint8Array
  /** The revision that made the key: a fencing token. */
  readonly createRevision: number
  readonly leaseId: bigint
  /** Of the transaction that took the place. */
  readonly header: ResponseHeader | undefined
  /** The key as it was when its lease had a place already. */
  readonly existing: KeyValue | null
  /** Nobody was before it when it was taken. */
  readonly isFirst: boolean
}

export interface Line {
  readonly client: InnerClient
  readonly asker: Asker
  /** Of all keys of the line. */
  readonly prefix: Uint8Array
}

export function linePrefix(name: Uint8Array): Uint8Array {
  return concatBytes(name, utf8('/'))
}

/** The oldest key of the line. */
export function oldestKey(prefix: Uint8Array): RangeRequestInput {
  return {
    key: prefix,
    range_end: prefixEnd(prefix),
    limit: 1,
    sort_order: RangeRequestSortOrder.ASCEND,
    sort_target: RangeRequestSortTarget.CREATE,
  }
}

/** The end of the range of all keys that begin with these bytes, of which the last is a slash. */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  const end = prefix.slice()
  end[end.length - 1] = (end.at(-1) as number) + 1
  return end
}

/** The given lease, or a new one. */
export async function leaseFor({ client, asker }: Line, given: bigint): Promise<Inner<bigint>> {
  if (given !== 0n) return { ok: true, value: given }
  const granted = await client.grant(asker, LEASE_TTL_SECONDS)
  return granted.ok ? { ok: true, value: granted.value.ID } : granted
}

/** Takes a place at the end of the line, or finds the one that the lease has already. */
export async function takePlace(line: Line, leaseId: bigint, value: Uint8Array): Promise<Inner<Place>> {
  const { client, asker, prefix } = line
  const key = concatBytes(prefix, utf8(leaseId.toString(16)))
  const oldest = { request_range: oldestKey(prefix) }
  const taken = await client.txn(asker, {
    compare: [createdAt(key, 0)],
    success: [{ request_put: { key, value, lease: leaseId } }, oldest],
    failure: [{ request_range: { key } }, oldest],
  })
  if (!taken.ok) return taken
  const { header, succeeded, responses } = taken.value
  const existing = succeeded ? null : (responses[0]?.response_range?.kvs[0] ?? null)
  const createRevision = existing?.create_revision ?? header?.revision ?? 0
  const owner = responses[1]?.response_range?.kvs[0]
  const isFirst = owner === undefined || owner.create_revision === createRevision
  return { ok: true, value: { key, createRevision, leaseId, header, existing, isFirst } }
}

/** Waits until nobody is before the place. The asker may have gone by then. */
export async function waitForTurn({ client, asker, prefix }: Line, place: Place): Promise<Inner<null>> {
  while (!asker.isGone) {
    const before = await client.range(asker, {
      key: prefix,
      range_end: prefixEnd(prefix),
      limit: 1,
      sort_order: RangeRequestSortOrder.DESCEND,
      sort_target: RangeRequestSortTarget.CREATE,
      max_create_revision: place.createRevision - 1,
      keys_only: true,
    })
    if (!before.ok) return before
    const next = before.value.kvs[0]
    if (next === undefined) break
    const gone = await deletion({ client, asker, prefix }, next.key, before.value.header)
    if (!gone.ok) return gone
  }
  return { ok: true, value: null }
}

/** Gives the place up, if it still is the one that was taken. */
export function leavePlace(
  { client, asker }: Line, place: Pick<Place, 'key' | 'createRevision'>,
): Promise<Inner<TxnResponse>> {
  const { key, createRevision } = place
  return client.txn(asker, {
    compare: [createdAt(key, createRevision)],
    success: [{ request_delete_range: { key } }],
  })
}

/** Holds when the key is the one that this revision made; 0: when there is no such key. */
export function createdAt(key: Uint8Array, revision: number): CompareInput {
  return { result: CompareResult.EQUAL, target: CompareTarget.CREATE, key, create_revision: revision }
}

/** Waits until the key is deleted after it was seen, or may have been. */
async function deletion(
  { client, asker }: Line, key: Uint8Array, seen: ResponseHeader | undefined,
): Promise<Inner<null>> {
  const watch = client.watch(asker, { key, start_revision: (seen?.revision ?? 0) + 1 })
  for (;;) {
    const response = await watch.next()
    const isDeleted = response?.events.some((event) => event.type === EventType.DELETE) === true
    // What compaction took away may have been the deletion: the line is looked at anew.
    if (response === null || isDeleted || response.compact_revision > 0) break
    if (response.canceled) {
      watch.close()
      return { ok: false, message: response.cancel_reason }
    }
  }
  watch.close()
  return { ok: true, value: null }
}

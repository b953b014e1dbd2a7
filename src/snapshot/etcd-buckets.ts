/** etcd's buckets: their names, and the few encodings of keys and values that are not protobuf. */

import { hexId, text, utf8, type Bytes } from '../base/bytes.js'
import type { ConfState } from '../proto/generated/raftpb.js'

export const Bucket = Object.freeze({
  alarm: 'alarm',
  auth: 'auth',
  authRoles: 'authRoles',
  authUsers: 'authUsers',
  cluster: 'cluster',
  key: 'key',
  lease: 'lease',
  members: 'members',
  membersRemoved: 'members_removed',
  meta: 'meta',
})

export const MetaKey = Object.freeze({
  confState: 'confState',
  consistentIndex: 'consistent_index',
  finishedCompact: 'finishedCompactRev',
  scheduledCompact: 'scheduledCompactRev',
  storageVersion: 'storageVersion',
  term: 'term',
})

/** Main, an underscore, sub: 17 bytes. A tombstone has a mark behind them. */
export const REVISION_BYTES = 17
export const TOMBSTONE_BYTES = 18
const UNDERSCORE = 0x5f
const TOMBSTONE_MARK = 0x74
const SUB_AT = 9
const TWO_32 = 0x1_0000_0000

/** Returns the length, which a tombstone's mark makes one more. */
export function writeRevision(target: Bytes, main: number, sub: number, isTombstone: boolean): number {
  writeNumber(target, 0, main)
  target[8] = UNDERSCORE
  writeNumber(target, SUB_AT, sub)
  if (!isTombstone) return REVISION_BYTES
  target[REVISION_BYTES] = TOMBSTONE_MARK
  return TOMBSTONE_BYTES
}

export interface Revision {
  readonly main: number
  readonly sub: number
  readonly isTombstone: boolean
}

/** Null for anything that is no revision, or one that this program cannot count to. */
export function readRevision(key: Bytes): Revision | null {
  const isTombstone = key.length === TOMBSTONE_BYTES && key[REVISION_BYTES] === TOMBSTONE_MARK
  if ((key.length !== REVISION_BYTES && !isTombstone) || key[8] !== UNDERSCORE) return null
  const main = readNumber(key, 0)
  const sub = readNumber(key, SUB_AT)
  return Number.isSafeInteger(main) && Number.isSafeInteger(sub) ? { main, sub, isTombstone } : null
}

export function encodeNumber(value: number): Bytes {
  const bytes = new Uint8Array(8)
  writeNumber(bytes, 0, value)
  return bytes
}

/** Big-endian; not exact above 2^53, which no counter reaches. */
export function readNumber(bytes: Bytes, at: number): number {
  const numbers = new DataView(bytes.buffer, bytes.byteOffset + at, 8)
  return numbers.getUint32(0) * TWO_32 + numbers.getUint32(4)
}

/** As etcd writes it: JSON with 64-bit numbers. */
export function encodeConfStateJson({ voters, learners }: Pick<ConfState, 'voters' | 'learners'>): Bytes {
  const list = (ids: readonly bigint[]): string => ids.map((id) => BigInt.asUintN(64, id).toString()).join(',')
  const fields = [`"voters":[${list(voters)}]`]
  if (learners.length > 0) fields.push(`"learners":[${list(learners)}]`)
  return utf8(`{${fields.join(',')},"auto_leave":false}`)
}

export function memberIdOfKey(key: Bytes): bigint | null {
  const name = text(key)
  return /^[0-9a-f]{1,16}$/.test(name) && hexId(BigInt(`0x${name}`)) === name ? BigInt(`0x${name}`) : null
}

function writeNumber(target: Bytes, at: number, value: number): void {
  const numbers = new DataView(target.buffer, target.byteOffset + at, 8)
  numbers.setUint32(0, Math.floor(value / TWO_32))
  numbers.setUint32(4, value % TWO_32)
}

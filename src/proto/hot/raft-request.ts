/**
 * etcdserverpb.InternalRaftRequest, the data of a normal log entry: written around a body that stays as the client sent
 * it, and looked at in place. Body first, header after it, whatever their numbers: readers of protobuf take any order.
 */

import { EMPTY_BYTES, type Bytes } from '../../base/bytes.js'
import { copyRange } from '../../base/copy-into.js'
import { ProtoReader } from '../proto-reader.js'
import { sizeOfHalves, sizeOfUint32, sizeOfUint64, writeHalves, writeUint32, writeUint64 } from '../proto-writer.js'
import { malformed } from './decode-guard.js'

/** Field numbers of InternalRaftRequest under which a body travels. An entry of ours has exactly one, or none. */
export const RaftBody = Object.freeze({
  none: 0,
  range: 3,
  put: 4,
  deleteRange: 5,
  txn: 6,
  compaction: 7,
  leaseGrant: 8,
  leaseRevoke: 9,
  alarm: 10,
  leaseCheckpoint: 11,
  authEnable: 1000,
  authDisable: 1011,
  authenticate: 1012,
  authStatus: 1013,
  authUserAdd: 1100,
  authUserDelete: 1101,
  authUserGet: 1102,
  authUserChangePassword: 1103,
  authUserGrantRole: 1104,
  authUserRevokeRole: 1105,
  authUserList: 1106,
  authRoleList: 1107,
  authRoleAdd: 1200,
  authRoleDelete: 1201,
  authRoleGet: 1202,
  authRoleGrantPermission: 1203,
  authRoleRevokePermission: 1204,
  clusterVersionSet: 1300,
  clusterMemberAttrSet: 1301,
  downgradeInfoSet: 1302,
  downgradeVersionTest: 9900,
})
export type RaftBodyField = (typeof RaftBody)[keyof typeof RaftBody]

const HEADER_FIELD = 100
const EXTENSION_FIELD = 30001
const DELIMITED = 2
const TAG_HEADER = (HEADER_FIELD << 3) | DELIMITED
const TAG_EXTENSION = (EXTENSION_FIELD << 3) | DELIMITED
const TAG_HEADER_ID = 0x08
const TAG_HEADER_USERNAME = 0x12
const TAG_HEADER_AUTH_REVISION = 0x18
const KNOWN_HEADER: readonly number[] = [1, 2, 3]
/** What is neither body nor header: the id of entries that etcd 3.0 wrote. */
const OLD_ID_FIELD = 1
const LAST_LOW_BODY = 11

const laterBodies: ReadonlySet<number> = new Set(Object.values(RaftBody).filter((field) => field > LAST_LOW_BODY))

/** What a few requests carry beside id and body. A request of a member without auth has the empty one. */
export interface RaftRequestExtras {
  readonly username: Bytes
  readonly authRevision: number
  /** An encoded raftringpb.Extension. */
  readonly extension: Bytes
}

export const NO_EXTRAS: RaftRequestExtras = Object.freeze({
  username: EMPTY_BYTES, authRevision: 0, extension: EMPTY_BYTES,
})

/** Bytes that `writeRaftRequest` takes. The halves of the id are unsigned. */
export function raftRequestSize(
  idHigh: number, idLow: number, bodyField: RaftBodyField, bodyLength: number, extras = NO_EXTRAS,
): number {
  const header = headerSize(idHigh, idLow, extras)
  const { length } = extras.extension
  return (bodyField === RaftBody.none ? 0 : sizeOfUint32(bodyField << 3) + sizeOfUint32(bodyLength) + bodyLength)
    + (header === 0 ? 0 : sizeOfUint32(TAG_HEADER) + sizeOfUint32(header) + header)
    + (length === 0 ? 0 : sizeOfUint32(TAG_EXTENSION) + sizeOfUint32(length) + length)
}

/**
 * Writes the request with bytes[start, end) as its body, verbatim, and returns the offset after it. There must be room
 * for `raftRequestSize`. Eight plain arguments because this runs once for every write that a front takes.
 */
export function writeRaftRequest(
  out: Bytes, at: number,
  idHigh: number, idLow: number,
  bodyField: RaftBodyField, bytes: Bytes, start: number, end: number,
  extras = NO_EXTRAS,
): number {
  if (bodyField !== RaftBody.none) at = writeDelimited(out, at, (bodyField << 3) | DELIMITED, bytes, start, end)
  const header = headerSize(idHigh, idLow, extras)
  if (header !== 0) {
    at = writeUint32(out, at, TAG_HEADER)
    at = writeUint32(out, at, header)
    at = writeHeader(out, at, idHigh, idLow, extras)
  }
  const { extension } = extras
  return extension.length === 0 ? at : writeDelimited(out, at, TAG_EXTENSION, extension, 0, extension.length)
}

/** One object serves many entries; ranges are offsets in `bytes` and live as long as those do. */
export class RaftRequestView {
  bytes: Bytes = EMPTY_BYTES
  /** Unsigned halves of the request's id: the header's, or the one that etcd 3.0 wrote outside of it. */
  idHigh = 0
  idLow = 0
  /** One of RaftBody. When an entry has several, which no member writes, the last one. */
  bodyField: RaftBodyField = RaftBody.none
  bodyStart = 0
  bodyEnd = 0
  usernameStart = 0
  usernameEnd = 0
  authRevision = 0
  /** An encoded raftringpb.Extension; `hasExtension` tells an empty one from none. */
  hasExtension = false
  extensionStart = 0
  extensionEnd = 0
  readonly #reader = new ProtoReader()

  /**
   * False when bytes[start, end) is not an InternalRaftRequest. The body is not looked into: that it is well-formed is
   * its own view's business.
   */
  decode(bytes: Bytes, start: number, end: number): boolean {
    this.bytes = bytes
    this.idHigh = this.idLow = this.authRevision = 0
    this.bodyField = RaftBody.none
    this.bodyStart = this.bodyEnd = this.usernameStart = this.usernameEnd = start
    this.hasExtension = false
    this.extensionStart = this.extensionEnd = start
    try {
      this.#reader.open(bytes, start, end)
      this.#read(this.#reader, end)
      return true
    } catch (error) {
      return malformed(error)
    }
  }

  #read(r: ProtoReader, end: number): void {
    let oldHigh = 0
    let oldLow = 0
    while (r.at < end) {
      const tag = r.tag()
      const field = tag >>> 3
      if (tag === TAG_HEADER) {
        this.#readHeader(r, r.enter(end))
      } else if (isBody(field)) {
        if ((tag & 7) !== DELIMITED) r.refuse(tag)
        this.bodyEnd = r.skipDelimited(end)
        this.bodyStart = r.skippedFrom
        this.bodyField = field
      } else if (tag === TAG_EXTENSION) {
        this.extensionEnd = r.skipDelimited(end)
        this.extensionStart = r.skippedFrom
        this.hasExtension = true
      } else if (tag === OLD_ID_FIELD << 3) {
        r.varint()
        oldHigh = r.high
        oldLow = r.low
      } else if (field === HEADER_FIELD || field === EXTENSION_FIELD || field === OLD_ID_FIELD) {
        r.refuse(tag)
      } else {
        r.skip(tag, end)
      }
    }
    r.leave(end)
    if ((oldHigh | oldLow) !== 0) {
      this.idHigh = oldHigh
      this.idLow = oldLow
    }
  }

  #readHeader(r: ProtoReader, end: number): void {
    this.idHigh = this.idLow = this.authRevision = 0
    this.usernameStart = this.usernameEnd = r.at
    while (r.at < end) {
      const tag = r.tag()
      switch (tag) {
        case TAG_HEADER_ID:
          r.varint()
          this.idHigh = r.high
          this.idLow = r.low
          break
        case TAG_HEADER_USERNAME:
          this.usernameEnd = r.skipDelimited(end)
          this.usernameStart = r.skippedFrom
          break
        case TAG_HEADER_AUTH_REVISION:
          this.authRevision = r.uint64()
          break
        default:
          r.skipUnknown(tag, end, KNOWN_HEADER)
      }
    }
    r.leave(end)
  }
}

function isBody(field: number): field is RaftBodyField {
  return field <= LAST_LOW_BODY ? field >= RaftBody.range : laterBodies.has(field)
}

function headerSize(idHigh: number, idLow: number, extras: RaftRequestExtras): number {
  const { username, authRevision } = extras
  return ((idHigh | idLow) === 0 ? 0 : 1 + sizeOfHalves(idHigh, idLow))
    + (username.length === 0 ? 0 : 1 + sizeOfUint32(username.length) + username.length)
    + (authRevision === 0 ? 0 : 1 + sizeOfUint64(authRevision))
}

function writeHeader(out: Bytes, at: number, idHigh: number, idLow: number, extras: RaftRequestExtras): number {
  const { username, authRevision } = extras
  if ((idHigh | idLow) !== 0) {
    out[at++] = TAG_HEADER_ID
    at = writeHalves(out, at, idHigh, idLow)
  }
  if (username.length > 0) at = writeDelimited(out, at, TAG_HEADER_USERNAME, username, 0, username.length)
  if (authRevision !== 0) {
    out[at++] = TAG_HEADER_AUTH_REVISION
    at = writeUint64(out, at, authRevision)
  }
  return at
}

function writeDelimited(out: Bytes, at: number, tag: number, bytes: Bytes, start: number, end: number): number {
  at = writeUint32(out, at, tag)
  at = writeUint32(out, at, end - start)
  return copyRange(out, at, bytes, start, end)
}

/** Hand-written writers write what the generated codecs write. */

import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  encodeInternalRaftRequest, decodeInternalRaftRequest, encodePutRequest, encodePutResponse, encodeResponseHeader,
} from '../../src/proto/generated/etcdserverpb.js'
import { encodeKeyValue } from '../../src/proto/generated/mvccpb.js'
import { encodeExtension } from '../../src/proto/generated/raftringpb.js'
import { putResponseSize, writePutResponse } from '../../src/proto/hot/put-response-writer.js'
import { NO_EXTRAS, RaftBody, raftRequestSize, writeRaftRequest } from '../../src/proto/hot/raft-request.js'
import { ResponseHeaderWriter } from '../../src/proto/hot/response-header-writer.js'

const MARGIN = 3
const id = fc.oneof(fc.constant(0n), fc.bigInt(0n, 0xffff_ffffn), fc.bigInt(0n, 2n ** 64n - 1n))
const bytesOf = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 100, maxLength: 300 }))
const number = fc.oneof(fc.constant(0), fc.nat(), fc.maxSafeNat())

/** What `write` writes into the middle of other bytes, which must stay. */
function written(size: number, write: (out: Uint8Array, at: number) => number): Uint8Array {
  const out = new Uint8Array(size + 2 * MARGIN).fill(0xee)
  assert.equal(write(out, MARGIN), MARGIN + size)
  for (let i = 0; i < MARGIN; i++) assert.deepEqual([out[i], out[MARGIN + size + i]], [0xee, 0xee])
  return out.slice(MARGIN, MARGIN + size)
}

const high = (value: bigint): number => Number(value >> 32n)
const low = (value: bigint): number => Number(value & 0xffff_ffffn)

test('an entry is the body as it came, then the header', () => {
  fc.assert(fc.property(id, bytesOf, bytesOf, (requestId, key, value) => {
    const put = { key, value }
    const body = encodePutRequest(put)
    const around = Buffer.concat([Uint8Array.of(1, 2), body, Uint8Array.of(3)])
    const size = raftRequestSize(high(requestId), low(requestId), RaftBody.put, body.length)
    const bytes = written(size, (out, at) =>
      writeRaftRequest(out, at, high(requestId), low(requestId), RaftBody.put, around, 2, 2 + body.length))
    const header = requestId === 0n ? undefined : { ID: requestId }
    assert.deepEqual(bytes, encodeInternalRaftRequest({ put, header }))
  }))
})

test('an entry carries a user, an auth revision and our extension when there are any', () => {
  fc.assert(fc.property(id, fc.string(), number, bytesOf, (requestId, username, authRevision, name) => {
    const extension = encodeExtension({ lease_clock_ms: name.length })
    const extras = { username: Buffer.from(username), authRevision, extension }
    const size = raftRequestSize(high(requestId), low(requestId), RaftBody.authRoleAdd, 0, extras)
    const bytes = written(size, (out, at) =>
      writeRaftRequest(out, at, high(requestId), low(requestId), RaftBody.authRoleAdd, name, 0, 0, extras))
    const hasHeader = requestId !== 0n || username !== '' || authRevision !== 0
    assert.deepEqual(decodeInternalRaftRequest(bytes), decodeInternalRaftRequest(encodeInternalRaftRequest({
      auth_role_add: {},
      header: hasHeader ? { ID: requestId, username, auth_revision: authRevision } : undefined,
      raftring: extension.length === 0 ? undefined : { lease_clock_ms: name.length },
    })))
  }))
})

test('an entry of nothing is empty', () => {
  const nothing = new Uint8Array(0)
  assert.equal(raftRequestSize(0, 0, RaftBody.none, 0, NO_EXTRAS), 0)
  assert.equal(writeRaftRequest(nothing, 0, 0, 0, RaftBody.none, nothing, 0, 0), 0)
})

test('a response header is the codec\'s, whatever it was before', () => {
  const step = fc.tuple(fc.oneof(number, fc.constant(-1)), number)
  fc.assert(fc.property(id, id, fc.array(step, { minLength: 1, maxLength: 6 }), (clusterId, memberId, steps) => {
    const header = new ResponseHeaderWriter(clusterId, memberId)
    for (const [revision, term] of steps) {
      header.set(revision, term)
      const expected = encodeResponseHeader({ cluster_id: clusterId, member_id: memberId, revision, raft_term: term })
      assert.deepEqual(header.bytes.slice(0, header.length), expected)
      const field = written(header.fieldLength, (out, at) => header.writeField(out, at))
      assert.deepEqual(field, Uint8Array.from([0x0a, expected.length, ...expected]))
    }
  }))
})

test('a put\'s response is the codec\'s, with the previous record as it lies in the store', () => {
  fc.assert(fc.property(number, fc.option(bytesOf, { nil: undefined }), (revision, key) => {
    const header = new ResponseHeaderWriter(7n, 8n)
    header.set(revision, 2)
    const prev = key === undefined ? undefined : { key, version: 1 }
    const kv = prev === undefined ? new Uint8Array(0) : encodeKeyValue(prev)
    const stored = Buffer.concat([Uint8Array.of(9), kv, Uint8Array.of(9)])
    const bytes = written(putResponseSize(header, kv.length), (out, at) =>
      writePutResponse(out, at, header, stored, 1, 1 + kv.length))
    assert.deepEqual(bytes, encodePutResponse({
      header: { cluster_id: 7n, member_id: 8n, revision, raft_term: 2 }, prev_kv: prev,
    }))
  }))
})

/** What a front refuses before a request enters the log. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  checkDeleteRangeRequest,
  checkPutRequest,
  checkRangeRequest,
  checkTxnRequest,
} from '../../src/keyspace/txn-checks.js'
import { etcdErrors } from '../../src/proto/etcd-errors.js'
import {
  decodeDeleteRangeRequest,
  decodePutRequest,
  decodeRangeRequest,
  decodeTxnRequest,
  encodeDeleteRangeRequest,
  encodePutRequest,
  encodeRangeRequest,
  encodeTxnRequest,
  type PutRequestInput,
  type RangeRequestInput,
  type RequestOpInput,
  type TxnRequestInput,
} from '../../src/proto/generated/etcdserverpb.js'

const KEY = Buffer.from('k')

function errorName(id: number): string {
  return Object.entries(etcdErrors).find(([, error]) => error.id === id)?.[0] ?? 'ok'
}

function ofPut(request: PutRequestInput): string {
  return errorName(checkPutRequest(decodePutRequest(encodePutRequest(request))))
}

function ofRange(request: RangeRequestInput): string {
  return errorName(checkRangeRequest(decodeRangeRequest(encodeRangeRequest(request))))
}

function ofTxn(request: TxnRequestInput, opsMax = 128): string {
  return errorName(checkTxnRequest(decodeTxnRequest(encodeTxnRequest(request)), opsMax))
}

function puts(count: number, from = 0): RequestOpInput[] {
  return Array.from({ length: count }, (_, i) => ({ request_put: { key: Buffer.from(`k${from + i}`) } }))
}

test('a put needs a key, and what it keeps it may not give', () => {
  assert.equal(ofPut({ key: KEY }), 'ok')
  assert.equal(ofPut({ value: KEY }), 'emptyKey')
  assert.equal(ofPut({ key: KEY, value: KEY, ignore_value: true }), 'valueProvided')
  assert.equal(ofPut({ key: KEY, lease: 1n, ignore_lease: true }), 'leaseProvided')
  assert.equal(ofPut({ key: KEY, ignore_value: true, lease: 1n }), 'ok')
  assert.equal(ofPut({ key: KEY, value: KEY, ignore_lease: true }), 'ok')
})

test('a range needs a key and an order that exists', () => {
  assert.equal(ofRange({ key: KEY, sort_order: 2, sort_target: 4 }), 'ok')
  assert.equal(ofRange({ range_end: KEY }), 'emptyKey')
  for (const wrong of [{ sort_order: 3 }, { sort_order: -1 }, { sort_target: 5 }, { sort_target: -1 }]) {
    assert.equal(ofRange({ key: KEY, ...wrong }), 'invalidSortOption')
  }
})

test('a deletion needs a key', () => {
  const check = (key: Uint8Array): string =>
    errorName(checkDeleteRangeRequest(decodeDeleteRangeRequest(encodeDeleteRangeRequest({ key }))))
  assert.equal(check(KEY), 'ok')
  assert.equal(check(new Uint8Array(0)), 'emptyKey')
})

test('every operation of a transaction is checked as a request of its own', () => {
  assert.equal(ofTxn({}), 'ok')
  assert.equal(ofTxn({ compare: [{ target: 0 }] }), 'emptyKey')
  assert.equal(ofTxn({ success: [{ request_put: {} }] }), 'emptyKey')
  assert.equal(ofTxn({ failure: [{ request_range: { key: KEY, sort_target: 9 } }] }), 'invalidSortOption')
  assert.equal(ofTxn({ failure: [{ request_delete_range: {} }] }), 'emptyKey')
  assert.equal(ofTxn({ success: [{}] }), 'keyNotFound')
  assert.equal(ofTxn({ success: [{ request_txn: { failure: [{ request_put: {} }] } }] }), 'emptyKey')
})

test('the longest list of a transaction counts, and a nested one has what its parent left', () => {
  assert.equal(ofTxn({ success: puts(3), failure: puts(3) }, 3), 'ok')
  assert.equal(ofTxn({ success: puts(4) }, 3), 'tooManyOps')
  assert.equal(ofTxn({ compare: puts(4).map(() => ({ key: KEY })) }, 3), 'tooManyOps')
  const nested = (inner: number): TxnRequestInput => ({
    success: [{ request_txn: { success: puts(inner) } }, ...puts(1, 100)],
  })
  assert.equal(ofTxn(nested(3), 5), 'ok')
  assert.equal(ofTxn(nested(4), 5), 'tooManyOps')
})

test('a key is written once: by one put and by no deletion around it', () => {
  const put = { request_put: { key: KEY } }
  const deleteOf = (key: string, end = ''): RequestOpInput => ({
    request_delete_range: { key: Buffer.from(key), range_end: Buffer.from(end, 'latin1') },
  })
  assert.equal(ofTxn({ success: [put, put] }), 'duplicateKey')
  assert.equal(ofTxn({ failure: [put, deleteOf('k')] }), 'duplicateKey')
  assert.equal(ofTxn({ success: [deleteOf('a', 'l'), put] }), 'duplicateKey')
  assert.equal(ofTxn({ success: [deleteOf('a', 'k'), put] }), 'ok')
  assert.equal(ofTxn({ success: [deleteOf('a', 'z'), deleteOf('b', 'c'), deleteOf('b')] }), 'ok')
  assert.equal(ofTxn({ success: [put], failure: [put] }), 'ok')
  // Such an end covers nothing in etcd's check.
  assert.equal(ofTxn({ success: [deleteOf('a', '\0'), put] }), 'ok')
  assert.equal(ofTxn({ success: [deleteOf('z', 'a'), put] }), 'ok')
})

test('nested transactions count with what stands around them', () => {
  const put = { request_put: { key: KEY } }
  const deletes = { request_delete_range: { key: KEY } }
  const nested = (txn: TxnRequestInput): RequestOpInput => ({ request_txn: txn })
  assert.equal(ofTxn({ success: [nested({ success: [put], failure: [put] })] }), 'ok')
  assert.equal(ofTxn({ success: [put, nested({ failure: [put] })] }), 'duplicateKey')
  assert.equal(ofTxn({ success: [nested({ success: [put] }), nested({ success: [put] })] }), 'duplicateKey')
  assert.equal(ofTxn({ success: [put, nested({ success: [deletes] })] }), 'duplicateKey')
  assert.equal(ofTxn({ success: [nested({ success: [deletes] }), nested({ success: [put] })] }), 'duplicateKey')
  assert.equal(ofTxn({ success: [nested({ success: [put] }), nested({ success: [deletes] })] }), 'ok')
  assert.equal(ofTxn({ success: [nested({ success: [put], failure: [deletes] })] }), 'ok')
})

test('one level of puts and deletions is refused exactly when a key is written twice', () => {
  const keys = ['a', 'b', 'c', 'd', 'e']
  const op = fc.oneof(
    fc.record({ kind: fc.constant('put' as const), key: fc.constantFrom(...keys), end: fc.constant('') }),
    fc.record({
      kind: fc.constant('delete' as const),
      key: fc.constantFrom(...keys),
      end: fc.constantFrom('', ...keys),
    }),
  )
  fc.assert(
    fc.property(fc.array(op, { maxLength: 6 }), (ops) => {
      const putKeys = ops.filter(({ kind }) => kind === 'put').map(({ key }) => key)
      const isDeleted = (key: string): boolean =>
        ops.some((other) =>
          other.kind === 'delete' &&
          (other.end === '' ? other.key === key : key >= other.key && key < other.end),
        )
      const isTwice = new Set(putKeys).size < putKeys.length || putKeys.some(isDeleted)
      const success = ops.map(({ kind, key, end }): RequestOpInput =>
        kind === 'put'
          ? { request_put: { key: Buffer.from(key) } }
          : { request_delete_range: { key: Buffer.from(key), range_end: Buffer.from(end) } },
      )
      assert.equal(ofTxn({ success }), isTwice ? 'duplicateKey' : 'ok')
    }),
    { numRuns: 500 },
  )
})

/**
 * Which leases exist, and the keys attached to each.
 *
 * ```
 * leases      lease id (8 bytes, big-endian)          ttl seconds | granted clock | renewed clock   (float64 each)
 * leaseKeys   lease id (8 bytes, big-endian) | key    nothing
 * ```
 */

import { assertEqual } from '../../base/assert.js'
import { EMPTY_BYTES, type Bytes } from '../../base/bytes.js'
import { copyInto } from '../../base/copy-into.js'
import { Slice } from '../../base/slice.js'
import { TABLE, type StoreView, type WriteTransaction } from '../../store/store.js'
import type { KeyspaceMeta } from './keyspace-meta.js'
import { OrderedTable } from './ordered-table.js'

export interface Lease {
  readonly ttlSeconds: number
  readonly grantedClockMs: number
  readonly renewedClockMs: number
}

const ID_BYTES = 8
const LEASE_BYTES = 24

export class LeaseTables {
  readonly #keys: OrderedTable
  readonly #idBig = new BigUint64Array(1)
  readonly #idHalves = new Uint32Array(this.#idBig.buffer)
  /** [lease id][key]: grows with the longest key that was attached. */
  #composite: Bytes = new Uint8Array(ID_BYTES + 256)
  readonly #compositeSlice = new Slice()
  readonly #row = new Slice()
  readonly #leaseBytes = new Uint8Array(LEASE_BYTES)
  readonly #leaseNumbers = new DataView(this.#leaseBytes.buffer)

  constructor(meta: KeyspaceMeta) {
    this.#keys = new OrderedTable(TABLE.leaseKeys, TABLE.leaseKeysLong, meta)
  }

  has(view: StoreView, leaseId: bigint): boolean {
    this.#writeId(leaseId)
    return view.get(TABLE.leases, this.#composite, 0, ID_BYTES, this.#row)
  }

  get(view: StoreView, leaseId: bigint): Lease | undefined {
    return this.has(view, leaseId) ? this.#readLease(this.#row) : undefined
  }

  put(transaction: WriteTransaction, leaseId: bigint, lease: Lease): void {
    this.#writeId(leaseId)
    const numbers = this.#leaseNumbers
    numbers.setFloat64(0, lease.ttlSeconds, true)
    numbers.setFloat64(8, lease.grantedClockMs, true)
    numbers.setFloat64(16, lease.renewedClockMs, true)
    transaction.put(TABLE.leases, this.#composite, 0, ID_BYTES, this.#leaseBytes, 0, LEASE_BYTES)
  }

  remove(transaction: WriteTransaction, leaseId: bigint): boolean {
    this.#writeId(leaseId)
    return transaction.remove(TABLE.leases, this.#composite, 0, ID_BYTES)
  }

  /** In the order of the ids as unsigned numbers, until `visit` returns false. */
  visit(view: StoreView, visit: (leaseId: bigint, lease: Lease) => boolean): void {
    const cursor = view.openCursor(TABLE.leases)
    for (let found = cursor.seek(EMPTY_BYTES, 0, 0); found; found = cursor.next()) {
      if (!visit(readId(cursor.key), this.#readLease(cursor.value))) break
    }
    cursor.close()
  }

  /** The key must not be attached to the lease yet. */
  attach(transaction: WriteTransaction, leaseId: bigint, key: Slice): void {
    this.#keys.put(transaction, this.#compose(leaseId, key), 0, 0, true)
  }

  detach(transaction: WriteTransaction, leaseId: bigint, key: Slice): boolean {
    return this.#keys.remove(transaction, this.#compose(leaseId, key))
  }

  /** In key order, until `visit` returns false. The slice is valid until then. */
  visitKeys(view: StoreView, leaseId: bigint, visit: (key: Slice) => boolean): void {
    this.#writeId(leaseId)
    const id = this.#composite.slice(0, ID_BYTES)
    const key = new Slice()
    const cursor = this.#keys.openCursor(view)
    for (let found = cursor.seek(id, 0, ID_BYTES); found; found = cursor.next()) {
      const { bytes, start, end } = cursor.key
      if (!startsWith(cursor.key, id) || !visit(key.at(bytes, start + ID_BYTES, end))) break
    }
    cursor.close()
  }

  #compose(leaseId: bigint, key: Slice): Slice {
    const length = ID_BYTES + key.end - key.start
    if (length > this.#composite.length) this.#composite = new Uint8Array(length * 2)
    this.#writeId(leaseId)
    copyInto(this.#composite, ID_BYTES, key)
    return this.#compositeSlice.at(this.#composite, 0, length)
  }

  #writeId(leaseId: bigint): void {
    this.#idBig[0] = leaseId
    const low = this.#idHalves[0] as number
    const high = this.#idHalves[1] as number
    const target = this.#composite
    for (let i = 0; i < 4; i++) {
      target[i] = high >>> (24 - 8 * i)
      target[4 + i] = low >>> (24 - 8 * i)
    }
  }

  #readLease(row: Slice): Lease {
    assertEqual(row.end - row.start, LEASE_BYTES, 'length of a lease row')
    const numbers = new DataView(row.bytes.buffer, row.bytes.byteOffset + row.start, LEASE_BYTES)
    return {
      ttlSeconds: numbers.getFloat64(0, true),
      grantedClockMs: numbers.getFloat64(8, true),
      renewedClockMs: numbers.getFloat64(16, true),
    }
  }
}

function readId(key: Slice): bigint {
  const numbers = new DataView(key.bytes.buffer, key.bytes.byteOffset + key.start, ID_BYTES)
  return numbers.getBigInt64(0, false)
}

function startsWith(key: Slice, prefix: Bytes): boolean {
  for (let i = 0; i < ID_BYTES; i++) {
    if (key.bytes[key.start + i] !== prefix[i]) return false
  }
  return true
}

/** Requests beside puts and single ranges: mixtures, transactions, ranges of many keys, leases. */

import {
  CompareResult, CompareTarget, encodeLeaseGrantRequest, encodeLeaseKeepAliveRequest, encodeRangeRequest,
  encodeTxnRequest,
} from '../../proto/generated/etcdserverpb.js'
import { keyNumber, keyOf, makePuts, makeRanges, writeDigits, type KeyOptions } from './kv-requests.js'
import type { GeneratorName, RequestGenerator } from './request-generator.js'

export interface MixOptions extends KeyOptions {
  readonly valueBytes: number
  /** Of a hundred requests so many read. */
  readonly readPercent: number
  readonly serializable: boolean
}

export interface SpanOptions extends KeyOptions {
  /** Keys of one answer. */
  readonly span: number
  readonly isStream: boolean
}

export interface TxnOptions extends KeyOptions {
  readonly valueBytes: number
}

export interface LeaseOptions {
  readonly leases: number
  readonly ttlSeconds: number
}

const SPREAD = 7919
const PERCENT = 100
/** Ids that no server chooses are far from those that it chooses. */
const FIRST_LEASE = 1_000_000n

export function mixes(options: MixOptions): GeneratorName {
  return { module: import.meta.url, export: makeMixes.name, options }
}

export function spans(options: SpanOptions): GeneratorName {
  return { module: import.meta.url, export: makeSpans.name, options }
}

export function txns(options: TxnOptions): GeneratorName {
  return { module: import.meta.url, export: makeTxns.name, options }
}

export function leaseGrants(options: LeaseOptions): GeneratorName {
  return { module: import.meta.url, export: makeLeaseGrants.name, options }
}

export function keepAlives(options: LeaseOptions): GeneratorName {
  return { module: import.meta.url, export: makeKeepAlives.name, options }
}

export function makeMixes(options: unknown): RequestGenerator {
  const { readPercent } = options as MixOptions
  const reads = makeRanges(options)
  const writes = makePuts(options)
  let last = writes
  return {
    get method() {
      return last.method
    },
    bytesMax: Math.max(reads.bytesMax, writes.bytesMax),
    write(bytes, client, sequence) {
      // Evenly, and not the same clients at the same moment.
      last = (sequence * 37 + client * SPREAD) % PERCENT < readPercent ? reads : writes
      return last.write(bytes, client, sequence)
    },
  }
}

export function makeSpans(options: unknown): RequestGenerator {
  const { prefix, keys, span, isStream } = options as SpanOptions
  const starts = Math.max(1, Math.floor(keys / span))
  const template = Buffer.from(encodeRangeRequest({
    key: Buffer.from(keyOf(prefix, 0)), range_end: Buffer.from(keyOf(prefix, 1)),
  }))
  const keyAt = template.indexOf(keyOf(prefix, 0)) + prefix.length
  const endAt = template.indexOf(keyOf(prefix, 1)) + prefix.length
  return {
    method: isStream ? '/etcdserverpb.KV/RangeStream' : '/etcdserverpb.KV/Range',
    bytesMax: template.length,
    write(bytes, client, sequence) {
      const first = keyNumber(client, sequence, starts) * span
      template.copy(bytes)
      writeDigits(bytes, keyAt, first)
      writeDigits(bytes, endAt, first + span)
      return template.length
    },
  }
}

/** If the key's version is not that which it never has, put it: one compare and one put, as clients guard a write. */
export function makeTxns(options: unknown): RequestGenerator {
  const { prefix, keys, valueBytes } = options as TxnOptions
  const key = Buffer.from(keyOf(prefix, 0))
  const template = Buffer.from(encodeTxnRequest({
    compare: [{
      result: CompareResult.NOT_EQUAL, target: CompareTarget.VERSION, key, version: -1,
    }],
    success: [{ request_put: { key, value: Buffer.alloc(valueBytes, 'v') } }],
  }))
  const compareAt = template.indexOf(key) + prefix.length
  const putAt = template.indexOf(key, compareAt) + prefix.length
  return {
    method: '/etcdserverpb.KV/Txn',
    bytesMax: template.length,
    write(bytes, client, sequence) {
      const number = keyNumber(client, sequence, keys)
      template.copy(bytes)
      writeDigits(bytes, compareAt, number)
      writeDigits(bytes, putAt, number)
      return template.length
    },
  }
}

/** The server chooses the ids; leases end by themselves. */
export function makeLeaseGrants(options: unknown): RequestGenerator {
  const { ttlSeconds } = options as LeaseOptions
  const request = Buffer.from(encodeLeaseGrantRequest({ TTL: ttlSeconds }))
  return {
    method: '/etcdserverpb.Lease/LeaseGrant',
    bytesMax: request.length,
    write(bytes) {
      request.copy(bytes)
      return request.length
    },
  }
}

/** Of leases that `leaseRequests` grants. For loads that chat. */
export function makeKeepAlives(options: unknown): RequestGenerator {
  const { leases } = options as LeaseOptions
  const requests = Array.from({ length: leases }, (_, i) =>
    Buffer.from(encodeLeaseKeepAliveRequest({ ID: FIRST_LEASE + BigInt(i) })))
  return {
    method: '/etcdserverpb.Lease/LeaseKeepAlive',
    bytesMax: Math.max(...requests.map(({ length }) => length)),
    write(bytes, client, sequence) {
      const request = requests[(client * SPREAD + sequence) % leases] as Buffer
      request.copy(bytes)
      return request.length
    },
  }
}

/** What grants the leases that `keepAlives` renews, one after the other. */
export function leaseRequests({ leases, ttlSeconds }: LeaseOptions): Buffer[] {
  return Array.from({ length: leases }, (_, i) =>
    Buffer.from(encodeLeaseGrantRequest({ ID: FIRST_LEASE + BigInt(i), TTL: ttlSeconds })))
}

/**
 * Requests in a form that tests can write down, and the entry bytes that they become. Keys and values are latin-1
 * text.
 */

import {
  encodeInternalRaftRequest,
  type CompareInput,
  type InternalRaftRequestInput,
  type RequestOpInput,
  type TxnRequestInput,
} from '../../../src/proto/generated/etcdserverpb.js'
import type { ExtensionInput } from '../../../src/proto/generated/raftringpb.js'

export interface PutSpec {
  readonly key: string
  readonly value?: string
  readonly lease?: bigint
  readonly ignoreValue?: boolean
  readonly ignoreLease?: boolean
}

/** `end` undefined: the key alone; '\0': to the end. */
export interface RangeSpec {
  readonly key: string
  readonly end?: string
  readonly revision?: number
}

export interface CompareSpec {
  readonly target: 'version' | 'create' | 'mod' | 'value' | 'lease'
  readonly result: '=' | '>' | '<' | '!='
  readonly key: string
  readonly end?: string
  /** A number, or for `value` a text, or for `lease` an id. */
  readonly operand: number | string | bigint
}

export interface TxnSpec {
  readonly compare: readonly CompareSpec[]
  readonly success: readonly OpSpec[]
  readonly failure: readonly OpSpec[]
}

export type OpSpec =
  | { readonly kind: 'put'; readonly put: PutSpec }
  | { readonly kind: 'delete'; readonly range: RangeSpec }
  | { readonly kind: 'range'; readonly range: RangeSpec }
  | { readonly kind: 'txn'; readonly txn: TxnSpec }

export type RequestSpec =
  | { readonly kind: 'put'; readonly put: PutSpec }
  | { readonly kind: 'delete'; readonly range: RangeSpec }
  | { readonly kind: 'txn'; readonly txn: TxnSpec }
  | { readonly kind: 'compact'; readonly revision: number }
  | { readonly kind: 'grant'; readonly lease: bigint; readonly ttl: number }
  | { readonly kind: 'revoke'; readonly lease: bigint }
  | { readonly kind: 'extension'; readonly extension: ExtensionInput }
  | { readonly kind: 'other'; readonly request: InternalRaftRequestInput }

export function encodeRequest(spec: RequestSpec, id: bigint): Uint8Array {
  const body = bodyOf(spec)
  return encodeInternalRaftRequest({ ...body, header: { ...body.header, ID: id } })
}

function bodyOf(spec: RequestSpec): InternalRaftRequestInput {
  switch (spec.kind) {
    case 'put':
      return { put: putOf(spec.put) }
    case 'delete':
      return { delete_range: rangeOf(spec.range) }
    case 'txn':
      return { txn: txnOf(spec.txn) }
    case 'compact':
      return { compaction: { revision: spec.revision } }
    case 'grant':
      return { lease_grant: { ID: spec.lease, TTL: spec.ttl } }
    case 'revoke':
      return { lease_revoke: { ID: spec.lease } }
    case 'extension':
      return { raftring: spec.extension }
    case 'other':
      return spec.request
  }
}

export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

function putOf(put: PutSpec): object {
  return {
    key: bytesOf(put.key),
    value: bytesOf(put.value ?? ''),
    lease: put.lease ?? 0n,
    ignore_value: put.ignoreValue === true,
    ignore_lease: put.ignoreLease === true,
  }
}

function rangeOf(range: RangeSpec): { key: Uint8Array; range_end: Uint8Array } {
  return { key: bytesOf(range.key), range_end: bytesOf(range.end ?? '') }
}

export function txnOf(txn: TxnSpec): TxnRequestInput {
  return {
    compare: txn.compare.map(compareOf),
    success: txn.success.map(opOf),
    failure: txn.failure.map(opOf),
  }
}

function opOf(op: OpSpec): RequestOpInput {
  switch (op.kind) {
    case 'put':
      return { request_put: putOf(op.put) }
    case 'delete':
      return { request_delete_range: rangeOf(op.range) }
    case 'range':
      return { request_range: { ...rangeOf(op.range), revision: op.range.revision ?? 0 } }
    case 'txn':
      return { request_txn: txnOf(op.txn) }
  }
}

const TARGETS = { version: 0, create: 1, mod: 2, value: 3, lease: 4 } as const
const RESULTS = { '=': 0, '>': 1, '<': 2, '!=': 3 } as const

function compareOf(compare: CompareSpec): CompareInput {
  const { target, operand } = compare
  return {
    target: TARGETS[target],
    result: RESULTS[compare.result],
    key: bytesOf(compare.key),
    range_end: bytesOf(compare.end ?? ''),
    ...(target === 'version' ? { version: Number(operand) } : {}),
    ...(target === 'create' ? { create_revision: Number(operand) } : {}),
    ...(target === 'mod' ? { mod_revision: Number(operand) } : {}),
    ...(target === 'value' ? { value: bytesOf(String(operand)) } : {}),
    ...(target === 'lease' ? { lease: BigInt(operand) } : {}),
  }
}

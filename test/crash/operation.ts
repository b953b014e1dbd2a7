/**
 * The operations of the crash workload: what a client asks, as plain data, and how it goes over the
 * wire. Keys and values are ASCII, so that text order is byte order.
 */

import { COMPARE_RESULT, COMPARE_TARGET, type RequestOpIn, type TxnRequestIn } from '../support/etcd-messages.js'

export interface PutOp {
  readonly kind: 'put'
  readonly key: string
  readonly value: string
  readonly lease: bigint
  readonly prevKv: boolean
}

/** `to` empty: the one key. */
export interface DeleteOp {
  readonly kind: 'delete'
  readonly key: string
  readonly to: string
  readonly prevKv: boolean
}

export interface RangeOp {
  readonly kind: 'range'
  readonly key: string
  readonly to: string
  readonly limit: number
}

export type CompareOp =
  | { readonly key: string; readonly target: 'version' | 'create' | 'mod'; readonly equals: number }
  | { readonly key: string; readonly target: 'value'; readonly equals: string }

export interface TxnOp {
  readonly kind: 'txn'
  readonly compares: readonly CompareOp[]
  readonly success: readonly KvOp[]
  readonly failure: readonly KvOp[]
}

export type KvOp = PutOp | DeleteOp | RangeOp | TxnOp

export type Operation =
  | KvOp
  | { readonly kind: 'grant'; readonly id: bigint; readonly ttl: number }
  | { readonly kind: 'revoke'; readonly id: bigint }
  | { readonly kind: 'renew'; readonly id: bigint }
  | { readonly kind: 'compact'; readonly revision: number; readonly physical: boolean }

export function isKvOp(op: Operation): op is KvOp {
  return op.kind === 'put' || op.kind === 'delete' || op.kind === 'range' || op.kind === 'txn'
}

export function toRequest(op: PutOp): NonNullable<RequestOpIn['requestPut']>
export function toRequest(op: DeleteOp): NonNullable<RequestOpIn['requestDeleteRange']>
export function toRequest(op: RangeOp): NonNullable<RequestOpIn['requestRange']>
export function toRequest(op: PutOp | DeleteOp | RangeOp): object {
  switch (op.kind) {
    case 'put':
      return { key: op.key, value: op.value, lease: op.lease, prevKv: op.prevKv }
    case 'delete':
      return { key: op.key, rangeEnd: op.to, prevKv: op.prevKv }
    case 'range':
      return { key: op.key, rangeEnd: op.to, limit: op.limit }
  }
}

export function toTxnRequest(op: TxnOp): TxnRequestIn {
  return {
    compare: op.compares.map(toCompare),
    success: op.success.map(toRequestOp),
    failure: op.failure.map(toRequestOp),
  }
}

function toRequestOp(op: KvOp): RequestOpIn {
  switch (op.kind) {
    case 'put':
      return { requestPut: toRequest(op) }
    case 'delete':
      return { requestDeleteRange: toRequest(op) }
    case 'range':
      return { requestRange: toRequest(op) }
    case 'txn':
      return { requestTxn: toTxnRequest(op) }
  }
}

function toCompare(compare: CompareOp): NonNullable<TxnRequestIn['compare']>[number] {
  const { key } = compare
  const result = COMPARE_RESULT.EQUAL
  switch (compare.target) {
    case 'version':
      return { key, result, target: COMPARE_TARGET.VERSION, version: compare.equals }
    case 'create':
      return { key, result, target: COMPARE_TARGET.CREATE, createRevision: compare.equals }
    case 'mod':
      return { key, result, target: COMPARE_TARGET.MOD, modRevision: compare.equals }
    case 'value':
      return { key, result, target: COMPARE_TARGET.VALUE, value: compare.equals }
  }
}

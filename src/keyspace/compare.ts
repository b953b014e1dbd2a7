/** Compares of a transaction. */

import { EMPTY_BYTES } from '../base/bytes.js'
import { CompareResult, CompareTarget, type Compare } from '../proto/generated/etcdserverpb.js'
import type { LiveKey, TxnReadView } from './txn-read-view.js'

/** True if every key that the compare names satisfies it. */
export function holds(view: TxnReadView, compare: Compare): boolean {
  if (compare.range_end.length === 0) {
    const live = view.find(compare.key)
    return live === undefined ? holdsForMissing(compare) : holdsFor(live, compare)
  }
  let found = false
  let all = true
  view.visitRange(compare.key, compare.range_end, (live) => {
    found = true
    all = holdsFor(live, compare)
    return all
  })
  return found ? all : holdsForMissing(compare)
}

/** A missing key has zero for every number, and no value that could be compared: not even NOT_EQUAL holds then. */
function holdsForMissing(compare: Compare): boolean {
  if (compare.target === CompareTarget.VALUE) return false
  return satisfies(compare.result, orderOfNumbers(0, 0, 0, 0n, compare))
}

function holdsFor(live: LiveKey, compare: Compare): boolean {
  if (compare.target === CompareTarget.VALUE) {
    return satisfies(compare.result, live.compareValue(compare.value ?? EMPTY_BYTES))
  }
  const lease = compare.target === CompareTarget.LEASE ? live.leaseId() : 0n
  const order = orderOfNumbers(
    live.version, live.createRevision, live.modRevision, lease, compare,
  )
  return satisfies(compare.result, order)
}

/** A target without its operand is compared with 0; an unknown target is equal to anything. */
function orderOfNumbers(
  version: number, createRevision: number, modRevision: number, lease: bigint, compare: Compare,
): number {
  switch (compare.target) {
    case CompareTarget.VERSION:
      return version - (compare.version ?? 0)
    case CompareTarget.CREATE:
      return createRevision - (compare.create_revision ?? 0)
    case CompareTarget.MOD:
      return modRevision - (compare.mod_revision ?? 0)
    case CompareTarget.LEASE:
      return orderOfIds(lease, compare.lease ?? 0n)
    default:
      return 0
  }
}

function orderOfIds(a: bigint, b: bigint): number {
  return a === b ? 0 : a < b ? -1 : 1
}

/** An unknown kind of result is always satisfied. */
function satisfies(result: number, order: number): boolean {
  switch (result) {
    case CompareResult.EQUAL:
      return order === 0
    case CompareResult.GREATER:
      return order > 0
    case CompareResult.LESS:
      return order < 0
    case CompareResult.NOT_EQUAL:
      return order !== 0
    default:
      return true
  }
}

/**
 * Finds keys that one transaction would write twice.
 *
 * Three quirks are etcd's, and clients can see them: a delete whose range end is not above its key, `\0` included,
 * covers nothing here; the deletes of a nested transaction count for what follows it and for the puts of the level
 * around it, but not for the puts of an earlier sibling; and the branches of one nested transaction may put the same
 * key.
 */

import type { Bytes } from '../base/bytes.js'
import type { RequestOp } from '../proto/generated/etcdserverpb.js'

/** True if what these operations could write together includes a key twice. */
export function writesTwice(ops: readonly RequestOp[]): boolean {
  return writesOf(ops) === undefined
}

interface Writes {
  readonly puts: Set<string>
  readonly deletes: DeletedKeys
}

/** What the operations put and delete; undefined when a key is written twice. */
function writesOf(ops: readonly RequestOp[]): Writes | undefined {
  const puts = new Set<string>()
  const deletes = new DeletedKeys()
  for (const op of ops) {
    const request = op.request_delete_range
    if (request !== undefined) deletes.add(request.key, request.range_end)
  }
  for (const op of ops) {
    const txn = op.request_txn
    if (txn === undefined) continue
    const success = writesOf(txn.success)
    const failure = success === undefined ? undefined : writesOf(txn.failure)
    if (success === undefined || failure === undefined) return undefined
    if (!addBranches(puts, deletes, success, failure)) return undefined
  }
  for (const op of ops) {
    const request = op.request_put
    if (request !== undefined && !addPut(puts, deletes, textOf(request.key))) return undefined
  }
  return { puts, deletes }
}

function addBranches(
  puts: Set<string>, deletes: DeletedKeys, success: Writes, failure: Writes,
): boolean {
  for (const key of success.puts) if (!addPut(puts, deletes, key)) return false
  for (const key of failure.puts) {
    if (success.puts.has(key)) continue
    if (!addPut(puts, deletes, key)) return false
  }
  deletes.addAll(success.deletes)
  deletes.addAll(failure.deletes)
  return true
}

function addPut(puts: Set<string>, deletes: DeletedKeys, key: string): boolean {
  if (puts.has(key) || deletes.covers(key)) return false
  puts.add(key)
  return true
}

/** Keys as text with one character per byte: it hashes fast and sorts in byte order. */
function textOf(key: Bytes): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}

/** A set of single keys and of disjoint ranges in order. */
class DeletedKeys {
  readonly #points = new Set<string>()
  readonly #starts: string[] = []
  readonly #ends: string[] = []

  add(key: Bytes, rangeEnd: Bytes): void {
    if (rangeEnd.length === 0) {
      this.#points.add(textOf(key))
      return
    }
    const start = textOf(key)
    const end = textOf(rangeEnd)
    if (start < end) this.#addRange(start, end)
  }

  addAll(other: DeletedKeys): void {
    for (const point of other.#points) this.#points.add(point)
    for (let i = 0; i < other.#starts.length; i++) {
      this.#addRange(other.#starts[i] as string, other.#ends[i] as string)
    }
  }

  covers(key: string): boolean {
    if (this.#points.has(key)) return true
    const at = this.#firstEndingAfter(key)
    return at < this.#starts.length && (this.#starts[at] as string) <= key
  }

  #addRange(start: string, end: string): void {
    const first = this.#firstEndingAfter(start)
    let last = first
    let mergedStart = start
    let mergedEnd = end
    while (last < this.#starts.length && (this.#starts[last] as string) < end) {
      if ((this.#starts[last] as string) < mergedStart) mergedStart = this.#starts[last] as string
      if ((this.#ends[last] as string) > mergedEnd) mergedEnd = this.#ends[last] as string
      last++
    }
    this.#starts.splice(first, last - first, mergedStart)
    this.#ends.splice(first, last - first, mergedEnd)
  }

  #firstEndingAfter(key: string): number {
    let low = 0
    let high = this.#ends.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#ends[middle] as string) <= key) low = middle + 1
      else high = middle
    }
    return low
  }
}

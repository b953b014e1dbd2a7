/** The key space as plain arrays: what the real one must answer, written the obvious way. */

import { compareBytes, type Bytes } from '../../src/base/bytes.js'
import type { KeyRange } from '../../src/keyspace/key-range.js'

export interface ModelRevision {
  readonly key: Bytes
  readonly main: number
  readonly sub: number
  /** Null: a deletion. */
  readonly value: Bytes | null
  readonly createRevision: number
  readonly version: number
  readonly lease: bigint
}

export class KeyspaceModel {
  /** All revisions ever, in order. */
  readonly revisions: ModelRevision[] = []
  compactRevision = -1
  currentRevision = 1

  put(key: Bytes, value: Bytes, lease: bigint, main: number, sub: number): ModelRevision {
    const live = this.newest(key, main, sub)
    const isLive = live !== undefined && live.value !== null
    return this.#add({
      key, main, sub, value, lease,
      createRevision: isLive ? live.createRevision : main,
      version: isLive ? live.version + 1 : 1,
    })
  }

  remove(key: Bytes, main: number, sub: number): ModelRevision | undefined {
    const live = this.newest(key, main, sub)
    if (live === undefined || live.value === null) return undefined
    return this.#add({ key, main, sub, value: null, lease: 0n, createRevision: 0, version: 0 })
  }

  /** The newest revision of a key at or before (main, sub), deletions too. */
  newest(key: Bytes, main: number, sub: number): ModelRevision | undefined {
    return this.revisions.findLast((it) => isAtOrBefore(it, main, sub) && compareBytes(it.key, key) === 0)
  }

  previous(revision: ModelRevision): ModelRevision | undefined {
    const before = this.revisions.slice(0, this.revisions.indexOf(revision))
    const found = before.findLast((it) => compareBytes(it.key, revision.key) === 0)
    return found?.value === null ? undefined : found
  }

  scan(range: KeyRange, main: number, sub: number): ModelRevision[] {
    const newest = new Map<string, ModelRevision>()
    for (const it of this.revisions) {
      if (isAtOrBefore(it, main, sub) && contains(range, it.key)) newest.set(Buffer.from(it.key).toString('hex'), it)
    }
    return [...newest.values()].filter((it) => it.value !== null).toSorted((a, b) => compareBytes(a.key, b.key))
  }

  /** What a complete physical compaction leaves: all above its revision, and per key the newest at or below it. */
  retained(): ModelRevision[] {
    const { compactRevision } = this
    return this.revisions.filter((it) => {
      if (it.main > compactRevision) return true
      const newest = this.newest(it.key, compactRevision, Infinity)
      return newest === it && (it.value !== null || it.main === compactRevision)
    })
  }

  leaseKeys(lease: bigint): Bytes[] {
    const all = this.scan({ from: new Uint8Array(0), to: null, single: false }, Infinity, 0)
    return all.filter((it) => it.lease === lease).map((it) => it.key)
  }

  #add(revision: ModelRevision): ModelRevision {
    this.revisions.push(revision)
    return revision
  }
}

function isAtOrBefore(revision: ModelRevision, main: number, sub: number): boolean {
  return revision.main < main || (revision.main === main && revision.sub <= sub)
}

function contains(range: KeyRange, key: Bytes): boolean {
  return compareBytes(range.from, key) <= 0 && (range.to === null || compareBytes(key, range.to) < 0)
}

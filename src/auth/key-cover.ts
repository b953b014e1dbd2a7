/** A set of keys as what a role's permissions add up to: disjoint ranges, in order, adjacent ones joined. */

import { compareBytes, type Bytes } from '../base/bytes.js'
import { keyRange } from '../keyspace/key-range.js'

export interface GrantedRange {
  readonly key: Bytes
  /** As on the wire: empty for the key alone, one zero byte for everything from the key on. */
  readonly range_end: Bytes
}

interface Interval {
  readonly from: Bytes
  /** Null: to the end of the key space. */
  readonly to: Bytes | null
}

export class KeyCover {
  readonly #intervals: readonly Interval[]

  constructor(granted: readonly GrantedRange[]) {
    this.#intervals = join(granted.map(intervalOf).filter((interval) => !isEmpty(interval)))
  }

  /** True if every key of the range is in the set. A range that is turned around needs its own ends covered. */
  covers(key: Bytes, rangeEnd: Bytes): boolean {
    const interval = this.#lastFrom(key)
    if (interval === undefined) return false
    const { from, to } = interval
    if (to === null) return rangeEnd.length === 0 || isOpenEnd(rangeEnd) || compareBytes(from, rangeEnd) < 0
    if (compareBytes(key, to) >= 0 || isOpenEnd(rangeEnd)) return false
    if (rangeEnd.length === 0) return true
    return compareBytes(rangeEnd, to) <= 0 && compareBytes(from, rangeEnd) < 0
  }

  /** The last interval that begins at or before the key. */
  #lastFrom(key: Bytes): Interval | undefined {
    const intervals = this.#intervals
    let low = 0
    let high = intervals.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareBytes((intervals[middle] as Interval).from, key) <= 0) low = middle + 1
      else high = middle
    }
    return intervals[low - 1]
  }
}

function isOpenEnd(rangeEnd: Bytes): boolean {
  return rangeEnd.length === 1 && rangeEnd[0] === 0
}

function intervalOf({ key, range_end }: GrantedRange): Interval {
  const { from, to } = keyRange(key, range_end)
  return { from, to }
}

function isEmpty({ from, to }: Interval): boolean {
  return to !== null && compareBytes(from, to) >= 0
}

function join(intervals: readonly Interval[]): readonly Interval[] {
  const joined: Interval[] = []
  for (const next of intervals.toSorted((a, b) => compareBytes(a.from, b.from))) {
    const last = joined.at(-1)
    if (last === undefined || (last.to !== null && compareBytes(last.to, next.from) < 0)) {
      joined.push(next)
    } else if (last.to !== null && (next.to === null || compareBytes(next.to, last.to) > 0)) {
      joined[joined.length - 1] = { from: last.from, to: next.to }
    }
  }
  return joined
}

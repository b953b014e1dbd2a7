/**
 * The appends handed to storage and not yet reported durable, in order. A report names an append
 * by its tag (leader term, index); no two appends under way have the same tag, and storage
 * reports in order, each at most once, and may leave out all but the last. So a tag always means
 * one append and everything before it.
 */

import { assert } from '../../base/assert.js'

class AppendRecord {
  term = 0
  index = 0
  vote = 0n
  /**
   * What the append still vouches for: less than `index` once the tail it carried was cut and
   * replaced.
   */
  attests = 0
}

const RECORDS_MIN = 16

export class AppendWindow {
  readonly #countMax: number
  #records: AppendRecord[] = freshRecords(RECORDS_MIN)
  #start = 0
  #count = 0
  /**
   * Highest index under the newest tag's term; lets `holds` answer without a scan while the log
   * only grows.
   */
  #newestTerm = -1
  #highestIndex = 0
  /** Of the append last retired. */
  #retired = new AppendRecord()

  constructor(countMax: number) {
    assert(countMax > 0, `append count max ${countMax}`)
    this.#countMax = countMax
  }

  get count(): number { return this.#count }
  get retiredVote(): bigint { return this.#retired.vote }
  get retiredAttests(): number { return this.#retired.attests }

  isFull(): boolean {
    return this.#count >= this.#countMax
  }

  /** Is an append with this tag under way? */
  holds(term: number, index: number): boolean {
    if (this.#count === 0 || term > this.#newestTerm) return false
    if (term === this.#newestTerm && index > this.#highestIndex) return false
    return this.#find(term, index) >= 0
  }

  add(term: number, index: number, vote: bigint): void {
    assert(!this.isFull(), `more than ${this.#countMax} appends under way`)
    assert(!this.holds(term, index), `append (${term}, ${index}) is already under way`)
    if (this.#count === this.#records.length) this.#grow()
    const record = this.#at(this.#count++)
    record.term = term
    record.index = record.attests = index
    record.vote = vote
    if (term !== this.#newestTerm) this.#highestIndex = 0
    this.#newestTerm = term
    this.#highestIndex = Math.max(this.#highestIndex, index)
  }

  /**
   * Takes out the append with this tag and all before it. False when there is none: the report
   * is stale.
   */
  retire(term: number, index: number): boolean {
    const position = this.#find(term, index)
    if (position < 0) return false
    const record = this.#at(position)
    this.#retired.vote = record.vote
    this.#retired.attests = record.attests
    this.#start = (this.#start + position + 1) & (this.#records.length - 1)
    this.#count -= position + 1
    return true
  }

  /** The log was cut at `index`: appends under way vouch only for what is before it. */
  truncatedFrom(index: number): void {
    for (let i = 0; i < this.#count; i++) {
      const record = this.#at(i)
      if (record.attests >= index) record.attests = index - 1
    }
  }

  #find(term: number, index: number): number {
    for (let i = 0; i < this.#count; i++) {
      const record = this.#at(i)
      if (record.term === term && record.index === index) return i
    }
    return -1
  }

  #at(position: number): AppendRecord {
    return this.#records[(this.#start + position) & (this.#records.length - 1)] as AppendRecord
  }

  #grow(): void {
    const grown: AppendRecord[] = []
    for (let i = 0; i < this.#count; i++) grown.push(this.#at(i))
    this.#records = grown.concat(freshRecords(grown.length))
    this.#start = 0
  }
}

function freshRecords(count: number): AppendRecord[] {
  return Array.from({ length: count }, () => new AppendRecord())
}

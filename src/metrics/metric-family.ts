/**
 * What a metric is: its name, type and meaning, and which words of a counters page hold it. A layout gives every
 * family its words, in the order of declaration; all pages of one layout are alike, and a scrape adds them up.
 */

import { TEXTS_MAX } from '../ring/counters-page.js'

export type MetricType = 'counter' | 'gauge' | 'histogram'

/**
 * How the pages of several writers become one number. `newest`: two words each, the value and when it was written; the
 * youngest counts, and before the first one there is none.
 */
export type Joining = 'sum' | 'newest'

export interface MetricHead {
  readonly name: string
  readonly type: MetricType
  readonly help: string
}

export interface Family extends MetricHead {
  readonly labels: readonly string[]
  /** The label values of every series, in the order of their words. */
  readonly series: readonly (readonly string[])[]
  /** Upper bounds of a histogram's buckets, without the last, infinite one. */
  readonly bounds: readonly number[]
  readonly joining: Joining
  /** Series multiply by the page's texts, which are the values of the last label. */
  readonly isByText: boolean
  /** Series appear once something was counted in them. */
  readonly isSparse: boolean
  /** Word of the first series, and words from one series to the next. */
  readonly at: number
  readonly stride: number
}

export interface FamilyOptions {
  readonly labels?: readonly string[]
  readonly series?: readonly (readonly string[])[]
  readonly joining?: Joining
  readonly isByText?: boolean
  readonly isSparse?: boolean
}

const ONE_SERIES: readonly (readonly string[])[] = Object.freeze([Object.freeze([])])

export class PageLayout {
  readonly families: Family[] = []
  #wordCount = 0

  /** Words that a page of this layout needs. Not before all families are declared. */
  get wordCount(): number {
    return this.#wordCount
  }

  counter(name: string, help: string, options: FamilyOptions = {}): Family {
    return this.#add({ name, type: 'counter', help }, [], options)
  }

  gauge(name: string, help: string, options: FamilyOptions = {}): Family {
    return this.#add({ name, type: 'gauge', help }, [], options)
  }

  /** Bounds ascend. A series is its buckets, the infinite one included, and the sum. */
  histogram(name: string, help: string, bounds: readonly number[], options: FamilyOptions = {}): Family {
    return this.#add({ name, type: 'histogram', help }, bounds, options)
  }

  #add(head: MetricHead, bounds: readonly number[], options: FamilyOptions): Family {
    const { labels = [], series = ONE_SERIES, joining = 'sum', isByText = false, isSparse = false } = options
    const own = head.type === 'histogram' ? bounds.length + 2 : joining === 'newest' ? 2 : 1
    const stride = isByText ? own * TEXTS_MAX : own
    const at = this.#wordCount
    this.#wordCount += stride * series.length
    const family = Object.freeze({ ...head, labels, series, bounds, joining, isByText, isSparse, at, stride })
    this.families.push(family)
    return family
  }
}

/** `count` bounds, each `factor` times the one before: 0.001, 0.002, 0.004, … */
export function exponential(start: number, factor: number, count: number): readonly number[] {
  return Object.freeze(Array.from({ length: count }, (_, i) => Number((start * factor ** i).toPrecision(12))))
}

/** Every way to take one of each: ['a', 'b'] and ['x'] give [a, x] and [b, x]. */
export function combinations(...lists: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return lists.reduce<string[][]>((all, list) => all.flatMap((head) => list.map((value) => [...head, value])), [[]])
}

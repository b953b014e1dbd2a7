/** Writes one page of counters: what actors hold to count what they do. */

import { CountersPage } from '../ring/counters-page.js'
import type { Family } from './metric-family.js'

export class Counters {
  readonly page: CountersPage
  readonly #values: Float64Array

  constructor(memory: SharedArrayBuffer) {
    this.page = new CountersPage(memory)
    this.#values = this.page.values
  }

  /** Of a family's only series. */
  add(family: Family, amount = 1): void {
    const { at } = family
    this.#values[at] = (this.#values[at] as number) + amount
  }

  /** Of a gauge's only series. */
  set(family: Family, value: number): void {
    this.#values[family.at] = value
  }

  /** Of all series, in their order. */
  setAll(family: Family, values: readonly number[]): void {
    values.forEach((value, series) => {
      this.#values[family.at + series * family.stride] = value
    })
  }

  get(family: Family): number {
    return this.#values[family.at] as number
  }

  addTo(family: Family, series: number, amount = 1): void {
    const at = family.at + series * family.stride
    this.#values[at] = (this.#values[at] as number) + amount
  }

  /** Of a gauge whose newest writer counts. */
  setNewest(family: Family, series: number, value: number, wallMs: number): void {
    const at = family.at + series * family.stride
    this.#values[at] = value
    this.#values[at + 1] = wallMs
  }

  histogram(family: Family, series = 0): Histogram {
    return new Histogram(this.#values, family, series)
  }
}

/** One histogram series in a page: counts by bucket, then the sum. */
export class Histogram {
  readonly #values: Float64Array
  readonly #bounds: readonly number[]
  readonly #at: number
  readonly #sumAt: number

  constructor(values: Float64Array, family: Family, series: number) {
    this.#values = values
    this.#bounds = family.bounds
    this.#at = family.at + series * family.stride
    this.#sumAt = this.#at + family.bounds.length + 1
  }

  /** Most observations are small, so buckets are tried from the lowest up. */
  observe(value: number, times = 1): void {
    const bounds = this.#bounds
    let bucket = 0
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++
    const values = this.#values
    const at = this.#at + bucket
    values[at] = (values[at] as number) + times
    values[this.#sumAt] = (values[this.#sumAt] as number) + value * times
  }

  get count(): number {
    let count = 0
    for (let at = this.#at; at < this.#sumAt; at++) count += this.#values[at] as number
    return count
  }
}

/** Prometheus' text format, version 0.0.4: families sorted by name, each under its HELP and TYPE lines. */

import type { CountersPage } from '../ring/counters-page.js'
import type { Family, MetricHead } from './metric-family.js'

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** A page, and the labels under which its series appear; pages without labels of their own are added up. */
export interface LabelledPage {
  readonly page: CountersPage
  readonly label: string
}

export class Exposition {
  /** Lines of each family by name; several sources may add to one. */
  readonly #families = new Map<string, string[]>()

  /** The text of everything added so far. */
  render(): string {
    const names = [...this.#families.keys()].sort()
    return names.map((name) => (this.#families.get(name) as string[]).join('')).join('')
  }

  family(head: MetricHead): FamilyLines {
    let lines = this.#families.get(head.name)
    if (lines === undefined) {
      lines = [`# HELP ${head.name} ${escapeHelp(head.help)}\n# TYPE ${head.name} ${head.type}\n`]
      this.#families.set(head.name, lines)
    }
    return new FamilyLines(head.name, lines)
  }

  /** A metric of one series. */
  single(type: 'counter' | 'gauge', name: string, help: string, value: number, labels: Labels = {}): void {
    this.family({ name, type, help }).sample(labels, value)
  }

  /** The families of one layout, summed over its pages. */
  sums(families: readonly Family[], pages: readonly CountersPage[]): void {
    const total = addUp(pages)
    for (const family of families) {
      if (family.isByText) this.#addByText(family, pages)
      else if (family.joining === 'newest') this.#addNewest(family, pages)
      else this.#addSeries(family, total, '')
    }
  }

  /** The families of one layout, page by page under the page's label. */
  byPage(families: readonly Family[], pages: readonly LabelledPage[]): void {
    for (const family of families) {
      for (const { page, label } of pages) this.#addSeries(family, page.values, label)
    }
  }

  #addSeries(family: Family, values: Float64Array, label: string): void {
    const prefixes = prefixesOf(family, label)
    let text = ''
    for (let index = 0; index < family.series.length; index++) {
      const at = family.at + index * family.stride
      if (family.type === 'histogram') text += histogramText(family, prefixes, index, values)
      else text += `${prefixes[index] as string}${number(values[at] as number)}\n`
    }
    if (text !== '') this.family(family).raw(text)
  }

  #addNewest(family: Family, pages: readonly CountersPage[]): void {
    const prefixes = prefixesOf(family, '')
    for (let index = 0; index < family.series.length; index++) {
      const value = newestOf(family, index, pages)
      if (value !== null) this.family(family).raw(`${prefixes[index] as string}${number(value)}\n`)
    }
  }

  #addByText(family: Family, pages: readonly CountersPage[]): void {
    const sums = new Map<string, number>()
    family.series.forEach((values, index) => {
      for (const page of pages) {
        page.texts().forEach((text, slot) => {
          const labels = labelText(family.labels, [...values, text])
          const value = page.values[family.at + index * family.stride + slot] as number
          if (value > 0) sums.set(labels, (sums.get(labels) ?? 0) + value)
        })
      }
    })
    if (sums.size === 0) return
    const lines = this.family(family)
    for (const [labels, value] of sums) lines.text(labels, value)
  }
}

export type Labels = Readonly<Record<string, string>>

export class FamilyLines {
  readonly #name: string
  readonly #lines: string[]

  constructor(name: string, lines: string[]) {
    this.#name = name
    this.#lines = lines
  }

  sample(labels: Labels, value: number): void {
    this.text(labelText(Object.keys(labels), Object.values(labels)), value)
  }

  /** Labels as they stand between the braces. */
  text(labels: string, value: number): void {
    this.raw(`${linePrefix(this.#name, labels)}${number(value)}\n`)
  }

  /** Whole lines. */
  raw(lines: string): void {
    this.#lines.push(lines)
  }

  /** `words`: counts by bucket, the infinite one included, then the sum. */
  histogram(labels: string, bounds: readonly number[], words: readonly number[]): void {
    const prefixes = histogramPrefixes(this.#name, labels, bounds)
    this.raw(histogramText({ bounds, at: 0, stride: 0, isSparse: false }, prefixes, 0, Float64Array.from(words)))
  }
}

function addUp(pages: readonly CountersPage[]): Float64Array {
  const total = new Float64Array(pages[0]?.values.length ?? 0)
  for (const { values } of pages) {
    for (let word = 0; word < total.length; word++) total[word] = (total[word] as number) + (values[word] as number)
  }
  return total
}

function newestOf(family: Family, index: number, pages: readonly CountersPage[]): number | null {
  const at = family.at + index * family.stride
  let newest = 0
  let value: number | null = null
  for (const { values } of pages) {
    if ((values[at + 1] as number) <= newest) continue
    newest = values[at + 1] as number
    value = values[at] as number
  }
  return value
}

/** Everything of a line but its number; made once, because a scrape has thousands of lines. */
const knownPrefixes = new Map<string, readonly string[]>()

function prefixesOf(family: Family, label: string): readonly string[] {
  const key = `${family.name} ${label}`
  let prefixes = knownPrefixes.get(key)
  if (prefixes === undefined) {
    const isHistogram = family.type === 'histogram'
    prefixes = family.series.flatMap((values) => {
      const labels = joinLabels(label, labelText(family.labels, values))
      return isHistogram ? histogramPrefixes(family.name, labels, family.bounds) : [linePrefix(family.name, labels)]
    })
    knownPrefixes.set(key, prefixes)
  }
  return prefixes
}

function linePrefix(name: string, labels: string): string {
  return labels === '' ? `${name} ` : `${name}{${labels}} `
}

/** Of the lines of one histogram: its buckets, its sum and its count. */
function histogramPrefixes(name: string, labels: string, bounds: readonly number[]): string[] {
  return [
    ...[...bounds, Infinity].map((bound) => linePrefix(`${name}_bucket`, joinLabels(labels, `le="${number(bound)}"`))),
    linePrefix(`${name}_sum`, labels),
    linePrefix(`${name}_count`, labels),
  ]
}

function histogramText(
  family: Pick<Family, 'bounds' | 'at' | 'stride' | 'isSparse'>,
  prefixes: readonly string[],
  index: number,
  values: Float64Array,
): string {
  const buckets = family.bounds.length + 1
  const at = family.at + index * family.stride
  const line = index * (buckets + 2)
  let count = 0
  let text = ''
  for (let bucket = 0; bucket < buckets; bucket++) {
    count += values[at + bucket] as number
    text += `${prefixes[line + bucket] as string}${count}\n`
  }
  if (family.isSparse && count === 0) return ''
  const sum = number(values[at + buckets] as number)
  return `${text}${prefixes[line + buckets] as string}${sum}\n${prefixes[line + buckets + 1] as string}${count}\n`
}

function labelText(names: readonly string[], values: readonly string[]): string {
  return names.map((name, i) => `${name}="${escapeLabel(values[i] as string)}"`).join(',')
}

function joinLabels(first: string, second: string): string {
  return first === '' || second === '' ? first + second : `${first},${second}`
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"')
}

function number(value: number): string {
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : String(value)
}

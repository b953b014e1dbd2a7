/**
 * Reads a scrape twice: with a parser that is not ours, and line by line against the rules of the text format that a
 * lenient parser does not mind (each family once, HELP and TYPE before its samples, no series twice, whole histograms).
 */

import assert from 'node:assert/strict'
import parseText from 'parse-prometheus-text-format'

export interface ScrapedFamily {
  readonly name: string
  readonly type: string
  readonly help: string
  /** Values by series, a series being its labels as `name=value` sorted and joined by commas. */
  readonly values: ReadonlyMap<string, number>
  readonly labelNames: ReadonlySet<string>
  /** Of histograms: upper bounds in order, without the infinite one, and counts and sums by series. */
  readonly bounds: readonly number[]
  readonly counts: ReadonlyMap<string, number>
  readonly sums: ReadonlyMap<string, number>
}

interface Building {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly values: Map<string, number>
  readonly labelNames: Set<string>
  readonly bounds: number[]
  readonly counts: Map<string, number>
  readonly sums: Map<string, number>
  readonly buckets: Map<string, { readonly le: number; readonly count: number }[]>
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/gy
const NUMBER = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|[+-]Inf|NaN)$/

export class Scrape {
  readonly families: ReadonlyMap<string, ScrapedFamily>

  constructor(text: string) {
    const families = readLines(text)
    for (const family of families.values()) checkHistogram(family)
    const outside = parseText(text)
    assert.deepEqual(
      outside.map(({ name, type }) => `${name} ${type.toLowerCase()}`).sort(),
      [...families.values()].map(({ name, type }) => `${name} ${type}`).sort(),
      'another parser finds the same families',
    )
    this.families = families
  }

  /** The sum over all series whose labels contain those given; of a histogram the number of observations. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const family = this.families.get(name)
    if (family === undefined) return 0
    const wanted = Object.entries(labels).map(([label, value]) => `${label}=${value}`)
    let sum = 0
    for (const [series, value] of family.type === 'histogram' ? family.counts : family.values) {
      if (wanted.every((label) => series.split(',').includes(label))) sum += value
    }
    return sum
  }
}

function readLines(text: string): Map<string, Building> {
  assert.ok(text.endsWith('\n'), 'the last line ends')
  const families = new Map<string, Building>()
  let current: Building | null = null
  let help = ''
  for (const line of text.slice(0, -1).split('\n')) {
    if (line.startsWith('# HELP ')) {
      help = line.slice('# HELP '.length)
    } else if (line.startsWith('# TYPE ')) {
      const [name = '', type = ''] = line.slice('# TYPE '.length).split(' ')
      assert.ok(help.startsWith(`${name} `) && help.length > name.length + 5, `${name} has its help`)
      assert.match(type, /^(?:counter|gauge|histogram|summary)$/)
      assert.ok(!families.has(name), `${name} comes once`)
      current = {
        name, type, help: help.slice(name.length + 1), values: new Map(), labelNames: new Set(), bounds: [],
        counts: new Map(), sums: new Map(), buckets: new Map(),
      }
      families.set(name, current)
    } else {
      assert.ok(current !== null, `a family before ${line}`)
      readSample(current, line)
    }
  }
  return families
}

function readSample(family: Building, line: string): void {
  // Go's runtime has one; we have none.
  if (family.type === 'summary') return
  const match = SAMPLE.exec(line)
  assert.ok(match !== null, line)
  const [, name = '', labelText = '', valueText = ''] = match
  assert.match(valueText, NUMBER, line)
  const value = valueText === '+Inf' ? Infinity : Number(valueText)
  const labels = readLabels(labelText, line)
  const le = labels.get('le')
  labels.delete('le')
  const series = [...labels].map(([label, text]) => `${label}=${text}`).sort().join(',')
  for (const label of labels.keys()) family.labelNames.add(label)
  if (family.type !== 'histogram') {
    assert.equal(name, family.name, line)
    addOnce(family.values, series, value, line)
  } else if (name === `${family.name}_sum`) {
    addOnce(family.sums, series, value, line)
  } else if (name === `${family.name}_count`) {
    addOnce(family.counts, series, value, line)
  } else {
    assert.equal(name, `${family.name}_bucket`, line)
    assert.ok(le !== undefined, line)
    const buckets = family.buckets.get(series) ?? []
    buckets.push({ le: le === '+Inf' ? Infinity : Number(le), count: value })
    family.buckets.set(series, buckets)
  }
}

function readLabels(text: string, line: string): Map<string, string> {
  const labels = new Map<string, string>()
  LABEL.lastIndex = 0
  let at = 0
  for (let match = LABEL.exec(text); match !== null; match = LABEL.exec(text)) {
    addOnce(labels, match[1] as string, match[2] as string, line)
    at = LABEL.lastIndex
  }
  assert.equal(at, text.length, line)
  return labels
}

function addOnce<V>(map: Map<string, V>, key: string, value: V, line: string): void {
  assert.ok(!map.has(key), `${line} comes once`)
  map.set(key, value)
}

function checkHistogram(family: Building): void {
  for (const [series, buckets] of family.buckets) {
    const where = `${family.name}{${series}}`
    const bounds = buckets.map(({ le }) => le)
    assert.equal(bounds.at(-1), Infinity, where)
    if (family.bounds.length === 0) family.bounds.push(...bounds.slice(0, -1))
    assert.deepEqual(bounds.slice(0, -1), family.bounds, where)
    buckets.forEach(({ le, count }, at) => {
      const before = buckets[at - 1]
      assert.ok(before === undefined || (le > before.le && count >= before.count), where)
    })
    assert.equal(family.counts.get(series), buckets.at(-1)?.count, where)
    assert.ok(family.sums.has(series), where)
  }
}

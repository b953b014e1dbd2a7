/** Reads Prometheus' text format, as this project's servers and etcd write it. */

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface HistogramSeries {
  readonly labels: Readonly<Record<string, string>>
  readonly count: number
  readonly sum: number
  /** Upper bounds, growing, and how many were at or below each; the last bound is Infinity. */
  readonly bounds: readonly number[]
  readonly cumulative: readonly number[]
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g

export class Metrics {
  readonly #samples = new Map<string, Sample[]>()

  constructor(text: string) {
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('#')) continue
      const match = LINE.exec(line)
      if (match === null) continue
      const [, name = '', labels = '', value = ''] = match
      const list = this.#samples.get(name)
      const sample = { labels: labelsOf(labels), value: numberOf(value) }
      if (list === undefined) this.#samples.set(name, [sample])
      else list.push(sample)
    }
  }

  samples(name: string): readonly Sample[] {
    return this.#samples.get(name) ?? []
  }

  /** Sum over the samples that have these labels; 0 when there are none. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    let sum = 0
    for (const sample of this.samples(name)) if (hasAll(sample.labels, labels)) sum += sample.value
    return sum
  }

  /** One for each set of labels beside `le`. */
  histograms(name: string): HistogramSeries[] {
    const bySeries = new Map<string, { labels: Record<string, string>; bounds: number[]; cumulative: number[] }>()
    for (const { labels, value } of this.samples(`${name}_bucket`)) {
      const { le = '', ...others } = labels
      const key = JSON.stringify(others)
      let series = bySeries.get(key)
      if (series === undefined) bySeries.set(key, (series = { labels: others, bounds: [], cumulative: [] }))
      series.bounds.push(numberOf(le))
      series.cumulative.push(value)
    }
    return [...bySeries.values()].map((series) => ({
      ...series,
      count: series.cumulative.at(-1) ?? 0,
      sum: this.value(`${name}_sum`, series.labels),
    }))
  }
}

/** What was observed between two readings of one histogram. */
export function between(before: HistogramSeries | undefined, after: HistogramSeries): HistogramSeries {
  if (before === undefined) return after
  return {
    ...after,
    count: after.count - before.count,
    sum: after.sum - before.sum,
    cumulative: after.cumulative.map((count, i) => count - (before.cumulative[i] ?? 0)),
  }
}

/** The bound of the bucket that the quantile falls into; 0 when nothing was observed. */
export function quantile(series: HistogramSeries, share: number): number {
  if (series.count <= 0) return 0
  const at = series.cumulative.findIndex((count) => count >= series.count * share)
  const bound = series.bounds[at] ?? Infinity
  return bound === Infinity ? (series.bounds[at - 1] ?? 0) : bound
}

function hasAll(labels: Sample['labels'], wanted: Sample['labels']): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value)
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  for (const [, name = '', value = ''] of text.matchAll(LABEL)) {
    labels[name] = value.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter))
  }
  return labels
}

function numberOf(text: string): number {
  return text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text)
}

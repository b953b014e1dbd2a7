/** Results as one HTML page: ratios, distributions of latency, and curves of how it grows. */

import { percent, shortBytes, shortCount, shortTime } from '../../src/ctl/view/amounts.js'
import { chartsHtml, type Chart } from '../../src/ctl/report/charts.js'
import { pageHtml, tableHtml, type Section } from '../../src/ctl/report/page-html.js'
import { label, line, picture, rectangle } from '../../src/ctl/report/svg.js'
import { machineLine } from './machine-facts.js'
import { CEILING, contestants, ratiosOf, times, type BenchResults, type WorkloadResult } from './results.js'

const WIDTH = 1120
const LEFT = 400
const RIGHT = 60
const ROW = 34
const TOP = 26
const BETTER = '#10b981'
const WORSE = '#ef4444'
/** A ratio is as far to the right as its double is long. */
const SPAN = 4

export function resultsHtml(results: BenchResults): string {
  const singles = results.workloads.filter(({ point }) => point === null)
  const curves = [...new Set(results.workloads.flatMap(({ point }) => (point === null ? [] : [point.curve])))]
  const distributions = singles.filter(({ servers }) => servers.some(({ median }) => median.curve.length > 0))
  const charts = [
    ...distributions.map((result) => distributionChart(result)),
    ...curves.flatMap((curve) => curveCharts(curve, results.workloads)),
  ]
  const labels = Object.keys(results.servers).filter((label) => label !== CEILING)
  const isContest = labels.length > 1
  const sections: Section[] = [
    ...(isContest && singles.length > 0 ? ratioSections(singles, labels) : []),
    ...(singles.length > 0
      ? [{ title: 'Figures', text: `Medians of ${results.rounds} rounds.`, html: table(singles) }]
      : []),
    ...(charts.length > 0
      ? [{
          title: 'Latency of each, and how it grows',
          text: 'In distributions the x axis is the share of operations that were answered within the time.',
          html: chartsHtml(charts),
        }]
      : []),
  ]
  return pageHtml({
    title: `Benchmarks of ${Object.keys(results.servers).join(' and ')}`,
    facts: [
      ['machine', machineLine(results.machine)], ['taken', results.machine.at],
      ['each', `${results.rounds} rounds of ${results.seconds} s`],
      ...Object.entries(results.servers).map(([name, version]) => [name, version] as const),
      ['command', results.command],
    ],
    sections,
    charts,
    data: results,
  })
}

function ratioSections(results: readonly WorkloadResult[], [ours = '', theirs = '']: readonly string[]): Section[] {
  const text = `${ours} over ${theirs}; the line is equality.`
  return [
    { title: 'Throughput', text: `${text} Further right is better.`, html: ratioPicture(results, 'throughput') },
    {
      title: 'Server CPU for each operation', text: `${text} Further left is better.`,
      html: ratioPicture(results, 'cpu'),
    },
    { title: 'p99', text: `${text} Further left is better.`, html: ratioPicture(results, 'p99') },
  ]
}

function ratioPicture(results: readonly WorkloadResult[], of: 'throughput' | 'cpu' | 'p99'): string {
  const found = results.flatMap(({ workload, servers }) => {
    const [first, second] = contestants(servers)
    if (first === undefined || second === undefined) return []
    const ratio = ratiosOf(first.median, second.median)[of]
    return Number.isFinite(ratio) ? [{ workload, ratio }] : []
  })
  const height = TOP + found.length * ROW + 8
  const scale = (WIDTH - LEFT - RIGHT) / (2 * SPAN)
  const xOf = (ratio: number): number =>
    LEFT + Math.min(2 * SPAN, Math.max(0, Math.log2(ratio) + SPAN)) * scale
  const axis = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16].flatMap((ratio) => [
    line(xOf(ratio), TOP - 4, xOf(ratio), height - 6, { class: ratio === 1 ? 'hop' : 'grid' }),
    label(xOf(ratio), TOP - 9, ratio < 1 ? `1/${1 / ratio}` : `${ratio}x`, { class: 'tick', 'text-anchor': 'middle' }),
  ])
  const rows = found.map(({ workload, ratio }, i) => {
    const y = TOP + i * ROW
    const isGood = of === 'throughput' ? ratio >= 1 : ratio <= 1
    const [from, to] = [Math.min(xOf(1), xOf(ratio)), Math.max(xOf(1), xOf(ratio))]
    return label(LEFT - 12, y + 21, workload, { class: 'small', 'text-anchor': 'end' }) +
      rectangle({ x: from, y: y + 8, width: Math.max(1, to - from), height: 18 },
        { fill: isGood ? BETTER : WORSE, rx: 3 }) +
      ratioLabel(ratio, from, to, y + 21)
  })
  return picture(WIDTH, height, 'Ratios by workload', [...axis, ...rows].join('\n'))
}

/** Beside its bar; within it where the bar goes up to the names. */
function ratioLabel(ratio: number, from: number, to: number, y: number): string {
  if (ratio >= 1) return label(to + 6, y, times(ratio), { class: 'small' })
  if (from < LEFT + 40) return label(from + 6, y, times(ratio), { class: 'stage-name inside' })
  return label(from - 6, y, times(ratio), { class: 'small', 'text-anchor': 'end' })
}

function distributionChart({ workload, servers }: WorkloadResult): Chart {
  const measured = servers.filter(({ median }) => median.curve.length > 0)
  const shares = measured[0]?.median.curve.map(([share]) => share) ?? []
  return {
    title: workload, unit: 'ms', xUnit: 'share', xTitle: 'answered within', isLogarithmicY: true,
    // In a chart from 0 to 100 % the slowest could not be told apart: each step has the same width.
    x: shares.map((_, i) => i), xTexts: shares.map((share) => percentText(share)),
    series: measured.map(({ label: name, median }) => ({ name, values: median.curve.map(([, us]) => us / 1000) })),
  }
}

function percentText(share: number): string {
  return share === 1 ? 'all' : `${Number((share * 100).toFixed(2))} %`
}

function curveCharts(curve: string, workloads: readonly WorkloadResult[]): Chart[] {
  const points = workloads.filter(({ point }) => point?.curve === curve)
    .toSorted((a, b) => (a.point?.x ?? 0) - (b.point?.x ?? 0))
  const [first] = points
  if (first === undefined || first.point === null) return []
  const labels = first.servers.map(({ label: name }) => name)
  const series = (of: (server: WorkloadResult['servers'][number]) => number) => labels.map((name) => ({
    name,
    values: points.map(({ servers }) => {
      const server = servers.find((one) => one.label === name)
      return server === undefined || server.problem !== '' ? null : of(server)
    }),
  }))
  const common = {
    xUnit: 'count', xTitle: first.point.xTitle, x: points.map(({ point }) => point?.x ?? 0), isLogarithmicX: true,
  } as const
  return [
    { ...common, title: `${curve}: throughput`, unit: 'count', series: series(({ median }) => median.perSecond) },
    {
      ...common, title: `${curve}: p99`, unit: 'ms', isLogarithmicY: true,
      series: series(({ median }) => median.p99Us / 1000),
    },
  ]
}

function table(results: readonly WorkloadResult[]): string {
  const rows = results.flatMap(({ workload, servers }) => servers.map(({ label: name, median, problem }, i) => {
    if (problem !== '') return [i === 0 ? workload : '', name, problem, '', '', '', '', '', '', '']
    return [
      i === 0 ? workload : '', name, `${shortCount(median.perSecond)}/s`, shortTime(median.p50Us / 1000),
      shortTime(median.p99Us / 1000), shortTime(median.p999Us / 1000), us(median.serverCpuUs), us(median.clientCpuUs),
      median.residentBytes > 0 ? shortBytes(median.residentBytes) : '', spread(servers[i]),
    ]
  }))
  return tableHtml([
    { title: 'workload', isText: true }, { title: 'server', isText: true }, { title: 'throughput' }, { title: 'p50' },
    { title: 'p99' }, { title: 'p99.9' }, { title: 'server CPU of one' }, { title: "driver's" }, { title: 'resident' },
    { title: 'rounds apart' },
  ], rows)
}

/** How far the rounds lie apart in throughput: what less of a difference means. */
function spread(server: WorkloadResult['servers'][number] | undefined): string {
  const rates = server?.rounds.map(({ perSecond }) => perSecond) ?? []
  if (rates.length < 2) return ''
  return percent((Math.max(...rates) - Math.min(...rates)) / (server?.median.perSecond ?? NaN))
}

function us(value: number): string {
  if (!Number.isFinite(value)) return ''
  return value < 1000 ? `${value.toFixed(1)} us` : shortTime(value / 1000)
}

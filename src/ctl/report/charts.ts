/**
 * Plots of a report: declared here, drawn in the browser by uPlot, whose code goes into the page. A page needs nothing
 * from anywhere else.
 */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { escapeHtml } from './svg.js'

export interface Series {
  readonly name: string
  readonly values: readonly (number | null)[]
  readonly colour?: string
  /** Line style such as [6, 4]. */
  readonly dash?: readonly number[]
}

export interface Chart {
  readonly title: string
  /** How values of the y axis are written. */
  readonly unit: 'count' | 'ms' | 'share' | 'bytes' | 'ratio'
  /** What the x axis is of; `seconds` is a time since the beginning. */
  readonly xUnit: 'seconds' | 'count' | 'share'
  readonly xTitle: string
  readonly x: readonly number[]
  /** In place of numbers, for an x axis of steps. */
  readonly xTexts?: readonly string[]
  readonly series: readonly Series[]
  readonly isLogarithmicX?: boolean
  readonly isLogarithmicY?: boolean
}

const PALETTE = [
  '#3b82f6', '#10b981', '#f59e0b', '#8b5cf6', '#ef4444', '#06b6d4', '#ec4899', '#84cc16', '#64748b', '#f97316',
]

/** Where the charts appear, each drawn when the page is open. */
export function chartsHtml(charts: readonly Chart[]): string {
  const boxes = charts.map(({ title }, i) =>
    `<figure class="chart" data-chart="${i}"><figcaption>${escapeHtml(title)}</figcaption></figure>`)
  return `<div class="charts">${boxes.join('')}</div>`
}

/** At the end of the page. */
export function chartsScript(charts: readonly Chart[]): string {
  if (charts.length === 0) return ''
  const coloured = charts.map((chart) => ({
    ...chart,
    series: chart.series.map((series, i) => ({ colour: PALETTE[i % PALETTE.length], ...series })),
  }))
  // Within a script element only the end of it could do harm.
  const data = JSON.stringify(coloured).replace(/</g, '\\u003c')
  return `<script>${uplotFile('uPlot.iife.min.js')}</script>\n<script>(${drawCharts.toString()})(${data})</script>`
}

export function chartsStyle(): string {
  return uplotFile('uPlot.min.css')
}

function uplotFile(name: string): string {
  return readFileSync(createRequire(import.meta.url).resolve(`uplot/dist/${name}`), 'utf8')
}

interface Plot {
  readonly root: unknown
  setSize(size: { width: number; height: number }): void
}

/** What of a browser is used by `drawCharts`, which runs there. */
interface BrowserWindow {
  readonly uPlot: (new (options: object, data: readonly (readonly (number | null)[])[], at: unknown) => Plot) & {
    readonly paths: { spline(): unknown }
  }
  readonly document: {
    querySelector(selector: string): { readonly clientWidth: number } | null
    readonly documentElement: unknown
  }
  getComputedStyle(element: unknown): { getPropertyValue(name: string): string }
  addEventListener(event: string, listener: () => void): void
}

type ColouredChart = Chart & { readonly series: readonly (Series & { readonly colour: string })[] }

/** Goes into the page as text: it may use nothing from around it. */
function drawCharts(charts: readonly ColouredChart[]): void {
  const browser = globalThis as unknown as BrowserWindow
  const HEIGHT = 220
  const style = browser.getComputedStyle(browser.document.documentElement)
  const ink = style.getPropertyValue('--faint').trim()
  const grid = style.getPropertyValue('--line').trim()
  const scaled = (value: number, units: readonly string[], step: number): string => {
    let power = 0
    let rest = value
    while (Math.abs(rest) >= step && power < units.length - 1) {
      rest /= step
      power++
    }
    return `${Number(rest.toPrecision(3))}${units[power]}`
  }
  const powers = Array.from({ length: 34 }, (_, power) => 2 ** power)
  const formats: Readonly<Record<string, (value: number) => string>> = {
    count: (value) => scaled(value, ['', 'k', 'M', 'G'], 1000),
    bytes: (value) => scaled(value, [' B', ' KiB', ' MiB', ' GiB'], 1024),
    share: (value) => `${Number((value * 100).toPrecision(3))} %`,
    ratio: (value) => `${Number(value.toPrecision(3))}x`,
    seconds: (value) => `${Number(value.toPrecision(4))} s`,
    ms: (value) =>
      value === 0 ? '0' : value < 1 ? `${Number((value * 1000).toPrecision(3))} us`
      : value < 1000 ? `${Number(value.toPrecision(3))} ms` : `${Number((value / 1000).toPrecision(3))} s`,
  }
  charts.forEach((chart, i) => {
    const at = browser.document.querySelector(`[data-chart="${i}"]`)
    if (at === null) return
    const write = (unit: string) => (_: unknown, value: number | null): string =>
      value === null || value === undefined ? '' : (formats[unit] as (value: number) => string)(value)
    const texts = chart.xTexts
    const step = (_: unknown, value: number | null): string => (value === null ? '' : (texts?.[value] ?? ''))
    const axis = (unit: string, size: number, label?: string): object => ({
      stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, size, font: '11px system-ui',
      labelFont: '11px system-ui', ...(unit === 'bytes' ? { incrs: powers } : {}),
      ...(label === undefined ? {} : { label, labelSize: 16 }),
      values: (_: unknown, values: readonly (number | null)[]) => values.map((value) => write(unit)(null, value)),
    })
    const plot = new browser.uPlot({
      width: at.clientWidth,
      height: HEIGHT,
      scales: {
        x: { time: false, ...(chart.isLogarithmicX === true ? { distr: 3 } : {}) },
        y: chart.isLogarithmicY === true
          ? { distr: 3 }
          : { range: (_: unknown, __: number, max: number): [number, number] => [0, max > 0 ? max * 1.08 : 1] },
      },
      axes: [
        {
          ...axis(chart.xUnit, 42, chart.xTitle),
          ...(texts === undefined ? {} : {
            incrs: [1, 2, 4],
            values: (_: unknown, values: readonly (number | null)[]) => values.map((value) => step(null, value)),
          }),
        },
        axis(chart.unit, 62),
      ],
      series: [
        { label: chart.xTitle, value: texts === undefined ? write(chart.xUnit) : step },
        ...chart.series.map(({ name, colour, dash }) => ({
          label: name, stroke: colour, width: 1.8, value: write(chart.unit), spanGaps: true,
          points: { show: chart.x.length < 30, size: 5, fill: colour }, ...(dash === undefined ? {} : { dash }),
        })),
      ],
      cursor: { points: { size: 7 }, drag: { x: true, y: false } },
    }, [chart.x, ...chart.series.map(({ values }) => values)], at)
    browser.addEventListener('resize', () => plot.setSize({ width: at.clientWidth, height: HEIGHT }))
  })
}

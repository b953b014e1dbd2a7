/** What `raftringctl profile` found, as one HTML page. Figures in, text out. */

import { percent, shortBytes, shortCount, shortTime } from '../view/amounts.js'
import type { NodeView } from '../view/node-view.js'
import { chartsHtml, type Chart } from './charts.js'
import type { CpuSummary } from './cpu-summary.js'
import { flowPicture } from './flow-svg.js'
import { pageHtml, tableHtml, type Section } from './page-html.js'
import { pipelinePicture } from './pipeline-svg.js'
import { requestsPicture, type SingleRequest } from './requests-svg.js'
import { STAGE_ORDER, fillOf, laneColour, lookOf } from './stage-lanes.js'
import { element, escapeHtml } from './svg.js'

/** What was seen between two looks, some time after the beginning. */
export interface Moment {
  readonly atSeconds: number
  readonly view: NodeView
}

export interface ProfileReport {
  readonly endpoint: string
  readonly version: string
  readonly takenAt: string
  /** Of the whole time. */
  readonly view: NodeView
  readonly moments: readonly Moment[]
  readonly order: readonly string[]
  readonly requests: readonly SingleRequest[]
  /** By thread; empty where the server gives no profiles. */
  readonly cpu: readonly CpuSummary[]
  /** Why there are none. */
  readonly cpuProblem: string
}

export function profileHtml(report: ProfileReport): string {
  const { view, moments } = report
  const charts = moments.length > 1 ? chartsOf(moments) : []
  const sections: Section[] = [
    {
      title: 'Where the time of a write goes',
      text: 'The average write, from its bytes to its answer. Plain is work, striped is waiting for a thread.',
      html: writes(view),
    },
    {
      title: 'Threads and the rings between them',
      text: 'A ring is as thick as it is busy. Batches are what makes many writes cheap: the more entries share a ' +
        'write of the log and a transaction of the store, the less each costs.',
      html: pipelinePicture(view),
    },
    ...(charts.length > 0
      ? [{
          title: 'In the course of time',
          text: 'Drag to look closer, double-click to go back.',
          html: chartsHtml(charts),
        }]
      : []),
    ...(report.requests.length > 0
      ? [{
          title: `Single writes, of the newest ${report.requests.length}`,
          text: 'Each bar is one request that really was.',
          html: requestsPicture(report.order, report.requests),
        }]
      : []),
    { title: 'Stages', text: '', html: stageTable(view) },
    { title: 'Threads', text: '', html: threadTable(view) },
    { title: 'Rings', text: '', html: ringTable(view) },
    { title: 'What threads computed', text: report.cpuProblem, html: cpuTables(report.cpu) },
  ]
  const total = view.stages.find(({ stage }) => stage === 'total')
  return pageHtml({
    title: `raftring at ${report.endpoint}`,
    facts: [
      ['version', report.version], ['taken', report.takenAt], ['for', `${view.seconds.toFixed(1)} s`],
      ['calls', `${shortCount(view.calls.reduce((sum, { perSecond }) => sum + perSecond, 0))}/s`],
      ['write p50', shortTime(total?.p50Ms ?? 0)], ['write p99', shortTime(total?.p99Ms ?? 0)],
      ['CPU', `${view.cpuCores.toFixed(2)} cores`], ['resident', shortBytes(view.facts['residentBytes'] ?? 0)],
      ['keys', shortCount(view.facts['keys'] ?? 0)],
    ],
    sections,
    charts,
    data: report,
  })
}

function writes({ stages }: NodeView): string {
  const found = stages.filter(({ stage, count }) => STAGE_ORDER.includes(stage) && count > 0)
  if (found.length === 0) return '<p>Nothing was written meanwhile.</p>'
  const flow = found.map(({ stage, meanMs, p50Ms, p99Ms }) => ({
    stage, ms: meanMs, note: `half below ${shortTime(p50Ms)}, 99 % below ${shortTime(p99Ms)}`,
  }))
  return flowPicture(flow) + swatches(found.map(({ stage }) => stage))
}

function swatches(stages: readonly string[]): string {
  const items = stages.map((stage) => {
    const square = element('rect', { width: 14, height: 14, rx: 3, fill: fillOf(stage) })
    return `<span>${element('svg', { viewBox: '0 0 14 14' }, square)}${escapeHtml(stage)}</span>`
  })
  return `<div class="swatches">${items.join('')}</div>`
}

function chartsOf(moments: readonly Moment[]): Chart[] {
  const x = moments.map(({ atSeconds }) => atSeconds)
  const common = { xUnit: 'seconds', xTitle: 'time', x } as const
  const threads = moments.at(-1)?.view.threads.map(({ thread }) => thread) ?? []
  const busyRings = (moments.at(-1)?.view.rings ?? [])
    .filter(({ ring }) => moments.some(({ view }) => (view.rings.find((r) => r.ring === ring)?.depthBytes ?? 0) > 0))
    .map(({ ring }) => ring)
  const methods = [...new Set(moments.flatMap(({ view }) => view.calls.map(({ method }) => method)))].slice(0, 6)
  const stage = (view: NodeView, name: string, of: 'p50Ms' | 'p99Ms'): number | null => {
    const found = view.stages.find((one) => one.stage === name)
    return found === undefined || found.count === 0 ? null : found[of]
  }
  return [
    {
      ...common, title: 'Calls', unit: 'count',
      series: methods.map((method) => ({
        name: method,
        values: moments.map(({ view }) => view.calls.find((call) => call.method === method)?.perSecond ?? 0),
      })),
    },
    {
      ...common, title: 'Latency of writes and reads inside the server', unit: 'ms',
      series: [
        { name: 'write p50', values: moments.map(({ view }) => stage(view, 'total', 'p50Ms')), colour: '#3b82f6' },
        { name: 'write p99', values: moments.map(({ view }) => stage(view, 'total', 'p99Ms')), colour: '#ef4444' },
        { name: 'fsync p99', values: moments.map(({ view }) => stage(view, 'fsync', 'p99Ms')), colour: '#f59e0b' },
        { name: 'read p99', values: moments.map(({ view }) => stage(view, 'read_total', 'p99Ms')), colour: '#10b981' },
      ],
    },
    {
      ...common, title: 'CPU of each thread, of one core', unit: 'share',
      series: threads.map((thread) => ({
        name: thread,
        values: moments.map(({ view }) => view.threads.find((one) => one.thread === thread)?.cpuShare ?? 0),
        ...threadColour(thread),
      })),
    },
    {
      ...common, title: 'Waiting in rings', unit: 'bytes',
      series: busyRings.slice(0, 8).map((ring) => ({
        name: ring,
        values: moments.map(({ view }) => view.rings.find((one) => one.ring === ring)?.depthBytes ?? 0),
      })),
    },
    {
      ...common, title: 'Entries of a batch', unit: 'count',
      series: (['wal', 'apply'] as const).map((name) => ({
        name: name === 'wal' ? 'writes of the log' : 'transactions of the store',
        values: moments.map(({ view }) => view.batches.find((sizes) => sizes.name === name)?.mean ?? 0),
        colour: laneColour(name === 'wal' ? 'wal' : 'mvcc'),
      })),
    },
    {
      ...common, title: 'Garbage collection, of the time', unit: 'share',
      series: threads.filter((thread) => thread !== 'others').map((thread) => ({
        name: thread,
        values: moments.map(({ view }) => {
          return (view.threads.find((one) => one.thread === thread)?.gcMs ?? 0) / 1000 / view.seconds
        }),
        ...threadColour(thread),
      })),
    },
  ]
}

function threadColour(thread: string): { readonly colour?: string } {
  const lane = (['front', 'raft', 'wal', 'mvcc'] as const).find((name) => thread.startsWith(name))
  return lane === undefined || /[1-9]/.test(thread) ? {} : { colour: laneColour(lane) }
}

function stageTable({ stages }: NodeView): string {
  const rows = stages.filter(({ count }) => count > 0).map((stage) => {
    const isSum = stage.stage.endsWith('total')
    const isRead = stage.stage.startsWith('read')
    const colour = isRead ? '#64748b' : lookOf(stage.stage).colour
    return [
      stage.stage, isRead ? 'read' : 'write', shortCount(stage.perSecond), shortTime(stage.meanMs),
      shortTime(stage.p50Ms), shortTime(stage.p99Ms),
      isSum ? '' : { share: stage.share, text: percent(stage.share), colour },
    ]
  })
  return tableHtml([
    { title: 'stage', isText: true }, { title: 'of a', isText: true }, { title: 'per second' }, { title: 'mean' },
    { title: 'p50' }, { title: 'p99' }, { title: 'share of the time', isText: true },
  ], rows)
}

function threadTable({ threads }: NodeView): string {
  const rows = threads.map((thread) => {
    const lane = (['front', 'raft', 'wal', 'mvcc'] as const).find((name) => thread.thread.startsWith(name))
    const colour = lane === undefined ? '#64748b' : laneColour(lane)
    return [
      thread.thread, thread.actors.join(', '),
      { share: thread.cpuShare, text: percent(thread.cpuShare), colour },
      percent(thread.systemShare), shortCount(thread.turnsPerSecond), shortTime(thread.turnP99Ms),
      shortCount(thread.parksPerSecond), shortCount(thread.gcPauses), shortTime(thread.gcMs), shortTime(thread.gcP99Ms),
      thread.loopDelayP99Ms === null ? '' : shortTime(thread.loopDelayP99Ms),
      thread.heapBytes === 0 ? '' : shortBytes(thread.heapBytes),
    ]
  })
  return tableHtml([
    { title: 'thread', isText: true }, { title: 'actors', isText: true }, { title: 'CPU, of a core', isText: true },
    { title: 'in the kernel' }, { title: 'turns/s' }, { title: 'turn p99' }, { title: 'sleeps/s' },
    { title: 'collections' }, { title: 'took' }, { title: 'p99' }, { title: 'loop late p99' }, { title: 'heap' },
  ], rows)
}

function ringTable({ rings }: NodeView): string {
  const rows = rings.filter((ring) => ring.recordsPerSecond > 0 || ring.depthBytes > 0).map((ring) => {
    const most = ring.highWaterBytes / ring.capacityBytes
    return [
      ring.ring, shortCount(ring.recordsPerSecond), `${shortBytes(ring.bytesPerSecond)}/s`,
      ring.recordsPerPublish.toFixed(1), shortCount(ring.wakesPerSecond), shortBytes(ring.depthBytes),
      { share: most, text: percent(most), colour: most > 0.8 ? '#ef4444' : '#64748b' }, shortCount(ring.full),
    ]
  })
  return tableHtml([
    { title: 'ring', isText: true }, { title: 'records/s' }, { title: 'bytes' }, { title: 'published together' },
    { title: 'wakes/s' }, { title: 'waiting' }, { title: 'most ever, of its room', isText: true },
    { title: 'times full' },
  ], rows)
}

function cpuTables(threads: readonly CpuSummary[]): string {
  if (threads.length === 0) return ''
  const tables = threads.map(({ thread, busyShare, functions }) => {
    const rows = functions.map(({ name, place, selfMs, share }) => [
      name, place, shortTime(selfMs), { share, text: percent(share), colour: threadColour(thread).colour ?? '#64748b' },
    ])
    const columns = [
      { title: 'function', isText: true }, { title: 'where', isText: true }, { title: 'itself' },
      { title: 'of its waking time', isText: true },
    ]
    const head = `<h3>${escapeHtml(thread)} <small>awake ${percent(busyShare)} of the time</small></h3>`
    return `<div>${head}${tableHtml(columns, rows)}</div>`
  })
  return `<div class="threads">${tables.join('')}</div>`
}

/** What `raftringctl top` shows: one reading's view as text. */

import Table from 'cli-table3'
import { bar, percent, shortBytes, shortCount, shortTime, sparkline } from './amounts.js'
import type { NodeView, SizesView } from './node-view.js'

export interface TopScreenOptions {
  readonly endpoint: string
  readonly clock: string
  /** Of the rate that `history` is about, oldest first. */
  readonly history: readonly number[]
  /** Rings without traffic, too. */
  readonly isWhole: boolean
}

const BAR_WIDTH = 20
const SIZE_BAR_WIDTH = 8
const RATES_SHOWN = new Set([
  'puts', 'ranges', 'deletes', 'txns', 'watch events', 'lease renewals', 'proposals',
  'failed proposals',
])

export function topScreen(view: NodeView, options: TopScreenOptions): string {
  const parts = [
    head(view, options),
    calls(view),
    stages(view),
    batches(view),
    threads(view),
    rings(view, options.isWhole),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

function head({ rates, facts, cpuCores, seconds }: NodeView, { endpoint, clock, history }: TopScreenOptions): string {
  const fact = (name: string): number => facts[name] ?? 0
  const first = [
    `raftring ${endpoint}`, clock, `over ${seconds.toFixed(1)} s`,
    `${cpuCores.toFixed(2)} cores`, `resident ${shortBytes(fact('residentBytes'))}`,
    `keys ${shortCount(fact('keys'))}`, `watchers ${shortCount(fact('watchers'))}`,
    `leases ${shortCount(fact('leases'))}`, `pending ${shortCount(fact('pending'))}`,
    fact('leader') === 1 ? 'leader' : fact('hasLeader') === 1 ? 'follower' : 'no leader',
  ]
  const shown = rates.filter(({ name, perSecond }) => perSecond > 0 && RATES_SHOWN.has(name))
  const traffic = rates.filter(({ name }) => name.includes('bytes'))
  const second = [
    ...shown.map(({ name, perSecond }) => `${name} ${shortCount(perSecond)}/s`),
    ...traffic.map(({ name, perSecond }) => `${name} ${shortBytes(perSecond)}/s`),
  ]
  const lines = [first.join('   '), second.join('   ')]
  if (history.length > 1) lines.push(`calls/s  ${sparkline(history)}  ${shortCount(history.at(-1) ?? 0)}`)
  return lines.join('\n')
}

function calls({ calls: list }: NodeView): string {
  if (list.length === 0) return ''
  const rows = list.slice(0, 6).map(({ method, perSecond, failedPerSecond }) => [
    method, shortCount(perSecond), failedPerSecond > 0 ? shortCount(failedPerSecond) : '',
  ])
  return table(['CALL', 'per s', 'failed/s'], rows)
}

function stages({ stages: list }: NodeView): string {
  const rows = list
    .filter(({ count }) => count > 0)
    .map(({ stage, perSecond, meanMs, p50Ms, p99Ms, share }) => [
      stage, shortCount(perSecond), shortTime(meanMs), shortTime(p50Ms), shortTime(p99Ms),
      ...(stage.endsWith('total') ? ['', ''] : [percent(share), bar(share, BAR_WIDTH)]),
    ])
  if (rows.length === 0) return 'no requests'
  return table(['STAGE', 'per s', 'mean', 'p50', 'p99', 'share', ''], rows, [6])
}

function batches({ batches: list }: NodeView): string {
  const rows = list.filter(({ batches: count }) => count > 0).map((sizes) => [
    sizes.name === 'wal' ? 'log writes' : 'store transactions', shortCount(sizes.batches), sizes.mean.toFixed(1),
    sizeBars(sizes),
  ])
  return rows.length === 0 ? '' : table(['BATCHES', 'count', 'entries', 'by size'], rows, [3])
}

function sizeBars({ buckets, batches: count }: SizesView): string {
  return buckets
    .filter(([, n]) => n > 0)
    .map(([upTo, n]) => `≤${upTo === Infinity ? 'more' : shortCount(upTo)} ${bar(n / count, SIZE_BAR_WIDTH)}`)
    .join(' ')
}

function threads({ threads: list }: NodeView): string {
  const rows = list.map((thread) => [
    thread.thread, thread.actors.map((actor) => actor.replace(/ 0$/, '')).join(' '), percent(thread.cpuShare),
    percent(thread.systemShare), shortCount(thread.turnsPerSecond), shortTime(thread.turnP99Ms),
    shortCount(thread.parksPerSecond), thread.gcPauses > 0 ? String(thread.gcPauses) : '', shortTime(thread.gcMs),
    shortTime(thread.gcP99Ms), thread.loopDelayP99Ms === null ? '' : shortTime(thread.loopDelayP99Ms),
    thread.heapBytes > 0 ? shortBytes(thread.heapBytes) : '',
  ])
  return table([
    'THREAD', 'actors', 'CPU', 'system', 'turns/s', 'turn p99', 'parks/s', 'GCs', 'GC time', 'GC p99', 'loop p99',
    'heap',
  ], rows, [1])
}

function rings({ rings: list }: NodeView, isWhole: boolean): string {
  const rows = list
    .filter(({ recordsPerSecond, depthBytes, full }) => isWhole || recordsPerSecond > 0 || depthBytes > 0 || full > 0)
    .map((ring) => [
      ring.ring.replace(/ 0\b/g, ''), shortCount(ring.recordsPerSecond), `${shortBytes(ring.bytesPerSecond)}/s`,
      ring.recordsPerPublish.toFixed(1), shortCount(ring.wakesPerSecond), shortBytes(ring.depthBytes),
      percent(ring.depthBytes / ring.capacityBytes), percent(ring.highWaterBytes / ring.capacityBytes),
      ring.full > 0 ? shortCount(ring.full) : '',
    ])
  if (rows.length === 0) return ''
  return table(['RING', 'records/s', 'bytes', 'per batch', 'wakes/s', 'depth', 'filled', 'most ever', 'full'], rows)
}

const NO_BORDER = {
  top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '',
  'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ',
}

/** Columns that are words stand left, beside the first; numbers stand right. */
function table(titles: readonly string[], rows: readonly (readonly string[])[], words: readonly number[] = []): string {
  const made = new Table({
    head: [...titles],
    chars: NO_BORDER,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: titles.map((_, i) => (i === 0 || words.includes(i) ? 'left' : 'right')),
  })
  for (const row of rows) made.push([...row])
  return made.toString().split('\n').map((line) => line.trimEnd()).join('\n')
}

/** Single requests as bars of their stages: the usual one, slower ones, and the slowest. */

import { percent, shortTime } from '../view/amounts.js'
import { fillOf } from './stage-lanes.js'
import { label, line, picture, rectangle, ticks } from './svg.js'

export interface SingleRequest {
  readonly kind: string
  readonly stagesMs: readonly number[]
}

const WIDTH = 1120
const LEFT = 150
const RIGHT = 76
const ROW = 34
const BAR = 20
const TOP = 26

const QUANTILES: readonly (readonly [name: string, share: number])[] = [
  ['p50', 0.5], ['p90', 0.9], ['p99', 0.99], ['the slowest', 1],
]

export function requestsPicture(order: readonly string[], requests: readonly SingleRequest[]): string {
  const sorted = requests
    .map((request) => ({ ...request, totalMs: request.stagesMs.reduce((a, b) => a + b, 0) }))
    .sort((a, b) => a.totalMs - b.totalMs)
  const chosen = QUANTILES.flatMap(([name, share]) => {
    const found = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
    return found === undefined ? [] : [{ ...found, name }]
  })
  const maxMs = Math.max(...chosen.map(({ totalMs }) => totalMs), 1e-9)
  const scale = (WIDTH - LEFT - RIGHT) / maxMs
  const height = TOP + chosen.length * ROW + 6
  const axis = ticks(maxMs).flatMap((ms) => [
    line(LEFT + ms * scale, TOP - 4, LEFT + ms * scale, height - 6, { class: 'grid' }),
    label(LEFT + ms * scale, TOP - 9, ms === 0 ? '0' : shortTime(ms), { class: 'tick', 'text-anchor': 'middle' }),
  ])
  const rows = chosen.map(({ name, kind, stagesMs, totalMs }, row) => {
    const y = TOP + row * ROW + (ROW - BAR) / 2
    let atMs = 0
    const bars = stagesMs.map((ms, i) => {
      const stage = order[i] ?? ''
      const x = LEFT + atMs * scale
      atMs += ms
      if (ms <= 0) return ''
      const title = `${stage}: ${shortTime(ms)}, ${percent(ms / totalMs)}`
      const place = { x, y, width: Math.max(0.5, ms * scale), height: BAR }
      return rectangle(place, { fill: fillOf(stage), class: 'stage' }, title)
    })
    return label(10, y + 14, `${name}`, { class: 'small' }) +
      label(LEFT - 10, y + 14, kind, { class: 'small faint', 'text-anchor': 'end' }) +
      bars.join('') +
      label(LEFT + totalMs * scale + 8, y + 14, shortTime(totalMs), { class: 'small' })
  })
  return picture(WIDTH, height, 'Stages of single requests', [...axis, ...rows].join('\n'))
}

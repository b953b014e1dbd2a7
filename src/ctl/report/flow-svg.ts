/**
 * A write's way as a picture: a lane for each actor, time from left to right, every stage as wide as it is long.
 * Striped is waiting, plain is work.
 */

import { percent, shortTime } from '../view/amounts.js'
import { LANES, fillOf, lookOf, type Lane } from './stage-lanes.js'
import { label, line, picture, rectangle, textWidth, ticks } from './svg.js'

export interface FlowStage {
  readonly stage: string
  readonly ms: number
  /** For whoever points at it. */
  readonly note: string
}

const WIDTH = 1120
const LEFT = 64
const RIGHT = 16
const TOP = 30
const LANE_HEIGHT = 84
const BAR_HEIGHT = 26
const BAR_AT = (LANE_HEIGHT - BAR_HEIGHT) / 2
const LABEL_PADDING = 6
const FONT = 11

export function flowPicture(stages: readonly FlowStage[]): string {
  const total = stages.reduce((sum, { ms }) => sum + ms, 0)
  const height = TOP + LANES.length * LANE_HEIGHT + 8
  const scale = (WIDTH - LEFT - RIGHT) / Math.max(total, 1e-9)
  const content = [...background(total, scale, height)]
  const labels = new LabelRows()
  let atMs = 0
  let before: { lane: Lane; x: number } | null = null
  for (const { stage, ms, note } of stages) {
    const { lane } = lookOf(stage)
    const x = LEFT + atMs * scale
    const y = laneTop(lane) + BAR_AT
    const width = Math.max(ms > 0 ? 1.5 : 0, ms * scale)
    atMs += ms
    if (ms <= 0) continue
    if (before !== null && before.lane !== lane) content.push(hop(before.lane, lane, x))
    const share = total > 0 ? ms / total : 0
    const title = `${stage}: ${shortTime(ms)}, ${percent(share)}${note === '' ? '' : `\n${note}`}`
    content.push(rectangle({ x, y, width, height: BAR_HEIGHT }, { fill: fillOf(stage), class: 'stage', rx: 2 }, title))
    content.push(labels.place(lane, { x, y, width }, `${stage} ${shortTime(ms)}`, share))
    before = { lane, x: x + width }
  }
  return picture(WIDTH, height, `A write takes ${shortTime(total)} on its way through the actors`, content.join('\n'))
}

function background(total: number, scale: number, height: number): string[] {
  const lanes = LANES.flatMap((lane, i) => [
    rectangle({ x: 0, y: TOP + i * LANE_HEIGHT, width: WIDTH, height: LANE_HEIGHT },
      { class: i % 2 === 0 ? 'lane' : 'lane other' }),
    label(10, TOP + i * LANE_HEIGHT + LANE_HEIGHT / 2 + 4, lane, { class: 'lane-name' }),
  ])
  const axis = ticks(total).flatMap((ms) => {
    const x = LEFT + ms * scale
    return [
      line(x, TOP - 6, x, height - 8, { class: 'grid' }),
      label(x, TOP - 12, ms === 0 ? '0' : shortTime(ms), { class: 'tick', 'text-anchor': 'middle' }),
    ]
  })
  return [...lanes, ...axis]
}

function laneTop(lane: Lane): number {
  return TOP + LANES.indexOf(lane) * LANE_HEIGHT
}

/** From actor to actor. */
function hop(from: Lane, to: Lane, x: number): string {
  const isDown = LANES.indexOf(to) > LANES.indexOf(from)
  const start = laneTop(from) + (isDown ? BAR_AT + BAR_HEIGHT : BAR_AT)
  const end = laneTop(to) + (isDown ? BAR_AT : BAR_AT + BAR_HEIGHT)
  return line(x, start, x, end, { class: 'hop' })
}

/** Names stand in their bars where they fit, else above or below, where no other name stands. */
class LabelRows {
  readonly #taken = new Map<string, (readonly [number, number])[]>()

  place(lane: Lane, bar: { x: number; y: number; width: number }, text: string, share: number): string {
    const width = textWidth(text, FONT)
    const middle = bar.y + BAR_HEIGHT / 2 + 4
    if (width + LABEL_PADDING < bar.width) {
      const isWaiting = lookOf(text.split(' ')[0] ?? '').isWaiting
      const attributes = { class: isWaiting ? 'stage-name' : 'stage-name inside', 'text-anchor': 'middle' }
      return label(bar.x + bar.width / 2, middle, text, attributes)
    }
    // What takes no time to speak of needs no name; a pointer still finds it.
    if (share < 0.002) return ''
    const centre = bar.x + bar.width / 2
    const x = Math.min(Math.max(centre, LEFT + width / 2), WIDTH - RIGHT - width / 2)
    const rows = [-6, BAR_HEIGHT + 13, -19, BAR_HEIGHT + 26]
    for (const row of rows) {
      const y = bar.y + row
      if (this.#isTaken(`${lane} ${row}`, x - width / 2, x + width / 2)) continue
      return label(x, y, text, { class: 'stage-name', 'text-anchor': 'middle' })
    }
    return ''
  }

  #isTaken(row: string, from: number, to: number): boolean {
    const taken = this.#taken.get(row) ?? []
    if (taken.some(([start, end]) => from < end + LABEL_PADDING && to > start - LABEL_PADDING)) return true
    this.#taken.set(row, [...taken, [from, to]])
    return false
  }
}

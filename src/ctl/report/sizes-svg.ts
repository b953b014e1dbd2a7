/** How large batches were, as bars. */

import { percent, shortCount } from '../view/amounts.js'
import type { SizesView } from '../view/node-view.js'
import { element, label, rectangle } from './svg.js'

export interface SizesPlace {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

const FOOT = 16
const HEAD = 18
/** So many bars are wide enough for a whole range below each. */
const FEW = 4

/** A group to be put into a picture. */
export function sizesGroup(sizes: SizesView, title: string, colour: string, place: SizesPlace): string {
  const shown = trimmed(sizes)
  const head = label(place.x, place.y + 11, `${title}: ${sizes.mean.toFixed(1)} on average`, { class: 'small' })
  if (shown.length === 0) return element('g', {}, head)
  const most = Math.max(...shown.map(([, count]) => count))
  const width = place.width / Math.max(shown.length, FEW)
  const room = place.height - HEAD - FOOT
  const bars = shown.map(([upTo, count, from], i) => {
    const height = Math.max(count > 0 ? 1 : 0, (count / most) * room)
    const x = place.x + i * width
    const y = place.y + HEAD + room - height
    const entries = rangeOf(from, upTo, ' to ')
    const note = `${entries} entries: ${shortCount(count)} batches, ${percent(count / sizes.batches)}`
    const foot = shown.length > FEW ? boundOf(from, upTo) : rangeOf(from, upTo, '–')
    return rectangle({ x: x + 1, y, width: width - 2, height }, { fill: colour, rx: 1 }, note) +
      label(x + width / 2, place.y + place.height - 4, foot, { class: 'tick', 'text-anchor': 'middle' })
  })
  return element('g', {}, head + bars.join(''))
}

function boundOf(from: number, upTo: number): string {
  return upTo === Infinity ? `>${shortCount(from)}` : `≤${shortCount(upTo)}`
}

function rangeOf(from: number, upTo: number, between: string): string {
  if (upTo === Infinity) return `>${from}`
  return from + 1 >= upTo ? String(upTo) : `${from + 1}${between}${upTo}`
}

/** Without what is empty on both sides; each with the bound below it. */
function trimmed({ buckets }: SizesView): (readonly [upTo: number, count: number, from: number])[] {
  const all = buckets.map(([upTo, count], i) => [upTo, count, buckets[i - 1]?.[0] ?? 0] as const)
  const first = all.findIndex(([, count]) => count > 0)
  const last = all.findLastIndex(([, count]) => count > 0)
  return first < 0 ? [] : all.slice(first, last + 1)
}

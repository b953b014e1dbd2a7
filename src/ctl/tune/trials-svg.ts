/** All trials of a search as bars. */

import { shortCount, shortTime } from '../view/amounts.js'
import { label, line, picture, rectangle, ticks } from '../report/svg.js'
import { scoreOf, type Goal, type Measured, type Trial, type TuneResult } from './tune-plan.js'

const WIDTH = 1120
const LEFT = 320
const RIGHT = 190
const TOP = 24
const ROW = 22
const BAR = 14
const TRIED = '#3b82f6'
const CHOSEN = '#10b981'

export function trialsPicture({ trials, settings }: TuneResult, goal: Goal): string {
  const value = ({ measured }: Trial): number =>
    goal === 'throughput' ? measured.perSecond : measured.p99Us / 1000
  const text = (amount: number): string => (goal === 'throughput' ? `${shortCount(amount)}/s` : shortTime(amount))
  const max = Math.max(...trials.map(value), 1e-9)
  const scale = (WIDTH - LEFT - RIGHT) / max
  const height = TOP + trials.length * ROW + 8
  const axis = ticks(max).flatMap((amount) => [
    line(LEFT + amount * scale, TOP - 4, LEFT + amount * scale, height - 6, { class: 'grid' }),
    label(LEFT + amount * scale, TOP - 9, text(amount), { class: 'tick', 'text-anchor': 'middle' }),
  ])
  const winner = bestOf(trials, goal)
  const rows = trials.map((trial, i) => {
    const y = TOP + i * ROW + (ROW - BAR) / 2
    const { flag, measured } = trial
    const amount = value(trial)
    const isReference = flag === ''
    const isChosen = !isReference && trial.settings[flag] === settings[flag]
    const name = isReference ? 'best so far' : `--${flag}=${trial.settings[flag] ?? ''}`
    const p99 = `p99 ${shortTime(measured.p99Us / 1000)}`
    const other = goal === 'throughput' ? p99 : `${shortCount(measured.perSecond)}/s`
    const fill = isReference ? 'url(#waiting-front)' : isChosen ? CHOSEN : TRIED
    const weight = trial === winner ? { class: 'small', 'font-weight': 700 } : { class: 'small' }
    return label(LEFT - 10, y + 11, name, { ...weight, 'text-anchor': 'end' }) +
      rectangle({ x: LEFT, y, width: amount * scale, height: BAR }, { fill, rx: 2 }, measured.saturation.text) +
      label(LEFT + amount * scale + 8, y + 11, `${text(amount)}, ${other}`, { class: 'small' })
  })
  return picture(WIDTH, height, 'Trials and what came of them', [...axis, ...rows].join('\n'))
}

function bestOf(trials: readonly Trial[], goal: Goal): Trial | undefined {
  return trials.toSorted((a, b) => scoreOf(goal, b.measured as Measured) - scoreOf(goal, a.measured as Measured))[0]
}

/** What `raftringctl tune` found, as one HTML page. */

import { percent, shortBytes, shortCount, shortTime } from '../view/amounts.js'
import type { NodeView } from '../view/node-view.js'
import { flowPicture } from '../report/flow-svg.js'
import { pageHtml, tableHtml, type Section } from '../report/page-html.js'
import { STAGE_ORDER } from '../report/stage-lanes.js'
import { escapeHtml } from '../report/svg.js'
import { trialsPicture } from './trials-svg.js'
import type { MeasuredTrial, TrialLoad } from './run-trial.js'
import type { Goal, Settings, TuneResult } from './tune-plan.js'

export interface TuneReport {
  readonly takenAt: string
  readonly machine: string
  readonly directory: string
  readonly load: TrialLoad
  readonly goal: Goal
  readonly result: TuneResult<MeasuredTrial>
}

export function tuneHtml(report: TuneReport): string {
  const { result, load, goal } = report
  const { first, best, settings, choices } = result
  const hasChanged = Object.keys(settings).length > 0
  const sections: Section[] = [
    { title: 'Recommended', text: '', html: recommendation(result) },
    {
      title: 'All trials',
      text: `Each bar is one run of ${load.seconds} s, in the order in which they were made. Striped is the best so ` +
        'far, run again between the others.',
      html: trialsPicture(result, goal),
    },
    {
      title: hasChanged ? 'A write without these flags' : 'A write',
      text: first.saturation.text,
      html: writes(first.view),
    },
    ...(hasChanged
      ? [{ title: 'A write with them', text: best.saturation.text, html: writes(best.view) }]
      : []),
    { title: 'Figures', text: '', html: figures(result) },
  ]
  return pageHtml({
    title: 'raftringctl tune',
    facts: [
      ['machine', report.machine], ['taken', report.takenAt], ['data in', report.directory], ['goal', goal],
      ['clients', shortCount(load.clients)], ['reads', `${load.readPercent} %`],
      ['values', shortBytes(load.valueBytes)],
      ['keys', shortCount(load.keys)], ['watchers', shortCount(load.watchers)],
      ['gain', choices.length === 0 ? 'none' : gainText(result, goal)],
    ],
    sections,
    charts: [],
    data: report,
  })
}

/** `--front-workers=2 --wal-batch-delay=200us`; empty without any. */
export function flagsText(settings: Settings): string {
  return Object.entries(settings).map(([flag, value]) => `--${flag}=${value}`).join(' ')
}

export function gainText({ first, best }: TuneResult, goal: Goal): string {
  const ratio = goal === 'throughput' ? best.perSecond / first.perSecond : first.p99Us / best.p99Us
  return `${ratio.toFixed(2)}x ${goal === 'throughput' ? 'the throughput' : 'shorter p99'}`
}

function recommendation({ settings, choices, best, isComplete, trials }: TuneResult<MeasuredTrial>): string {
  const others = Math.max(...trials.map(({ measured }) => measured.otherCores))
  const left = (isComplete ? '' : '<p>The time ran out before everything was tried; --budget gives more.</p>') +
    `<p>Other programs took up to ${others.toFixed(1)} cores meanwhile.</p>`
  if (choices.length === 0) {
    const limit = escapeHtml(best.saturation.text)
    return `<p class="answer">The defaults are best for this load here. Limit: ${limit}.</p>${left}`
  }
  const reasons = choices.map(({ flag, value, gain, limitBefore, limitAfter }) => [
    `--${flag}=${value}`, `${gain.toFixed(2)}x`, limitBefore, limitAfter,
  ])
  const table = tableHtml([
    { title: 'setting', isText: true }, { title: 'gain' }, { title: 'the limit before', isText: true },
    { title: 'and with it', isText: true },
  ], reasons)
  return `<pre>raftring ${escapeHtml(flagsText(settings))}</pre>${table}${left}`
}

function writes({ stages }: NodeView): string {
  const found = stages.filter(({ stage, count }) => STAGE_ORDER.includes(stage) && count > 0)
  if (found.length === 0) return '<p>Nothing was written.</p>'
  return flowPicture(found.map(({ stage, meanMs, p50Ms, p99Ms }) => ({
    stage, ms: meanMs, note: `half below ${shortTime(p50Ms)}, 99 % below ${shortTime(p99Ms)}`,
  })))
}

function figures({ trials }: TuneResult<MeasuredTrial>): string {
  const rows = trials.map(({ settings, measured }) => {
    const { perSecond, p50Us, p99Us, serverCpuUs, saturation, errors } = measured
    return [
      flagsText(settings) || 'no flags', `${shortCount(perSecond)}/s`, shortTime(p50Us / 1000), shortTime(p99Us / 1000),
      `${serverCpuUs.toFixed(1)} us`, saturation.limit === 'none' ? percent(saturation.share) : saturation.text,
      errors === 0 ? '' : String(errors),
    ]
  })
  return tableHtml([
    { title: 'settings', isText: true }, { title: 'throughput' }, { title: 'p50' }, { title: 'p99' },
    { title: 'server CPU of one' }, { title: 'what is used up', isText: true }, { title: 'errors' },
  ], rows)
}

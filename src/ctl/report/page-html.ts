/** The frame of every report: one HTML file that needs nothing else, in light and in dark. */

import { chartsScript, chartsStyle, type Chart } from './charts.js'
import { patternDefinitions } from './stage-lanes.js'
import { escapeHtml } from './svg.js'

export interface ReportPage {
  readonly title: string
  /** In small print below the title. */
  readonly facts: readonly (readonly [name: string, value: string])[]
  readonly sections: readonly Section[]
  readonly charts: readonly Chart[]
  /** For programs: the figures behind the page, readable at `#data`. */
  readonly data: unknown
}

export interface Section {
  readonly title: string
  /** A sentence or two; text, no HTML. */
  readonly text: string
  /** HTML that has been escaped. */
  readonly html: string
}

export function pageHtml(page: ReportPage): string {
  const facts = page.facts.filter(([, value]) => value !== '').map(([name, value]) => {
    return `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd></div>`
  })
  const sections = page.sections.map(({ title, text, html }) => {
    const words = text === '' ? '' : `<p>${escapeHtml(text)}</p>`
    return `<section><h2>${escapeHtml(title)}</h2>${words}${html}</section>`
  })
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeHtml(page.title)}</title>`,
    `<style>${page.charts.length > 0 ? chartsStyle() : ''}${STYLE}</style></head><body>`,
    patternDefinitions(),
    `<header><h1>${escapeHtml(page.title)}</h1><dl class="facts">${facts.join('')}</dl></header>`,
    `<main>${sections.join('\n')}</main>`,
    `<script type="application/json" id="data">${JSON.stringify(page.data).replace(/</g, '\\u003c')}</script>`,
    chartsScript(page.charts),
    '</body></html>',
    '',
  ].join('\n')
}

export interface Column {
  readonly title: string
  readonly isText?: boolean
}

/** Cells are text; one that begins with a share between 0 and 1 may be given a bar. */
export function tableHtml(columns: readonly Column[], rows: readonly (readonly (string | Bar)[])[]): string {
  const kind = (i: number): string => (columns[i]?.isText === true ? ' class="words"' : '')
  const head = columns.map(({ title }, i) => `<th${kind(i)}>${escapeHtml(title)}</th>`).join('')
  const body = rows.map((row) => `<tr>${row.map((cell, i) => `<td${kind(i)}>${cellHtml(cell)}</td>`).join('')}</tr>`)
  return `<div class="table"><table><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table></div>`
}

export interface Bar {
  readonly share: number
  readonly text: string
  readonly colour: string
}

function cellHtml(cell: string | Bar): string {
  if (typeof cell === 'string') return escapeHtml(cell)
  const width = `${(100 * Math.min(1, Math.max(0, cell.share))).toFixed(1)}%`
  const fill = `<i style="width:${width};background:${escapeHtml(cell.colour)}"></i>`
  return `<span class="bar">${fill}</span><span class="bar-text">${escapeHtml(cell.text)}</span>`
}

const STYLE = `
:root{--ink:#1e293b;--faint:#64748b;--line:#e2e8f0;--paper:#f8fafc;--card:#fff;--lane:#f1f5f9;--alarm:#dc2626}
@media (prefers-color-scheme:dark){:root{--ink:#e2e8f0;--faint:#94a3b8;--line:#334155;--paper:#0f172a;--card:#1e293b;
--lane:#172033;--alarm:#f87171}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:14px/1.5 system-ui,"DejaVu Sans",sans-serif}
header,main{max-width:1200px;margin:0 auto;padding:0 24px}
header{padding-top:28px}
h1{font-size:22px;margin:0 0 6px;letter-spacing:-.01em}
h2{font-size:16px;margin:0 0 4px}
p{margin:0 0 10px;color:var(--faint);max-width:90ch}
.facts{display:flex;flex-wrap:wrap;gap:2px 22px;margin:0;font-size:13px}
.facts div{display:flex;gap:6px}.facts dt{color:var(--faint)}
.facts dd{margin:0;font-variant-numeric:tabular-nums}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;margin:18px 0}
svg[role=img]{display:block;width:100%;height:auto;font-family:inherit}
svg text{fill:var(--ink);font-size:11px}
svg .tick,svg .faint{fill:var(--faint)}svg .tick{font-size:10px}
svg .lane{fill:var(--lane)}svg .lane.other{fill:transparent}
svg .lane-name{font-size:12px;font-weight:600}
svg .grid{stroke:var(--line);stroke-width:1}
svg .hop{stroke:var(--faint);stroke-width:1;stroke-dasharray:3 3}
svg .stage-name{paint-order:stroke;stroke:var(--card);stroke-width:3px;stroke-linejoin:round}
svg .stage-name.inside{fill:#fff;font-weight:600;stroke:none}
svg .stage:hover{opacity:.75}
svg .box{fill:var(--card);stroke-width:1.4}svg .box-title{font-size:14px;font-weight:600}
svg .gauge{fill:var(--line)}svg .flow{stroke:var(--faint);stroke-opacity:.5}svg .arrow{fill:var(--faint)}
svg .pipe:hover .flow{stroke-opacity:.9}svg .small{font-size:11px}svg .alarm{fill:var(--alarm);font-weight:600}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(440px,1fr));gap:18px}
.chart{margin:0;min-width:0}.chart figcaption{font-weight:600;font-size:13px;margin-bottom:2px}
.u-legend{font-size:11px;text-align:left}.u-legend .u-marker{border-radius:2px}
.u-legend th,.u-legend td{padding:1px 4px}
.table{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13px;font-variant-numeric:tabular-nums}
.table th,.table td{text-align:right;padding:3px 10px;border-bottom:1px solid var(--line);white-space:nowrap}
.table th{color:var(--faint);font-weight:500;font-size:12px}
.table .words{text-align:left}.table tr:last-child td{border-bottom:0}
.bar{display:inline-block;width:110px;height:9px;border-radius:5px;background:var(--line);overflow:hidden;
vertical-align:middle;margin-right:8px}
.bar i{display:block;height:100%}.bar-text{display:inline-block;min-width:52px}
.threads{display:grid;grid-template-columns:repeat(auto-fit,minmax(500px,1fr));gap:18px}
.threads h3{font-size:13px;margin:0 0 4px}.threads h3 small{font-weight:400;color:var(--faint)}
.threads .bar{width:56px}.threads .bar-text{min-width:40px}
.threads table{table-layout:fixed}.threads th:nth-child(1){width:33%}.threads th:nth-child(2){width:34%}
.threads th:nth-child(3){width:13%}.threads td.words{overflow:hidden;text-overflow:ellipsis}
.threads td,.threads th{padding:2px 6px}
.swatches{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:12px;color:var(--faint);margin:6px 0 0;padding:0}
.swatches svg{width:14px;height:14px;margin-right:5px;vertical-align:-2px}
.best{font-weight:600}
.answer{font-size:15px;color:var(--ink)}
pre{background:var(--lane);border-radius:6px;padding:10px 12px;overflow-x:auto;font-size:13px;margin:8px 0}
`

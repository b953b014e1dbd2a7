/**
 * Puts the rows of test/compat/rows into docs/COMPATIBILITY.md: `node dist/scripts/render-compatibility.js --write`
 * writes between the page's marks, without it prints. A test fails while the two differ.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { scriptOptions } from './support/script-options.js'
import { readAreas, rowProblems, type Area, type Row } from './compatibility-rows.js'

export const PAGE_PATH = 'docs/COMPATIBILITY.md'
const BEGIN = '<!-- Rendered by scripts/render-compatibility.ts from test/compat/rows. -->'
const END = '<!-- End of the rendering. -->'

/** The states as the summary counts them, without their reasons. */
const STATES = ['done', 'cluster', 'not observable', 'out of scope'] as const

export function renderAreas(areas: readonly Area[]): string {
  const total = areas.flatMap((area) => area.rows)
  return [
    `| area | ${STATES.join(' | ')} |`,
    `|---|${STATES.map(() => '---').join('|')}|`,
    ...areas.map((area) => `| [${area.heading}](#${anchorOf(area.heading)}) | ${counts(area.rows)} |`),
    `| all | ${counts(total)} |`,
    '',
    ...areas.flatMap(renderArea),
  ].join('\n')
}

function renderArea(area: Area): string[] {
  return [
    `### ${area.heading}`,
    '',
    ...(area.text === '' ? [] : [area.text, '']),
    '| what | where | state | test |',
    '|---|---|---|---|',
    ...area.rows.map((row) => `| \`${row.id}\` | ${cell(row.where)} | ${cell(row.state)} | ${testsOf(row)} |`),
    '',
  ]
}

function testsOf(row: Row): string {
  return row.tests
    .map(({ path, words }) => {
      const link = `[${path.replace(/^test\//, '').replace(/(?:\.test)?\.ts$/, '')}](../${path})`
      return words === '' ? link : `${link}: ${cell(words)}`
    })
    .join('; ')
}

function counts(rows: readonly Row[]): string {
  return STATES.map((state) => rows.filter((row) => row.state.split(':')[0] === state).length).join(' | ')
}

/** Text that a table of Markdown leaves as it is. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('*', '\\*')
}

function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')
}

/** The text between the marks of the page; null when a mark is missing. */
export function renderingIn(page: string): string | null {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  return begin < 0 || end < begin ? null : page.slice(begin + BEGIN.length + 1, end)
}

function main(): void {
  const { values } = scriptOptions({
    does: 'Checks the rows of what is compatible and prints them as docs/COMPATIBILITY.md has them.',
    options: { write: { type: 'switch', text: 'writes them there instead' } },
  })
  // The compiled script lies in dist/scripts.
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const areas = readAreas(root)
  const problems = rowProblems(root, areas)
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  if (problems.length > 0) process.exitCode = 1
  const rendered = renderAreas(areas)
  if (!values.write) {
    process.stdout.write(rendered)
    return
  }
  const path = join(root, PAGE_PATH)
  const page = readFileSync(path, 'utf8')
  const before = renderingIn(page)
  if (before === null) throw new Error(`${PAGE_PATH} lacks a mark: ${BEGIN} or ${END}`)
  const at = page.indexOf(BEGIN) + BEGIN.length + 1
  writeFileSync(path, page.slice(0, at) + rendered + page.slice(at + before.length))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()

/**
 * The rows of test/compat/rows: one for each thing that etcd's clients may rely on, with its state here and the test
 * that proves it. This file reads them and says what is wrong with them.
 *
 * A file is one area: lines that start with `#` (the first is its heading, the others a paragraph), the line of column
 * names, then a row a line, separated by tabs:
 *   id     what it is, once in all files
 *   where  where a client meets it
 *   state  done | cluster | not observable | out of scope: the reason
 *   test   `test/path.ts`, or `test/path.ts: words of the test's title`; several are separated by `; `
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROWS_PATH = 'test/compat/rows'

export interface Row {
  readonly id: string
  readonly where: string
  readonly state: string
  readonly tests: readonly TestReference[]
}

export interface TestReference {
  readonly path: string
  /** Words that the file must hold; empty when the whole file is meant. */
  readonly words: string
}

export interface Area {
  /** Of the repository. */
  readonly path: string
  readonly heading: string
  readonly text: string
  readonly rows: readonly Row[]
  /** Lines that are no rows. */
  readonly problems: readonly string[]
}

const COLUMNS = 'id\twhere\tstate\ttest'
const STATE = /^(?:done|cluster|not observable(?:: \S.*)?|out of scope: \S.*)$/

export function readAreas(root: string): Area[] {
  const folder = join(root, ROWS_PATH)
  const names = readdirSync(folder).filter((name) => name.endsWith('.tsv')).toSorted()
  return names.map((name) => parseArea(`${ROWS_PATH}/${name}`, readFileSync(join(folder, name), 'utf8')))
}

export function parseArea(path: string, text: string): Area {
  const lines = text.split('\n')
  const comments = lines.filter((line) => line.startsWith('#')).map((line) => line.replace(/^#\s*/, ''))
  const problems: string[] = []
  const rows: Row[] = []
  let hasColumns = false
  lines.forEach((line, index) => {
    if (line === '' || line.startsWith('#')) return
    const columns = line.split('\t')
    if (!hasColumns) {
      hasColumns = true
      if (line !== COLUMNS) problems.push(`${path}:${index + 1}: the first line is not ${JSON.stringify(COLUMNS)}`)
      return
    }
    if (columns.length !== 4) {
      problems.push(`${path}:${index + 1}: ${columns.length} columns instead of 4`)
      return
    }
    const [id, where, state, test] = columns as [string, string, string, string]
    rows.push({ id, where, state, tests: parseTests(test) })
  })
  const fallback = (path.split('/').at(-1) ?? path).replace(/\.tsv$/, '')
  return { path, heading: comments[0] ?? fallback, text: comments.slice(1).join(' '), rows, problems }
}

function parseTests(text: string): TestReference[] {
  return text
    .split('; ')
    .map((part) => part.trim())
    .filter((part) => part !== '' && part !== '-')
    .map((part) => {
      const colon = part.indexOf(': ')
      return colon < 0 ? { path: part, words: '' } : { path: part.slice(0, colon), words: part.slice(colon + 2) }
    })
}

/** Everything that is wrong with the rows, as lines for a reader. */
export function rowProblems(root: string, areas: readonly Area[]): string[] {
  const seen = new Map<string, string>()
  const texts = new Map<string, string | null>()
  const textOf = (path: string): string | null => {
    if (!texts.has(path)) texts.set(path, existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : null)
    return texts.get(path) ?? null
  }
  return areas.flatMap((area) => [
    ...area.problems,
    ...area.rows.flatMap((row) => {
      const found = problemsOf(row, textOf)
      const before = seen.get(row.id)
      if (before !== undefined) found.push(`has a row in ${before} already`)
      seen.set(row.id, area.path)
      return found.map((problem) => `${area.path}: ${row.id === '' ? 'a row without id' : row.id}: ${problem}`)
    }),
  ])
}

function problemsOf(row: Row, textOf: (path: string) => string | null): string[] {
  const problems: string[] = []
  if (row.id === '') problems.push('no id')
  if (row.where === '') problems.push('does not say where it is met')
  if (!STATE.test(row.state)) problems.push(`names no state: ${JSON.stringify(row.state)}`)
  if (row.state === 'done' && row.tests.length === 0) problems.push('is done and names no test')
  for (const { path, words } of row.tests) {
    const text = path.startsWith('test/') && path.endsWith('.ts') ? textOf(path) : null
    if (text === null) problems.push(`there is no test ${path}`)
    else if (!text.includes(words)) problems.push(`${path} has no ${JSON.stringify(words)}`)
  }
  return problems
}

/** What the page of supported things says is true of the rows, and what the rows say is true of the tests. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseArea, readAreas, rowProblems } from '../../scripts/compatibility-rows.js'
import { PAGE_PATH, renderAreas, renderingIn } from '../../scripts/render-compatibility.js'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const THIS = 'test/scripts/compatibility.test.ts'
const COLUMNS = 'id\twhere\tstate\ttest'

function problemsOf(...rows: readonly string[]): string[] {
  return rowProblems(ROOT, [parseArea('rows/x.tsv', [COLUMNS, ...rows, ''].join('\n'))])
}

test('every row names a state, and a test that exists', () => {
  assert.deepEqual(rowProblems(ROOT, readAreas(ROOT)), [])
})

test('the page shows the rows', () => {
  const page = readFileSync(join(ROOT, PAGE_PATH), 'utf8')
  const isSame = renderingIn(page) === renderAreas(readAreas(ROOT))
  assert.ok(isSame, 'the page is out of date: node dist/scripts/render-compatibility.js --write')
})

test('a row is right with a state and its test', () => {
  assert.deepEqual(problemsOf(`a\tsomewhere\tdone\t${THIS}`), [])
  assert.deepEqual(problemsOf(`a\tsomewhere\tdone\t${THIS}: the page shows the rows; ${THIS}`), [])
  assert.deepEqual(problemsOf('a\tsomewhere\tcluster\t'), [])
  assert.deepEqual(problemsOf('a\tsomewhere\tnot observable\t-'), [])
  assert.deepEqual(problemsOf('a\tsomewhere\tout of scope: another program\t'), [])
})

test('a row without a state, without a test, or with one that is not there, is named', () => {
  assert.match(problemsOf(`a\tsomewhere\t\t${THIS}`)[0] ?? '', /rows\/x\.tsv: a: names no state/)
  assert.match(problemsOf(`a\tsomewhere\tsoon\t${THIS}`)[0] ?? '', /names no state: "soon"/)
  assert.match(problemsOf('a\tsomewhere\tout of scope\t')[0] ?? '', /names no state/)
  assert.match(problemsOf('a\tsomewhere\tdone\t')[0] ?? '', /is done and names no test/)
  assert.match(problemsOf('a\tsomewhere\tdone\ttest/nowhere.test.ts')[0] ?? '', /there is no test test\/nowhere/)
  assert.match(problemsOf(`a\tsomewhere\tdone\t${THIS}: ${'never '.repeat(2)}`)[0] ?? '', /has no "never/)
})

test('a row comes once, and has four columns', () => {
  assert.match(problemsOf('a\tx\tcluster\t', 'a\ty\tcluster\t')[0] ?? '', /has a row in rows\/x\.tsv already/)
  assert.match(problemsOf('a\tx\tcluster')[0] ?? '', /rows\/x\.tsv:2: 3 columns/)
  const area = parseArea('rows/x.tsv', 'id\tstate\n')
  assert.match(area.problems[0] ?? '', /the first line is not/)
})

test('lines before the columns are the heading and a paragraph', () => {
  const area = parseArea('rows/x.tsv', `# Things\n# That are\n# known.\n${COLUMNS}\na\t<b>|c\tcluster\t\n`)
  assert.equal(area.heading, 'Things')
  assert.equal(area.text, 'That are known.')
  const rendered = renderAreas([area])
  assert.match(rendered, /^\| \[Things\]\(#things\) \| 0 \| 1 \| 0 \| 0 \|$/m)
  assert.match(rendered, /^\| `a` \| &lt;b>\\\|c \| cluster \| {2}\|$/m)
})

/** The scenarios of test/scenarios/raft print what they did when they were reviewed. */

import { test } from 'node:test'
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runScenario } from './scenario-runner.js'

/** From dist/test/raft. With UPDATE=1 the files are rewritten, to be reviewed as prose. */
const FOLDER = fileURLToPath(new URL('../../../test/scenarios/raft', import.meta.url))
const UPDATE = process.env['UPDATE'] === '1'

for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.txt')).toSorted()) {
  const path = join(FOLDER, name)
  const expected = readFileSync(path, 'utf8')
  const title = expected.slice(0, expected.indexOf('\n')).replace(/^#\s*/, '')
  test(`${name}: ${title}`, () => {
    const actual = runScenario(expected)
    if (UPDATE) writeFileSync(path, actual)
    else assert.equal(actual, expected)
  })
}

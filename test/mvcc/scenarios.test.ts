/**
 * Every story of test/scenarios/mvcc, told by the actor. UPDATE=1 writes what it says into the files, to be read as
 * prose.
 */

import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { MvccRig } from './support/mvcc-rig.js'
import { ScenarioRunner } from './support/scenario-runner.js'
import { parseScenario, printScenario } from './support/scenario-text.js'

/** Compiled tests lie in dist/test/mvcc; scenarios stay where they were written. */
const ROOT = resolve(fileURLToPath(new URL('.', import.meta.url)), '../../..')
const DIRECTORY = join(ROOT, 'test/scenarios/mvcc')

for (const file of readdirSync(DIRECTORY).filter((name) => name.endsWith('.txt')).sort()) {
  test(`the story of ${file} goes as written`, () => {
    const path = join(DIRECTORY, file)
    const text = readFileSync(path, 'utf8')
    const rig = new MvccRig()
    const runner = new ScenarioRunner(rig)
    const told = parseScenario(text).map((step) => ({ step, actual: runner.run(step.command) }))
    rig.close()
    const printed = printScenario(told)
    if (process.env['UPDATE'] === '1') writeFileSync(path, printed)
    else assert.equal(printed, text)
  })
}

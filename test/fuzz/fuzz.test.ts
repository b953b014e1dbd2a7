/** Cases of every target from a fixed seed: few of those that need sockets, a thousand and more of the others. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCases } from './run-cases.js'
import { TARGETS } from './targets/targets.js'

const SEED = 20_261_129
const CASES = 1500
const NODE_CASES = 40

for (const { name } of TARGETS) {
  const count = name === 'node' ? NODE_CASES : CASES
  test(`${count} damaged inputs for ${name} are answered`, async () => {
    const progress = new SharedArrayBuffer(4)
    const report = await runCases({ target: name, seed: SEED, from: 0, count, progress, msMax: Infinity })
    assert.ok(report.ok, report.ok ? '' : `--target ${name} --seed ${SEED} --from ${report.index}\n${report.stack}`)
    assert.equal(report.cases, count)
  })
}

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

/** As much as a target may grow, twice over. */
const MIB = 1024 * 1024
const LEAKED_BYTES = 64 * MIB

for (const [how, count, msMax] of [['cases', 200, Infinity], ['time', Number.MAX_SAFE_INTEGER, 1000]] as const) {
  test(`memory that cases leave behind is seen when ${how} end a run`, async () => {
    const kept: Buffer[] = []
    const startedMs = performance.now()
    let cases = 0
    // A run takes its first look at memory after a fifth of its cases or of its time.
    const isWarm = (): boolean =>
      msMax === Infinity ? cases > count / 4 : performance.now() - startedMs > msMax / 2
    const run = (): void => {
      cases++
      if (isWarm() && kept.length < LEAKED_BYTES / MIB) kept.push(Buffer.alloc(MIB))
    }
    const spec = { name: 'leak', share: 1, build: () => ({ run }) }
    const progress = new SharedArrayBuffer(4)
    const report = await runCases({ target: 'leak', seed: SEED, from: 0, count, progress, msMax }, [spec])
    assert.ok(report.ok)
    assert.equal(kept.length, LEAKED_BYTES / MIB)
    assert.ok(Math.abs(report.grownBytes - LEAKED_BYTES) < 8 * MIB, `${report.grownBytes} bytes`)
    // What this run left would be taken for memory that the next one gives back.
    kept.length = 0
  })
}

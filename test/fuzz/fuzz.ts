/**
 * The fuzzer: `npm run fuzz -- --seed N --cases N --target T --seconds S`. Without a target all take part, each with
 * its share of the cases. A failure prints the line that repeats it alone.
 */

import { Worker } from 'node:worker_threads'
import { scriptOptions } from '../../scripts/support/script-options.js'
import type { FuzzReport, FuzzStart } from './fuzz-target.js'
import { TARGETS, type TargetSpec } from './targets/targets.js'

/** A case that takes longer hangs. */
const HANG_MS = 60_000
const LOOK_MS = 1000
const GROWTH_BYTES_MAX = 32 * 1024 * 1024
const TARGET_TEXT = `one alone of ${TARGETS.map(({ name }) => name).join(', ')}`

interface Plan {
  readonly seed: number
  readonly from: number
  readonly msMax: number
}

async function main(): Promise<void> {
  const { values } = scriptOptions({
    command: 'npm run fuzz --',
    does: 'Inputs that know the format, most of them damaged, for everything that reads what comes from outside.',
    options: {
      seed: { type: 'count', default: Date.now() % 1_000_000_000, shown: 'new each time', text: 'repeats a run' },
      cases: { type: 'count', default: 100_000, min: 1, text: 'of all targets together' },
      target: { type: 'text', choices: TARGETS.map(({ name }) => name), value: 'NAME', text: TARGET_TEXT },
      seconds: { type: 'number', default: 0, text: 'goes by time, not by cases; 0 does not' },
      from: { type: 'count', default: 0, text: 'the case to begin with' },
    },
  })
  const chosen = TARGETS.filter(({ name }) => values.target === null || name === values.target)
  const shares = chosen.reduce((sum, { share }) => sum + share, 0)
  const { seconds } = values
  let failed = 0
  for (const spec of chosen) {
    const count = Math.max(1, Math.round((values.cases * spec.share) / shares))
    const msMax = seconds > 0 ? (seconds * 1000 * spec.share) / shares : Infinity
    const isGood = await fuzz(spec, seconds > 0 ? Number.MAX_SAFE_INTEGER : count, {
      seed: values.seed,
      from: values.from,
      msMax,
    })
    if (!isGood) failed++
  }
  console.log(`${chosen.length - failed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}

async function fuzz({ name }: TargetSpec, count: number, { seed, from, msMax }: Plan): Promise<boolean> {
  const progress = new SharedArrayBuffer(4)
  const start: FuzzStart = { target: name, seed, from, count, progress, msMax }
  const report = await runOnThread(start)
  const repeat = (index: number): string => `npm run fuzz -- --target ${name} --seed ${seed} --from ${index} --cases 1`
  if (report === 'hangs') {
    const index = from + Atomics.load(new Int32Array(progress), 0)
    console.log(`FAILED  ${name}: case ${index} takes more than ${HANG_MS} ms: ${repeat(index)}`)
    return false
  }
  if (!report.ok) {
    console.log(`FAILED  ${name}: ${repeat(report.index)}\n${report.stack}`)
    return false
  }
  const { cases, ms, grownBytes } = report
  const grownMiB = (grownBytes / 1024 / 1024).toFixed(1)
  console.log(
    `${name.padEnd(9)} seed ${seed}: ${cases} cases in ${(ms / 1000).toFixed(1)} s, ` +
      `${Math.round((cases / ms) * 1000)} a second, memory ${grownMiB} MiB`,
  )
  if (grownBytes <= GROWTH_BYTES_MAX) return true
  console.log(`FAILED  ${name}: memory grew by ${grownMiB} MiB`)
  return false
}

function runOnThread(start: FuzzStart): Promise<FuzzReport | 'hangs'> {
  const worker = new Worker(new URL('./fuzz.worker.js', import.meta.url), { workerData: start })
  const done = new Int32Array(start.progress)
  let seen = -1
  let seenAt = performance.now()
  return new Promise((resolve, reject) => {
    const watcher = setInterval(() => {
      const now = Atomics.load(done, 0)
      if (now !== seen) {
        seen = now
        seenAt = performance.now()
      } else if (performance.now() - seenAt > HANG_MS) {
        finish()
        resolve('hangs')
      }
    }, LOOK_MS)
    const finish = (): void => {
      clearInterval(watcher)
      void worker.terminate()
    }
    worker.once('message', (report: FuzzReport) => {
      finish()
      resolve(report)
    })
    worker.once('error', (error) => {
      finish()
      reject(error)
    })
  })
}

await main()

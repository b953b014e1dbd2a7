/** Cases one after another, until one fails, time is up or all are done; and how much memory they left behind. */

import v8 from 'node:v8'
import vm from 'node:vm'
import { assert } from '../../src/base/assert.js'
import { randomOf, type FuzzReport, type FuzzStart } from './fuzz-target.js'
import { TARGETS, type TargetSpec } from './targets/targets.js'

/** Code is compiled and tables have their size after this part of the cases, or of the time. */
const WARM_UP = 0.2

v8.setFlagsFromString('--expose-gc')
const collectGarbage = vm.runInNewContext('gc') as () => void

export async function runCases(start: FuzzStart, targets: readonly TargetSpec[] = TARGETS): Promise<FuzzReport> {
  const { target: name, seed, from, count, msMax } = start
  const progress = new Int32Array(start.progress)
  const spec = targets.find((target) => target.name === name)
  if (spec === undefined) throw new Error(`no target ${name}`)
  const target = await spec.build()
  const startedAt = performance.now()
  const isWarm = (done: number): boolean =>
    done >= Math.floor(count * WARM_UP) || performance.now() - startedAt >= msMax * WARM_UP
  let warmBytes = 0
  let index = from
  // What is refused is refused with an error object: its stack would cost more than the case.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    for (; index < from + count; index++) {
      if (warmBytes === 0 && isWarm(index - from)) warmBytes = usedBytes()
      const running = target.run(randomOf(seed, name, index))
      if (running !== undefined) await running
      Atomics.add(progress, 0, 1)
      if (warmBytes > 0 && (index & 63) === 0 && performance.now() - startedAt > msMax) break
    }
    await target.finish?.()
  } catch (error) {
    Error.stackTraceLimit = stackTraceLimit
    await target.close?.()
    return { ok: false, index, stack: (await stackOf(spec, start, index)) ?? String(error) }
  }
  Error.stackTraceLimit = stackTraceLimit
  await target.close?.()
  assert(warmBytes > 0, 'memory was looked at when the target was warm')
  const grownBytes = usedBytes() - warmBytes
  return { ok: true, cases: Math.min(index, from + count) - from, ms: performance.now() - startedAt, grownBytes }
}

/** Tries a failed case alone, now with the stack; null when it takes those before it to fail. */
async function stackOf({ name, build }: TargetSpec, { seed }: FuzzStart, index: number): Promise<string | null> {
  const target = await build()
  try {
    await target.run(randomOf(seed, name, index))
    await target.finish?.()
    return null
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  } finally {
    await target.close?.()
  }
}

function usedBytes(): number {
  collectGarbage()
  // Buffers are freed beside the first; the second finds that done.
  collectGarbage()
  const { used_heap_size, external_memory } = v8.getHeapStatistics() as v8.HeapInfo & { external_memory: number }
  return used_heap_size + external_memory
}

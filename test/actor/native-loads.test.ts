/** A process that ends while its threads load native packages: real processes, whose threads take their time. */

import { strict as assert } from 'node:assert'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { temporaryDirectory } from '../support/temporary-directory.js'

const NATIVE_LOADS = new URL('../../src/actor/threads/native-loads.js', import.meta.url).href

const directory = temporaryDirectory()
after(() => directory.remove())

/** Threads that say when they are in the middle of a load; `late` begins one only once the process ends. */
const PROGRAM = `
  import { Worker } from 'node:worker_threads'
  import { shareNativeLoads } from '${NATIVE_LOADS}'

  const threadText = (begins) => \`
    import('node:worker_threads').then(async ({ parentPort }) => {
      const { writeSync } = await import('node:fs')
      const { nativeLoadBegins, nativeLoadEnds } = await import('${NATIVE_LOADS}')
      const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
      \${begins}
    })\`
  const spawn = (text) => {
    const worker = new Worker(threadText(text), { eval: true })
    return new Promise((resolve) => worker.once('message', resolve))
  }
  shareNativeLoads()
  const slow = \`
    nativeLoadBegins()
    parentPort.postMessage('loading')
    pause(400)
    writeSync(1, 'loaded ')
    nativeLoadEnds()\`
  const late = \`
    parentPort.postMessage('here')
    pause(200)
    writeSync(1, 'late ')
    nativeLoadBegins()
    writeSync(1, 'never ')
    nativeLoadEnds()\`
  await Promise.all([spawn(slow), spawn(slow), spawn(late)])
  process.exit(7)
`

test('a process ends once its threads have loaded, and none begins to load after that', () => {
  const run = spawnSync(process.execPath, ['--input-type=module', '--eval', PROGRAM], { encoding: 'utf8' })
  assert.equal(run.stderr, '')
  assert.equal(run.status, 7)
  assert.equal(run.stdout, 'late loaded loaded ')
})

test('a process that ends in the middle of a start keeps its exit code', () => {
  const storeUrl = new URL('../../src/store/lmdb-store.js', import.meta.url).href
  const main = directory.path('main.mjs')
  // Says when all modules have been fetched and those of lmdb are to be evaluated.
  const begins = "import { parentPort } from 'node:worker_threads'; parentPort.postMessage('begins')"
  writeFileSync(directory.path('begins.mjs'), begins)
  writeFileSync(directory.path('thread.mjs'), `import './begins.mjs'; import '${storeUrl}'`)
  writeFileSync(main, `
    import { Worker } from 'node:worker_threads'
    import { shareNativeLoads } from '${NATIVE_LOADS}'
    shareNativeLoads()
    for (let i = 0; i < 4; i++)
      new Worker(new URL('thread.mjs', import.meta.url))
        .once('message', () => setTimeout(() => process.exit(3), Number(process.argv[2])))`)
  for (let afterMs = 0; afterMs < 20; afterMs++) {
    const run = spawnSync(process.execPath, [main, String(afterMs)], { encoding: 'utf8' })
    assert.equal(run.stderr, '')
    assert.equal(run.status, 3, `signal ${run.signal}`)
  }
})

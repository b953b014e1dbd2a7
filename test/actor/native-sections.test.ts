/** A process that ends while its threads are where they must not be ended: real processes that take their time. */

import { strict as assert } from 'node:assert'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { temporaryDirectory } from '../support/temporary-directory.js'

const NATIVE_SECTIONS = new URL('../../src/actor/threads/native-sections.js', import.meta.url).href

const directory = temporaryDirectory()
after(() => directory.remove())

/** Threads that say when they are in the middle of a load; `late` begins one only once the process ends. */
const PROGRAM = `
  import { Worker } from 'node:worker_threads'
  import { shareNativeSections } from '${NATIVE_SECTIONS}'

  const threadText = (begins) => \`
    import('node:worker_threads').then(async ({ parentPort }) => {
      const { writeSync } = await import('node:fs')
      const { nativeSectionBegins, nativeSectionEnds } = await import('${NATIVE_SECTIONS}')
      const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
      \${begins}
    })\`
  const spawn = (text) => {
    const worker = new Worker(threadText(text), { eval: true })
    return new Promise((resolve) => worker.once('message', resolve))
  }
  shareNativeSections()
  const slow = \`
    nativeSectionBegins()
    parentPort.postMessage('loading')
    pause(400)
    writeSync(1, 'loaded ')
    nativeSectionEnds()\`
  const late = \`
    parentPort.postMessage('here')
    pause(200)
    writeSync(1, 'late ')
    nativeSectionBegins()
    writeSync(1, 'never ')
    nativeSectionEnds()\`
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
    import { shareNativeSections } from '${NATIVE_SECTIONS}'
    shareNativeSections()
    for (let i = 0; i < 4; i++)
      new Worker(new URL('thread.mjs', import.meta.url))
        .once('message', () => setTimeout(() => process.exit(3), Number(process.argv[2])))`)
  for (let afterMs = 0; afterMs < 20; afterMs++) {
    const run = spawnSync(process.execPath, [main, String(afterMs)], { encoding: 'utf8' })
    assert.equal(run.stderr, '')
    assert.equal(run.status, 3, `signal ${run.signal}`)
  }
})

test('a process that ends while a thread has a transaction open waits for it, and keeps its exit code', () => {
  const storeUrl = new URL('../../src/store/lmdb-store.js', import.meta.url).href
  const main = directory.path('open-transaction.mjs')
  writeFileSync(directory.path('writer.mjs'), `
    import { parentPort, workerData } from 'node:worker_threads'
    import { openLmdbStore } from '${storeUrl}'
    const store = openLmdbStore({ path: workerData, mapSizeBytes: 2 ** 30 })
    for (;;) store.transact(() => undefined, () => {
      parentPort.postMessage('open')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
      return true
    })`)
  writeFileSync(main, `
    import { Worker } from 'node:worker_threads'
    import { shareNativeSections } from '${NATIVE_SECTIONS}'
    shareNativeSections()
    const writer = new Worker(new URL('writer.mjs', import.meta.url), { workerData: process.argv[2] })
    writer.once('message', () => process.exit(5))`)
  const run = spawnSync(process.execPath, [main, directory.path('db')], { encoding: 'utf8', timeout: 30_000 })
  assert.deepEqual([run.stderr, run.status, run.signal], ['', 5, null])
})

/**
 * The reports of raftringctl in a real browser: made of a real server under load, opened in Chromium, looked at as a
 * person would. `SCREENSHOT=file.png` keeps what it looked like.
 */

import { strict as assert } from 'node:assert'
import { execFile } from 'node:child_process'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Browser } from 'playwright-core'
import { GrpcLoad } from '../../src/ctl/load/grpc-load.js'
import { puts, ranges } from '../../src/ctl/load/kv-requests.js'
import { WRITE_STAGES } from '../../src/metrics/stage-histogram.js'
import { scriptOptions } from '../../scripts/support/script-options.js'
import { Report } from '../support/report.js'
import { ServerProcess } from '../support/server-process.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { benchPage, tunePage } from './made-up-reports.js'
import { clashingTexts, launchBrowser, openReport, type OpenReport } from './open-page.js'

const run = promisify(execFile)
const MAIN = fileURLToPath(new URL('../../src/ctl/main.js', import.meta.url))
const PORT = 21_490
const THREADS = ['front-0', 'raft', 'peer', 'wal', 'mvcc']

async function main(): Promise<void> {
  scriptOptions({ does: 'The reports of raftringctl in Chromium; SCREENSHOT=FILE.png keeps what they looked like.' })
  const report = new Report()
  const directory = temporaryDirectory()
  const out = directory.path('profile')
  const output = await profileUnderLoad(directory.path('data'), out)
  await report.check('raftringctl profile says what it found and where it is', () => {
    assert.match(output, /Writes: .*p50 .*p99/u)
    for (const thread of THREADS) assert.ok(output.includes(`${out}/${thread}.cpuprofile`), output)
    assert.ok(output.includes(`${out}/report.html`))
    const files = [...THREADS.map((thread) => `${thread}.cpuprofile`), 'report.html']
    assert.deepEqual(readdirSync(out).sort(), files.sort())
  })
  for (const thread of THREADS) {
    await report.check(`the CPU profile of ${thread} is what V8's viewers open`, () => {
      const { nodes, samples, timeDeltas, startTime, endTime } = JSON.parse(
        readFileSync(`${out}/${thread}.cpuprofile`, 'utf8')) as Record<string, unknown[] & number>
      assert.ok((nodes?.length ?? 0) > 10 && (samples?.length ?? 0) > 100 && samples?.length === timeDeltas?.length)
      assert.ok((endTime as number) > (startTime as number))
    })
  }
  const browser = await launchBrowser()
  try {
    await checkReport(report, browser, `${out}/report.html`)
    await checkOther(report, browser, 'of raftringctl tune', directory.path('tune.html'), tunePage(), 3, 0)
    await checkOther(report, browser, 'of benchmarks', directory.path('bench.html'), benchPage(), 3, 8)
  } finally {
    await browser.close()
    directory.remove()
  }
  report.end()
}

async function profileUnderLoad(dataDir: string, out: string): Promise<string> {
  const flags = ['--enable-pprof']
  const server = await ServerProcess.start({ kind: 'raftring', dataDir, clientPort: PORT, peerPort: PORT + 1, flags })
  const keys = { prefix: 'report/', keys: 1000 }
  const writers = await GrpcLoad.start({ port: PORT, clients: 32, generator: puts({ ...keys, valueBytes: 256 }) })
  const readers = await GrpcLoad.start({ port: PORT, clients: 4, generator: ranges({ ...keys, serializable: false }) })
  try {
    await Promise.all([writers.begin(), readers.begin()])
    const flags_ = [`--endpoints=${server.endpoint}`, '--seconds=4', `--out=${out}`]
    return (await run(process.execPath, [MAIN, 'profile', ...flags_])).stdout
  } finally {
    await Promise.all([writers.end(), readers.end()])
    await server.stop()
  }
}

async function checkReport(report: Report, browser: Browser, file: string): Promise<void> {
  const open = await openReport(browser, file)
  const { page } = open
  const screenshot = process.env['SCREENSHOT'] ?? ''
  if (screenshot !== '') await page.screenshot({ path: screenshot, fullPage: true })
  await checkPictures(report, open)
  await checkCharts(report, open)
  await report.check('the figures behind the page can be read by programs', async () => {
    const found = await page.evaluate<{ stages: { stage: string }[]; requests: number }>(
      `(() => { const data = JSON.parse(document.getElementById('data').textContent)
        return { stages: data.view.stages, requests: data.requests.length } })()`)
    assert.ok(found.requests > 100)
    assert.ok(WRITE_STAGES.every((name) => found.stages.some(({ stage }) => stage === name)))
  })
  await report.check('there is a table of what each thread computed', async () => {
    const titles = await page.locator('.threads h3').allTextContents()
    assert.deepEqual(titles.map((title) => title.split(' ')[0]), THREADS)
    assert.ok((await page.locator('.threads tbody tr').count()) >= 20)
  })
  await report.check('it fits a narrow window, too', async () => {
    await page.setViewportSize({ width: 700, height: 900 })
    const excess = await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth')
    assert.ok(excess <= 0, `${excess} pixels too wide`)
  })
  await page.close()
  const dark = await openReport(browser, file, { colorScheme: 'dark' })
  await report.check('in the dark, paper is dark and ink is light', async () => {
    const [paper, ink] = await dark.page.evaluate<[string, string]>(
      '[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]')
    assert.ok(lightness(paper) < 60 && lightness(ink) > 180, `${paper} ${ink}`)
  })
  await dark.page.close()
}

/** Pages that are made of figures alone. */
async function checkOther(
  report: Report, browser: Browser, name: string, file: string, html: string, pictures: number, charts: number,
): Promise<void> {
  writeFileSync(file, html)
  const { page, problems, requests } = await openReport(browser, file)
  await report.check(`the page ${name} needs nothing but itself and complains of nothing`, () => {
    assert.deepEqual([problems, requests], [[], []])
  })
  await report.check(`the page ${name} has its pictures and plots`, async () => {
    assert.equal(await page.locator('svg[role=img]').count(), pictures)
    assert.equal(await page.locator('.chart canvas').count(), charts)
  })
  for (let picture = 0; picture < pictures; picture++) {
    await report.check(`no word stands on another in picture ${picture + 1} of the page ${name}`, async () => {
      assert.deepEqual(await clashingTexts(page, picture), [])
    })
  }
  await page.close()
}

async function checkPictures(report: Report, { page, problems, requests }: OpenReport): Promise<void> {
  await report.check('the page needs nothing but itself and complains of nothing', () => {
    assert.deepEqual([problems, requests], [[], []])
  })
  await report.check('a write is drawn in stages whose widths are their times', async () => {
    const widths = await page.evaluate<[string, number][]>(`[...document.querySelector('svg[role=img]')
      .querySelectorAll('rect.stage')].map((rect) => [rect.querySelector('title').textContent.split(':')[0],
      rect.getBoundingClientRect().width])`)
    const means = await page.evaluate<[string, number][]>(`JSON.parse(document.getElementById('data').textContent)
      .view.stages.map(({ stage, meanMs }) => [stage, meanMs])`)
    const meanOf = new Map(means)
    const drawn = widths.filter(([, width]) => width > 10)
    assert.ok(drawn.length >= 4, `${drawn.length} stages can be seen`)
    const perMs = drawn.map(([stage, width]) => width / (meanOf.get(stage) ?? NaN))
    assert.ok(Math.max(...perMs) / Math.min(...perMs) < 1.02, `${perMs.join(' ')}`)
  })
  await report.check('threads, rings and batches are drawn', async () => {
    const texts = (await page.locator('svg[role=img] >> nth=1').allTextContents()).join('')
    for (const word of ['front', 'raft', 'wal', 'mvcc', 'entries of a write', 'entries of a transaction', 'at once']) {
      assert.ok(texts.includes(word), word)
    }
    assert.equal(await page.locator('svg[role=img] >> nth=1 >> .pipe').count(), 5)
  })
  for (const [picture, name] of ['the way of a write', 'threads and rings', 'single writes'].entries()) {
    await report.check(`no word stands on another in the picture of ${name}`, async () => {
      assert.deepEqual(await clashingTexts(page, picture), [])
    })
  }
  await report.check('single writes are drawn, slower ones below', async () => {
    const names = await page.locator('svg[role=img] >> nth=2 >> text.small').allTextContents()
    for (const name of ['p50', 'p90', 'p99', 'the slowest']) assert.ok(names.includes(name), name)
  })
}

async function checkCharts(report: Report, { page }: OpenReport): Promise<void> {
  const canvases = page.locator('.chart canvas')
  await report.check('every chart is drawn, in ink', async () => {
    assert.equal(await canvases.count(), 6)
    const inked = await page.evaluate<number[]>(`[...document.querySelectorAll('.chart canvas')].map((canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
      let inked = 0
      for (let at = 3; at < data.length; at += 4) if (data[at] > 0) inked++
      return inked / (data.length / 4)
    })`)
    assert.ok(inked.every((share) => share > 0.01), inked.join(' '))
  })
  await report.check('a pointer over a chart reads its values', async () => {
    await page.locator('.chart .u-over').first().hover()
    const values = await page.locator('.chart >> nth=0 >> .u-value').allTextContents()
    assert.ok(values.length >= 2 && values.every((value) => /\d/u.test(value)), values.join(' '))
  })
}

function lightness(colour: string): number {
  const [red = 0, green = 0, blue = 0] = (colour.match(/\d+/gu) ?? []).map(Number)
  return (red + green + blue) / 3
}

await main()

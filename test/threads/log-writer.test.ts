/** The log writer's thread with a pipe whose reader stops: it alone waits, lines are lost and counted, none is torn. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readdirSync, readFileSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import type { LogWriterStart } from '../../src/actor/log/log-writer.js'
import { LOG_RING_BYTES, RingLogger } from '../../src/metrics/logger.js'
import { Doorbell, allocateDoorbell } from '../../src/ring/doorbell.js'
import { allocateRing } from '../../src/ring/ring-layout.js'
import { inWorker } from './in-worker.js'

interface Rig {
  readonly loggers: readonly RingLogger[]
  /** What is in the pipe now, without waiting for more. */
  drainPipe(): string
  readonly ended: Promise<string>
  stop(): void
}

/** Two threads' loggers and a writer thread that writes into a named pipe. */
async function withWriter(use: (rig: Rig) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'log-writer-'))
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  const reading = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK)
  const writing = openSync(pipe, constants.O_WRONLY)
  const rings = [allocateRing(LOG_RING_BYTES), allocateRing(LOG_RING_BYTES)]
  const doorbell = allocateDoorbell()
  const control = new SharedArrayBuffer(8)
  const start: LogWriterStart = { rings, doorbell, control, sinks: [{ kind: 'descriptor', descriptor: writing }] }
  const ended = inWorker<string>('log-writer', start)
  const stop = (): void => {
    Atomics.store(new Int32Array(control), 0, 1)
    new Doorbell(doorbell).ring()
  }
  const loggers = rings.map((ring) => new RingLogger({ ring, doorbell, level: 'info', wallMs: () => 0 }))
  try {
    await use({ loggers, drainPipe: () => drain(reading), ended, stop })
  } finally {
    stop()
    closeSync(reading)
    closeSync(writing)
    rmSync(folder, { recursive: true })
  }
}

function drain(descriptor: number): string {
  const parts: Buffer[] = []
  for (;;) {
    const part = Buffer.alloc(65_536)
    let length = 0
    try {
      length = readSync(descriptor, part)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
    if (length === 0) return Buffer.concat(parts).toString('utf8')
    parts.push(part.subarray(0, length))
  }
}

/** Reads the pipe again and again, giving way in between, until the writer thread has ended. */
async function drainUntilEnded(rig: Rig): Promise<string> {
  let ended = false
  void rig.ended.then(() => {
    ended = true
  })
  let text = ''
  while (!ended) {
    text += rig.drainPipe()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return text + rig.drainPipe()
}

interface Line {
  readonly caller: string
  readonly i: number
  readonly droppedLines?: number
}

test('a stopped log reader never delays a logging thread, and every line that arrives is whole', () =>
  withWriter(async (rig) => {
    const count = 20_000
    const startedMs = performance.now()
    for (let i = 0; i < count; i++) {
      rig.loggers.forEach((logger, thread) => logger.info(`thread ${thread}`, 'line', { i }))
    }
    const tookMs = performance.now() - startedMs
    // Nobody reads the pipe, which holds 64 KiB: the writer thread hangs, the loggers did not.
    assert.ok(tookMs < 5000, `${tookMs} ms`)
    const first = rig.drainPipe()
    assert.ok(first.length > 0)
    rig.stop()
    const lines = (first + (await drainUntilEnded(rig))).trimEnd().split('\n').map((line) => JSON.parse(line) as Line)
    for (const thread of ['thread 0', 'thread 1']) {
      const own = lines.filter(({ caller }) => caller === thread)
      assert.ok(own.length > 0 && own.length < count)
      assertCounted(own)
    }
  }))

/** Wherever lines are missing, the next one says how many. */
function assertCounted(lines: readonly Line[]): void {
  let expected = 0
  for (const { i, droppedLines } of lines) {
    assert.equal(i, expected + (droppedLines ?? 0))
    expected = i + 1
  }
}

test('every output gets every line, and a file that rotates loses none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'log-writer-'))
  const [plain, turned] = [join(folder, 'plain.log'), join(folder, 'turned.log')]
  const rotation = { bytesMax: 300_000, ageDaysMax: 0, backupsMax: 0, localTime: false, compress: true }
  const [ring, doorbell, control] = [allocateRing(LOG_RING_BYTES), allocateDoorbell(), new SharedArrayBuffer(8)]
  const start: LogWriterStart = {
    rings: [ring],
    doorbell,
    control,
    sinks: [
      { kind: 'descriptor', descriptor: openSync(plain, 'a') },
      { kind: 'rotating', path: turned, rotation },
    ],
  }
  const ended = inWorker<string>('log-writer', start)
  const logger = new RingLogger({ ring, doorbell, level: 'info', wallMs: () => 0 })
  const compressed = (): string[] => readdirSync(folder).filter((name) => name.endsWith('.gz'))
  let lines = 0
  while (compressed().length < 2) {
    for (let i = 0; i < 20; i++) logger.info('main', 'line', { i: lines++ })
    await new Promise((resolve) => setImmediate(resolve))
  }
  Atomics.store(new Int32Array(control), 0, 1)
  new Doorbell(doorbell).ring()
  await ended
  const names = readdirSync(folder).filter((name) => /^turned.*\.(?:log|gz)$/.test(name)).toSorted()
  const texts = names.map((name) => {
    const bytes = readFileSync(join(folder, name))
    return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
  })
  assert.equal(texts.join(''), readFileSync(plain, 'utf8'))
  assertCounted(texts.join('').trimEnd().split('\n').map((line) => JSON.parse(line) as Line))
  rmSync(folder, { recursive: true })
})

test('what was logged before the stop is written before the thread ends', () =>
  withWriter(async (rig) => {
    for (let i = 0; i < 100; i++) rig.loggers[i % 2]!.info('main', 'line', { i })
    rig.stop()
    const text = await drainUntilEnded(rig)
    assert.equal(text.trimEnd().split('\n').length, 100)
  }))

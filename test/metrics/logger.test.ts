/** Log lines: their form, their levels, and what happens when nobody takes them. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogLevel } from '../../src/config/sections/log-config.js'
import {
  LOG_LINE_BYTES_MAX, LOG_RING_BYTES, RingLogger, formatConsoleLine, formatLogLine,
} from '../../src/metrics/logger.js'
import { Doorbell, allocateDoorbell } from '../../src/ring/doorbell.js'
import { allocateRing } from '../../src/ring/ring-layout.js'
import { RingReader } from '../../src/ring/ring-reader.js'

function rig(level: LogLevel = 'info'): { logger: RingLogger; take(): string[]; doorbell: SharedArrayBuffer } {
  const [ring, doorbell] = [allocateRing(LOG_RING_BYTES), allocateDoorbell()]
  const reader = new RingReader(ring)
  const take = (): string[] => {
    const lines: string[] = []
    while (reader.next()) lines.push(Buffer.from(reader.bytes.slice(reader.start, reader.end)).toString('utf8'))
    reader.release()
    return lines
  }
  return { logger: new RingLogger({ ring, doorbell, level, wallMs: () => 1_700_000_000_000 }), take, doorbell }
}

test('a line is one JSON object with level, time, caller, message and fields', () => {
  const line = formatLogLine('warn', 1_700_000_000_123, 'wal', 'slow sync', { tookMs: 12, member: 0xabcn })
  assert.ok(line.endsWith('}\n'))
  assert.deepEqual(JSON.parse(line), {
    level: 'warn',
    ts: '2023-11-14T22:13:20.123Z',
    caller: 'wal',
    msg: 'slow sync',
    tookMs: 12,
    member: 'abc',
  })
})

test('a line feed in a message stays inside its line', () => {
  assert.equal(formatLogLine('info', 0, 'a', 'two\nlines').split('\n').length, 2)
})

test('lines below the level are not written', () => {
  const { logger, take } = rig('warn')
  logger.debug('a', 'debug')
  logger.info('a', 'info')
  logger.warn('a', 'warn')
  logger.error('a', 'error')
  assert.deepEqual(take().map((line) => (JSON.parse(line) as { msg: string }).msg), ['warn', 'error'])
  assert.equal(logger.enabled('info'), false)
  assert.equal(logger.enabled('warn'), true)
})

test('each line wakes the writer thread if it sleeps', () => {
  const { logger, doorbell } = rig()
  const writer = new Doorbell(doorbell)
  writer.park(60_000, () => {
    logger.info('a', 'wake up')
    return false
  })
  assert.equal(writer.wakes, 1)
})

test('a reader that has stopped costs lines, which are counted in the next one that fits, and never time', () => {
  const { logger, take } = rig()
  const count = 5000
  for (let i = 0; i < count; i++) logger.info('a', 'line', { i })
  const kept = take()
  assert.ok(kept.length > 100 && kept.length < count)
  kept.forEach((line, i) => assert.equal((JSON.parse(line) as { i: number }).i, i))
  logger.info('a', 'after')
  logger.info('a', 'later')
  const [after, later] = take().map((line) => JSON.parse(line) as { droppedLines?: number })
  assert.equal(after?.droppedLines, count - kept.length)
  assert.equal(later?.droppedLines, undefined)
})

test('a very long line is cut, and is JSON still', () => {
  const { logger, take } = rig()
  for (const text of ['x', '\u0001', '€'].map((character) => character.repeat(100_000))) {
    logger.info('a', text, { field: text })
    const line = take()[0] ?? ''
    assert.ok(Buffer.byteLength(line) <= LOG_LINE_BYTES_MAX)
    const { msg, lineBytes } = JSON.parse(line) as { msg: string; lineBytes: number }
    assert.ok(text.startsWith(msg) && msg.length > 0 && lineBytes > LOG_LINE_BYTES_MAX)
  }
})

test('the console form has tabs between time, level, caller, message and fields, one line each', () => {
  assert.equal(formatConsoleLine('info', 0, 'wal', 'two\nlines', { id: 10n }),
    '1970-01-01T00:00:00.000Z\tinfo\twal\ttwo\\nlines\t{"id":"a"}\n')
  assert.equal(formatConsoleLine('warn', 0, 'a', 'b'), '1970-01-01T00:00:00.000Z\twarn\ta\tb\n')
})

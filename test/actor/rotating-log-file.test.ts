/** A log file that rotates: bounded in size, number and age, compressed, and never a line lost or torn. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import type { LogRotation } from '../../src/config/sections/log-config.js'
import { RotatingLogFile } from '../../src/actor/log/rotating-log-file.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const directory = temporaryDirectory()
after(() => directory.remove())

const DAY_MS = 86_400_000
const UNBOUNDED: LogRotation = { bytesMax: 1000, ageDaysMax: 0, backupsMax: 0, localTime: false, compress: false }

let folders = 0

class Rig {
  nowMs = Date.UTC(2026, 0, 31, 10)
  readonly folder = directory.path(`folder-${++folders}`)
  readonly path = `${this.folder}/raftring.log`
  readonly file: RotatingLogFile

  constructor(rotation: Partial<LogRotation>) {
    this.file = this.open(rotation)
  }

  open(rotation: Partial<LogRotation>): RotatingLogFile {
    return new RotatingLogFile(this.path, { ...UNBOUNDED, ...rotation }, () => this.nowMs)
  }

  /** Lines of 100 bytes with these numbers. */
  write(from: number, count: number, file = this.file): void {
    for (let i = from; i < from + count; i++) {
      const line = Buffer.from(`${String(i).padEnd(99, '.')}\n`)
      file.write(line, line.length)
      this.nowMs += 10
    }
  }

  names(): string[] {
    return readdirSync(this.folder).toSorted()
  }

  /** Numbers of all lines that are there, oldest file first. */
  numbers(): number[] {
    // The file without a stamp sorts last, and is the newest.
    return this.names().flatMap((name) => {
      const bytes = readFileSync(`${this.folder}/${name}`)
      const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
      return text.trimEnd().split('\n').map((line) => Number.parseInt(line, 10))
    })
  }
}

function upTo(count: number, from = 0): number[] {
  return Array.from({ length: count - from }, (_, i) => i + from)
}

test('a full file is put aside under the time of day, and no file passes its bound', () => {
  const rig = new Rig({})
  rig.write(0, 25)
  assert.deepEqual(rig.names(), [
    'raftring-2026-01-31T10-00-00.100.log', 'raftring-2026-01-31T10-00-00.200.log', 'raftring.log',
  ])
  for (const name of rig.names()) assert.ok(statSync(`${rig.folder}/${name}`).size <= 1000)
  assert.deepEqual(rig.numbers(), upTo(25))
})

test('files that fill in the same millisecond get names of their own', () => {
  const rig = new Rig({})
  for (let i = 0; i < 4; i++) {
    rig.write(10 * i, 10)
    rig.nowMs = Date.UTC(2026, 0, 31, 10)
  }
  assert.equal(rig.names().length, 4)
  assert.deepEqual(rig.numbers().toSorted((a, b) => a - b), upTo(40))
})

test('only so many old files are kept, the newest', () => {
  const rig = new Rig({ backupsMax: 2 })
  rig.write(0, 55)
  assert.equal(rig.names().length, 3)
  assert.deepEqual(rig.numbers(), upTo(55, 30))
})

test('files that are too old are removed when the next one begins', () => {
  const rig = new Rig({ ageDaysMax: 3 })
  rig.write(0, 11)
  rig.nowMs += 2 * DAY_MS
  rig.write(11, 10)
  assert.equal(rig.names().length, 3)
  rig.nowMs += 2 * DAY_MS
  rig.write(21, 10)
  assert.deepEqual(rig.numbers(), upTo(31, 10))
})

test('old files are compressed step by step, and hold what they held', () => {
  const rig = new Rig({ compress: true, backupsMax: 2 })
  rig.write(0, 25)
  let steps = 0
  while (rig.file.tidy()) steps++
  assert.ok(steps >= 4, `${steps} steps for two files`)
  assert.deepEqual(rig.names().map((name) => name.slice(-7)), ['.log.gz', '.log.gz', 'ing.log'])
  assert.deepEqual(rig.numbers(), upTo(25))
  rig.write(25, 10)
  while (rig.file.tidy());
  assert.deepEqual(rig.numbers(), upTo(35, 10))
})

test('a file is appended to after a restart, and compression that was interrupted begins again', () => {
  const rig = new Rig({ compress: true, bytesMax: 400_000 })
  rig.write(0, 4010)
  assert.ok(rig.file.tidy() && rig.file.tidy())
  assert.ok(rig.names().some((name) => name.endsWith('.gz.part')))
  const again = rig.open({ compress: true, bytesMax: 400_000 })
  rig.write(4010, 10, again)
  while (again.tidy());
  assert.equal(rig.names().length, 2)
  assert.deepEqual(rig.numbers(), upTo(4020))
})

test('other files of the folder are left alone', () => {
  const rig = new Rig({ backupsMax: 1 })
  const others = ['raftring-notes.log', 'raftring-2026.log', 'other-2026-01-31T10-00-00.000.log', 'raftring.log.1']
  for (const name of others) writeFileSync(`${rig.folder}/${name}`, 'mine')
  rig.write(0, 55)
  assert.ok(others.every((name) => rig.names().includes(name)))
  assert.equal(rig.names().length, others.length + 2)
})

test('local time is in the name when it is asked for', () => {
  const rig = new Rig({ localTime: true })
  const local = new Date(rig.nowMs + 100)
  rig.write(0, 11)
  const hours = String(local.getHours()).padStart(2, '0')
  assert.match(rig.names()[0] ?? '', new RegExp(`^raftring-2026-01-31T${hours}-`))
})

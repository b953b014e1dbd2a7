/** What the kernel does not tell is missing from the pages, and nothing else is. */

import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, test } from 'node:test'
import { Exposition } from '../../src/metrics/exposition.js'
import { addProcessMetrics } from '../../src/metrics/member-metrics.js'
import { ownThreadId, readCommandLine, readProcessFacts, readThreadCpu } from '../../src/metrics/process-file.js'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.js'

let directory: TemporaryDirectory

beforeEach(() => {
  directory = temporaryDirectory()
})

afterEach(() => {
  directory.remove()
})

function families(proc?: string): string[] {
  const exposition = new Exposition()
  addProcessMetrics(exposition, readProcessFacts(proc))
  return [...exposition.render().matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name).sort()
}

test('a whole /proc gives every family', () => {
  const { virtualBytesMax, ...facts } = readProcessFacts()
  assert.ok((virtualBytesMax ?? 0) > 0)
  for (const [name, value] of Object.entries(facts)) assert.ok(value !== undefined, name)
  assert.equal(families().length, 11)
  assert.ok(readThreadCpu()?.has(ownThreadId()))
  assert.equal(readCommandLine()?.[0], process.argv0)
})

test('without /proc there are no families, and nothing is thrown', () => {
  const proc = directory.path('nothing')
  assert.deepEqual(families(proc), [])
  assert.equal(readThreadCpu(proc), undefined)
  assert.equal(readCommandLine(proc), undefined)
  assert.equal(ownThreadId(proc), 0)
})

test('each file that can be read gives its families', () => {
  mkdirSync(directory.path('self', 'fd'), { recursive: true })
  assert.deepEqual(families(directory.root), ['os_fd_used', 'process_open_fds'])
  writeFileSync(directory.path('self', 'limits'), readFileSync('/proc/self/limits'))
  assert.deepEqual(families(directory.root), [
    'os_fd_limit', 'os_fd_used', 'process_max_fds', 'process_open_fds', 'process_virtual_memory_max_bytes',
  ])
})

test('times of threads without one that cannot be read are none at all, and an ended one is left out', () => {
  mkdirSync(directory.path('self', 'task', '1'), { recursive: true })
  mkdirSync(directory.path('self', 'task', '2'))
  writeFileSync(directory.path('self', 'task', '1', 'stat'), readFileSync('/proc/self/stat'))
  assert.deepEqual([...(readThreadCpu(directory.root)?.keys() ?? [])], [1])
  mkdirSync(directory.path('self', 'task', '2', 'stat'))
  assert.equal(readThreadCpu(directory.root), undefined)
})

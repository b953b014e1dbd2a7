/** What `npm test` prints: a line for each file, then every failure in full with its file's output, then the totals. */

import { inspect } from 'node:util'
import type { TestEvent } from 'node:test/reporters'

type Failure = Extract<TestEvent, { type: 'test:fail' }>['data']

interface FileResult {
  readonly name: string
  passed: number
  failed: number
  skipped: number
  durationMs: number
  output: string
  readonly failures: Failure[]
}

/** Of what a failing file printed, this much is shown. */
const OUTPUT_CHARS_MAX = 20_000

async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string, void> {
  const startedMs = Date.now()
  const files = new Map<string, FileResult>()
  let current: FileResult | undefined
  for await (const event of events) {
    const path = pathOf(event)
    if (path === undefined) continue
    const file = fileOf(files, path)
    // Node passes the events of one file on together, so another name means that the file before is complete.
    if (current !== file && current !== undefined) yield lineOf(current)
    current = file
    count(file, event)
  }
  if (current !== undefined) yield lineOf(current)
  for (const file of files.values()) yield* failuresOf(file)
  yield totalsOf([...files.values()], Date.now() - startedMs)
}

// Node takes the default export of the module for the reporter.
export { report as default }

function pathOf(event: TestEvent): string | undefined {
  switch (event.type) {
    case 'test:pass':
    case 'test:fail':
    case 'test:stdout':
    case 'test:stderr':
      return event.data.file
    default:
      return undefined
  }
}

/** Results name the source where source maps are on, output names the compiled file. */
function fileOf(files: Map<string, FileResult>, path: string): FileResult {
  const name = path
    .replace(/^file:\/\//, '')
    .replace(`${process.cwd()}/`, '')
    .replace(/^dist\//, '')
    .replace(/\.test\.[jt]s$/, '')
  const known = files.get(name)
  if (known !== undefined) return known
  const file: FileResult = { name, passed: 0, failed: 0, skipped: 0, durationMs: 0, output: '', failures: [] }
  files.set(name, file)
  return file
}

function count(file: FileResult, event: TestEvent): void {
  if (event.type === 'test:stdout' || event.type === 'test:stderr') {
    file.output = (file.output + event.data.message).slice(-OUTPUT_CHARS_MAX)
    return
  }
  if (event.type !== 'test:pass' && event.type !== 'test:fail') return
  const { data } = event
  if (data.nesting === 0) file.durationMs += data.details.duration_ms
  if (event.type === 'test:fail') {
    // Whatever failed only because of a test inside it is not another failure.
    if (failureType(event.data) === 'subtestsFailed') return
    file.failures.push(event.data)
    file.failed++
  } else if (data.skip !== undefined || data.todo !== undefined) {
    file.skipped++
  } else if (data.details.type !== 'suite') {
    file.passed++
  }
}

function failureType({ details }: Failure): string | undefined {
  return (details.error as Error & { readonly failureType?: string }).failureType
}

function lineOf(file: FileResult): string {
  const mark = file.failed > 0 ? 'FAIL' : 'ok  '
  const failed = file.failed > 0 ? `, ${file.failed} failed` : ''
  return `${mark} ${seconds(file.durationMs)}  ${file.name}: ${file.passed} passed${failed}\n`
}

function* failuresOf(file: FileResult): Generator<string> {
  for (const { name, line, details } of file.failures) {
    const { error } = details
    const cause = error.cause instanceof Error ? error.cause : error
    yield `\n--- ${file.name}:${line ?? 0}  ${name}\n${indent(inspect(cause, { depth: 6 }))}\n`
  }
  if (file.failures.length > 0 && file.output !== '') {
    yield `\n--- ${file.name} printed\n${indent(file.output.trimEnd())}\n`
  }
}

function totalsOf(files: readonly FileResult[], durationMs: number): string {
  const sum = (of: (file: FileResult) => number): number => files.reduce((total, file) => total + of(file), 0)
  const skipped = sum((file) => file.skipped)
  const note = skipped > 0 ? `, ${skipped} skipped` : ''
  const passed = sum((file) => file.passed)
  const failed = sum((file) => file.failed)
  return `\n${passed} passed, ${failed} failed${note} in${seconds(durationMs)}\n`
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1).padStart(6)} s`
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '    ')
}

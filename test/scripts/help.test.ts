/** Every script that a person runs says how it is run, and refuses what it cannot take. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const SIMULATOR = 'src/sim/main'
const AT_ONCE = 2
/** What is started by other scripts and by tests alone. */
const NOT_BY_HAND = new Set(['test/store/power-loss-process'])
/** Of those whose text says another way to run them. */
const COMMANDS: Readonly<Record<string, string>> = {
  [SIMULATOR]: 'npm run sim --',
  'bench/micro': 'npm run bench:micro --',
  'bench/system/compare': 'npm run bench:compare --',
  'bench/system/main': 'npm run bench --',
  'scripts/cluster': 'npm run cluster --',
  'test/cluster/faults/main': 'npm run faults --',
  'test/fuzz/fuzz': 'npm run fuzz --',
  'test/sim/mutants/main': 'npm run sim:mutants --',
}

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Paths without their ending. Only these are started: anything else would not stop at a question. */
const scripts = ['bench', 'scripts', 'test']
  .flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => `${folder}/${path}`))
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
  .filter((path) => /^\s*(?:const .* = )?scriptOptions\(\{/m.test(readFileSync(join(ROOT, path), 'utf8')))
  .map((path) => path.replace(/\.ts$/, ''))
  .concat(SIMULATOR)
  .toSorted()

function run(script: string, ...words: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const argv = [join('dist', `${script}.js`), ...words]
    execFile(process.execPath, argv, { cwd: ROOT, encoding: 'utf8' }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

async function forEach(check: (script: string) => Promise<void>): Promise<void> {
  const waiting = [...scripts]
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let script = waiting.shift(); script !== undefined; script = waiting.shift()) await check(script)
  }))
}

test('every script that package.json, .ci/run or a document names reads its options', () => {
  const documents = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)
  const named = new Set(['package.json', '.ci/run', 'README.md', 'bench/README.md', ...documents].flatMap((path) =>
    [...readFileSync(join(ROOT, path), 'utf8').matchAll(/dist\/((?:bench|scripts|test)\/[\w/.-]+)\.js/g)]
      .map((match) => match[1] ?? '')))
  assert.ok(named.size > 20, `only ${named.size} are named`)
  const deaf = [...named].filter((path) => !path.endsWith('.test') && !NOT_BY_HAND.has(path) && !scripts.includes(path))
  assert.deepEqual(deaf, [])
})

test('--help says on stdout how a script is run, and nothing else happens', async () => {
  await forEach(async (script) => {
    const { code, stdout, stderr } = await run(script, '--help')
    assert.deepEqual({ script, code, stderr }, { script, code: 0, stderr: '' })
    const [first = '', ...rest] = stdout.trimEnd().split('\n')
    const command = COMMANDS[script] ?? `node ${join('dist', `${script}.js`)}`
    assert.ok(first.replace(/^usage: /i, '').startsWith(`${command} [`), `${script}: ${first}`)
    assert.ok(rest.length > 1 && stdout.split('\n').every((line) => line.length <= 120), `${script}: ${stdout}`)
  })
})

test('an option that a script does not have is named on stderr, with where to look, and exit code 2', async () => {
  for (const script of ['bench/system/main', 'scripts/cluster', 'test/crash/crash-rounds', SIMULATOR]) {
    const { code, stdout, stderr } = await run(script, '--bogus', '1')
    assert.deepEqual({ script, code, stdout }, { script, code: 2, stdout: '' })
    assert.match(stderr, /^[^\n]*--bogus/)
    assert.match(stderr, /--help|npm run|node dist/)
    assert.doesNotMatch(stderr, /^ +at /m)
  }
})

/** Every rule of tidy fails on a small bad tree, naming file and line, and passes the same tree put right. */

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { renderTopology } from '../../scripts/render-topology.js'
import { checkBannedCalls } from '../../scripts/tidy/banned-calls.js'
import { checkErrorCatalogue } from '../../scripts/tidy/catalogue.js'
import { checkDevices } from '../../scripts/tidy/devices.js'
import { checkDrawing, checkReferences } from '../../scripts/tidy/documents.js'
import { checkUnusedFiles, checkWorkerEntries } from '../../scripts/tidy/entries.js'
import { checkLayers } from '../../scripts/tidy/layers.js'
import { checkLeftovers } from '../../scripts/tidy/leftovers.js'
import { checkMessages } from '../../scripts/tidy/messages.js'
import { withProject, type Rule } from '../../scripts/tidy/project.js'
import { checkSizes, shrinkRatchet } from '../../scripts/tidy/sizes.js'

type Files = Readonly<Record<string, string>>

const TSCONFIG = JSON.stringify({
  compilerOptions: { module: 'nodenext', moduleResolution: 'nodenext', noLib: true, types: [], strict: true },
  include: ['src', 'workers', 'scripts', 'test', 'bench'],
})

function withTree<T>(files: Files, use: (root: string) => T): T {
  const root = mkdtempSync(join(tmpdir(), 'tidy-'))
  try {
    writeFileSync(join(root, 'tsconfig.json'), TSCONFIG)
    writeFileSync(join(root, 'package.json'), '{"type":"module"}')
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    return use(root)
  } finally {
    rmSync(root, { recursive: true })
  }
}

function problems(rule: Rule, files: Files): string[] {
  return withTree(files, (root) => withProject(root, rule)).map(
    ({ path, line, message }) => `${path}:${line}: ${message}`,
  )
}

/** One line for each statement. */
function lines(...text: string[]): string {
  return `${text.join('\n')}\n`
}

function repeated(count: number, text: string): string {
  return `${text}\n`.repeat(count)
}

test('a file of more than 400 lines is a problem', () => {
  const files = { 'src/base/long.ts': repeated(401, '// line') }
  assert.deepEqual(problems(checkSizes, files), [
    'src/base/long.ts:0: file of 401 lines, more than 400: split it by idea',
  ])
  assert.deepEqual(problems(checkSizes, { 'src/base/long.ts': repeated(400, '// line') }), [])
})

test('a function of more than 70 lines is a problem, and is named', () => {
  const body = repeated(69, '  f()')
  const files = {
    'src/base/a.ts': `// Purpose.\nexport function f(): void {\n${body}}\n`,
    'src/base/b.ts': `declare function f(): void\nclass C {\n  m() {\n${body}  }\n  #p = () => {\n${body}  }\n}\n`,
    'src/base/c.ts': `declare function f(...a: unknown[]): void\nf('title', () => {\n${body}})\n`,
    'src/base/d.ts': `export function f(): void {\n${repeated(68, '  f()')}}\n`,
  }
  assert.deepEqual(problems(checkSizes, files), [
    'src/base/a.ts:2: f has 71 lines, more than 70: split it by step',
    'src/base/b.ts:3: m has 71 lines, more than 70: split it by step',
    'src/base/b.ts:74: #p has 71 lines, more than 70: split it by step',
    "src/base/c.ts:2: f('title') has 71 lines, more than 70: split it by step",
  ])
})

test('a line of more than 120 characters is a problem', () => {
  const files = { 'src/base/wide.ts': lines('// ok', `// ${'x'.repeat(118)}`, `// ${'x'.repeat(117)}`) }
  assert.deepEqual(problems(checkSizes, files), [
    'src/base/wide.ts:2: 1 lines of more than 120 characters: 2',
  ])
})

test('a folder of more than 15 files is a problem', () => {
  const names = Array.from({ length: 16 }, (_, index) => `src/base/file-${index}.ts`)
  const files = Object.fromEntries(names.map((name) => [name, '// x\n']))
  assert.deepEqual(problems(checkSizes, files), [
    'src/base:0: folder of 16 files, more than 15: group some in a folder',
  ])
})

test('generated files have no limits', () => {
  assert.deepEqual(problems(checkSizes, { 'src/proto/generated/a.ts': repeated(900, `// ${'x'.repeat(200)}`) }), [])
})

test('an excess in the ratchet may stay, may not grow, and must be recorded when it shrinks', () => {
  const tree = (count: number, recorded: number): Files => ({
    'src/base/long.ts': repeated(count, '// line'),
    'scripts/tidy/ratchet.json': JSON.stringify({ 'lines of src/base/long.ts': recorded }),
  })
  assert.deepEqual(problems(checkSizes, tree(450, 450)), [])
  assert.deepEqual(problems(checkSizes, tree(451, 450)), [
    'src/base/long.ts:0: file of 451 lines, more than 400: split it by idea; it had 450 and may only shrink',
  ])
  assert.match(problems(checkSizes, tree(420, 450))[0] ?? '', /shrank to 420: .* --shrink/)
  assert.match(problems(checkSizes, tree(300, 450))[0] ?? '', /shrank to within the limit: .* --shrink/)
})

test('shrinking the ratchet lowers it and lets nothing new in', () => {
  const files = {
    'src/base/long.ts': repeated(420, '// line'),
    'src/base/new.ts': repeated(500, '// line'),
    'scripts/tidy/ratchet.json': JSON.stringify({ 'lines of src/base/long.ts': 450, 'lines of src/base/gone.ts': 999 }),
  }
  withTree(files, (root) => {
    withProject(root, shrinkRatchet)
    assert.deepEqual(
      withProject(root, checkSizes).map(({ path }) => path),
      ['src/base/new.ts'],
    )
  })
})

test('a folder may import only what lies in layers below it', () => {
  const files = {
    'src/base/a.ts': lines("import { b } from '../store/b.js'", 'b()'),
    'src/store/b.ts': lines("import type { A } from '../base/a.js'", 'export function b(): void {}'),
    'src/actor/c.ts': lines("import '../topology.js'"),
    'src/topology.ts': lines("import './actor/c.js'"),
  }
  assert.deepEqual(problems(checkLayers, files), [
    'src/actor/c.ts:1: actor imports topology.ts, which is not in a layer below it',
    'src/base/a.ts:1: base imports store, which is not in a layer below it',
  ])
})

test('an actor folder may not import another actor folder, not even a type', () => {
  const files = {
    'src/wal/a.ts': lines("import type { B } from '../raft/b.js'", 'export type A = B'),
    'src/raft/b.ts': lines('export interface B {}'),
  }
  assert.deepEqual(problems(checkLayers, files), [
    'src/wal/a.ts:1: actor wal imports actor raft; they share messages only',
  ])
})

test('ring imports nothing from outside its folder', () => {
  const files = {
    'src/ring/a.ts': lines("import './b.js'", "import '../base/c.js'", "import { x } from 'node:os'", 'x()'),
    'src/ring/b.ts': lines('export {}'),
    'src/base/c.ts': lines('export {}'),
  }
  assert.deepEqual(problems(checkLayers, files), [
    'src/ring/a.ts:2: ring imports ../base/c.js; it must stand alone',
    'src/ring/a.ts:3: ring imports node:os; it must stand alone',
  ])
})

test('src may import neither tests nor scripts, a new folder needs a layer, and nothing is re-exported', () => {
  const files = {
    'src/base/a.ts': lines("import '../../test/support/x.js'", "export * from './b.js'"),
    'src/base/b.ts': lines("import '../novel/c.js'"),
    'src/novel/c.ts': lines("import '../base/a.js'"),
    'test/support/x.ts': lines("import '../../src/novel/c.js'"),
  }
  assert.deepEqual(problems(checkLayers, files), [
    'src/base/a.ts:1: src imports test/support/x.ts, which lies outside src',
    'src/base/a.ts:2: re-exports ./b.js: import it where it is defined',
    'src/base/b.ts:1: src/novel has no layer; name one in scripts/tidy/layers.ts',
    'src/novel/c.ts:1: src/novel has no layer; name one in scripts/tidy/layers.ts',
  ])
})

test('a device is imported only by a file named for it', () => {
  const files = {
    'src/wal/wal-file.ts': lines("import 'node:fs'"),
    'src/wal/wal-segment.ts': lines("import 'node:fs'", "import 'node:path'"),
    'src/front/client-socket.ts': lines("import 'node:net'"),
    'src/front/session.ts': lines("import 'node:net'"),
    'src/actor/spawn.ts': lines("import 'node:worker_threads'"),
    'test/base/a.test.ts': lines("import 'node:fs'"),
  }
  const rule = 'only *-actor, *-file, *-socket, *-server, *-store and *-worker files hold devices'
  assert.deepEqual(problems(checkDevices, files), [
    `src/front/session.ts:1: imports node:net: ${rule}`,
    `src/wal/wal-segment.ts:1: imports node:fs: ${rule}`,
  ])
})

test('a package is imported only where it belongs, and an unknown one nowhere', () => {
  const files = {
    'src/store/lmdb-store.ts': lines("import 'lmdb'"),
    'src/mvcc/apply.ts': lines("import 'lmdb'", "import 'lodash/fp'"),
    'src/base/a.ts': lines("import '@grpc/grpc-js'"),
  }
  assert.deepEqual(problems(checkDevices, files), [
    'src/base/a.ts:1: imports package @grpc/grpc-js, which belongs in ' +
      '^(?:src\\/(?:ctl|cluster\\/discovery)|test|bench)\\/',
    'src/mvcc/apply.ts:1: imports package lmdb, which belongs in ^src\\/store\\/lmdb-',
    'src/mvcc/apply.ts:2: imports package lodash, which scripts/tidy/devices.ts does not place',
  ])
})

test('calls of clocks, chance, timers and Atomics outside their homes are problems', () => {
  const calls = ['Date.now()', 'new Date()', 'new Date(5)', 'performance.now()', 'process.hrtime()',
    'Math.random()', 'setTimeout(f, 1)', 'globalThis.setImmediate(f)', 'Atomics.load(w, 0)',
    'process.exit(1)', 'structuredClone(x)',
    'new Function(text)', 'socket.setTimeout(5)', 'nowMs()']
  const found = problems(checkBannedCalls, { 'src/mvcc/apply.ts': lines(...calls) })
  assert.deepEqual(
    found.map((text) => text.replace(/:[^:]*$/, '')),
    [
      '1: calls Date.now', '2: calls Date', '4: calls performance.now', '5: calls process.hrtime',
      '6: calls Math.random', '7: calls setTimeout', '8: calls setImmediate', '9: calls Atomics.load',
      '10: calls process.exit', '11: calls structuredClone', '12: calls Function',
    ].map((text) => `src/mvcc/apply.ts:${text}`),
  )
})

test('banned calls are allowed at home, and comments and strings are not calls', () => {
  const files = {
    'src/base/system-clock.ts': lines('Date.now()', 'process.hrtime()'),
    'src/ring/doorbell.ts': lines('Atomics.load(w, 0)'),
    'src/actor/event-loop-runner.ts': lines('setTimeout(f, 1)', 'setImmediate(f)'),
    'src/mvcc/apply.ts': lines('// Date.now() is not called here', "const text = 'Date.now()'"),
  }
  assert.deepEqual(problems(checkBannedCalls, files), [])
})

test('a test that sleeps or is skipped is a problem', () => {
  const files = { 'test/base/a.test.ts': lines('test.skip(f)', 'setTimeout(f, 5)') }
  assert.deepEqual(problems(checkBannedCalls, files), [
    'test/base/a.test.ts:1: calls test.skip: make the test pass or remove it',
    'test/base/a.test.ts:2: calls setTimeout: wait for the event itself; test/support bounds such waits',
  ])
})

test('a call that Node 20 does not have is a problem anywhere', () => {
  const found = problems(checkBannedCalls, { 'scripts/a.ts': lines('Promise.withResolvers()', 'Object.groupBy(a, f)') })
  assert.deepEqual(
    found.map((text) => text.replace(/:[^:]*:[^:]*$/, '')),
    ['scripts/a.ts:1: calls Promise.withResolvers', 'scripts/a.ts:2: calls Object.groupBy'],
  )
})

const PROTOCOL = lines(
  'export type Sender<P> = { readonly [K in keyof P]: (fields: P[K]) => boolean }',
  'export function message(number: number): number { return number }',
  'export function defineProtocol<const P>(messages: P): P { return messages }',
  'export declare function dispatcherOf<P>(protocol: P, handler: unknown): void',
)

test('a message that nobody sends is a problem even when another message has its name', () => {
  const files = {
    'src/messages/protocol.ts': PROTOCOL,
    'src/messages/wal-messages.ts': lines(
      "import { defineProtocol, message } from './protocol.js'",
      'export const walMessages = defineProtocol({',
      '  append: message(1),',
      '  flush: message(2),',
      '  open: message(3),',
      '  close: message(4),',
      '})',
    ),
    'src/messages/peer-messages.ts': lines(
      "import { defineProtocol, message } from './protocol.js'",
      'export const peerMessages = defineProtocol({ append: message(1) })',
    ),
    'src/raft/raft-actor.ts': lines(
      "import { dispatcherOf, type Sender } from '../messages/protocol.js'",
      "import { peerMessages } from '../messages/peer-messages.js'",
      "import { walMessages } from '../messages/wal-messages.js'",
      'export function run(wal: Sender<typeof walMessages>): void {',
      '  wal.append(1)',
      '  dispatcherOf(walMessages, null)',
      '  void peerMessages',
      '}',
      "export function ask(wal: Sender<typeof walMessages>, question: 'open' | 'close'): void {",
      '  wal[question](1)',
      '}',
    ),
  }
  assert.deepEqual(problems(checkMessages, files), [
    'src/messages/peer-messages.ts:0: nobody calls dispatcherOf(peerMessages, …)',
    'src/messages/peer-messages.ts:2: nobody sends append of peerMessages',
    'src/messages/wal-messages.ts:4: nobody sends flush of walMessages',
  ])
})

test('a worker entry is short and decides nothing', () => {
  const files = {
    'workers/a.worker.ts': lines("import { run } from '../src/actor/run.js'", 'if (run) run()'),
    'workers/b.worker.ts': repeated(26, '// line'),
    'workers/c.worker.ts': lines('export const build = () => 1'),
  }
  assert.deepEqual(problems(checkWorkerEntries, files), [
    'workers/a.worker.ts:2: worker entry decides something; move that into src',
    'workers/b.worker.ts:0: worker entry of 26 lines, more than 25',
  ])
})

test('a file that nothing reaches is a problem', () => {
  const files = {
    'src/main.ts': lines("import './actor/used.js'"),
    'src/actor/used.ts': lines("new URL('../../workers/a.worker.js', '')"),
    'workers/a.worker.ts': lines("import '../src/base/deep.js'"),
    'src/base/deep.ts': '// x\n',
    'src/base/tested.ts': '// x\n',
    'src/base/lost.ts': lines("import './lost-too.js'"),
    'src/base/lost-too.ts': '// x\n',
    'src/sim/simulated.ts': '// x\n',
    'test/base/tested.test.ts': lines("import '../../src/base/tested.js'", "import '../../src/sim/simulated.js'"),
  }
  assert.deepEqual(problems(checkUnusedFiles, files), [
    'src/base/lost-too.ts:0: nobody imports this file',
    'src/base/lost.ts:0: nobody imports this file',
    'src/base/tested.ts:0: only tests, benches or scripts import this file',
  ])
})

test('leftover markers, vague names, missing purpose and stray formatting are problems', () => {
  const files = {
    'src/base/utils.ts': lines('/** Purpose. */', '// FIXME: later', '// TODO: later', '// TODO(#12): allowed'),
    'src/base/CamelCase.ts': lines('// Purpose.'),
    'src/base/loop.ts': lines('// Purpose.', 'while (step());'),
    'src/base/style.ts': lines('const a = 1;', 'const b = "b"  ', "const c = \"it's\"", 'type T = { a: 1; b: 2 }'),
  }
  assert.deepEqual(problems(checkLeftovers, files).toSorted(), [
    'src/base/CamelCase.ts:0: CamelCase.ts is not kebab-case',
    'src/base/style.ts:1: ends with a semicolon',
    'src/base/style.ts:1: no purpose sentence at the top of the file',
    'src/base/style.ts:2: double quotes where single ones serve',
    'src/base/style.ts:2: white space at the end of the line',
    'src/base/utils.ts:0: utils.ts says nothing: name it after its idea',
    'src/base/utils.ts:2: FIXME left over',
    'src/base/utils.ts:3: TODO without its issue: write TODO(#12)',
  ])
})

test('two errors with one id or one symbol are a problem', () => {
  const files = {
    'src/proto/etcd-errors.ts': lines(
      'declare function entry(id: number, symbol: string, code: number, text: string): void',
      'export const etcdErrors = {',
      "  a: entry(1, 'ErrA', 3, 'a'),",
      "  b: entry(2, 'ErrB', 3, 'b'),",
      "  c: entry(1, 'ErrB', 3, 'c'),",
      '}',
    ),
  }
  assert.deepEqual(problems(checkErrorCatalogue, files), [
    'src/proto/etcd-errors.ts:5: c reuses 1 of a',
    "src/proto/etcd-errors.ts:5: c reuses 'ErrB' of b",
  ])
})

test('a drawing in the documents that is not that of the topology is a problem', () => {
  const marked = (drawing: string): Files => ({
    'src/base/a.ts': '// x\n',
    'docs/ARCHITECTURE.md': lines(
      '# Architecture',
      '<!-- Drawn by scripts/render-topology.ts from src/topology.ts. -->',
      `${drawing}<!-- End of the drawing. -->`,
    ),
  })
  const problem = 'the drawing is not that of src/topology.ts: node dist/scripts/render-topology.js --write'
  assert.deepEqual(problems(checkDrawing, marked(renderTopology())), [])
  assert.deepEqual(problems(checkDrawing, marked('something else\n')), [`docs/ARCHITECTURE.md:0: ${problem}`])
  assert.deepEqual(problems(checkDrawing, { 'src/base/a.ts': '// x\n' }), [])
  const unmarked = { 'src/base/a.ts': '// x\n', 'docs/ARCHITECTURE.md': '# Architecture\n' }
  assert.deepEqual(problems(checkDrawing, unmarked), [`docs/ARCHITECTURE.md:0: ${problem}`])
})

test('a comment that names a document which is not there is a problem', () => {
  const files = {
    'src/base/a.ts': lines('// See lost.md section 3, ARCHITECTURE.md and docs/ARCHITECTURE.md.', "const a = 'x.md'"),
    'docs/ARCHITECTURE.md': '# Architecture\n',
  }
  assert.deepEqual(problems(checkReferences, files), ['src/base/a.ts:1: there is no lost.md here'])
})

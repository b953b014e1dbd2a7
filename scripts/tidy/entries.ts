/** Worker entries are thin, and every file of src is reached from one of them or from main. */

import { SyntaxKind } from 'typescript/unstable/ast'
import { lineOf, walk, type Problem, type Project, type Source } from './project.js'

const ENTRY_LINES_MAX = 25

const BRANCHES: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.IfStatement, SyntaxKind.ConditionalExpression, SyntaxKind.SwitchStatement, SyntaxKind.ForStatement,
  SyntaxKind.ForOfStatement, SyntaxKind.ForInStatement, SyntaxKind.WhileStatement, SyntaxKind.DoStatement,
  SyntaxKind.TryStatement, SyntaxKind.ClassDeclaration,
])

export function checkWorkerEntries(project: Project): Problem[] {
  const problems: Problem[] = []
  for (const { path, lines, tree } of project.sources) {
    if (!path.startsWith('workers/')) continue
    const add = (line: number, message: string): void => void problems.push({ rule: 'entries', path, line, message })
    if (lines.length > ENTRY_LINES_MAX) add(0, `worker entry of ${lines.length} lines, more than ${ENTRY_LINES_MAX}`)
    walk(tree, (node) => {
      if (BRANCHES.has(node.kind)) add(lineOf(tree, node), `worker entry decides something; move that into src`)
    })
  }
  return problems
}

/** Files that start or generate something and so need no importer. */
const ROOTS = /^(?:src\/(?:ctl\/|sim\/)?main\.ts|src\/embed\.ts|workers\/.*\.worker\.ts|scripts\/generate-.*\.ts)$/
/** What of src exists for tests, simulation and embedding. */
const TESTS_ONLY =
  /^src\/(?:sim\/|(?:actor\/inline-runner|store\/memory-store|store\/persistent-tree|proto\/proto-codec)\.ts$)/

export function checkUnusedFiles(project: Project): Problem[] {
  const byPath = new Map(project.sources.map((source) => [source.path, source]))
  const served = reach(byPath, (path) => ROOTS.test(path))
  const tested = reach(byPath, (path) => !/^(?:src|workers)\//.test(path))
  const problems: Problem[] = []
  for (const { path, generated } of project.sources) {
    if (!path.startsWith('src/') || served.has(path) || generated || path.endsWith('.d.ts')) continue
    if (TESTS_ONLY.test(path) && tested.has(path)) continue
    const message = tested.has(path) ? 'only tests, benches or scripts import this file' : 'nobody imports this file'
    problems.push({ rule: 'unused', path, line: 0, message })
  }
  return problems
}

function reach(byPath: ReadonlyMap<string, Source>, isRoot: (path: string) => boolean): Set<string> {
  const seen = new Set<string>()
  const waiting = [...byPath.keys()].filter(isRoot)
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue
    seen.add(path)
    for (const { target } of byPath.get(path)?.imports ?? []) if (target !== null) waiting.push(target)
  }
  return seen
}

/**
 * Limits of size, as ratchets: what exceeded a limit when the limit came is listed in ratchet.json and may only shrink.
 * The aim is an empty list.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Node, SourceFile } from 'typescript/unstable/ast'
import {
  isCallExpression,
  isConstructorDeclaration,
  isFunctionLikeDeclaration,
  isPropertyDeclaration,
  isStringLiteral,
  isVariableDeclaration,
} from 'typescript/unstable/ast/is'
import { endLineOf, lineOf, walk, type Problem, type Project, type Source } from './project.js'

const FILE_LINES_MAX = 400
const FUNCTION_LINES_MAX = 70
const LINE_CHARS_MAX = 120
const FOLDER_FILES_MAX = 15

const RATCHET_PATH = 'scripts/tidy/ratchet.json'

/** One thing above a limit. The key names it across commits, so it holds no line number. */
interface Excess {
  readonly key: string
  readonly value: number
  readonly path: string
  readonly line: number
  readonly what: string
}

type Ratchet = Readonly<Record<string, number>>

export function checkSizes(project: Project): Problem[] {
  const allowed = readRatchet(project.root)
  const found = excesses(project)
  const problems: Problem[] = []
  for (const { key, value, path, line, what } of found) {
    const before = allowed[key]
    if (before !== undefined && value <= before) continue
    const note = before === undefined ? '' : `; it had ${before} and may only shrink`
    problems.push({ rule: 'size', path, line, message: what + note })
  }
  const now = new Map(found.map((excess) => [excess.key, excess.value]))
  for (const [key, before] of Object.entries(allowed)) {
    const value = now.get(key)
    if (value === before || (value ?? 0) > before) continue
    const message = `${key} shrank to ${value ?? 'within the limit'}: node dist/scripts/tidy.js --shrink records that`
    problems.push({ rule: 'size', path: RATCHET_PATH, line: 0, message })
  }
  return problems
}

/** Lowers the ratchet to what is there now; nothing new enters it. */
export function shrinkRatchet(project: Project): void {
  const allowed = readRatchet(project.root)
  const kept = excesses(project)
    .filter(({ key }) => allowed[key] !== undefined)
    .map(({ key, value }): [string, number] => [key, Math.min(value, allowed[key] ?? value)])
  const text = JSON.stringify(Object.fromEntries(kept.toSorted()), null, 2)
  writeFileSync(join(project.root, RATCHET_PATH), `${text}\n`)
}

function readRatchet(root: string): Ratchet {
  const path = join(root, RATCHET_PATH)
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Ratchet) : {}
}

function excesses(project: Project): Excess[] {
  const written = project.sources.filter((source) => !source.generated)
  return [
    ...written.flatMap((source) => [...longFile(source), ...longLines(source), ...longFunctions(source)]),
    ...fullFolders(written),
  ]
}

function longFile({ path, lines }: Source): Excess[] {
  if (lines.length <= FILE_LINES_MAX) return []
  const what = `file of ${lines.length} lines, more than ${FILE_LINES_MAX}: split it by idea`
  return [{ key: `lines of ${path}`, value: lines.length, path, line: 0, what }]
}

function longLines({ path, lines }: Source): Excess[] {
  const long = lines.map((text, index) => ({ line: index + 1, chars: text.length }))
    .filter(({ chars }) => chars > LINE_CHARS_MAX)
  const first = long[0]
  if (first === undefined) return []
  const where = long.map(({ line }) => line).join(', ')
  const what = `${long.length} lines of more than ${LINE_CHARS_MAX} characters: ${where}`
  return [{ key: `long lines of ${path}`, value: long.length, path, line: first.line, what }]
}

function longFunctions({ path, tree }: Source): Excess[] {
  const found = new Map<string, Excess>()
  walk(tree, (node) => {
    if (!isFunctionLikeDeclaration(node)) return
    const line = lineOf(tree, node)
    const value = endLineOf(tree, node) - line + 1
    if (value <= FUNCTION_LINES_MAX) return
    const name = functionName(tree, node)
    const what = `${name} has ${value} lines, more than ${FUNCTION_LINES_MAX}: split it by step`
    const key = `lines of ${path} ${name}`
    if (value > (found.get(key)?.value ?? 0)) found.set(key, { key, value, path, line, what })
  })
  return [...found.values()]
}

/** Its own name, the variable or field that holds it, or the first text argument of the call it is given to. */
function functionName(tree: SourceFile, node: Node): string {
  if (isConstructorDeclaration(node)) return 'constructor'
  const own = (node as { readonly name?: Node }).name
  if (own !== undefined) return own.getText(tree)
  const { parent } = node
  if (isVariableDeclaration(parent) || isPropertyDeclaration(parent)) return parent.name.getText(tree)
  if (isCallExpression(parent)) {
    const title = parent.arguments.find((argument) => isStringLiteral(argument))
    return `${parent.expression.getText(tree)}(${title?.getText(tree) ?? ''})`
  }
  return 'a function'
}

function fullFolders(sources: readonly Source[]): Excess[] {
  const counts = new Map<string, number>()
  for (const { path } of sources) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1)
  return [...counts]
    .filter(([, count]) => count > FOLDER_FILES_MAX)
    .map(([path, value]) => {
      const what = `folder of ${value} files, more than ${FOLDER_FILES_MAX}: group some in a folder`
      return { key: `files of ${path}`, value, path, line: 0, what }
    })
}

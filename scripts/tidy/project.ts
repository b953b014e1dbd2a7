/** The source tree as tidy's rules see it: text, syntax trees and resolved imports, read with TypeScript's own API. */

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { API, type Checker } from 'typescript/unstable/sync'
import { SyntaxKind, type Node, type SourceFile } from 'typescript/unstable/ast'
import {
  isCallExpression,
  isExportDeclaration,
  isImportDeclaration,
  isNewExpression,
  isStringLiteral,
} from 'typescript/unstable/ast/is'

export interface Problem {
  readonly rule: string
  readonly path: string
  /** 0 when the problem concerns a whole file or folder. */
  readonly line: number
  readonly message: string
}

export interface Import {
  /** As written. */
  readonly specifier: string
  /** The project's own file that it names, from the root; null for a package or a part of Node. */
  readonly target: string | null
  readonly line: number
  readonly kind: 'import' | 're-export' | 'dynamic' | 'url'
}

export interface Source {
  /** From the root, with `/`. */
  readonly path: string
  readonly text: string
  readonly lines: readonly string[]
  readonly tree: SourceFile
  readonly imports: readonly Import[]
  /** Written by a script of this tree: no limits, no style. */
  readonly generated: boolean
}

export interface Project {
  readonly root: string
  readonly sources: readonly Source[]
  readonly checker: Checker
}

export type Rule = (project: Project) => readonly Problem[]

/** Opens the project of `root`'s tsconfig.json, hands it to `use`, and closes it. */
export function withProject<T>(root: string, use: (project: Project) => T): T {
  const api = new API({ cwd: root })
  try {
    const config = join(root, 'tsconfig.json')
    const opened = api.updateSnapshot({ openProject: config }).getProject(config)
    if (opened === undefined) throw new Error(`no project at ${config}`)
    const sources: Source[] = []
    for (const file of opened.rootFiles.toSorted()) {
      const tree = opened.program.getSourceFile(file)
      if (tree === undefined) throw new Error(`TypeScript does not know its own root file ${file}`)
      sources.push(sourceOf(root, file, tree))
    }
    return use({ root, sources, checker: opened.checker })
  } finally {
    api.close()
  }
}

function sourceOf(root: string, file: string, tree: SourceFile): Source {
  const path = relative(root, file).replaceAll('\\', '/')
  const text = readFileSync(file, 'utf8')
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return { path, text, lines, tree, imports: importsOf(root, path, tree), generated: path.includes('/generated/') }
}

function importsOf(root: string, path: string, tree: SourceFile): Import[] {
  const imports: Import[] = []
  const add = (kind: Import['kind'], specifier: string, node: Node): void => {
    imports.push({ specifier, target: targetOf(root, path, specifier), line: lineOf(tree, node), kind })
  }
  walk(tree, (node) => {
    if (isImportDeclaration(node) && isStringLiteral(node.moduleSpecifier)) {
      add('import', node.moduleSpecifier.text, node)
    } else if (isExportDeclaration(node) && node.moduleSpecifier && isStringLiteral(node.moduleSpecifier)) {
      add('re-export', node.moduleSpecifier.text, node)
    } else if (isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword) {
      const first = node.arguments[0]
      if (first !== undefined && isStringLiteral(first)) add('dynamic', first.text, node)
    } else if (isNewExpression(node) && node.expression.getText(tree) === 'URL') {
      const first = node.arguments?.[0]
      if (first !== undefined && isStringLiteral(first)) add('url', first.text, node)
    }
  })
  return imports
}

function targetOf(root: string, path: string, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null
  const plain = join(dirname(path), specifier).replaceAll('\\', '/')
  const typescript = plain.replace(/\.js$/, '.ts')
  return existsSync(join(root, typescript)) ? typescript : plain
}

/** Calls `visit` for every node below `node`. */
export function walk(node: Node, visit: (node: Node) => void): void {
  node.forEachChild((child) => {
    visit(child)
    walk(child, visit)
    return undefined
  })
}

/** The line, from 1, on which a node's own text starts. */
export function lineOf(tree: SourceFile, node: Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1
}

/** The line, from 1, on which a node ends. */
export function endLineOf(tree: SourceFile, node: Node): number {
  return tree.getLineAndCharacterOfPosition(node.getEnd()).line + 1
}

/** What a line says as a comment, if anything; slashes after an odd number of quotes belong to a text. */
export function commentOf(line: string): string | null {
  const [, code, comment] = /^(.*?)(?:\/\/|\/\*|^\s*\*)(.*)/.exec(line) ?? []
  if (code === undefined || comment === undefined) return null
  return (code.match(/['"`]/g) ?? []).length % 2 === 1 ? null : comment
}

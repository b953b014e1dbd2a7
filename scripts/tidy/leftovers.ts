/** Small signs of unfinished work: markers, missing purpose sentences, names that say nothing, stray formatting. */

import { SyntaxKind, type Node } from 'typescript/unstable/ast'
import { isStringLiteral } from 'typescript/unstable/ast/is'
import { commentOf, endLineOf, lineOf, walk, type Problem, type Project, type Source } from './project.js'

const VAGUE_NAME = /^(?:utils?|common|helpers?|types?|interfaces?|misc|shared|index|constants)\.ts$/
const FILE_NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.(?:worker|test|bench|d))?\.ts$/

export function checkLeftovers(project: Project): Problem[] {
  return project.sources.filter((source) => !source.generated).flatMap((source) => [
    ...markersOf(source),
    ...nameOf(source),
    ...purposeOf(source),
    ...formattingOf(source),
  ])
}

function problem(source: Source, line: number, message: string): Problem {
  return { rule: 'leftovers', path: source.path, line, message }
}

function markersOf(source: Source): Problem[] {
  const found: Problem[] = []
  source.lines.forEach((text, index) => {
    const comment = commentOf(text)
    if (comment === null) return
    const marker = /\b(?:FIXME|XXX|HACK)\b/.exec(comment)?.[0]
    if (marker !== undefined) found.push(problem(source, index + 1, `${marker} left over`))
    if (/\bTODO\b(?!\(#\d+\))/.test(comment)) {
      found.push(problem(source, index + 1, 'TODO without its issue: write TODO(#12)'))
    }
  })
  return found
}

function nameOf(source: Source): Problem[] {
  const name = source.path.split('/').at(-1) ?? ''
  if (VAGUE_NAME.test(name)) return [problem(source, 0, `${name} says nothing: name it after its idea`)]
  if (!FILE_NAME.test(name)) return [problem(source, 0, `${name} is not kebab-case`)]
  return []
}

function purposeOf(source: Source): Problem[] {
  if (/^(?:#!.*\n)?\/(?:\*\*|\/)/.test(source.text)) return []
  return [problem(source, 1, 'no purpose sentence at the top of the file')]
}

function formattingOf(source: Source): Problem[] {
  const found: Problem[] = []
  const add = (line: number, message: string): void => void found.push(problem(source, line, message))
  source.lines.forEach((text, index) => {
    if (/[ \t]$/.test(text)) add(index + 1, 'white space at the end of the line')
    if (/^ *\t/.test(text)) add(index + 1, 'indented with a tab')
  })
  if (!source.text.endsWith('\n') || source.text.endsWith('\n\n')) {
    add(source.lines.length, 'the file should end with exactly one line feed')
  }
  walk(source.tree, (node) => {
    const text = node.getText(source.tree)
    // Between the members of a type on one line a semicolon is right.
    const atLineEnd = source.text.charAt(node.getEnd()) === '\n'
    if (atLineEnd && text.endsWith(';') && !hasEmptyBody(node)) {
      add(endLineOf(source.tree, node), 'ends with a semicolon')
    }
    if (isStringLiteral(node) && text.startsWith('"') && !text.includes("'") && !text.includes('\\')) {
      add(lineOf(source.tree, node), 'double quotes where single ones serve')
    }
  })
  return found
}

/** `while (step());` and the empty statement in it: there the semicolon is the body. */
function hasEmptyBody(node: Node): boolean {
  if (node.kind === SyntaxKind.EmptyStatement) return true
  const { statement } = node as { readonly statement?: Node }
  return statement?.kind === SyntaxKind.EmptyStatement
}

/**
 * Every protocol is dispatched and every message of it is sent. That a dispatched handler hears every message is the
 * compiler's business; that somebody sends it is not, and an unsent message is dead weight that reads like a promise.
 */

import type { CallExpression, ElementAccessExpression, Node } from 'typescript/unstable/ast'
import {
  isCallExpression,
  isElementAccessExpression,
  isIdentifier,
  isObjectLiteralExpression,
  isPropertyAccessExpression,
  isPropertyAssignment,
  isVariableDeclaration,
} from 'typescript/unstable/ast/is'
import {
  TypeFlags,
  type StringLiteralType,
  type Symbol as TypeSymbol,
  type Type,
  type UnionType,
} from 'typescript/unstable/sync'
import { lineOf, walk, type Problem, type Project, type Source } from './project.js'

interface DeclaredMessage {
  readonly source: Source
  readonly protocol: string
  readonly name: string
  readonly line: number
  /** Position of the declaration's name, which is how a use is resolved back to it. */
  readonly position: number
}

export function checkMessages(project: Project): Problem[] {
  const declared = project.sources.filter(({ path }) => path.startsWith('src/messages/')).flatMap(declaredIn)
  const dispatched = new Set<string>()
  const sent = new Set<string>()
  const names = new Set(declared.map(({ name }) => name))
  for (const source of project.sources) {
    if (!/^(?:src|workers)\//.test(source.path) || source.path.startsWith('src/messages/')) continue
    walk(source.tree, (node) => {
      if (isDispatch(node)) dispatched.add(node.arguments[0]?.getText(source.tree) ?? '')
      if (!isPropertyAccessExpression(node) || !names.has(node.name.text)) return
      for (const place of declarationsOf(project, project.checker.getSymbolAtLocation(node.name))) sent.add(place)
    })
    for (const symbol of chosenByName(project, source, names)) {
      for (const place of declarationsOf(project, symbol)) sent.add(place)
    }
  }
  const protocols = new Map(declared.map((it) => [it.protocol, it]))
  return [
    ...[...protocols.values()]
      .filter(({ protocol }) => !dispatched.has(protocol))
      .map(({ source, protocol }) => ({
        rule: 'messages',
        path: source.path,
        line: 0,
        message: `nobody calls dispatcherOf(${protocol}, …)`,
      })),
    ...declared
      .filter((it) => !sent.has(placeOf(it.source.path, it.position)))
      .map(({ source, protocol, name, line }) => ({
        rule: 'messages',
        path: source.path,
        line,
        message: `nobody sends ${name} of ${protocol}`,
      })),
  ]
}

/** The messages of each `const x = defineProtocol({ name: message(…), … })`. */
function declaredIn(source: Source): DeclaredMessage[] {
  const found: DeclaredMessage[] = []
  walk(source.tree, (node) => {
    if (!isVariableDeclaration(node) || node.initializer === undefined || !isCallExpression(node.initializer)) return
    const { expression, arguments: args } = node.initializer
    const object = args[0]
    if (!isIdentifier(expression) || expression.text !== 'defineProtocol') return
    if (object === undefined || !isObjectLiteralExpression(object)) return
    for (const property of object.properties) {
      if (!isPropertyAssignment(property)) continue
      const name = property.name.getText(source.tree)
      const position = property.name.getStart(source.tree)
      const line = lineOf(source.tree, property)
      found.push({ source, protocol: node.name.getText(source.tree), name, line, position })
    }
  })
  return found
}

function isDispatch(node: Node): node is CallExpression {
  return isCallExpression(node) && isIdentifier(node.expression) && node.expression.text === 'dispatcherOf'
}

/** What `sender[name]` may be, where `name` is one of some texts: 'keepAlive' | 'timeToLive'. */
function chosenByName(project: Project, source: Source, names: ReadonlySet<string>): TypeSymbol[] {
  const { checker } = project
  const accesses: ElementAccessExpression[] = []
  walk(source.tree, (node) => {
    if (isElementAccessExpression(node)) accesses.push(node)
  })
  if (accesses.length === 0) return []
  const keys = checker.getTypeAtLocation(accesses.map(({ argumentExpression }) => argumentExpression))
  return accesses.flatMap(({ expression }, index) => {
    const chosen = textsOf(keys[index]).filter((text) => names.has(text))
    const receiver = chosen.length === 0 ? undefined : checker.getTypeAtLocation(expression)
    if (receiver === undefined) return []
    return checker.getPropertiesOfType(receiver).filter(({ name }) => chosen.includes(name))
  })
}

/** The texts of a literal type or of a union of such. */
function textsOf(type: Type | undefined): string[] {
  if (type === undefined) return []
  if ((type.flags & TypeFlags.StringLiteral) !== 0) return [(type as StringLiteralType).value]
  return (type.flags & TypeFlags.Union) !== 0 ? (type as UnionType).getTypes().flatMap(textsOf) : []
}

/** Where a property is declared. A sender is a mapped type, whose properties remember their origin. */
function declarationsOf(project: Project, symbol: TypeSymbol | undefined): string[] {
  return (symbol?.declarations ?? []).flatMap((handle) => {
    const node = handle.resolve()
    if (node === undefined || !isPropertyAssignment(node)) return []
    const tree = node.getSourceFile()
    const path = tree.fileName.slice(project.root.length).replace(/^\/+/, '')
    return [placeOf(path, node.name.getStart(tree))]
  })
}

function placeOf(path: string, position: number): string {
  return `${path}:${position}`
}

/** Error ids travel in messages and logs, so each error of the catalogue has one of its own for ever. */

import { isCallExpression, isIdentifier, isPropertyAssignment } from 'typescript/unstable/ast/is'
import { lineOf, walk, type Problem, type Project } from './project.js'

const CATALOGUE = 'src/proto/etcd-errors.ts'

export function checkErrorCatalogue(project: Project): Problem[] {
  const source = project.sources.find(({ path }) => path === CATALOGUE)
  if (source === undefined) return []
  const problems: Problem[] = []
  const owners = new Map<string, string>()
  let count = 0
  walk(source.tree, (node) => {
    if (!isPropertyAssignment(node) || !isCallExpression(node.initializer)) return
    const { expression, arguments: args } = node.initializer
    if (!isIdentifier(expression) || expression.text !== 'entry') return
    count++
    const name = node.name.getText(source.tree)
    // Id and symbol: the first two arguments.
    for (const argument of args.slice(0, 2)) {
      const value = argument.getText(source.tree)
      const owner = owners.get(value)
      owners.set(value, name)
      if (owner === undefined) continue
      const line = lineOf(source.tree, argument)
      problems.push({ rule: 'errors', path: CATALOGUE, line, message: `${name} reuses ${value} of ${owner}` })
    }
  })
  if (count === 0) problems.push({ rule: 'errors', path: CATALOGUE, line: 0, message: 'no entries found' })
  return problems
}

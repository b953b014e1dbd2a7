/** What documents say about the code is drawn from the code, and what the code says of documents is there. */

import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DIAGRAM_PATH, drawingIn, renderTopology } from '../render-topology.js'
import { commentOf, type Problem, type Project } from './project.js'

export function checkDrawing({ root }: Project): Problem[] {
  if (!existsSync(join(root, DIAGRAM_PATH)) || drawingIn(root) === renderTopology()) return []
  const message = 'the drawing is not that of src/topology.ts: node dist/scripts/render-topology.js --write'
  return [{ rule: 'documents', path: DIAGRAM_PATH, line: 0, message }]
}

/** A comment may send its reader only to a document of this tree: beside the file, in docs, or named from the root. */
export function checkReferences({ root, sources }: Project): Problem[] {
  const problems: Problem[] = []
  for (const { path, lines } of sources) {
    lines.forEach((text, index) => {
      for (const [name] of (commentOf(text) ?? '').matchAll(/[\w./-]+\.(?:md|tsv)\b/g)) {
        if ([dirname(path), 'docs', '.'].some((folder) => existsSync(join(root, folder, name)))) continue
        problems.push({ rule: 'documents', path, line: index + 1, message: `there is no ${name} here` })
      }
    })
  }
  return problems
}

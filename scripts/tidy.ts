/**
 * Checks what review should not have to: sizes, layers, devices, banned calls, messages, entries, leftovers, the error
 * catalogue and the diagram in docs. `--shrink` records that something above a limit has become smaller.
 */

import { fileURLToPath } from 'node:url'
import { scriptOptions } from './support/script-options.js'
import { checkBannedCalls } from './tidy/banned-calls.js'
import { checkErrorCatalogue } from './tidy/catalogue.js'
import { checkDevices } from './tidy/devices.js'
import { checkDrawing, checkReferences } from './tidy/documents.js'
import { checkUnusedFiles, checkWorkerEntries } from './tidy/entries.js'
import { checkLayers } from './tidy/layers.js'
import { checkLeftovers } from './tidy/leftovers.js'
import { checkMessages } from './tidy/messages.js'
import { withProject, type Problem, type Rule } from './tidy/project.js'
import { checkSizes, shrinkRatchet } from './tidy/sizes.js'

const RULES: readonly Rule[] = [
  checkSizes,
  checkLayers,
  checkDevices,
  checkBannedCalls,
  checkMessages,
  checkWorkerEntries,
  checkUnusedFiles,
  checkLeftovers,
  checkErrorCatalogue,
  checkDrawing,
  checkReferences,
]

/** Every problem of the tree below `root`, ordered by path and line. */
export function tidy(root: string): readonly Problem[] {
  return withProject(root, (project) =>
    RULES.flatMap((rule) => rule(project)).toSorted(
      (a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line),
    ),
  )
}

function main(root: string): void {
  const { values } = scriptOptions({
    does: 'Checks the shape of the tree: sizes, layers, devices, calls, messages, entries, documents.',
    options: { shrink: { type: 'switch', text: 'records that something above a limit has become smaller' } },
  })
  if (values.shrink) withProject(root, shrinkRatchet)
  const problems = tidy(root)
  for (const { path, line, rule, message } of problems) console.log(`${path}:${line}: ${message} [${rule}]`)
  console.log(problems.length === 0 ? 'tidy: no problems' : `tidy: ${problems.length} problems`)
  process.exitCode = problems.length === 0 ? 0 : 1
}

// The compiled script lies in dist/scripts.
if (process.argv[1] === fileURLToPath(import.meta.url)) main(fileURLToPath(new URL('../..', import.meta.url)))

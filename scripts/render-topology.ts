/**
 * Draws src/topology.ts for docs/ARCHITECTURE.md: `node dist/scripts/render-topology.js` prints it, `--write` puts it
 * between the file's marks. tidy fails while the two differ.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { scriptOptions } from './support/script-options.js'
import { conclude, type Config } from '../src/config/config.js'
import { readFlags } from '../src/config/flags.js'
import { edges, threads } from '../src/topology.js'

export const DIAGRAM_PATH = 'docs/ARCHITECTURE.md'
const BEGIN = '<!-- Drawn by scripts/render-topology.ts from src/topology.ts. -->'
const END = '<!-- End of the drawing. -->'

/** The machine whose defaults are shown, so that the drawing is the same everywhere. */
const CORES = 2

export function renderTopology(): string {
  const config = configOf('shared')
  const rings = edges(config).filter(({ from, to }) => hosts(config, from) && hosts(config, to))
  const total = rings.reduce((sum, { bytes }) => sum + bytes, 0)
  return [
    '```mermaid',
    'flowchart LR',
    '  clients([clients]) <-->|HTTP/2| front',
    '  wal --- disk[(log segments)]',
    '  mvcc --- store[(store file)]',
    ...rings.map(({ from, to, bytes }) => `  ${from} -->|${sizeOf(bytes)}| ${to}`),
    '```',
    '',
    `${rings.length} kinds of rings, ${sizeOf(total)} where each actor runs once.`,
    '',
    '| `--actor-threads` | threads, and the actors of each in the order of their turns |',
    '|---|---|',
    ...(['shared', 'dedicated', 'inline'] as const).map((mode) => `| \`${mode}\` | ${threadsOf(configOf(mode))} |`),
    '',
  ].join('\n')
}

function configOf(mode: Config['threadsMode']): Config {
  const flags = readFlags([`--actor-threads=${mode}`, '--front-workers=1', '--watch-workers=1'], {})
  if (!flags.ok || 'print' in flags) throw new Error('the flags of the drawing are not accepted')
  const result = conclude(flags.raw, CORES)
  if (!result.ok) throw new Error(result.message)
  return result.config
}

function hosts(config: Config, actor: string): boolean {
  return threads(config).some(({ actors }) => actors.some(({ name }) => name === actor))
}

function threadsOf(config: Config): string {
  return threads(config)
    .map(({ actors, eventLoop }) => actors.map(({ name }) => name).join(' + ') + (eventLoop ? ' (event loop)' : ''))
    .join(', ')
}

function sizeOf(bytes: number): string {
  const kib = bytes / 1024
  return kib < 1024 ? `${kib} KiB` : `${(kib / 1024).toFixed(2).replace(/\.?0+$/, '')} MiB`
}

/** The text between the marks of the file, null when the file or a mark is missing. */
export function drawingIn(root: string): string | null {
  const path = join(root, DIAGRAM_PATH)
  if (!existsSync(path)) return null
  const text = readFileSync(path, 'utf8')
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  return begin < 0 || end < begin ? null : text.slice(begin + BEGIN.length + 1, end)
}

function write(root: string): void {
  const path = join(root, DIAGRAM_PATH)
  const text = readFileSync(path, 'utf8')
  const before = drawingIn(root)
  if (before === null) throw new Error(`${DIAGRAM_PATH} lacks a mark: ${BEGIN} or ${END}`)
  const at = text.indexOf(BEGIN) + BEGIN.length + 1
  writeFileSync(path, text.slice(0, at) + renderTopology() + text.slice(at + before.length))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = scriptOptions({
    does: 'Prints the diagram of actors and rings.',
    options: { write: { type: 'switch', text: 'writes it into its document instead' } },
  })
  // The compiled script lies in dist/scripts.
  const root = fileURLToPath(new URL('../..', import.meta.url))
  if (values.write) write(root)
  else process.stdout.write(renderTopology())
}

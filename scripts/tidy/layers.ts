/** Who may import whom: layers from the ground up, actors that share nothing but messages, a ring that needs nobody. */

import type { Import, Problem, Project, Source } from './project.js'

/** Lowest first. A folder may import folders of the layers below its own, and itself. */
const LAYERS: readonly (readonly string[])[] = [
  ['base', 'ring'],
  ['bbolt'],
  ['proto'],
  ['config'],
  ['messages'],
  ['metrics'],
  ['actor'],
  ['store'],
  ['keyspace'],
  ['auth'],
  ['cluster'],
  ['listen'],
  ['snapshot'],
  ['front', 'raft', 'wal', 'peer', 'mvcc', 'watch', 'lease'],
  ['topology.ts', 'node-memory.ts'],
  ['node.ts'],
  ['node.ts'],
  ['sim'],
  ['main.ts', 'main', 'ctl', 'embed'],
  ['embed.ts'],
]

/** Exceptions within a layer: the first may import the second. */
const NEIGHBOURS: ReadonlySet<string> = new Set(['node-memory.ts topology.ts', 'main.ts main'])

const ACTORS: readonly string[] = ['front', 'raft', 'wal', 'peer', 'mvcc', 'watch', 'lease']

/** Where a node is put together: by its command line, and inside another program. */
const ENTRIES: ReadonlySet<string> = new Set(['main.ts', 'embed.ts'])

/** The one file that only passes on: what others may use of the key space. */
const DOOR = 'src/keyspace/keyspace.ts'

const RANKS = new Map(LAYERS.flatMap((folders, rank) => folders.map((folder) => [folder, rank] as const)))

export function checkLayers(project: Project): Problem[] {
  return project.sources.flatMap((source) => {
    const home = placeOf(source.path)
    return home === null ? [] : source.imports.flatMap((it) => problemsOf(source, home, it))
  })
}

/** The folder below src, or the file itself when it lies in src; null outside src. */
function placeOf(path: string): string | null {
  const [top, place] = path.split('/')
  return top === 'src' && place !== undefined ? place : null
}

function problemsOf(source: Source, home: string, it: Import): Problem[] {
  const problem = (message: string): Problem[] => [{ rule: 'layers', path: source.path, line: it.line, message }]
  if (it.kind === 're-export' && source.path !== DOOR) {
    return problem(`re-exports ${it.specifier}: import it where it is defined`)
  }
  if (home === 'ring' && (it.target === null || placeOf(it.target) !== 'ring')) {
    return problem(`ring imports ${it.specifier}; it must stand alone`)
  }
  if (it.target === null) return []
  // With --actor-threads=inline all actors run on the main thread, built as their workers build them.
  if (ENTRIES.has(home) && !it.target.startsWith('src/')) return []
  // spawn.ts names the compiled worker entries by URL; entries hand their builders on for the inline mode.
  if (it.target.startsWith('workers/') && (it.kind === 'url' || ENTRIES.has(home))) return []
  // Where a program reads its own version.
  if (it.kind === 'url' && it.specifier.endsWith('/package.json')) return []
  const there = placeOf(it.target)
  if (there === null) return problem(`src imports ${it.target}, which lies outside src`)
  if (there === home) return []
  if (ACTORS.includes(home) && ACTORS.includes(there)) {
    return problem(`actor ${home} imports actor ${there}; they share messages only`)
  }
  const from = RANKS.get(home)
  const to = RANKS.get(there)
  if (from === undefined) return problem(`src/${home} has no layer; name one in scripts/tidy/layers.ts`)
  if (to === undefined) return problem(`src/${there} has no layer; name one in scripts/tidy/layers.ts`)
  if (to < from || NEIGHBOURS.has(`${home} ${there}`)) return []
  return problem(`${home} imports ${there}, which is not in a layer below it`)
}

/** Profiles name places in the few files that a node runs (dist/bundle); people know the files those were made of. */

import { readFileSync } from 'node:fs'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { fileURLToPath } from 'node:url'

/** A place as V8 names it: line and column count from 0. */
export interface CallFrame {
  url: string
  lineNumber: number
  columnNumber: number
}

interface FrameTree {
  readonly callFrame: CallFrame
  readonly children?: readonly (FrameTree | number)[]
}

/** Of a CPU profile, or of a sampled heap. */
interface Frames {
  readonly nodes?: readonly FrameTree[]
  readonly head?: FrameTree
}

/** Gives all frames the places in the files that were bundled, as paths such as src/node.js. No map, no change. */
export function nameSources(profiles: readonly object[]): void {
  const maps = new Map<string, SourceMap | null>()
  const name = (frame: CallFrame): void => {
    let map = maps.get(frame.url)
    if (map === undefined) maps.set(frame.url, (map = mapOf(frame.url)))
    const entry = map?.findEntry(frame.lineNumber, frame.columnNumber)
    if (entry === undefined || !('originalSource' in entry)) return
    frame.url = entry.originalSource.replace(/^(?:\.\.\/)+/, '')
    frame.lineNumber = entry.originalLine
    frame.columnNumber = entry.originalColumn
  }
  const walk = ({ callFrame, children = [] }: FrameTree): void => {
    name(callFrame)
    for (const child of children) if (typeof child === 'object') walk(child)
  }
  for (const { nodes = [], head } of profiles as readonly Frames[]) {
    nodes.forEach(walk)
    if (head !== undefined) walk(head)
  }
}

function mapOf(url: string): SourceMap | null {
  if (!url.startsWith('file:')) return null
  try {
    return new SourceMap(JSON.parse(readFileSync(`${fileURLToPath(url)}.map`, 'utf8')) as SourceMapPayload)
  } catch (error) {
    // Compiled file by file, or installed without its maps.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Where a node that lives in memory keeps its files: a directory of its own in the machine's memory. */

import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Home {
  readonly path: string
  /** The node is closed. */
  remove(): void
}

const SHARED_MEMORY = '/dev/shm'

/** What is to be removed when the program ends without closing its nodes. One listener does for all of them. */
const openHomes = new Set<MemoryHome>()

function removeAll(): void {
  for (const home of openHomes) home.remove()
}

/** In the machine's memory where there is such a place; gone when the node is closed or the program ends. */
export class MemoryHome implements Home {
  readonly path = mkdtempSync(join(isWritable(SHARED_MEMORY) ? SHARED_MEMORY : tmpdir(), 'raftring-'))

  constructor() {
    if (openHomes.size === 0) process.on('exit', removeAll)
    openHomes.add(this)
  }

  remove(): void {
    openHomes.delete(this)
    if (openHomes.size === 0) process.removeListener('exit', removeAll)
    rmSync(this.path, { recursive: true, force: true })
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** A directory of a test's own, away when the test is over, however the process ends. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

export interface TemporaryDirectory {
  readonly root: string
  path(...parts: readonly string[]): string
  remove(): void
  /** Leaves it for whoever looks into a failure. */
  keep(): void
}

export function temporaryDirectory(): TemporaryDirectory {
  const root = mkdtempSync(path.join(tmpdir(), `raftring-test-${process.pid}-`))
  const remove = (): void => rmSync(root, { recursive: true, force: true })
  process.on('exit', remove)
  return {
    root,
    keep: () => process.off('exit', remove),
    path: (...parts) => path.join(root, ...parts),
    remove: () => {
      process.off('exit', remove)
      remove()
    },
  }
}

/**
 * Makes store files under a soft limit on the size of files, which stands for a full disk: each attempt is refused and
 * leaves nothing open, until there is room. Prints how many were refused. Arguments: the directory, and `first` for the
 * store of a first start or `next` for a generation after it.
 */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { LmdbGenerations } from '../../../src/mvcc/generations/lmdb-generations-file.js'
import type { LmdbStore } from '../../../src/store/lmdb-store.js'
import { restoreStore } from '../../../src/store/restore-store.js'

const [, , dir, which] = process.argv as [string, string, string, string]
const LIMIT_BYTES_STEP = 24 * 1024
const options = { mapSizeBytes: 2 ** 30 }
const generations = new LmdbGenerations(dir, options)
let refused = 0

function setLimit(bytes: number): void {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:`], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
}

function openStoreFiles(): string[] {
  const open: string[] = []
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      open.push(readlinkSync(`/proc/self/fd/${name}`))
    } catch (error) {
      // The descriptor that lists the others is closed by now.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return open.filter((path) => path.startsWith(dir))
}

function make(): { readonly ok: true; readonly store: LmdbStore } | { readonly ok: false; readonly code: string } {
  if (which === 'first') return restoreStore(dir, options)
  const created = generations.create(2, 1)
  return created.ok ? { ok: true, store: created.generation.store as LmdbStore } : created
}

for (;;) {
  setLimit(refused * LIMIT_BYTES_STEP)
  const made = make()
  if (made.ok) {
    setLimit(2 ** 30)
    assert.equal(made.store.transact(() => undefined).ok, true)
    made.store.close()
    break
  }
  assert.equal(made.code, 'no-space')
  // A first start that failed clears up when it is tried again.
  if (which === 'next') assert.deepEqual(readdirSync(dir), [])
  assert.deepEqual(openStoreFiles(), [])
  refused++
}
process.stdout.write(String(refused))

/**
 * All small benchmarks one after the other: ring, codec, HPACK, WAL, store and its index, apply, watch matching.
 *
 *   npm run bench:micro -- [words that paths must contain]
 */

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { scriptOptions } from '../scripts/support/script-options.js'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const FOLDERS = ['ring', 'codec', 'front', 'wal', 'store', 'mvcc', 'watch']
const { words } = scriptOptions({
  command: 'npm run bench:micro --',
  does: 'All small benchmarks one after the other: ring, codec, HPACK, log, store, index, apply, watch.',
  words: { names: '[WORD...]', text: 'only those whose path contains all of them' },
})

for (const folder of FOLDERS) {
  for (const name of readdirSync(join(HERE, folder)).filter((file) => file.endsWith('.bench.js')).sort()) {
    const path = join(HERE, folder, name)
    if (!words.every((word) => relative(HERE, path).includes(word))) continue
    console.log(`\n=== ${relative(HERE, path).replace(/\.js$/, '')}`)
    const { status } = spawnSync(process.execPath, [path], { stdio: 'inherit' })
    if (status !== 0) process.exitCode = 1
  }
}

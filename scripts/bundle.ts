/**
 * Makes dist/bundle of the compiled files: what a node runs, in few files. A thread that had to find, read and link
 * some two hundred small ones would start in twice the time.
 *
 *   npm run build
 */

import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type BuildOptions } from 'esbuild'
import { scriptOptions } from './support/script-options.js'

const DIST = fileURLToPath(new URL('..', import.meta.url))
const OUT = join(DIST, 'bundle')
const WORKERS = join(DIST, 'workers')

const SHARED: BuildOptions = {
  absWorkingDir: DIST,
  outdir: OUT,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.18',
  packages: 'external',
  // Profiles and stack traces name the files that people know.
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
}

async function main(): Promise<void> {
  scriptOptions({ does: 'Makes dist/bundle of what was compiled. Part of npm run build.', options: {} })
  rmSync(OUT, { recursive: true, force: true })
  const workers = readdirSync(WORKERS).filter((name) => name.endsWith('.worker.js'))
  await Promise.all([
    // Each thread reads only the code of its own actors.
    build({
      ...SHARED,
      entryPoints: ['src/main.js', ...workers.map((name) => `workers/${name}`)].map((file) => entry(file)),
      splitting: true,
      chunkNames: 'chunks/[name]-[hash]',
    }),
    // The calling thread runs all actors of a node that is embedded inline.
    build({ ...SHARED, entryPoints: [entry('src/embed.js')] }),
  ])
}

function entry(file: string): { readonly in: string; readonly out: string } {
  return { in: file, out: file.replace(/^src\//, '').replace(/\.js$/, '') }
}

await main()

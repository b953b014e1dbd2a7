/**
 * Makes dist/bundle of the compiled files: what a node runs, in few files. A thread that had to find, read and link
 * some two hundred small ones would start in twice the time.
 *
 *   npm run build
 */

import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rollup } from 'rollup'
import { scriptOptions } from './support/script-options.js'

const DIST = fileURLToPath(new URL('..', import.meta.url))
const OUT = join(DIST, 'bundle')
const WORKERS = join(DIST, 'workers')

async function main(): Promise<void> {
  scriptOptions({ does: 'Makes dist/bundle of what was compiled. Part of npm run build.', options: {} })
  rmSync(OUT, { recursive: true, force: true })
  const workers = readdirSync(WORKERS).filter((name) => name.endsWith('.worker.js')).map((name) => `workers/${name}`)
  // Each thread reads only the code of its own actors.
  await bundle(['src/main.js', ...workers], false)
  // The calling thread runs all actors of a node that is embedded inline.
  await bundle(['src/embed.js'], true)
}

async function bundle(files: readonly string[], isOneFile: boolean): Promise<void> {
  const bundled = await rollup({
    input: Object.fromEntries(files.map((file) => [nameOf(file), join(DIST, file)])),
    external: (specifier) => !specifier.startsWith('.') && !specifier.startsWith('/'),
    // Few of our files have anything that nobody needs, and looking for it takes longer than all the rest.
    treeshake: false,
    onwarn: ({ message }) => {
      throw new Error(message)
    },
  })
  await bundled.write({
    dir: OUT,
    format: 'es',
    // Profiles name the files that people know.
    sourcemap: true,
    sourcemapExcludeSources: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    inlineDynamicImports: isOneFile,
  })
  await bundled.close()
}

function nameOf(file: string): string {
  return file.replace(/^src\//, '').replace(/\.js$/, '')
}

await main()

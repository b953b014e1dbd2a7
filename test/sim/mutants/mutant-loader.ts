/** Loads one file of what was built with a known bug in it, for `node --import` of register-mutant.js. */

import { mutate, type Mutant } from './mutant.js'

interface LoadResult {
  readonly format: string
  readonly source: string | Uint8Array
  readonly shortCircuit?: boolean
}

let mutant: Mutant | null = null

export function initialize(data: Mutant): void {
  mutant = data
}

export async function load(
  url: string,
  context: object,
  nextLoad: (url: string, context: object) => Promise<LoadResult>,
): Promise<LoadResult> {
  const loaded = await nextLoad(url, context)
  if (mutant === null || url !== new URL(`../../../src/${mutant.file}`, import.meta.url).href) return loaded
  return { ...loaded, source: mutate(mutant, Buffer.from(loaded.source).toString('utf8')) }
}

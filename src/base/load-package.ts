/**
 * Packages that most processes never need, loaded on the spot where one is first used: what is imported at the top of a
 * file costs every start of every thread.
 */

import { createRequire } from 'node:module'

/** `loadPackage('yaml') as typeof Yaml`, with `import type * as Yaml from 'yaml'`. */
export const loadPackage: (name: string) => unknown = createRequire(import.meta.url)

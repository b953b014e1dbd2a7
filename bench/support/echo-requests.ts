/** Messages of one size for a server that answers with what it gets. */

import type { GeneratorName, RequestGenerator } from '../../src/ctl/load/request-generator.js'

export interface EchoOptions {
  readonly method: string
  readonly bytes: number
}

export function echoes(options: EchoOptions): GeneratorName {
  return { module: import.meta.url, export: makeEchoes.name, options }
}

export function makeEchoes(options: unknown): RequestGenerator {
  const { method, bytes: length } = options as EchoOptions
  return { method, bytesMax: length, write: () => length }
}

/** What a load consists of: a module that threads can load by its name makes one of these. */

import { systemClock } from '../../base/system-clock.js'

/** Named so that it can cross to another thread. */
export interface GeneratorName {
  /** URL of a compiled module. */
  readonly module: string
  /** A function that it exports: (options) => RequestGenerator. */
  readonly export: string
  readonly options: unknown
}

export interface RequestGenerator {
  /** '/package.Service/Method' of what was written last. */
  readonly method: string
  /** No request is longer. */
  readonly bytesMax: number
  /** Writes request number `sequence` of a client at offset 0 and returns its length. */
  write(bytes: Buffer, client: number, sequence: number): number
  /**
   * Streams only: how much one answer counts for. `record` takes the time at which what it tells was sent, by
   * `nowUs` of the thread that sent it.
   */
  measure?(bytes: Buffer, start: number, end: number, record: (sentUs: number) => void): number
}

export type MakeGenerator = (options: unknown) => RequestGenerator

export async function loadGenerator(name: GeneratorName): Promise<RequestGenerator> {
  const module = (await import(name.module)) as Record<string, MakeGenerator | undefined>
  const make = module[name.export]
  if (make === undefined) throw new Error(`${name.module} exports no ${name.export}`)
  return make(name.options)
}

/** Microseconds of a clock that all threads and processes of the machine share. */
export function nowUs(): number {
  return systemClock.nowMs() * 1000
}

/** What a figure was measured on; printed above every result, because figures of two machines do not compare. */

import { availableParallelism, cpus } from 'node:os'

export function machineFacts(): string {
  const model = cpus()[0]?.model ?? 'unknown processor'
  return `${model}, ${availableParallelism()} cores, Node ${process.version}, ${process.platform}`
}

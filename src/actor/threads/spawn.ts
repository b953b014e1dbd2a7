/** The only file that knows where compiled worker entries lie. */

import { Worker, type ResourceLimits } from 'node:worker_threads'
import { shareNativeLoads } from './native-loads.js'

export type WorkerEntry = 'thread' | 'log' | 'prealloc' | 'checkpoint' | 'snapshot' | 'snapshot-sender' | 'tools/load'

export function spawnThread(entry: WorkerEntry, name: string, data: unknown, limits?: ResourceLimits): Worker {
  shareNativeLoads()
  const url = new URL(`../../../workers/${entry}.worker.js`, import.meta.url)
  return new Worker(url, { name, workerData: data, ...(limits === undefined ? {} : { resourceLimits: limits }) })
}

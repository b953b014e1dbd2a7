/** Starts threads. Where their compiled entries lie is said in package.json, under `imports`. */

import { Worker, type ResourceLimits } from 'node:worker_threads'
import { shareNativeSections } from './native-sections.js'

export type WorkerEntry = 'thread' | 'log' | 'prealloc' | 'checkpoint' | 'snapshot' | 'snapshot-sender' | 'tools/load'

export function spawnThread(entry: WorkerEntry, name: string, data: unknown, limits?: ResourceLimits): Worker {
  shareNativeSections()
  const url = new URL(import.meta.resolve(`#workers/${entry}.worker.js`))
  return new Worker(url, { name, workerData: data, ...(limits === undefined ? {} : { resourceLimits: limits }) })
}

/** The name by which this thread was started; empty on the main thread. */

import { isMainThread, workerData } from 'node:worker_threads'

export function threadName(): string {
  if (isMainThread) return ''
  const name = (workerData as { readonly threadName?: unknown } | null)?.threadName
  return typeof name === 'string' ? name : ''
}

/** The member's name. */
export function memberName(): string {
  if (isMainThread) return ''
  const config = (workerData as { readonly config?: { readonly name?: string } } | null)?.config
  return config?.name ?? ''
}

/** Starts a compiled script beside the tests as a worker thread and waits for the one message that is its result. */

import { Worker } from 'node:worker_threads'

/** Resolves with the worker's first message; rejects if it throws or ends without one. */
export function inWorker<T>(entry: string, data: unknown): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const worker = new Worker(new URL(`./${entry}.worker.js`, import.meta.url), { workerData: data })
    worker.once('message', (result: T) => {
      resolve(result)
      void worker.terminate()
    })
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`worker ${entry} ended with code ${code} and no result`)))
  })
}

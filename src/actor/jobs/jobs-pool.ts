/**
 * Stateless work that takes long, on threads of its own that give way to every other. The threads start with the first
 * job and end when there has been none for a while.
 */

import type * as Pools from 'piscina'
import { loadPackage } from '../../base/load-package.js'

const IDLE_MS = 60_000

export interface JobsPoolOptions {
  readonly threadsMax: number
  /** Jobs that may wait for a thread; the one above is refused. */
  readonly queueMax: number
}

/** The functions of workers/jobs.worker.ts. */
export interface Jobs {
  hashPassword: (job: { password: string; cost: number }) => string
  comparePassword: (job: { password: string; hash: string }) => boolean
  hashStore: (job: { storePath: string }) => number
}

/** What fronts give passwords to. */
export type PasswordJobs = Pick<JobsPool, 'run' | 'close'>

export class JobsPool {
  readonly #options: JobsPoolOptions
  #pool: Pools.Piscina | null = null
  #running = 0
  #isClosed = false
  refusedCount = 0

  constructor(options: JobsPoolOptions) {
    this.#options = options
  }

  get isFull(): boolean {
    return this.#running >= this.#options.queueMax
  }

  /** Null when too many jobs wait, or no more are taken. Rejects when a thread broke down or the pool was closed. */
  run<N extends keyof Jobs>(name: N, job: Parameters<Jobs[N]>[0]): Promise<ReturnType<Jobs[N]>> | null {
    if (this.isFull || this.#isClosed) {
      this.refusedCount++
      return null
    }
    this.#running++
    this.#pool ??= this.#open()
    const result = this.#pool.run(job, { name }) as Promise<ReturnType<Jobs[N]>>
    return result.finally(() => {
      this.#running--
    })
  }

  /** What has not begun is rejected. */
  async close(): Promise<void> {
    const pool = this.#pool
    this.#isClosed = true
    this.#pool = null
    await pool?.destroy()
  }

  #open(): Pools.Piscina {
    const { Piscina } = loadPackage('piscina') as typeof Pools
    return new Piscina({
      filename: import.meta.resolve('#workers/jobs.worker.js'),
      minThreads: 0,
      maxThreads: this.#options.threadsMax,
      idleTimeout: IDLE_MS,
    })
  }
}

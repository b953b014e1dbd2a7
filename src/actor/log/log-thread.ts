/** The log writer as its owner sees it: started before all other threads, stopped after them. */

import type { Worker } from 'node:worker_threads'
import { Doorbell } from '../../ring/doorbell.js'
import type { LogSinkStart } from './log-outputs.js'
import type { LogWriterStart } from './log-writer.js'
import { spawnThread } from '../threads/spawn.js'

/** A reader of stderr that has stopped may keep the writer waiting for ever; nobody else waits longer than this. */
const STOP_MS_MAX = 1000

export class LogThread {
  readonly #worker: Worker
  readonly #control: Int32Array
  readonly #doorbell: Doorbell

  constructor(options: {
    rings: readonly SharedArrayBuffer[]
    doorbell: SharedArrayBuffer
    sinks: readonly LogSinkStart[]
    onFailure: (cause: string) => void
  }) {
    const { rings, doorbell, sinks, onFailure } = options
    const control = new SharedArrayBuffer(8)
    this.#control = new Int32Array(control)
    this.#doorbell = new Doorbell(doorbell)
    const start: LogWriterStart = { rings, doorbell, control, sinks }
    this.#worker = spawnThread('log', 'log', start)
    this.#worker.on('error', (error) => onFailure(error.stack ?? error.message))
    this.#worker.unref()
  }

  /** Returns when all lines are written, or after a second. Blocks its thread: there is nothing else left to do. */
  stop(): void {
    Atomics.store(this.#control, 0, 1)
    this.#doorbell.ring()
    if (Atomics.load(this.#control, 1) === 0) Atomics.wait(this.#control, 1, 0, STOP_MS_MAX)
  }
}

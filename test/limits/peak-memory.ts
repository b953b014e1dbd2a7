/** The most memory that a process has held since a moment, as the kernel has counted it. */

import { readFileSync, writeFileSync } from 'node:fs'

/** Sets the kernel's mark of the most back to what is held now. */
const RESET_PEAK = '5'

export class PeakMemory {
  readonly #pid: number
  readonly #startBytes: number

  constructor(pid: number) {
    this.#pid = pid
    writeFileSync(`/proc/${pid}/clear_refs`, RESET_PEAK)
    this.#startBytes = this.#read('VmRSS')
  }

  growthBytes(): number {
    return this.#read('VmHWM') - this.#startBytes
  }

  #read(name: string): number {
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8')
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'mu').exec(status)?.[1] ?? 0) * 1024
  }
}

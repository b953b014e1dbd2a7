/** Hashes passwords after a while of simulated time, to what anybody could read them from: the same in every run. */

import type { Jobs, PasswordJobs } from '../../actor/jobs/jobs-pool.js'
import type { World } from '../world/world.js'

/** As long as a cheap bcrypt takes. */
const HASH_MS = 5

export class SimPasswordJobs implements PasswordJobs {
  readonly #world: World
  readonly #isGone: () => boolean

  constructor(world: World, isGone: () => boolean) {
    this.#world = world
    this.#isGone = isGone
  }

  run<N extends keyof Jobs>(name: N, job: Parameters<Jobs[N]>[0]): Promise<ReturnType<Jobs[N]>> {
    return new Promise((resolve) => {
      this.#world.time.after(this.#world.around(HASH_MS), () => {
        if (this.#isGone()) return
        // Whoever waits for it goes on between two turns.
        this.#world.owesPromises = true
        resolve(outcomeOf(name, job as { password: string; hash?: string }) as ReturnType<Jobs[N]>)
      })
    })
  }

  async close(): Promise<void> {}
}

function outcomeOf(name: keyof Jobs, { password, hash }: { password: string; hash?: string }): string | boolean {
  const hashed = `hash of ${password}`
  return name === 'comparePassword' ? hash === hashed : hashed
}

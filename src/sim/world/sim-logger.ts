/** Lines of a simulated member become events of the trace, when somebody wants to read it. */

import type { LogFields, Logger } from '../../metrics/logger.js'
import type { World } from './world.js'

export class SimLogger implements Logger {
  readonly #world: World
  readonly #who: string

  constructor(world: World, who: string) {
    this.#world = world
    this.#who = who
  }

  /** Whether lines are kept or not must not change what happens. */
  enabled(): boolean {
    return true
  }

  debug(): void {
    return
  }

  info(caller: string, msg: string, fields?: LogFields): void {
    this.#line(caller, msg, fields)
  }

  warn(caller: string, msg: string, fields?: LogFields): void {
    this.#line(caller, `warning: ${msg}`, fields)
  }

  error(caller: string, msg: string, fields?: LogFields): void {
    this.#line(caller, `error: ${msg}`, fields)
  }

  #line(caller: string, msg: string, fields: LogFields = {}): void {
    this.#world.say(this.#who, () => {
      const parts = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`)
      return [`${caller}: ${msg}`, ...parts].join(' ')
    })
  }
}

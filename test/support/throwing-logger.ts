/** A log for tests in which nothing may go wrong: a warning fails them. */

import type { LogFields, Logger } from '../../src/metrics/logger.js'

function refuse(caller: string, msg: string, fields?: LogFields): void {
  throw new Error(`${caller}: ${msg} ${JSON.stringify(fields ?? {})}`)
}

export const throwingLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: refuse,
  error: refuse,
  enabled: () => true,
}

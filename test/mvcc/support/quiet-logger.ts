/** A logger for tests that look at answers, not at lines. */

import type { Logger } from '../../../src/metrics/logger.js'

const nothing = (): void => undefined

export const QUIET_LOGGER: Logger = Object.freeze({
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  enabled: () => false,
})

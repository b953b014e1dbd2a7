/** How busy all cores are, whoever keeps them so: what others take while something is measured spoils the figures. */

import { readFileSync } from 'node:fs'

const TICKS_PER_SECOND = 100
/** Fields of the first line of /proc/stat in which nobody computes: idle and iowait. */
const IDLE_FIELDS = [3, 4]

/** Core seconds of work since the machine's start; 0 where the kernel does not say. */
export function busyCoreSeconds(path = '/proc/stat'): number {
  let line: string
  try {
    line = readFileSync(path, 'utf8').split('\n', 1)[0] ?? ''
  } catch {
    // Without /proc nobody knows.
    return 0
  }
  // Time of guests, from the ninth on, is counted in the first two already.
  const ticks = line.split(/\s+/).slice(1, 9).map(Number)
  const busy = ticks.reduce((sum, value, field) => sum + (IDLE_FIELDS.includes(field) ? 0 : value), 0)
  return busy / TICKS_PER_SECOND
}

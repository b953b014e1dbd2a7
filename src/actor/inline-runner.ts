/**
 * Runs every actor of a node on the calling thread, for tests, simulation and embedding. Messages wait in their rings
 * until their reader's turn: a handler is never called from inside a handler.
 */

import type { Turn } from './turn.js'

/** Turns until nothing is left to do; throws if `turnsMax` do not suffice, which means two actors feed each other. */
export function runUntilQuiet(turn: Turn, turnsMax = 10_000): number {
  for (let turns = 0; turns < turnsMax; turns++) {
    if (turn.run() === 0 && !turn.hasWork()) return turns
  }
  throw new Error(`actors are still busy after ${turnsMax} turns`)
}

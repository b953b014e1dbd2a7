/** The priority of a thread: on Linux each has its own, under its own number. */

import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'

/** Any thread that has something else to do goes first. */
const NICE_LAST = 19

/** Puts the calling thread behind all others. Where threads have no priority of their own, nothing changes. */
export function yieldToAll(): boolean {
  const thread = threadNumber()
  if (thread === null) return false
  setPriority(thread, NICE_LAST)
  return true
}

function threadNumber(): number | null {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1))
  } catch {
    // No Linux, or no /proc: setPriority would change the whole process.
    return null
  }
}

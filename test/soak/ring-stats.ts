/** Asks a server for its ring counters (SIGUSR2 writes them to the log) and reads them. */

import { setTimeout as delay } from 'node:timers/promises'
import type { ServerProcess } from '../support/server-process.js'

export interface RingStats {
  readonly ring: string
  readonly recordsIn: number
  readonly recordsOut: number
  readonly full: number
  readonly highWaterBytes: number
  readonly capacityBytes: number
}

const ANSWER_MS = 1500

export async function ringStats(server: ServerProcess): Promise<RingStats[]> {
  const before = server.log.length
  server.signal('SIGUSR2')
  await delay(ANSWER_MS)
  const stats: RingStats[] = []
  for (const line of server.log.slice(before).split('\n')) {
    if (!line.includes('"ring stats"')) continue
    stats.push(JSON.parse(line) as RingStats)
  }
  return stats
}

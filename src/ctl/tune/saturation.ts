/** Which stage a server has no more of: the thread, the disk or the machine that all others wait for. */

import { percent } from '../view/amounts.js'
import type { NodeView } from '../view/node-view.js'

export type Limit = 'front' | 'raft' | 'wal' | 'disk' | 'mvcc' | 'watch' | 'machine' | 'none'

export interface Saturation {
  readonly limit: Limit
  /** How much of it is in use, from 0 to 1. */
  readonly share: number
  /** For people. */
  readonly text: string
}

export interface MachineUse {
  readonly cores: number
  /** Cores that the load driver itself took, and programs that have nothing to do with it. */
  readonly driverCores: number
  readonly otherCores: number
}

/** A thread that is busy for so much of the time is what the others wait for. */
const BUSY = 0.85
/** The machine's cores are never all in use for the whole time. */
const MACHINE_BUSY = 0.9
const LANES: readonly Limit[] = ['front', 'raft', 'mvcc', 'watch', 'wal']

export function saturationOf(view: NodeView, syncShare: number, use: MachineUse): Saturation {
  const threads = view.threads.flatMap(({ thread, actors, cpuShare }) => {
    const lane = LANES.find((name) => actors.some((actor) => actor.split(' ')[0] === name && isFirst(name, actors)))
    return lane === undefined ? [] : [{ lane, thread, share: cpuShare }]
  })
  const busiest = threads.toSorted((a, b) => b.share - a.share)[0]
  const machine = (view.cpuCores + use.driverCores + use.otherCores) / use.cores
  if (syncShare >= BUSY) {
    return { limit: 'disk', share: syncShare, text: `the log's disk: ${percent(syncShare)} of the time in fdatasync` }
  }
  if (busiest !== undefined && busiest.share >= BUSY) {
    return { limit: busiest.lane, share: busiest.share, text: `${busiest.thread}: ${percent(busiest.share)} of a core` }
  }
  if (machine >= MACHINE_BUSY) {
    const parts = `the driver ${percent(use.driverCores / use.cores)}, others ${percent(use.otherCores / use.cores)}`
    return { limit: 'machine', share: machine, text: `the machine: all ${use.cores} cores are busy (${parts})` }
  }
  return { limit: 'none', share: Math.max(machine, busiest?.share ?? 0), text: waiting(view) }
}

/** A thread goes by the actor that does most of its work: the front, where others share its thread. */
function isFirst(name: Limit, actors: readonly string[]): boolean {
  return name !== 'watch' || actors.every((actor) => !actor.startsWith('front'))
}

/** Nothing is used up: requests wait for wake-ups and for one another. */
function waiting({ stages }: NodeView): string {
  const longest = stages
    .filter(({ stage }) => !stage.startsWith('read') && stage !== 'total')
    .toSorted((a, b) => b.share - a.share)[0]
  const isKnown = longest !== undefined && longest.count > 0
  return `nothing is used up${isKnown ? `; longest is ${longest.stage}, ${percent(longest.share)} of a write` : ''}`
}

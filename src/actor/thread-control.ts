/**
 * What the supervisor may ask of any thread with an event loop, over comlink: what it runs with, what it has done so
 * far, and where its time goes. Nothing of this is on a request's way.
 */

import { Session } from 'node:inspector/promises'
import { getHeapStatistics } from 'node:v8'
import type { Config } from '../config/config.js'
import { readRingCounters, type RingCounters } from '../ring/ring-counters.js'
import type { ThreadContext } from './thread-context.js'

export interface RingReport extends RingCounters {
  /** Such as `front 0 -> raft 0`. */
  readonly name: string
}

export interface ThreadStats {
  readonly thread: string
  readonly actors: readonly string[]
  readonly turns: number
  readonly longestTurnMs: number
  readonly doorbellWakes: number
  readonly doorbellParks: number
  readonly heapUsedBytes: number
  /** Rings that an actor of this thread reads or writes. */
  readonly rings: readonly RingReport[]
}

export interface ThreadControl {
  config(): Config
  stats(): ThreadStats
  /** A CPU profile of this thread over the next seconds, in the form that Chrome's and VS Code's viewers open. */
  profile(seconds: number): Promise<object>
}

const PROFILE_SECONDS_MAX = 600

export function threadControlOf(context: ThreadContext): ThreadControl {
  return {
    config: () => context.start.config,
    stats: () => statsOf(context),
    profile: (seconds) => profileCpu(seconds),
  }
}

function statsOf(context: ThreadContext): ThreadStats {
  const { start, turn, doorbell } = context
  const own = start.actors.filter((actor) => actor.thread === start.threadIndex)
  const isOwn = (name: string, index: number): boolean =>
    own.some((actor) => actor.name === name && actor.index === index)
  return {
    thread: start.threadName,
    actors: own.map(({ name, index }) => `${name} ${index}`),
    turns: turn.turns,
    longestTurnMs: turn.longestMs,
    doorbellWakes: doorbell.wakes,
    doorbellParks: doorbell.parks,
    heapUsedBytes: getHeapStatistics().used_heap_size,
    rings: start.rings
      .filter((ring) => isOwn(ring.from, ring.fromIndex) || isOwn(ring.to, ring.toIndex))
      .map((ring) => ({
        name: `${ring.from} ${ring.fromIndex} -> ${ring.to} ${ring.toIndex}`,
        ...readRingCounters(ring.memory),
      })),
  }
}

async function profileCpu(seconds: number): Promise<object> {
  if (!(seconds > 0 && seconds <= PROFILE_SECONDS_MAX)) {
    throw new RangeError(`a profile takes between 0 and ${PROFILE_SECONDS_MAX} seconds, not ${seconds}`)
  }
  const session = new Session()
  session.connect()
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.start')
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
    const { profile } = await session.post('Profiler.stop')
    return profile
  } finally {
    session.disconnect()
  }
}

/** Watches: how soon one hears, and how many hear how much. */

import { GrpcLoad } from '../../../src/ctl/load/grpc-load.js'
import { puts, watches } from '../../../src/ctl/load/kv-requests.js'
import type { Reading } from '../../support/reading.js'
import type { Target } from '../../support/target.js'
import { connectionsFor, readingOf, wait, warmUp } from './measured.js'
import type { CurvePoint, Timing, Workload } from './workload.js'

const PREFIX = 'watched/'
const KEYS = 1000
const VALUE_BYTES = 64
/** More of them hear so much that many writers would leave them far behind. */
const WARM_WATCHERS_MAX = 100

interface WatchPlan {
  readonly streams: number
  readonly watchersPerStream: number
  readonly connections: number
  readonly writers: number
  readonly isOneKey: boolean
}

export const WATCH_WORKLOADS: readonly Workload[] = [
  watchLoad('watch latency, 1 writer, 1 watcher', plan({ streams: 1 })),
  watchLoad('watch fan-out, 1 writer, 100 watchers', plan({ streams: 100 })),
  watchLoad('watch fan-out, 1 writer, 1000 watchers', plan({ streams: 1000 })),
  watchLoad('watch fan-out, 16 writers, 1000 watchers of one key on 10 streams', plan({
    streams: 10, watchersPerStream: 100, connections: 10, writers: 16, isOneKey: true,
  })),
]

export const WATCH_CURVES: readonly Workload[] = [1, 10, 100, 1000, 10_000, 100_000].map((watchers) => {
  const streams = Math.min(watchers, 1000)
  const point = { curve: 'watch events by watchers', xTitle: 'watchers', x: watchers }
  return watchLoad(`watch fan-out, 1 writer, ${watchers} watchers`,
    plan({ streams, watchersPerStream: watchers / streams }), point)
})

function plan(options: Partial<WatchPlan> & Pick<WatchPlan, 'streams'>): WatchPlan {
  return { watchersPerStream: 1, connections: connectionsFor(options.streams), writers: 1, isOneKey: false, ...options }
}

function watchLoad(name: string, watchPlan: WatchPlan, point?: CurvePoint): Workload {
  return {
    name, unit: 'event', ...(point === undefined ? {} : { point }),
    run: (target, timing) => measureWatches(target, timing, watchPlan),
  }
}

async function measureWatches(target: Target, timing: Timing, watchPlan: WatchPlan): Promise<Reading> {
  const { host, port } = target
  const { streams, watchersPerStream, connections, writers, isOneKey } = watchPlan
  const listeners = await GrpcLoad.start({
    host, port, shape: 'stream', clients: streams, connections, openings: watchersPerStream,
    generator: watches({ prefix: PREFIX, isOneKey }),
  })
  await listeners.begin()
  // As for a few clients that put: what one writer brings about is measured on a server that has been in use.
  if (streams * watchersPerStream <= WARM_WATCHERS_MAX) {
    await warmUp(target, timing, puts({ prefix: PREFIX, keys: KEYS, valueBytes: VALUE_BYTES }))
  }
  const writer = await GrpcLoad.start({
    host, port, clients: writers,
    generator: puts({ prefix: PREFIX, keys: isOneKey ? 1 : KEYS, valueBytes: VALUE_BYTES }),
  })
  await writer.begin()
  await wait(timing.warmupMs)
  const before = await target.cpuSeconds()
  await Promise.all([listeners.measure(), writer.measure()])
  await wait(timing.durationMs)
  const cpuSeconds = (await target.cpuSeconds()) - before
  const written = await writer.end()
  const result = await listeners.end()
  return { ...readingOf(target, result, cpuSeconds), errors: result.errors + written.errors }
}

/** The JSON gateway, driven by autocannon over HTTP/1.1. */

import autocannon, { type Request, type Result } from 'autocannon'
import type { Reading } from '../../support/reading.js'
import type { Target } from '../../support/target.js'
import { memoryOf } from './measured.js'
import type { Timing, Workload } from './workload.js'

const KEYS = 1000
const VALUE = Buffer.alloc(256, 'v').toString('base64')

/** Puts first: the ranges find their keys only in a server that has seen them. */
export function httpWorkloads(connections: number): readonly Workload[] {
  const putting = requestsOf('/v3/kv/put', (key) => ({ key, value: VALUE }))
  const ranging = requestsOf('/v3/kv/range', (key) => ({ key }))
  return [
    httpLoad(`JSON put of 256 B, ${connections} connections`, 'put', connections, putting, null),
    httpLoad(`JSON range of one key, linearizable, ${connections} connections`, 'range', connections, ranging, putting),
  ]
}

function requestsOf(path: string, bodyOf: (key: string) => object): Request[] {
  return Array.from({ length: KEYS }, (_, i) => {
    const key = Buffer.from(`key-${String(i).padStart(6, '0')}`).toString('base64')
    return { method: 'POST', path, body: JSON.stringify(bodyOf(key)) }
  })
}

function httpLoad(
  name: string, unit: string, connections: number, requests: readonly Request[], before: readonly Request[] | null,
): Workload {
  return {
    name,
    unit,
    async run(target, timing) {
      if (before !== null) await drive(target, connections, before, timing.warmupMs, timing)
      await drive(target, connections, requests, timing.warmupMs, timing)
      const serverBefore = await target.cpuSeconds()
      const driverBefore = process.cpuUsage()
      const { requests: done, latency, throughput, non2xx, errors } =
        await drive(target, connections, requests, timing.durationMs, timing)
      const driver = process.cpuUsage(driverBefore)
      const serverSeconds = (await target.cpuSeconds()) - serverBefore
      const reading: Reading = {
        perSecond: done.average,
        p50Us: latency.p50 * 1000,
        p99Us: latency.p99 * 1000,
        p999Us: latency.p99_9 * 1000,
        serverCpuUs: (serverSeconds * 1e6) / done.total,
        clientCpuUs: (driver.user + driver.system) / done.total,
        bytesPerSecond: throughput.average,
        errors: non2xx + errors,
        firstError: non2xx > 0 ? `${non2xx} answers were not 2xx` : '',
        // Its latencies are whole milliseconds: too coarse for a distribution.
        curve: [],
        ...memoryOf(target),
      }
      return reading
    },
  }
}

function drive(
  { host, port }: Target, connections: number, requests: readonly Request[], durationMs: number, { rate }: Timing,
): Promise<Result> {
  return autocannon({
    url: `http://${host}:${port}`,
    connections,
    duration: Math.max(1, durationMs / 1000),
    headers: { 'content-type': 'application/json' },
    requests,
    // Corrected for coordinated omission by autocannon itself.
    ...(rate === null ? {} : { overallRate: rate }),
  })
}

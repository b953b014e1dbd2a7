/** What one run of a workload found, and how runs become one row. */

export interface Reading {
  readonly perSecond: number
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
  /** CPU of the whole server process for each operation; NaN where it is not known. */
  readonly serverCpuUs: number
  readonly clientCpuUs: number
  /** Of answers. */
  readonly bytesPerSecond: number
  readonly errors: number
  readonly firstError: string
  /** Shares of operations and the latency that these did not exceed. */
  readonly curve: readonly (readonly [share: number, us: number])[]
  /** After the run; 0 where it is not known. */
  readonly residentBytes: number
  readonly anonymousBytes: number
}

/** The medians of all rounds; curves and errors of all of them. */
export function medianReading(readings: readonly Reading[]): Reading {
  const of = (pick: (reading: Reading) => number): number => median(readings.map(pick))
  const [first] = readings
  return {
    perSecond: of((r) => r.perSecond),
    p50Us: of((r) => r.p50Us),
    p99Us: of((r) => r.p99Us),
    p999Us: of((r) => r.p999Us),
    serverCpuUs: of((r) => r.serverCpuUs),
    clientCpuUs: of((r) => r.clientCpuUs),
    bytesPerSecond: of((r) => r.bytesPerSecond),
    errors: readings.reduce((sum, { errors }) => sum + errors, 0),
    firstError: readings.find(({ firstError }) => firstError !== '')?.firstError ?? '',
    curve: (first?.curve ?? []).map(([share], i) => [share, median(readings.map(({ curve }) => curve[i]?.[1] ?? NaN))]),
    residentBytes: of((r) => r.residentBytes),
    anonymousBytes: of((r) => r.anonymousBytes),
  }
}

export function median(list: readonly number[]): number {
  const sorted = list.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}

/** What is measured: each workload prepares a server, loads it, and says how it did. */

import type { Reading } from '../../support/reading.js'
import type { Target } from '../../support/target.js'

export interface Timing {
  readonly warmupMs: number
  readonly durationMs: number
  /** For a first impression: less of everything. */
  readonly isQuick: boolean
  /** Operations a second that are asked for whether or not earlier ones are answered; null asks as fast as it can. */
  readonly rate: number | null
}

export interface Workload {
  readonly name: string
  /** What is counted. */
  readonly unit: string
  /** One value of several that make a curve. */
  readonly point?: CurvePoint
  /** Not against a server that runs somewhere. */
  readonly needsProcess?: boolean
  run(target: Target, timing: Timing): Promise<Reading>
}

export interface CurvePoint {
  readonly curve: string
  readonly xTitle: string
  readonly x: number
}

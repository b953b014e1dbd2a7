/** What one look at a running server finds: its metrics and the stages of its requests. */

import type { StagePage } from '../../front/pages/stage-page.js'
import { Metrics } from './metrics-text.js'
import type { PageClient } from './page-client.js'

export interface NodeReading {
  /** The server's own clock where it has told it, else ours. Monotonic. */
  readonly atMs: number
  readonly metrics: Metrics
  /** Null for a server that is not this project's. */
  readonly stages: StagePage | null
}

/** Rejects when the server cannot be reached. `recent`: how many of the newest requests are wanted, of each front. */
export async function readNode(client: PageClient, nowMs: () => number, recent = 0): Promise<NodeReading> {
  const text = await client.text('/metrics')
  const { status, body } = await client.get(`/debug/stages?recent=${recent}`)
  const stages = status === 200 ? (JSON.parse(body.toString()) as StagePage) : null
  return { atMs: stages?.nowMs ?? nowMs(), metrics: new Metrics(text), stages }
}

/**
 * /debug/stages: where the time of requests goes, finer than /metrics can tell it: every bucket of every stage, and the
 * newest requests one by one with `?recent=100`, of each front from number `from` on. For raftringctl.
 */

import { WRITE_STAGES, summarize } from '../../metrics/stage-histogram.js'
import { KIND_NAMES } from '../requests/request-times.js'
import type { FrontContext } from '../front-context.js'
import { queryOf, type HttpExchange } from '../http/http-exchange.js'
import { respondError } from './page-answers.js'

const RECENT_MAX = 1000

/** The answer, as JSON. Times are milliseconds. */
export interface StagePage {
  readonly nowMs: number
  readonly wallMs: number
  readonly stages: readonly {
    readonly stage: string
    readonly sumMs: number
    /** Pairs of a bucket's number (see src/metrics/stage-histogram.ts) and its count; empty ones are left out. */
    readonly buckets: readonly (readonly [bucket: number, count: number])[]
  }[]
  /** The order of `stagesMs`. */
  readonly order: readonly string[]
  readonly fronts: readonly {
    /** The number that the next request will have. */
    readonly next: number
    readonly recent: readonly {
      readonly sequence: number
      readonly kind: string
      readonly heardMs: number
      readonly stagesMs: readonly number[]
    }[]
  }[]
}

export function answerStages(exchange: HttpExchange, { node, clock }: FrontContext): void {
  const query = queryOf(exchange.target)
  const recent = Number(query.get('recent') ?? 0)
  const from = Number(query.get('from') ?? 0)
  if (!(recent >= 0 && recent <= RECENT_MAX && from >= 0)) {
    return respondError(exchange, 400, `recent: at most ${RECENT_MAX}`)
  }
  const page: StagePage = {
    nowMs: clock.nowMs(),
    wallMs: clock.wallMs(),
    stages: summarize(node.stages).map(({ stage, sumMs, counts }) => ({
      stage,
      sumMs,
      buckets: [...counts].map((count, bucket) => [bucket, count] as const).filter(([, count]) => count > 0),
    })),
    order: WRITE_STAGES,
    fronts: node.recent.map((requests) => ({
      next: requests.count,
      recent: requests.newest(recent, from).map((request) => ({
        ...request,
        kind: KIND_NAMES.get(request.kind) ?? String(request.kind),
      })),
    })),
  }
  exchange.respond(200, 'application/json; charset=utf-8', `${JSON.stringify(page)}\n`)
}

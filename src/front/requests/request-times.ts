/**
 * Where the time of a request went: the clocks that its record collected on the way, turned into stages once its answer
 * is on its socket. A request that took unusually long is logged with all of them.
 */

import type { FrontMessages } from '../../messages/front-messages.js'
import type { Message } from '../../messages/protocol.js'
import type { RecentRequests } from '../../metrics/recent-requests.js'
import { Stage, WRITE_STAGES, type StageHistogram } from '../../metrics/stage-histogram.js'
import type { FrontContext } from '../front-context.js'
import { RequestKind, type PendingRequest } from './pending-request.js'
import { ReadTimes } from './read-times.js'

/** Slow requests come in crowds: so many are logged in a second, the others are counted. */
const SLOW_LINES_MAX = 10
const SLOW_PERIOD_MS = 1000

export const KIND_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(RequestKind).map(([name, kind]) => [kind, name]),
)

/** Of each request answered in a turn: its kind, when it was heard, and the end of each stage but the last two. */
const FIXED_WORDS = 2
const ROW_WORDS = FIXED_WORDS + WRITE_STAGES.length - 2

export type RequestTimesContext = Pick<FrontContext, 'stages' | 'recent' | 'logger' | 'clock'> & {
  readonly config: Pick<FrontContext['config'], 'slowRequestMs' | 'stageClocks'>
}

export class RequestTimes {
  readonly reads: ReadTimes
  readonly #stages: StageHistogram
  readonly #recent: RecentRequests
  readonly #slowMs: number
  readonly #enabled: boolean
  readonly #logger: FrontContext['logger']
  readonly #clock: FrontContext['clock']
  /** When the answers of this turn were ready to be sent; 0 when it has none. */
  #encodedMs = 0
  #rows: Float64Array = new Float64Array(ROW_WORDS * 256)
  #count = 0
  readonly #stagesMs = new Float64Array(WRITE_STAGES.length)
  #slowPeriodEndMs = -Infinity
  #slowLines = 0
  #slowUnlogged = 0

  constructor({ stages, recent, logger, clock, config }: RequestTimesContext) {
    this.#stages = stages
    this.#recent = recent
    this.#slowMs = config.slowRequestMs
    this.#enabled = config.stageClocks
    this.#logger = logger
    this.#clock = clock
    this.reads = new ReadTimes(stages, config.stageClocks, config.slowRequestMs, (fields, nowMs) =>
      this.#logSlow('read requests took too long', fields, nowMs),
    )
  }

  onApplied(pending: PendingRequest, message: Message<FrontMessages, 'applied'>, nowMs: number): void {
    if (!this.#enabled && nowMs - pending.receivedMs < this.#slowMs) return
    let at = this.#count * ROW_WORDS
    if (at === this.#rows.length) this.#grow()
    this.#count++
    const rows = this.#rows
    rows[at++] = pending.kind
    rows[at++] = pending.receivedMs
    rows[at++] = pending.proposedMs - pending.authMs
    rows[at++] = pending.proposedMs
    rows[at++] = message.orderedMs
    rows[at++] = message.proposedMs
    rows[at++] = message.writeStartMs
    rows[at++] = message.writtenMs
    rows[at++] = message.syncedMs
    rows[at++] = message.quorumMs
    rows[at++] = message.committedMs
    rows[at++] = message.applyStartMs
    rows[at++] = message.appliedMs
    rows[at] = nowMs
  }

  /** The turn's answers are ready to be sent. */
  onEncoded(): void {
    if (this.#count > 0 || this.reads.hasAnswered) this.#encodedMs = this.#clock.nowMs()
  }

  /** They are on their sockets. */
  onFlushed(): void {
    const encodedMs = this.#encodedMs
    if (encodedMs === 0) return
    this.#encodedMs = 0
    const nowMs = this.#clock.nowMs()
    for (let row = 0; row < this.#count; row++) this.#finish(row * ROW_WORDS, encodedMs, nowMs)
    this.#count = 0
    this.reads.onFlushed(encodedMs, nowMs)
  }

  /**
   * A stage ends no earlier than the one before, whatever its clock says: a stage that the request passed by has a 0,
   * and a leader may have committed on the disks of others before its own was ready.
   */
  #finish(at: number, encodedMs: number, nowMs: number): void {
    const rows = this.#rows
    const stagesMs = this.#stagesMs
    const heardMs = rows[at + 1] as number
    let endMs = heardMs
    for (let stage = 0; stage < WRITE_STAGES.length; stage++) {
      let nextMs = rows[at + FIXED_WORDS + stage] as number
      if (stage === Stage.encode) nextMs = encodedMs
      else if (stage === Stage.send) nextMs = nowMs
      if (!(nextMs > endMs)) nextMs = endMs
      stagesMs[stage] = nextMs - endMs
      endMs = nextMs
    }
    const tookMs = nowMs - heardMs
    if (this.#enabled) {
      for (let stage = 0; stage < WRITE_STAGES.length; stage++) this.#stages.record(stage, stagesMs[stage] as number)
      this.#stages.record(Stage.total, tookMs)
      this.#recent.add(rows[at] as number, heardMs, stagesMs)
    }
    if (tookMs < this.#slowMs) return
    const fields: Record<string, unknown> = { request: KIND_NAMES.get(rows[at] as number), tookMs: round(tookMs) }
    WRITE_STAGES.forEach((name, stage) => (fields[fieldOf(name)] = round(stagesMs[stage] as number)))
    this.#logSlow('apply request took too long', fields, nowMs)
  }

  #grow(): void {
    const larger = new Float64Array(2 * this.#rows.length)
    larger.set(this.#rows)
    this.#rows = larger
  }

  #logSlow(text: string, fields: Readonly<Record<string, unknown>>, nowMs: number): void {
    if (nowMs >= this.#slowPeriodEndMs) {
      this.#slowPeriodEndMs = nowMs + SLOW_PERIOD_MS
      this.#slowLines = 0
    }
    if (++this.#slowLines > SLOW_LINES_MAX) {
      this.#slowUnlogged++
      return
    }
    const unlogged = this.#slowUnlogged
    this.#slowUnlogged = 0
    this.#logger.warn('front', text, { ...(unlogged > 0 ? { unloggedBefore: unlogged } : {}), ...fields })
  }
}

/** `queue_raft` is `queueRaftMs` in a line of the log. */
export function fieldOf(stage: string): string {
  return `${stage.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())}Ms`
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}

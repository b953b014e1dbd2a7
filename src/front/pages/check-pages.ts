/**
 * /livez and /readyz: named checks, all of them or one by its path. A failure is told with every check's outcome; a
 * success too, when `verbose` is asked for.
 */

import { Word } from '../../messages/shared-words.js'
import { counters, LIVEZ_CHECKS, READYZ_CHECKS } from '../../metrics/counter-catalogue.js'
import type { FrontContext } from '../front-context.js'
import { queryOf, type HttpExchange } from '../http/http-exchange.js'
import type { Answered, MemberHealth } from './member-health.js'
import { allowsGet, respondError, respondText } from './page-answers.js'

type CheckName = (typeof READYZ_CHECKS)[number]
type Kind = 'livez' | 'readyz'

const CHECKS: Readonly<Record<Kind, readonly CheckName[]>> = Object.freeze({
  livez: LIVEZ_CHECKS, readyz: READYZ_CHECKS,
})

/** What a client calls a check goes into the log: that much of it, and that often. */
const UNKNOWN_PERIOD_MS = 1000
const UNKNOWN_NAMES_MAX = 8
const UNKNOWN_NAME_LENGTH_MAX = 64

export class CheckPages {
  readonly #context: FrontContext
  readonly #health: MemberHealth
  #unknownAtMs = -Infinity
  /** Requests with unknown names since the last that was logged. */
  #unsaid = 0

  constructor(context: FrontContext, health: MemberHealth) {
    this.#context = context
    this.#health = health
  }

  /** False when there is no such page. */
  answer(exchange: HttpExchange, path: string): boolean {
    const [, kind = '', name, ...rest] = path.split('/')
    if ((kind !== 'livez' && kind !== 'readyz') || rest.length > 0) return false
    const all = CHECKS[kind]
    if (name === undefined) {
      if (allowsGet(exchange)) this.#run(exchange, kind, this.#chosen(exchange, kind))
      return true
    }
    const one = all.find((check) => check === name)
    if (one === undefined) return false
    if (allowsGet(exchange)) this.#run(exchange, kind, [one])
    return true
  }

  /** All checks but those excluded; of those allowed, when the request names any. Names that are none are logged. */
  #chosen(exchange: HttpExchange, kind: Kind): readonly CheckName[] {
    const query = queryOf(exchange.target)
    const excluded = query.getAll('exclude')
    const allowed = query.getAll('allowlist')
    const all: readonly string[] = CHECKS[kind]
    const unknown = [...excluded, ...allowed].filter((name) => !all.includes(name))
    if (unknown.length > 0) this.#warnOf(kind, unknown)
    return CHECKS[kind].filter(
      (name) => !excluded.includes(name) && (allowed.length === 0 || allowed.includes(name)),
    )
  }

  #warnOf(kind: Kind, names: readonly string[]): void {
    const nowMs = this.#context.clock.nowMs()
    if (nowMs < this.#unknownAtMs) {
      this.#unsaid++
      return
    }
    const unknown = names.slice(0, UNKNOWN_NAMES_MAX).map((name) => name.slice(0, UNKNOWN_NAME_LENGTH_MAX))
    const fields = { kind, unknown, ...(this.#unsaid > 0 ? { requestsBefore: this.#unsaid } : {}) }
    this.#context.logger.warn('front', 'a health check was named that is none', fields)
    this.#unknownAtMs = nowMs + UNKNOWN_PERIOD_MS
    this.#unsaid = 0
  }

  #run(exchange: HttpExchange, kind: Kind, names: readonly CheckName[]): void {
    const outcomes = new Map<CheckName, string | null>()
    const finishOne = (name: CheckName, failure: string | null): void => {
      outcomes.set(name, failure)
      this.#count(kind, name, failure === null)
      if (outcomes.size === names.length) respond(exchange, names, outcomes)
    }
    if (names.length === 0) respond(exchange, names, outcomes)
    for (const name of names) this.#check(name, (failure) => finishOne(name, failure))
  }

  #check(name: CheckName, answered: Answered): void {
    switch (name) {
      case 'serializable_read':
        return this.#health.read(false, answered)
      case 'linearizable_read':
        return this.#health.read(true, answered)
      case 'data_corruption':
        return answered(this.#health.alarms().includes('CORRUPT') ? 'alarm activated: CORRUPT' : null)
      case 'non_learner':
        return answered(this.#context.words.load(Word.isLearner) === 1 ? 'not supported for learner' : null)
    }
  }

  #count(kind: Kind, name: CheckName, isGood: boolean): void {
    const { counters: page, clock } = this.#context
    const at = counters.healthcheck.series.findIndex(([type, check]) => type === kind && check === name)
    page.setNewest(counters.healthcheck, at, isGood ? 1 : 0, clock.wallMs())
    page.addTo(counters.healthchecks, 2 * at + (isGood ? 0 : 1))
  }
}

function respond(
  exchange: HttpExchange,
  names: readonly CheckName[],
  outcomes: ReadonlyMap<CheckName, string | null>,
): void {
  const lines = names.map((name) => {
    const failure = outcomes.get(name) ?? null
    return failure === null ? `[+]${name} ok\n` : `[-]${name} failed: ${failure}\n`
  })
  const isGood = [...outcomes.values()].every((failure) => failure === null)
  if (!isGood) respondError(exchange, 503, lines.join(''))
  else respondText(exchange, `${queryOf(exchange.target).has('verbose') ? lines.join('') : ''}ok\n`)
}

/** /health: alarms, then the leader, then a read; the first that fails is the reason. */

import { counters } from '../../metrics/counter-catalogue.js'
import type { Counters } from '../../metrics/counters.js'
import { queryOf, TEXT_PLAIN, type HttpExchange } from '../http/http-exchange.js'
import type { MemberHealth } from './member-health.js'
import { allowsGet, respondError } from './page-answers.js'

export class HealthPage {
  readonly #health: MemberHealth
  readonly #counters: Counters

  constructor(health: MemberHealth, page: Counters) {
    this.#health = health
    this.#counters = page
  }

  answer(exchange: HttpExchange): void {
    if (!allowsGet(exchange)) return
    const query = queryOf(exchange.target)
    const excluded = new Set(query.getAll('exclude'))
    const isSerializable = query.get('serializable') === 'true'
    const alarm = this.#health.alarms().find((name) => !excluded.has(name))
    if (alarm !== undefined) {
      this.#respond(exchange, `ALARM ${alarm}`)
    } else if (!isSerializable && !this.#health.hasLeader) {
      this.#respond(exchange, 'RAFT NO LEADER')
    } else {
      this.#health.read(!isSerializable, (failure) => {
        this.#respond(exchange, failure === null ? '' : `RANGE ERROR:${failure}`)
      })
    }
  }

  /** The state is a word and not a boolean, as it has always been. */
  #respond(exchange: HttpExchange, reason: string): void {
    const isGood = reason === ''
    this.#counters.add(isGood ? counters.healthSuccess : counters.healthFailures)
    const body = JSON.stringify({ health: isGood ? 'true' : 'false', reason })
    if (isGood) exchange.respond(200, TEXT_PLAIN, body)
    else respondError(exchange, 503, body)
  }
}

/** The pages for people, load balancers and monitoring, as etcd has them: health, metrics, version, profiles. */

import { SERVER_VERSION, STORAGE_VERSION } from '../../config/versions.js'
import type { FrontContext } from '../front-context.js'
import type { ReadPath } from '../kv/read-path.js'
import { CheckPages } from '../pages/check-pages.js'
import { DebugPages } from '../pages/debug-pages.js'
import { HealthPage } from '../pages/health-page.js'
import { MemberHealth } from '../pages/member-health.js'
import { MetricsPage } from '../pages/metrics-page.js'
import { allowsGet, respondError } from '../pages/page-answers.js'
import type { HttpExchange } from './http-exchange.js'

export class HttpPages {
  readonly #context: FrontContext
  readonly #reads: ReadPath
  readonly #metrics: MetricsPage
  readonly #health: HealthPage
  readonly #checks: CheckPages
  readonly #debug: DebugPages

  constructor(context: FrontContext, reads: ReadPath) {
    this.#context = context
    this.#reads = reads
    const health = new MemberHealth(context, reads)
    this.#metrics = new MetricsPage(context, reads, health)
    this.#health = new HealthPage(health, context.counters)
    this.#checks = new CheckPages(context, health)
    this.#debug = new DebugPages(context)
  }

  /** False when there is no such page. */
  answer(exchange: HttpExchange, path: string): boolean {
    switch (path) {
      case '/version':
        if (allowsGet(exchange)) this.#version(exchange)
        return true
      case '/health':
        this.#health.answer(exchange)
        return true
      case '/metrics':
        this.#metrics.answer(exchange)
        return true
      default:
        return this.#checks.answer(exchange, path) || this.#debug.answer(exchange, path)
    }
  }

  #version(exchange: HttpExchange): void {
    const run = (): void => {
      const version = this.#reads.clusterVersion()
      const body = JSON.stringify({
        etcdserver: SERVER_VERSION,
        etcdcluster: version ?? 'not_decided',
        storage: version === null ? 'unknown' : STORAGE_VERSION,
      })
      exchange.respond(200, 'application/json', body)
    }
    this.#reads.whenFresh({ call: null, run, expire: () => respondError(exchange, 503, 'not ready') })
    this.#context.requestTurn()
  }
}

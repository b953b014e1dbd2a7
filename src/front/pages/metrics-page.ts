/** /metrics: everything that the node counts, as text. Made here from shared memory; no other actor notices. */

import { gzip } from 'node:zlib'
import { counterFamilies, counters } from '../../metrics/counter-catalogue.js'
import { Exposition, EXPOSITION_TYPE } from '../../metrics/exposition.js'
import { addMemberMetrics, addPendingEvents, addProcessMetrics } from '../../metrics/member-metrics.js'
import { addPeerMetrics } from '../../metrics/peer-metrics.js'
import { readProcessFacts, readThreadCpu } from '../../metrics/process-file.js'
import { addRaftringMetrics } from '../../metrics/raftring-metrics.js'
import type { FrontContext } from '../front-context.js'
import type { ReadPath } from '../kv/read-path.js'
import type { HttpExchange } from '../http/http-exchange.js'
import type { MemberHealth } from './member-health.js'

/** Places of the statuses in the family of scrapes. */
const GOOD = 0

export class MetricsPage {
  readonly #context: FrontContext
  readonly #reads: ReadPath

  readonly #health: MemberHealth

  constructor(context: FrontContext, reads: ReadPath, health: MemberHealth) {
    this.#context = context
    this.#health = health
    this.#reads = reads
  }

  /** The cluster's version is in the store; all else is in memory. */
  answer(exchange: HttpExchange): void {
    const page = this.#context.counters
    page.add(counters.scrapesInFlight)
    this.#reads.whenFresh({
      call: null,
      run: () => this.#send(exchange, this.#render(this.#reads.clusterVersion())),
    })
    this.#context.requestTurn()
  }

  #render(clusterVersion: string | null): string {
    const { config, memberId, words, clock, node } = this.#context
    const exposition = new Exposition()
    const pages = node.actors.map(({ page }) => page)
    exposition.sums(counterFamilies(config.metrics === 'extensive'), pages)
    addPendingEvents(exposition, pages)
    addMemberMetrics(exposition, { memberId, config, words, clusterVersion, alarms: this.#health.alarms() })
    addPeerMetrics(exposition, node.peers, memberId)
    addProcessMetrics(exposition, readProcessFacts())
    addRaftringMetrics(exposition, node, readThreadCpu(), { nowMs: clock.nowMs(), wallMs: clock.wallMs() })
    return exposition.render()
  }

  #send(exchange: HttpExchange, text: string): void {
    if (!/\bgzip\b/.test(exchange.header('accept-encoding') ?? '')) {
      this.#finish(exchange, text)
      return
    }
    gzip(text, (error, bytes) => {
      if (error === null) exchange.addHeaders(['Content-Encoding', 'gzip'])
      this.#finish(exchange, error === null ? bytes : text)
    })
  }

  #finish(exchange: HttpExchange, body: Buffer | string): void {
    const page = this.#context.counters
    page.add(counters.scrapesInFlight, -1)
    page.addTo(counters.scrapes, GOOD)
    exchange.respond(200, EXPOSITION_TYPE, body)
  }
}

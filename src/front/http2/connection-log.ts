/**
 * Says in the log, at most once a second, that connections were cut and why: their clients see only that they are gone.
 * What else happened on connections goes to the front's page of counters then.
 */

import { counters as all } from '../../metrics/counter-catalogue.js'
import type { Counters } from '../../metrics/counters.js'
import type { Logger } from '../../metrics/logger.js'
import type { Http1Counters } from '../http1/http1-counters.js'
import type { Http2Counters } from './session/http2-counters.js'

const PERIOD_MS = 1000

interface Cuts {
  readonly slowReaders: number
  readonly keepaliveTimedOut: number
  readonly handshakesTimedOut: number
  readonly abuse: number
}

export class ConnectionLog {
  readonly #counters: Http2Counters
  readonly #http1: Http1Counters
  readonly #page: Counters
  readonly #logger: Logger
  #last: Cuts
  #nextMs = -Infinity

  constructor(counters: Http2Counters, http1: Http1Counters, page: Counters, logger: Logger) {
    this.#counters = counters
    this.#http1 = http1
    this.#page = page
    this.#logger = logger
    this.#last = cutsOf(counters)
  }

  check(nowMs: number): void {
    if (nowMs < this.#nextMs) return
    this.#nextMs = nowMs + PERIOD_MS
    const cuts = cutsOf(this.#counters)
    const last = this.#last
    this.#last = cuts
    this.#publish(cuts)
    const fresh = {
      slowReaders: cuts.slowReaders - last.slowReaders,
      keepaliveTimedOut: cuts.keepaliveTimedOut - last.keepaliveTimedOut,
      handshakesTimedOut: cuts.handshakesTimedOut - last.handshakesTimedOut,
      abuse: cuts.abuse - last.abuse,
    }
    if (fresh.slowReaders + fresh.keepaliveTimedOut + fresh.handshakesTimedOut + fresh.abuse === 0) return
    this.#logger.warn('front', 'client connections were cut', fresh)
  }

  #publish({ slowReaders, keepaliveTimedOut, handshakesTimedOut, abuse }: Cuts): void {
    const { streamsOpened, streamsRefused, resetsIn, resetsOut, bytesIn, bytesOut, tls } = this.#counters
    const page = this.#page
    page.setAll(all.cuts, [slowReaders, keepaliveTimedOut, handshakesTimedOut, abuse])
    const { handshakes, tlsErrors, handshakesRefused, certificatesRefused } = tls
    const good = handshakes - certificatesRefused
    page.setAll(all.tlsHandshakes, [good, tlsErrors, handshakesRefused, certificatesRefused])
    page.set(all.http2Streams, streamsOpened)
    page.set(all.http2Refused, streamsRefused)
    page.setAll(all.http2Resets, [resetsIn, resetsOut])
    page.setAll(all.http2Bytes, [bytesIn, bytesOut])
    const { requests, malformed, tooLarge, tooSlow, unsupported } = this.#http1
    page.set(all.http1Requests, requests)
    page.setAll(all.http1Refused, [malformed, tooLarge, tooSlow, unsupported])
  }
}

function cutsOf(counters: Http2Counters): Cuts {
  return {
    slowReaders: counters.slowReadersCut,
    keepaliveTimedOut: counters.keepaliveTimedOut,
    handshakesTimedOut: counters.handshakesTimedOut,
    abuse: Object.values(counters.abuse).reduce((sum, count) => sum + count, 0),
  }
}

/** What the entries of one batch did, counted while they are applied and reported once the batch is committed. */

import { counters } from '../../metrics/counter-catalogue.js'
import type { Counters, Histogram } from '../../metrics/counters.js'

export class ApplyTally {
  puts = 0
  putBytes = 0
  deletes = 0
  ranges = 0
  /** Requests of more than one operation. */
  txns = 0
  leasesRevoked = 0
  /** One for each lease granted, in seconds. */
  readonly ttls: number[] = []

  clear(): void {
    this.puts = this.putBytes = this.deletes = this.ranges = this.txns = this.leasesRevoked = 0
    this.ttls.length = 0
  }

  report(page: Counters, ttls: Histogram): void {
    page.add(counters.mvccPuts, this.puts)
    page.add(counters.mvccPutBytes, this.putBytes)
    page.add(counters.mvccDeletes, this.deletes)
    page.add(counters.mvccRanges, this.ranges)
    page.add(counters.mvccTxns, this.txns)
    page.add(counters.leaseRevoked, this.leasesRevoked)
    page.add(counters.leaseGranted, this.ttls.length)
    for (const ttl of this.ttls) ttls.observe(ttl)
  }
}

/**
 * A load generator's stream that watches everything and demands every revision, once and in order.
 * It runs on a thread of the load driver; a hole throws there and ends the soak.
 */

import type { GeneratorName, RequestGenerator } from '../../src/ctl/load/request-generator.js'
import { WatchRequest, WatchResponse } from '../support/etcd-messages.js'

export function revisionWatch(): GeneratorName {
  return { module: import.meta.url, export: makeRevisionWatch.name, options: {} }
}

/** Counts revisions. Only one client may use it: the stream's place is kept here. */
export function makeRevisionWatch(): RequestGenerator {
  const everything = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) }
  const request = WatchRequest.encode({ createRequest: everything })
  let last = 0
  return {
    method: '/etcdserverpb.Watch/Watch',
    bytesMax: request.length,
    write(bytes) {
      request.copy(bytes)
      return request.length
    },
    measure(bytes, start, end) {
      const response = WatchResponse.decode(bytes.subarray(start, end))
      if (response.canceled)
        throw new Error(`watch canceled: ${response.cancelReason} ${response.compactRevision}`)
      let revisions = 0
      for (const event of response.events) {
        const revision = event.kv?.modRevision ?? 0
        const isNext = revision === last + 1 || last === 0
        if (!isNext && revision !== last) throw new Error(`watch skips from ${last} to ${revision}`)
        if (revision !== last) revisions++
        last = revision
      }
      return revisions
    },
  }
}

/** What a watch request asks for, as an order to a watch worker has it, and the events of a response. */

import type { Bytes } from '../../base/bytes.js'
import { WatchOption } from '../../messages/watch-messages.js'
import { WatchCreateRequestFilterType, type WatchCreateRequest } from '../../proto/generated/etcdserverpb.js'

export function optionsOf(request: WatchCreateRequest): number {
  let options = 0
  if (request.prev_kv) options |= WatchOption.prevKv
  if (request.progress_notify) options |= WatchOption.progressNotify
  if (request.filters.includes(WatchCreateRequestFilterType.NOPUT)) options |= WatchOption.noPut
  if (request.filters.includes(WatchCreateRequestFilterType.NODELETE)) options |= WatchOption.noDelete
  return options
}

export function countEvents(bytes: Bytes, start: number, end: number): number {
  let events = 0
  for (let at = start; at < end; at += eventSize(bytes, at)) events++
  return events
}

/** Bytes of the event field at `at`, its tag of one byte and its length included. */
export function eventSize(bytes: Bytes, at: number): number {
  let length = 0
  let shift = 0
  let to = at + 1
  for (;;) {
    const byte = bytes[to++] as number
    length += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) return to - at + length
    shift += 7
  }
}

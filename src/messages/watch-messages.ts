/**
 * All that a watch worker can be told, by fronts. Events themselves come through the shared event log, whose tail is
 * published before the applied word; a `create` or `progress` therefore finds everything its client has seen already in
 * the log.
 *
 * A `create` is answered with `watchCreated`, then `watchEvents` until `cancel` (answered with `watchCanceled`),
 * compaction (`watchCanceled` with the compact revision) or `closeStream` (not answered). Between `pause` and `resume`
 * nothing is sent for a stream; its watchers fall behind and catch up from the store.
 */

import { defineProtocol, message } from './protocol.js'

export const watchMessages = defineProtocol({
  create: message(1, {
    /** The front's number for the watcher, unique among its live watchers. */
    watcher: 'u32',
    /** The front's number for the gRPC stream. */
    stream: 'u32',
    /** WatchOption bits. */
    options: 'u8',
    /** As in WatchCreateRequest; 0 is from now on. */
    startRevision: 'f64',
    key: 'bytes',
    /** Empty: the key alone. One zero byte: everything from the key on. */
    rangeEnd: 'bytes',
  }),
  cancel: message(2, { watcher: 'u32' }),
  closeStream: message(3, { stream: 'u32' }),
  progress: message(4, { stream: 'u32' }),
  pause: message(5, { stream: 'u32' }),
  resume: message(6, { stream: 'u32' }),
})
export type WatchMessages = typeof watchMessages

export const WatchOption = Object.freeze({ prevKv: 1, progressNotify: 2, noPut: 4, noDelete: 8 })

/** Opens watch streams for tests. */

import { strict as assert } from 'node:assert'
import type { CallOptions, EtcdClient } from './etcd-client.js'
import type { WatchCreateIn, WatchRequest, WatchResponse } from './etcd-messages.js'
import type { MessageStream } from './message-stream.js'
import type { Input } from './wire-message.js'

export type WatchStream = MessageStream<Input<typeof WatchRequest>, WatchResponse>

export interface OpenWatch {
  readonly stream: WatchStream
  readonly created: WatchResponse
}

/** A stream of its own with one watcher, whose created response has come. */
export async function openWatch(
  client: EtcdClient,
  create: WatchCreateIn,
  options?: CallOptions,
): Promise<OpenWatch> {
  const stream = client.watch(options)
  stream.send({ createRequest: create })
  const created = await stream.next()
  assert.equal(created.created, true)
  return { stream, created }
}

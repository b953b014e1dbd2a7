/**
 * v3lockpb.Lock: a lock is a line of keys, and whose key is the oldest holds it. A lock lives as long as its lease; the
 * create revision of its key is a fencing token.
 */

import { EMPTY_BYTES } from '../../base/bytes.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import {
  decodeLockRequest,
  decodeUnlockRequest,
  encodeLockResponse,
  encodeUnlockResponse,
} from '../../proto/generated/v3lockpb.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import type { Asker } from './asker.js'
import { passOn, type InnerClient } from './inner-client.js'
import type { OpenAskers } from './open-askers.js'
import { leaseFor, leavePlace, linePrefix, takePlace, waitForTurn, type Line, type Place } from './place-in-line.js'

export class LockService {
  readonly #client: InnerClient
  readonly #open: OpenAskers

  constructor(client: InnerClient, open: OpenAskers) {
    this.#client = client
    this.#open = open
  }

  lock(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const { name, lease } = decodeLockRequest(bytes, start, end)
    this.#open.serve(call, (asker) => this.#lock({ client: this.#client, asker, prefix: linePrefix(name) }, lease))
  }

  unlock(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const { key } = decodeUnlockRequest(bytes, start, end)
    this.#open.serve(call, (asker) => this.#unlock(asker, key))
  }

  async #lock(line: Line, givenLease: bigint): Promise<void> {
    const { asker } = line
    const lease = await leaseFor(line, givenLease)
    if (asker.isGone) return
    if (!lease.ok) return passOn(asker.call, lease)
    const taken = await takePlace(line, lease.value, EMPTY_BYTES)
    if (!taken.ok) return asker.isGone ? undefined : passOn(asker.call, taken)
    const place = taken.value
    // A client that left before it had its place shall not hold up others, unless its lease was in the line before.
    if (asker.isGone) return place.existing === null ? this.#release(line, place) : undefined
    const { key, header } = place
    if (place.isFirst) {
      asker.call.sendMessage(encodeLockResponse({ header, key }))
      return asker.call.finish(grpcStatus.ok, '')
    }
    const turn = await waitForTurn(line, place)
    if (turn.ok && !asker.isGone) return this.#answerWaiting(line, place)
    await this.#release(line, place)
    if (!asker.isGone && !turn.ok) passOn(asker.call, turn)
  }

  /** Its turn has come, unless its key is gone: then its lease is. */
  async #answerWaiting(line: Line, place: Place): Promise<void> {
    const { client, asker } = line
    const own = await client.range(asker, { key: place.key, keys_only: true })
    if (asker.isGone || !own.ok) {
      await this.#release(line, place)
      return asker.isGone || own.ok ? undefined : passOn(asker.call, own)
    }
    const { header, kvs } = own.value
    if (kvs[0]?.create_revision !== place.createRevision) {
      return asker.call.finish(etcdErrors.sessionExpired.code, etcdErrors.sessionExpired.message)
    }
    asker.call.sendMessage(encodeLockResponse({ header, key: place.key }))
    asker.call.finish(grpcStatus.ok, '')
  }

  async #release(line: Line, place: Place): Promise<void> {
    const left = await leavePlace(line, place)
    if (!left.ok) this.#open.warn('a lock that its client gave up stays until its lease ends', left.message)
  }

  /** Whoever names the key may delete it: ownership is not checked. */
  async #unlock(asker: Asker, key: Uint8Array): Promise<void> {
    const deleted = await this.#client.deleteKey(asker, key)
    if (asker.isGone) return
    if (!deleted.ok) return passOn(asker.call, deleted)
    asker.call.sendMessage(encodeUnlockResponse({ header: deleted.value.header }))
    asker.call.finish(grpcStatus.ok, '')
  }
}

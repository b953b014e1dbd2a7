/**
 * v3electionpb.Election: candidates stand in a line of keys, and whose key is the oldest leads with its value. A leader
 * leads as long as its lease lives; the create revision of its key is a fencing token.
 */

import { equalBytes } from '../../base/bytes.js'
import { etcdErrors, type EtcdError } from '../../proto/etcd-errors.js'
import {
  decodeCampaignRequest,
  decodeLeaderRequest,
  decodeProclaimRequest,
  decodeResignRequest,
  encodeCampaignResponse,
  encodeLeaderResponse,
  encodeProclaimResponse,
  encodeResignResponse,
  type CampaignRequest,
  type LeaderKey,
} from '../../proto/generated/v3electionpb.js'
import type { ResponseHeader } from '../../proto/generated/etcdserverpb.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import type { Asker } from './asker.js'
import { passOn, type Inner, type InnerClient } from './inner-client.js'
import { observe } from './leader-observer.js'
import type { OpenAskers } from './open-askers.js'
import { createdAt, leaseFor, leavePlace, linePrefix, oldestKey, takePlace, waitForTurn } from './place-in-line.js'
import type { Line, Place } from './place-in-line.js'

interface Leadership {
  readonly key: Uint8Array
  readonly createRevision: number
  readonly leaseId: bigint
}

type Proclaimed = Inner<ResponseHeader | undefined>

export class ElectionService {
  readonly #client: InnerClient
  readonly #open: OpenAskers

  constructor(client: InnerClient, open: OpenAskers) {
    this.#client = client
    this.#open = open
  }

  campaign(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const request = decodeCampaignRequest(bytes, start, end)
    this.#open.serve(call, (asker) => this.#campaign(this.#line(asker, request.name), request))
  }

  proclaim(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const { leader, value } = decodeProclaimRequest(bytes, start, end)
    if (leader === undefined) return fail(call, etcdErrors.missingLeaderKey)
    this.#open.serve(call, (asker) => this.#proclaim(this.#line(asker, leader.name), leader, value))
  }

  resign(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const { leader } = decodeResignRequest(bytes, start, end)
    if (leader === undefined) return fail(call, etcdErrors.missingLeaderKey)
    this.#open.serve(call, (asker) => this.#resign(this.#line(asker, leader.name), leader))
  }

  leader(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const { name } = decodeLeaderRequest(bytes, start, end)
    this.#open.serve(call, (asker) => this.#leader(this.#line(asker, name)))
  }

  observe(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const { name } = decodeLeaderRequest(bytes, start, end)
    this.#open.serve(call, (asker) => observe(this.#line(asker, name)))
  }

  async #campaign(line: Line, request: CampaignRequest): Promise<void> {
    const { asker } = line
    const lease = await leaseFor(line, request.lease)
    if (asker.isGone) return
    if (!lease.ok) return passOn(asker.call, lease)
    const taken = await takePlace(line, lease.value, request.value)
    if (!taken.ok) return asker.isGone ? undefined : passOn(asker.call, taken)
    const place = taken.value
    const held = await this.#hold(line, place, request.value)
    if (asker.isGone || !held.ok) {
      // A client that left before it had its place shall not hold up others, unless its lease was in the line before.
      if (asker.isGone && place.existing !== null && held.ok && !held.value.hasWaited) return
      await this.#release(line, place)
      return asker.isGone || held.ok ? undefined : passOn(asker.call, held)
    }
    const { key, createRevision: rev, leaseId, header } = place
    const leader = { name: request.name, key, rev, lease: leaseId }
    asker.call.sendMessage(encodeCampaignResponse({ header, leader }))
    asker.call.finish(grpcStatus.ok, '')
  }

  /** Gives the place its value if it has another one, and waits until nobody is before it. */
  async #hold(line: Line, place: Place, value: Uint8Array): Promise<Inner<{ readonly hasWaited: boolean }>> {
    const { asker } = line
    if (!asker.isGone && place.existing !== null && !equalBytes(place.existing.value, value)) {
      const proclaimed = await this.#setValue(line, place, value)
      if (!proclaimed.ok) return proclaimed
    }
    if (asker.isGone || place.isFirst) return { ok: true, value: { hasWaited: false } }
    const turn = await waitForTurn(line, place)
    return turn.ok ? { ok: true, value: { hasWaited: true } } : turn
  }

  async #proclaim(line: Line, leader: LeaderKey, value: Uint8Array): Promise<void> {
    const { asker } = line
    const lease = await leaseFor(line, leader.lease)
    if (asker.isGone) return
    if (!lease.ok) return passOn(asker.call, lease)
    const { key, rev: createRevision } = leader
    const proclaimed = await this.#setValue(line, { key, createRevision, leaseId: lease.value }, value)
    if (asker.isGone) return
    if (!proclaimed.ok) return passOn(asker.call, proclaimed)
    asker.call.sendMessage(encodeProclaimResponse({ header: proclaimed.value }))
    asker.call.finish(grpcStatus.ok, '')
  }

  async #setValue({ client, asker }: Line, leadership: Leadership, value: Uint8Array): Promise<Proclaimed> {
    const { key, createRevision, leaseId } = leadership
    const set = await client.txn(asker, {
      compare: [createdAt(key, createRevision)],
      success: [{ request_put: { key, value, lease: leaseId } }],
    })
    if (!set.ok) return set
    if (!set.value.succeeded) return { ok: false, message: etcdErrors.electionNotLeader.message }
    return { ok: true, value: set.value.header }
  }

  async #resign(line: Line, leader: LeaderKey): Promise<void> {
    const { asker } = line
    const left = await leavePlace(line, { key: leader.key, createRevision: leader.rev })
    if (asker.isGone) return
    if (!left.ok) return passOn(asker.call, left)
    asker.call.sendMessage(encodeResignResponse({ header: left.value.header }))
    asker.call.finish(grpcStatus.ok, '')
  }

  async #leader({ client, asker, prefix }: Line): Promise<void> {
    const oldest = await client.range(asker, oldestKey(prefix))
    if (asker.isGone) return
    if (!oldest.ok) return passOn(asker.call, oldest)
    const { header, kvs } = oldest.value
    const kv = kvs[0]
    if (kv === undefined) return fail(asker.call, etcdErrors.electionNoLeader)
    asker.call.sendMessage(encodeLeaderResponse({ header, kv }))
    asker.call.finish(grpcStatus.ok, '')
  }

  async #release(line: Line, place: Place): Promise<void> {
    const left = await leavePlace(line, place)
    if (!left.ok) this.#open.warn('a candidate whose client has gone stays until its lease ends', left.message)
  }

  #line(asker: Asker, name: Uint8Array): Line {
    return { client: this.#client, asker, prefix: linePrefix(name) }
  }
}

function fail(call: GrpcCall, error: EtcdError): void {
  call.finish(error.code, error.message)
}

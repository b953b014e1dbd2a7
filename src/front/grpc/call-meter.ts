/**
 * Counts calls, by method: a few additions to the front's page for each message. A call holds the meter of its method
 * from the moment it is counted as started until it is counted as handled.
 */

import { isUtf8 } from 'node:buffer'
import { rpcCounters, counters as all } from '../../metrics/counter-catalogue.js'
import type { Counters, Histogram } from '../../metrics/counters.js'
import { CODE_COUNT, rpcPlaces, type RpcPlace } from '../../metrics/rpc-catalogue.js'
import type { GrpcCall } from './grpc-call.js'

const VERSION_FIELD = 'client-api-version'
/** Counted in place of versions that came after there was no room for more. */
const OTHER_VERSIONS = 'other'
const UNKNOWN_VERSION = 'unknown'
const UNARY = 0
const STREAM = 1

/** In the order of the series of `streamFailures`: failures to receive from each, then failures to send. */
const STREAM_APIS = ['/etcdserverpb.Watch/Watch', '/etcdserverpb.Lease/LeaseKeepAlive']

/** The time of the turn, for all meters of a front. */
export interface MeterTime {
  nowMs: number
}

export class CallMeter {
  readonly isStream: boolean
  /** For Txn: where one that only reads is counted from then on. */
  readonly readonlyMeter: CallMeter | null
  readonly #values: Float64Array
  readonly #time: MeterTime
  readonly #startedAt: number
  readonly #receivedAt: number
  readonly #sentAt: number
  readonly #handledAt: number
  /** -1 for methods whose failures to send are not counted. */
  readonly #sendFailedAt: number
  readonly #handling: Histogram | null
  readonly #succeeded: Histogram | null
  readonly #failed: Histogram | null

  constructor(counters: Counters, place: RpcPlace, options: { time: MeterTime; isExtensive: boolean }) {
    const { started, handled, received, sent, handling, requestDuration } = rpcCounters
    const { series, requestType, readonlyType } = place
    this.isStream = place.isStream
    this.#values = counters.page.values
    this.#time = options.time
    this.#startedAt = started.at + series * started.stride
    this.#receivedAt = received.at + series * received.stride
    this.#sentAt = sent.at + series * sent.stride
    this.#handledAt = handled.at + series * CODE_COUNT * handled.stride
    const api = STREAM_APIS.indexOf(place.path)
    const { at, stride } = all.streamFailures
    this.#sendFailedAt = api < 0 ? -1 : at + (STREAM_APIS.length + api) * stride
    this.#handling = options.isExtensive ? counters.histogram(handling, series) : null
    this.#succeeded = requestType < 0 ? null : counters.histogram(requestDuration, 2 * requestType)
    this.#failed = requestType < 0 ? null : counters.histogram(requestDuration, 2 * requestType + 1)
    const readonlyPlace = { ...place, requestType: readonlyType, readonlyType: -1 }
    this.readonlyMeter = readonlyType < 0 ? null : new CallMeter(counters, readonlyPlace, options)
  }

  started(): void {
    const values = this.#values
    values[this.#startedAt] = (values[this.#startedAt] as number) + 1
  }

  received(bytes: number): void {
    const values = this.#values
    values[this.#receivedAt] = (values[this.#receivedAt] as number) + 1
    values[RECEIVED_BYTES_AT] = (values[RECEIVED_BYTES_AT] as number) + bytes
  }

  sent(bytes: number): void {
    const values = this.#values
    values[this.#sentAt] = (values[this.#sentAt] as number) + 1
    values[SENT_BYTES_AT] = (values[SENT_BYTES_AT] as number) + bytes
  }

  /**
   * The client did not take what it had asked for, and was cut. One that goes by itself is no failure, however it
   * goes: etcd counts none then.
   */
  sendFailed(): void {
    const at = this.#sendFailedAt
    if (at >= 0) this.#values[at] = (this.#values[at] as number) + 1
  }

  /** The call has its status. `startedMs` is when its head was heard. */
  handled(status: number, startedMs: number): void {
    const at = this.#handledAt + status
    const values = this.#values
    values[at] = (values[at] as number) + 1
    this.#handling?.observe(this.#secondsSince(startedMs))
    this.took(status, startedMs)
  }

  /** As a request to the server, however it came: all that is counted of one that is no RPC. */
  took(status: number, startedMs: number): void {
    const duration = status === 0 ? this.#succeeded : this.#failed
    duration?.observe(this.#secondsSince(startedMs))
  }

  #secondsSince(startedMs: number): number {
    return Math.max(0, this.#time.nowMs - startedMs) / 1000
  }
}

const RECEIVED_BYTES_AT = all.clientReceivedBytes.at
const SENT_BYTES_AT = all.clientSentBytes.at

export class CallMeters {
  readonly time: MeterTime = { nowMs: 0 }
  readonly #counters: Counters
  readonly #byPath: ReadonlyMap<string, CallMeter>

  constructor(counters: Counters, isExtensive: boolean) {
    this.#counters = counters
    // All of a version's slots stay within their bound, whatever clients send: the last two are ours.
    counters.page.textSlot(UNKNOWN_VERSION)
    counters.page.textSlot(OTHER_VERSIONS)
    const options = { time: this.time, isExtensive }
    this.#byPath = new Map(rpcPlaces().map((place) => [place.path, new CallMeter(counters, place, options)]))
  }

  /** True for methods with more than one message either way. */
  isStream(method: string): boolean {
    return this.#byPath.get(method)?.isStream === true
  }

  /** Counts a call as started; from here on it counts for itself. */
  start(call: GrpcCall): void {
    const meter = this.#byPath.get(call.method) ?? null
    call.meter = meter
    if (!call.isInner) meter?.started()
  }

  /** Counts a call under the API version that its client says it has; false for what etcd does not take for text. */
  countClient({ method, metadata, isInner }: GrpcCall): boolean {
    if (isInner) return true
    if (metadata.versionSlot < 0) {
      const version = Buffer.from(metadata.get(VERSION_FIELD) ?? '', 'latin1')
      if (!isUtf8(version)) return false
      metadata.versionSlot = this.#slotOf(version.toString())
    }
    const { at, stride } = all.clientRequests
    const word = at + (this.isStream(method) ? STREAM : UNARY) * stride + metadata.versionSlot
    const { values } = this.#counters.page
    values[word] = (values[word] as number) + 1
    return true
  }

  /** A client's stream ended over what it sent. */
  countReceiveFailure(path: string): void {
    const api = STREAM_APIS.indexOf(path)
    if (api >= 0) this.#counters.addTo(all.streamFailures, api)
  }

  #slotOf(version: string): number {
    const { page } = this.#counters
    const slot = page.textSlot(version === '' ? UNKNOWN_VERSION : version)
    return slot < 0 ? page.textSlot(OTHER_VERSIONS) : slot
  }
}

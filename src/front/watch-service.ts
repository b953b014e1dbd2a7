/**
 * etcdserverpb.Watch. Matching is the watch workers' business; this side knows clients: their ids, the order of created
 * responses, fragments, and streams that read too slowly, which are paused and catch up from the store.
 */

import { compareBytes, EMPTY_BYTES, type Bytes } from '../base/bytes.js'
import { copyRange } from '../base/copy-into.js'
import { GRPC_OVERHEAD_BYTES } from '../config/limits.js'
import type { FrontMessages } from '../messages/front-messages.js'
import type { Message } from '../messages/protocol.js'
import { toldRevision } from '../messages/told-early.js'
import { etcdErrors, errorById, watchCancelReasons } from '../proto/etcd-errors.js'
import {
  decodeWatchRequest,
  encodeWatchResponse,
  type WatchCreateRequest,
} from '../proto/generated/etcdserverpb.js'
import { sizeOfInt64, writeInt64 } from '../proto/proto-writer.js'
import type { AuthGate } from './auth/auth-gate.js'
import type { FrontContext } from './front-context.js'
import type { GrpcCall } from './grpc/grpc-call.js'
import { WatchMeter } from './grpc/watch-meter.js'
import { isEnded, type Proposer } from './requests/proposer.js'
import { countEvents, eventSize, optionsOf } from './requests/watch-bytes.js'
import { WatchStream, type DeferredOrder, type FailedCreate, type Watcher } from './watch-stream.js'

const ZERO_KEY = new Uint8Array(1)
/** Orders that wait for a ring to a watch worker; beyond it the stream that asks is ended. */
const DEFERRED_MAX = 65_536
const WATCHERS_MAX = 1_000_000
const TAG_WATCH_ID = 0x10
const TAG_FRAGMENT = 0x38
const PROGRESS_WATCH_ID = -1
/** A watcher's number in the list of those that a block is for. */
const NUMBER_BYTES = 4

/** One block of events that came in parts. */
interface Assembly {
  readonly bytes: Buffer
  length: number
}

export class WatchService {
  readonly #context: FrontContext
  readonly #proposer: Proposer
  readonly #gate: AuthGate
  readonly #fragmentBytes: number
  readonly #streams = new Map<number, WatchStream>()
  readonly #watchers = new Map<number, Watcher>()
  readonly #assemblies = new Map<number, Assembly>()
  #deferred: DeferredOrder[] = []
  readonly #meter: WatchMeter
  #nextStream = 1
  #nextWatcher = 1
  #scratch: Buffer = Buffer.allocUnsafe(64 * 1024)

  constructor(context: FrontContext, proposer: Proposer, gate: AuthGate) {
    this.#context = context
    this.#proposer = proposer
    this.#gate = gate
    this.#meter = new WatchMeter(context.counters, context.clock)
    this.#fragmentBytes = context.config.requestBytesMax + GRPC_OVERHEAD_BYTES
  }

  get isIdle(): boolean {
    return this.#deferred.length === 0
  }

  open(call: GrpcCall): void {
    while (this.#streams.has(this.#nextStream)) this.#nextStream = nextNumber(this.#nextStream)
    const number = this.#nextStream
    this.#nextStream = nextNumber(number)
    const stream = new WatchStream(number, call, number % this.#context.watches.length)
    this.#streams.set(number, stream)
    this.#meter.setStreams(this.#streams.size)
    call.context = stream
    call.sendHeaders()
  }

  onRequest(call: GrpcCall, bytes: Buffer, start: number, end: number): void {
    const stream = call.context as WatchStream
    const request = decodeWatchRequest(bytes, start, end)
    if (request.create_request !== undefined) this.#create(stream, request.create_request)
    else if (request.cancel_request !== undefined) this.#cancel(stream, request.cancel_request.watch_id)
    else if (request.progress_request !== undefined) this.#progress(stream)
  }

  onClosed(call: GrpcCall): void {
    const stream = call.context as WatchStream
    if (!this.#streams.delete(stream.number)) return
    this.#meter.setStreams(this.#streams.size)
    for (const watcher of stream.watchers.values()) this.#watchers.delete(watcher.number)
    stream.watchers.clear()
    this.#order({ kind: 'closeStream', worker: stream.worker, stream: stream.number })
  }

  onWritable(call: GrpcCall): void {
    const stream = call.context as WatchStream
    if (!stream.isPaused) return
    stream.isPaused = false
    this.#order({ kind: 'resume', worker: stream.worker, stream: stream.number })
  }

  /** The server is going down. */
  closeAll(): void {
    for (const stream of this.#streams.values()) {
      this.onClosed(stream.call)
      if (!isEnded(stream.call)) stream.call.abort(etcdErrors.stopped.code, etcdErrors.stopped.message)
    }
  }

  onWatchCreated(message: Message<FrontMessages, 'watchCreated'>): void {
    const watcher = this.#watchers.get(message.watcher)
    if (watcher === undefined) return
    const { stream } = watcher
    if (message.error !== 0) {
      this.#forget(watcher)
      const at = stream.creates.indexOf(watcher)
      stream.creates[at] = { failure: errorById(message.error)?.message ?? 'watch failed' }
    } else {
      watcher.isCreated = true
    }
    this.#flushCreates(stream, message.revision)
  }

  onWatchEvents(message: Message<FrontMessages, 'watchEvents'>, worker: number): void {
    const { events, totalBytes, more, revision, watchers } = message
    let { bytes, start, end } = events
    let assembly = this.#assemblies.get(worker)
    if (more === 1 || assembly !== undefined) {
      if (assembly === undefined) {
        assembly = { bytes: Buffer.allocUnsafe(totalBytes), length: 0 }
        this.#assemblies.set(worker, assembly)
      }
      assembly.length = copyRange(assembly.bytes, assembly.length, bytes, start, end)
      if (more === 1) return
      this.#assemblies.delete(worker)
      bytes = assembly.bytes
      start = 0
      end = assembly.length
    }
    this.#meter.start()
    let responses = 0
    const view = new DataView(watchers.bytes.buffer, watchers.bytes.byteOffset, watchers.bytes.byteLength)
    for (let at = watchers.start; at < watchers.end; at += NUMBER_BYTES) {
      const watcher = this.#watchers.get(view.getUint32(at, true))
      if (watcher === undefined || watcher.isCanceling) continue
      this.#sendEvents(watcher, revision, bytes, start, end)
      responses++
    }
    const eventsEach = countEvents(bytes, start, end)
    this.#meter.sentEvents(responses, eventsEach)
    this.#meter.tookEvents((watchers.end - watchers.start) / NUMBER_BYTES, eventsEach)
  }

  onWatchCanceled(message: Message<FrontMessages, 'watchCanceled'>): void {
    const watcher = this.#watchers.get(message.watcher)
    if (watcher === undefined) return
    this.#forget(watcher)
    const { call } = watcher.stream
    if (isEnded(call)) return
    const isCompacted = message.compactRevision > 0
    this.#meter.start()
    call.sendMessage(
      encodeWatchResponse({
        // etcd leaves the revision out when compaction is the reason.
        header: this.#proposer.headers.fields(isCompacted ? 0 : message.revision),
        watch_id: watcher.watchId,
        canceled: true,
        compact_revision: message.compactRevision,
      }),
    )
    this.#meter.sentControl()
  }

  onWatchProgress(message: Message<FrontMessages, 'watchProgress'>): void {
    const stream = this.#streams.get(message.stream)
    if (stream === undefined || isEnded(stream.call)) return
    this.#notify(stream.call, message.revision, PROGRESS_WATCH_ID)
  }

  onWatchNotify(message: Message<FrontMessages, 'watchNotify'>): void {
    const watcher = this.#watchers.get(message.watcher)
    if (watcher === undefined || isEnded(watcher.stream.call)) return
    this.#notify(watcher.stream.call, message.revision, watcher.watchId)
  }

  #notify(call: GrpcCall, revision: number, watchId: number): void {
    this.#meter.start()
    call.sendMessage(encodeWatchResponse({ header: this.#proposer.headers.fields(revision), watch_id: watchId }))
    this.#meter.sentNotice()
  }

  /** Sends orders that found their ring full. Returns how many went. */
  retryDeferred(): number {
    let sent = 0
    while (sent < this.#deferred.length && this.#send(this.#deferred[sent] as DeferredOrder)) sent++
    if (sent > 0) this.#deferred = this.#deferred.slice(sent)
    return sent
  }

  #create(stream: WatchStream, request: WatchCreateRequest): void {
    const key = request.key.length === 0 ? ZERO_KEY : request.key
    const failure =
      this.#gate.watchFailure(stream.call, key, request.range_end) ?? this.#createFailure(stream, request, key)
    if (failure !== null) {
      stream.creates.push({ failure })
      this.#flushCreates(stream, toldRevision(this.#context.words))
      return
    }
    while (this.#watchers.has(this.#nextWatcher)) this.#nextWatcher = nextNumber(this.#nextWatcher)
    const watcher: Watcher = {
      number: this.#nextWatcher,
      stream,
      watchId: request.watch_id === 0 ? stream.freeId() : request.watch_id,
      fragment: request.fragment,
      isCreated: false,
      isCanceling: false,
    }
    this.#nextWatcher = nextNumber(watcher.number)
    this.#watchers.set(watcher.number, watcher)
    stream.watchers.set(watcher.watchId, watcher)
    stream.creates.push(watcher)
    this.#order({
      kind: 'create',
      worker: stream.worker,
      stream: stream.number,
      watcher: watcher.number,
      options: optionsOf(request),
      startRevision: request.start_revision,
      key,
      rangeEnd: request.range_end,
    })
  }

  #createFailure(stream: WatchStream, request: WatchCreateRequest, key: Bytes): string | null {
    const { range_end, watch_id, start_revision } = request
    const isOpenEnded = range_end.length === 1 && range_end[0] === 0
    if (range_end.length > 0 && !isOpenEnded && compareBytes(range_end, key) <= 0) return watchCancelReasons.emptyRange
    if (start_revision < 0) return etcdErrors.compacted.message
    if (watch_id !== 0 && stream.watchers.has(watch_id)) return watchCancelReasons.duplicateId
    if (watch_id === PROGRESS_WATCH_ID) return watchCancelReasons.duplicateId
    return this.#watchers.size >= WATCHERS_MAX ? etcdErrors.requestTooManyRequests.message : null
  }

  /** Created responses go out in the order of the requests: one that is still waited for holds back those behind it. */
  #flushCreates(stream: WatchStream, revision: number): void {
    const { creates, call } = stream
    while (creates.length > 0) {
      const head = creates[0] as Watcher | FailedCreate
      const failed = 'failure' in head
      if (!failed && !head.isCreated) return
      creates.shift()
      if (isEnded(call)) continue
      this.#meter.start()
      const header = this.#proposer.headers.fields(revision)
      call.sendMessage(
        failed
          ? encodeWatchResponse({
              header,
              watch_id: PROGRESS_WATCH_ID,
              created: true,
              canceled: true,
              cancel_reason: head.failure,
            })
          : encodeWatchResponse({ header, watch_id: head.watchId, created: true }),
      )
      this.#meter.sentControl()
    }
  }

  #cancel(stream: WatchStream, watchId: number): void {
    const watcher = stream.watchers.get(watchId)
    if (watcher === undefined || watcher.isCanceling) return
    watcher.isCanceling = true
    this.#order({ kind: 'cancel', worker: stream.worker, watcher: watcher.number })
  }

  #progress(stream: WatchStream): void {
    if (stream.watchers.size === 0) return
    this.#order({ kind: 'progress', worker: stream.worker, stream: stream.number })
  }

  #forget(watcher: Watcher): void {
    this.#watchers.delete(watcher.number)
    watcher.stream.watchers.delete(watcher.watchId)
  }

  #sendEvents(watcher: Watcher, revision: number, bytes: Bytes, start: number, end: number): void {
    const { call } = watcher.stream
    if (isEnded(call)) return
    const { headers } = this.#proposer
    headers.encode(revision)
    const idSize = watcher.watchId === 0 ? 0 : 1 + sizeOfInt64(watcher.watchId)
    const prefix = headers.fieldLength + idSize
    const total = prefix + end - start
    if (watcher.fragment && total >= this.#fragmentBytes) {
      this.#sendFragments(watcher, bytes, start, end)
    } else {
      const at = call.reserveMessage(total)
      if (at >= 0) {
        copyRange(call.output, this.#writePrefix(call.output, at, watcher.watchId), bytes, start, end)
      } else {
        call.startStreamedMessage(total)
        const length = this.#writePrefix(this.#scratch, 0, watcher.watchId)
        call.writeChunk(this.#scratch, 0, length)
        call.writeChunk(bytes, start, end)
      }
    }
    this.#pauseIfSlow(watcher.stream)
  }

  #writePrefix(out: Buffer, at: number, watchId: number): number {
    at = this.#proposer.headers.writeField(out, at)
    if (watchId === 0) return at
    out[at++] = TAG_WATCH_ID
    return writeInt64(out, at, watchId)
  }

  /** Splits between events; every part but the last says that more follows. */
  #sendFragments(watcher: Watcher, bytes: Bytes, start: number, end: number): void {
    const { call } = watcher.stream
    let from = start
    while (from < end) {
      let to = from
      while (to < end) {
        const next = to + eventSize(bytes, to)
        if (to > from && next - from >= this.#fragmentBytes) break
        to = next
      }
      const flag = to < end ? 2 : 0
      const prefix = this.#writePrefix(this.#scratch, 0, watcher.watchId)
      if (flag > 0) {
        this.#scratch[prefix] = TAG_FRAGMENT
        this.#scratch[prefix + 1] = 1
      }
      call.startStreamedMessage(prefix + flag + to - from)
      call.writeChunk(this.#scratch, 0, prefix + flag)
      call.writeChunk(bytes, from, to)
      from = to
    }
  }

  #pauseIfSlow(stream: WatchStream): void {
    if (stream.isPaused || !stream.call.wantsWritable) return
    stream.isPaused = true
    this.#order({ kind: 'pause', worker: stream.worker, stream: stream.number })
  }

  #order(order: Partial<DeferredOrder> & Pick<DeferredOrder, 'kind' | 'worker'>): void {
    const whole: DeferredOrder = { ...NO_ORDER, ...order }
    if (this.#deferred.length === 0 && this.#send(whole)) return
    this.#deferred.push(whole)
    if (this.#deferred.length <= DEFERRED_MAX || order.kind !== 'create') return
    const stream = this.#streams.get(whole.stream)
    if (stream !== undefined) this.#proposer.fail(stream.call, etcdErrors.requestTooManyRequests.id)
  }

  #send(order: DeferredOrder): boolean {
    const sender = this.#context.watches[order.worker]
    if (sender === undefined) return true
    switch (order.kind) {
      case 'create':
        return sender.create(order)
      case 'cancel':
        return sender.cancel(order)
      case 'closeStream':
        return sender.closeStream(order)
      case 'progress':
        return sender.progress(order)
      case 'pause':
        return sender.pause(order)
      case 'resume':
        return sender.resume(order)
    }
  }
}

const NO_ORDER: Omit<DeferredOrder, 'kind' | 'worker'> = Object.freeze({
  watcher: 0,
  stream: 0,
  options: 0,
  startRevision: 0,
  key: EMPTY_BYTES,
  rangeEnd: EMPTY_BYTES,
})

function nextNumber(number: number): number {
  return number === 0xffff_ffff ? 1 : number + 1
}

/**
 * Maintenance.Snapshot: one helper thread, one file and one reader of the store for each that is under way, and so few
 * at a time.
 */

import { join } from 'node:path'
import { spawnThread } from '../../actor/threads/spawn.js'
import { etcdErrors } from '../../proto/etcd-errors.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import type { SnapshotJobStart, SnapshotOrder, SnapshotReport } from '../../snapshot/snapshot-protocol.js'
import { counters } from '../../metrics/counter-catalogue.js'
import type { Histogram } from '../../metrics/counters.js'
import { storePath } from '../../store/restore-store.js'
import type { FrontContext } from '../front-context.js'
import type { StreamRoute } from '../grpc-routes.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import type { ReadPath } from '../kv/read-path.js'
import { isEnded } from '../requests/proposer.js'
import { SnapshotStream } from './snapshot-stream.js'

interface Helper {
  postMessage(order: SnapshotOrder): void
}

type SnapshotContext = Pick<
  FrontContext,
  'config' | 'index' | 'storeDir' | 'holds' | 'requestTurn' | 'logger' | 'counters' | 'clock'
>

type SnapshotReads = Pick<ReadPath, 'isFull' | 'whenFresh'>

export class SnapshotService {
  readonly route: StreamRoute
  readonly #context: SnapshotContext
  readonly #reads: SnapshotReads
  readonly #streams = new Map<GrpcCall, SnapshotStream>()
  /** Threads that have not ended yet: a client that is gone may leave one for a moment. */
  readonly #helpers = new Map<SnapshotStream, Helper>()
  #started = 0
  readonly #times: Histogram

  constructor(context: SnapshotContext, reads: SnapshotReads) {
    this.#context = context
    this.#reads = reads
    this.#times = context.counters.histogram(counters.snapshotDuration)
    this.route = {
      kind: 'stream',
      open: () => undefined,
      // An image has what its client was told before.
      onMessage: (call) => {
        if (this.#reads.isFull) refuse(call)
        else this.#reads.whenFresh({ call, run: () => this.#start(call) })
      },
      onHalfClose: () => undefined,
      onClosed: (call) => this.#end(call),
      onWritable: (call) => this.#streams.get(call)?.send(),
    }
  }

  /** The server stops: nobody waits for an image any more. */
  closeAll(): void {
    for (const call of this.#streams.keys()) {
      this.#end(call)
      if (!isEnded(call)) call.abort(grpcStatus.unavailable, etcdErrors.stopped.message)
    }
  }

  #start(call: GrpcCall): void {
    // A second message of a call that has one already.
    if (this.#streams.has(call) || isEnded(call)) return
    if (this.#helpers.size >= this.#context.config.snapshotWorkers) {
      refuse(call)
      return
    }
    const { index, storeDir, holds } = this.#context
    const generation = holds.hold()
    const start: SnapshotJobStart = {
      storePath: storePath(storeDir, generation),
      imagePath: join(storeDir, `snapshot-${index}-${this.#started++}.tmp`),
    }
    const worker = spawnThread('snapshot', 'snapshot', start)
    // A node that ends does not wait for it.
    worker.unref()
    const stream = new SnapshotStream(call, (order) => worker.postMessage(order), this.#context.clock.nowMs())
    this.#streams.set(call, stream)
    this.#helpers.set(stream, worker)
    let isHeld = true
    const release = (): void => {
      if (isHeld) holds.release(generation)
      isHeld = false
    }
    worker.on('message', (report: SnapshotReport) => {
      // The image is in its file: however slow its client is, the store may go on without it.
      if (report.kind === 'ready') release()
      this.#onReport(stream, report)
    })
    worker.on('error', (error: Error) => this.#onReport(stream, { kind: 'failed', message: error.message }))
    worker.on('exit', () => {
      release()
      this.#helpers.delete(stream)
    })
  }

  #onReport(stream: SnapshotStream, report: SnapshotReport): void {
    const { logger, requestTurn, clock } = this.#context
    if (report.kind === 'failed') logger.error('front', 'a snapshot could not be made', { cause: report.message })
    stream.onReport(report)
    if (report.kind === 'end') this.#times.observe((clock.nowMs() - stream.startedMs) / 1000)
    if (report.kind === 'failed' || report.kind === 'end') {
      this.#streams.delete(stream.call)
      this.#helpers.delete(stream)
    }
    // What was sent leaves at the end of a turn.
    requestTurn()
  }

  #end(call: GrpcCall): void {
    const stream = this.#streams.get(call)
    if (stream === undefined) return
    this.#streams.delete(call)
    this.#helpers.get(stream)?.postMessage('stop')
  }
}

function refuse(call: GrpcCall): void {
  const { code, message } = etcdErrors.requestTooManyRequests
  call.finish(code, message)
}

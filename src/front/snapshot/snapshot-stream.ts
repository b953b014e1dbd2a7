/**
 * One snapshot on its way to a client. The image comes from its helper thread a chunk at a time, each asked for when
 * the one before is sent; it goes out in messages of etcd's size, and ends with its SHA-256 as etcdctl expects it.
 */

import { STORAGE_VERSION } from '../../config/versions.js'
import { EMPTY_BYTES, type Bytes } from '../../base/bytes.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import { encodeSnapshotResponse } from '../../proto/generated/etcdserverpb.js'
import type { SnapshotOrder, SnapshotReport } from '../../snapshot/snapshot-protocol.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import { isEnded } from '../requests/proposer.js'

/** etcd's. */
const BLOB_BYTES = 32 * 1024

export class SnapshotStream {
  readonly startedMs: number
  readonly #call: GrpcCall
  readonly #order: (order: SnapshotOrder) => void
  #imageBytes = 0
  #sentBytes = 0
  #chunk: Bytes = EMPTY_BYTES
  #chunkSent = 0

  constructor(call: GrpcCall, order: (order: SnapshotOrder) => void, startedMs: number) {
    this.startedMs = startedMs
    this.#call = call
    this.#order = order
  }

  get call(): GrpcCall {
    return this.#call
  }

  onReport(report: SnapshotReport): void {
    if (isEnded(this.#call)) return
    switch (report.kind) {
      case 'ready':
        this.#imageBytes = report.imageBytes
        this.#order('next')
        return
      case 'chunk':
        this.#chunk = report.bytes
        this.#chunkSent = 0
        this.send()
        return
      case 'end':
        this.#send(report.sha256)
        this.#call.finish(grpcStatus.ok, '')
        return
      case 'failed':
        this.#call.finish(grpcStatus.unknown, report.message)
    }
  }

  /** Sends of the chunk what the client takes. */
  send(): void {
    const chunk = this.#chunk
    while (this.#chunkSent < chunk.length) {
      if (this.#call.wantsWritable || isEnded(this.#call)) return
      const blob = chunk.subarray(this.#chunkSent, Math.min(chunk.length, this.#chunkSent + BLOB_BYTES))
      this.#chunkSent += blob.length
      this.#sentBytes += blob.length
      this.#send(blob)
      if (this.#chunkSent === chunk.length) this.#order('next')
    }
  }

  #send(blob: Bytes): void {
    const remaining_bytes = this.#imageBytes - this.#sentBytes
    this.#call.sendMessage(encodeSnapshotResponse({ remaining_bytes, blob, version: STORAGE_VERSION }))
  }
}

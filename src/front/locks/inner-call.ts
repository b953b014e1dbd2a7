/**
 * A call that a service of this front makes to another one, in place of a client with a socket: it carries the metadata
 * of the call on whose behalf it is made, so that it may do what that client may do and nothing more.
 */

import { assert } from '../../base/assert.js'
import { copyRange } from '../../base/copy-into.js'
import { grpcStatus } from '../../proto/grpc-status.js'
import type { CallMeter } from '../grpc/call-meter.js'
import type { GrpcCall } from '../grpc/grpc-call.js'
import type { GrpcMetadata } from '../grpc/grpc-metadata.js'

/** Messages of a stream that wait for their reader before the writer is told to stop. */
const MESSAGES_WAITING_MAX = 16

export interface InnerEnd {
  readonly status: number
  readonly message: string
}

export class InnerCall implements GrpcCall {
  readonly method: string
  readonly metadata: GrpcMetadata
  readonly certificateName: string
  /** The deadline of the call behind it is watched over by that call's transport. */
  readonly deadlineMs = Infinity
  readonly nowMs: number
  context: unknown = null
  readonly isInner = true
  meter: CallMeter | null = null
  wantsWritable = false
  readonly queuedBytes = 0
  /** How the call ended; null while it goes on. */
  end: InnerEnd | null = null
  readonly #onNews: () => void
  readonly #messages: Uint8Array[] = []
  #streamed: Uint8Array | null = null
  #streamedLength = 0

  /** `onNews` is told that there is a message to take, or that the call has ended. */
  constructor(options: {
    method: string
    behalf: Pick<GrpcCall, 'metadata' | 'certificateName'>
    nowMs: number
    onNews: () => void
  }) {
    this.method = options.method
    this.metadata = options.behalf.metadata
    this.certificateName = options.behalf.certificateName
    this.nowMs = options.nowMs
    this.#onNews = options.onNews
  }

  get isOver(): boolean {
    return this.end !== null
  }

  get isLocalClosed(): boolean {
    return this.end !== null
  }

  get output(): Buffer {
    throw new Error('an inner call has no output to write to: reserveMessage says so')
  }

  /** The oldest message that nobody has taken. */
  take(): Uint8Array | null {
    return this.#messages.shift() ?? null
  }

  get hasMessage(): boolean {
    return this.#messages.length > 0
  }

  /** Nobody waits for it any more. */
  drop(): void {
    this.end ??= { status: grpcStatus.canceled, message: 'context canceled' }
    this.#messages.length = 0
  }

  sendHeaders(): void {}

  reserveMessage(_length: number): number {
    return -1
  }

  sendMessage(bytes: Uint8Array, start = 0, end = bytes.length): void {
    if (this.isOver) return
    this.startStreamedMessage(end - start)
    this.writeChunk(bytes, start, end)
  }

  startStreamedMessage(totalLength: number): void {
    if (this.isOver) return
    assert(this.#streamed === null, 'a message out of turn')
    this.#streamed = new Uint8Array(totalLength)
    this.#streamedLength = 0
    if (totalLength === 0) this.#finishMessage(this.#streamed)
  }

  writeChunk(bytes: Uint8Array, start: number, end: number): void {
    const streamed = this.#streamed
    if (this.isOver || streamed === null) return
    this.#streamedLength = copyRange(streamed, this.#streamedLength, bytes, start, end)
    if (this.#streamedLength === streamed.length) this.#finishMessage(streamed)
  }

  finish(status: number, message: string): void {
    if (this.isOver) return
    this.meter?.took(status, this.nowMs)
    this.end = { status, message }
    this.#onNews()
  }

  abort(status: number, message: string): void {
    this.finish(status, message)
  }

  #finishMessage(message: Uint8Array): void {
    this.#streamed = null
    this.#messages.push(message)
    if (this.#messages.length >= MESSAGES_WAITING_MAX) this.wantsWritable = true
    this.#onNews()
  }
}

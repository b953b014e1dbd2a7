/** A client's call in memory: the front's services answer it as they answer one that came over a socket. */

import { assert } from '../../base/assert.js'
import { copyBytes } from '../../base/bytes.js'
import { copyRange } from '../../base/copy-into.js'
import type { GrpcCall } from '../../front/grpc/grpc-call.js'
import { GrpcMetadata } from '../../front/grpc/grpc-metadata.js'

const NO_METADATA = new GrpcMetadata([])

export interface Caller {
  readonly user: string
  readonly token: string
}

export interface CallListener {
  onMessage(bytes: Uint8Array): void
  onEnd(status: number, message: string): void
}

export class SimCall implements GrpcCall {
  readonly method: string
  readonly metadata: GrpcMetadata
  /** The user in whose name it is made, when users are asked for. */
  readonly certificateName: string
  readonly deadlineMs = Infinity
  nowMs = 0
  context: unknown = null
  readonly isInner = false
  meter = null
  wantsWritable = false
  /** The server has heard of it. */
  hasStarted = false
  readonly queuedBytes = 0
  #isOver = false
  readonly #listener: CallListener
  #streamed: Uint8Array | null = null
  #streamedLength = 0

  /** A token, unless it is empty, counts in the user's place. */
  constructor(method: string, { user, token }: Caller, listener: CallListener) {
    this.method = method
    this.metadata = token === '' ? NO_METADATA : new GrpcMetadata([{ name: 'token', value: token }])
    this.certificateName = user
    this.#listener = listener
  }

  get isOver(): boolean {
    return this.#isOver
  }

  get isLocalClosed(): boolean {
    return this.#isOver
  }

  get output(): Buffer {
    throw new Error('a call in memory has no output to write to: reserveMessage says so')
  }

  /** The client has gone. */
  drop(): void {
    this.#isOver = true
  }

  sendHeaders(): void {
    return
  }

  reserveMessage(_length: number): number {
    return -1
  }

  sendMessage(bytes: Uint8Array, start = 0, end = bytes.length): void {
    if (this.#isOver) return
    this.#listener.onMessage(copyBytes(bytes, start, end))
  }

  startStreamedMessage(totalLength: number): void {
    if (this.#isOver) return
    assert(this.#streamed === null, 'a message out of turn')
    this.#streamed = new Uint8Array(totalLength)
    this.#streamedLength = 0
    if (totalLength === 0) this.#finishMessage(this.#streamed)
  }

  writeChunk(bytes: Uint8Array, start: number, end: number): void {
    const streamed = this.#streamed
    if (this.#isOver || streamed === null) return
    this.#streamedLength = copyRange(streamed, this.#streamedLength, bytes, start, end)
    if (this.#streamedLength === streamed.length) this.#finishMessage(streamed)
  }

  finish(status: number, message: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#listener.onEnd(status, message)
  }

  abort(status: number, message: string): void {
    this.finish(status, message)
  }

  #finishMessage(message: Uint8Array): void {
    this.#streamed = null
    this.#listener.onMessage(message)
  }
}

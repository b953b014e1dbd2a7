/**
 * One call as its service sees it, whichever way it came: gRPC on an HTTP/2 stream, or the JSON gateway.
 *
 *   head -> messages -> half-close            sendMessage ... finish
 *
 * Everything sent is copied before the call returns. On a call that is over, sending does nothing: the client may have
 * gone between the question and the answer. Sending behind `finish` is a broken invariant.
 */

import type { CallMeter } from './call-meter.js'
import type { GrpcMetadata } from './grpc-metadata.js'

export interface GrpcCall {
  /** '/package.Service/Method'. */
  readonly method: string
  readonly metadata: GrpcMetadata
  /** The common name in the certificate that the client has proved to own; empty if it has shown none. */
  readonly certificateName: string
  /** Monotonic; Infinity if none. When it passes, the transport answers DEADLINE_EXCEEDED and tells `onCancel`. */
  readonly deadlineMs: number
  /** The time of what is being handled. */
  readonly nowMs: number
  /** The service's own. */
  context: unknown
  /** A service of this front asks, for a client whose own call is counted. */
  readonly isInner: boolean
  /** Counts the call's messages and its end; null before the service has counted it as started, and after the end. */
  meter: CallMeter | null
  /** The transport no longer knows this call. Nothing more is sent or told. */
  readonly isOver: boolean
  /** The call was finished; what it has queued may still be on the way. */
  readonly isLocalClosed: boolean
  /** The writer was told to stop, and will be told when to go on. */
  readonly wantsWritable: boolean
  readonly queuedBytes: number
  /** The buffer that `reserveMessage` counts in. Read it anew after every call that sends. */
  readonly output: Buffer

  /** Response headers at once; streams that stay silent for long need them early. Otherwise they come by themselves. */
  sendHeaders(): void
  /**
   * The fast path: room for a message of exactly `length` octets. They must be written to `output` at the returned
   * offset, all of them, before anything else is sent on any call. -1: take `sendMessage`.
   */
  reserveMessage(length: number): number
  /** One message. What windows do not let out waits in the call's queue: see `wantsWritable`. */
  sendMessage(bytes: Uint8Array, start?: number, end?: number): void
  /**
   * One large message in pieces: `writeChunk` until `totalLength` octets are written. Stop while `wantsWritable` is
   * set and go on at `onWritable`.
   */
  startStreamedMessage(totalLength: number): void
  writeChunk(bytes: Uint8Array, start: number, end: number): void
  /** Ends the call. `message` is for people. */
  finish(status: number, message: string): void
  /** Ends the call at once, dropping what it has queued. A client that waits for the rest of a message sees a reset. */
  abort(status: number, message: string): void
}

/** What stands behind a call. One service answers for all methods; it never throws over what a client sent. */
export interface GrpcService {
  /**
   * The head of a call; `call.method` is '/pkg.Service/Name'. Unknown methods are finished by the service with
   * UNIMPLEMENTED.
   */
  onCallStart(call: GrpcCall): void
  /** One whole message, decompressed. bytes[start, end) is dead when this returns. */
  onMessage(call: GrpcCall, bytes: Buffer, start: number, end: number): void
  /** The client sends no more. */
  onHalfClose(call: GrpcCall): void
  /**
   * The call ended without the service's doing: the client cancelled or is gone, its deadline passed, or what it sent
   * was wrong (the transport has answered then). Nothing can be sent any more.
   */
  onCancel(call: GrpcCall): void
  /** The call's queue was full (`wantsWritable`) and has fallen below its low mark. */
  onWritable(call: GrpcCall): void
}

/** What the transport keeps for one stream. A call extends it, so that a request costs one object. */

import type { HeaderBlock } from '../hpack-decoder.js'
import type { Http2Session } from './http2-session.js'
import type { SendQueue } from './send-queue.js'

export abstract class Http2Stream {
  readonly id: number
  readonly session: Http2Session

  /** What the peer still lets us send; negative after it shrank its setting (RFC 9113 section 6.9.2). */
  sendWindow: number
  /** What the peer may still send us. */
  receiveWindow: number
  /** The peer has sent END_STREAM. */
  isRemoteClosed = false
  /** We have sent END_STREAM, or will as soon as the queue is empty. */
  isLocalClosed = false
  /** The session no longer knows this stream. Nothing more is sent or told. */
  isOver = false

  /** Bytes that wait for windows or for the output. Null for nearly every stream. */
  sendQueue: SendQueue | null = null
  /** In the sender's round of streams that have something to send. */
  isInRound = false
  /** The writer was told to stop, so it must be told when to go on. */
  wantsWritable = false

  constructor(session: Http2Session, id: number) {
    this.session = session
    this.id = id
    this.sendWindow = session.sender.initialStreamWindow
    this.receiveWindow = session.limits.streamWindowBytes
  }

  get queuedBytes(): number {
    return this.sendQueue === null ? 0 : this.sendQueue.bytes
  }
}

/** The layer above: turns streams into calls. One handler serves all sessions of a front. */
export interface StreamHandler {
  /** A request head has come; it may be too large. Null when its fields make the request malformed. */
  openStream(session: Http2Session, streamId: number, head: HeaderBlock): Http2Stream | null
  /** Right after the session has registered the stream. */
  onStreamStart(stream: Http2Stream): void
  /** Payload of one DATA frame; dead when the call returns. */
  onData(stream: Http2Stream, bytes: Buffer, start: number, end: number): void
  onHalfClose(stream: Http2Stream): void
  /** The stream has ended, whoever ended it; called once, before `onStreamLost`. */
  onStreamOver(stream: Http2Stream): void
  /** The stream ended without our doing: the peer reset it, broke its rules, or the connection is gone. */
  onStreamLost(stream: Http2Stream, isConnectionGone: boolean): void
  onStreamWritable(stream: Http2Stream): void
  /** When the streams themselves need `onDeadline`; Infinity if never. */
  wakeAtMs(): number
  onDeadline(nowMs: number): void
}

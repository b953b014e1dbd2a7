/** What one front's connections have done so far, as plain numbers. Shared by all sessions of a thread. */

import { ERROR_CODE_COUNT } from '../frame-layout.js'

export class Http2Counters {
  framesIn = 0
  bytesIn = 0
  bytesOut = 0
  /** What one turn has to send to one connection leaves in one. */
  socketWrites = 0
  streamsOpened = 0
  streamsClosed = 0
  /** REFUSED_STREAM: too many streams, or too many bytes waiting. */
  streamsRefused = 0
  resetsIn = 0
  resetsOut = 0
  headerBlocksFromCache = 0
  messagesIn = 0
  messagesOut = 0
  /** Connections cut because their output passed a bound, or was not taken in time. */
  slowReadersCut = 0
  handshakesTimedOut = 0
  idleClosed = 0
  keepaliveTimedOut = 0
  /** Graceful ones count under NO_ERROR. Indexed by error code. */
  readonly goawaysOut: number[] = new Array<number>(ERROR_CODE_COUNT).fill(0)
  /** Before there is a session: handshakes of TLS and what became of them. */
  readonly tls = {
    handshakes: 0,
    /** Failed, or took too long. */
    tlsErrors: 0,
    /** Connections closed at once because too many handshakes were under way. */
    handshakesRefused: 0,
    /** Good but for the client's certificate. */
    certificatesRefused: 0,
  }
  /** Why ENHANCE_YOUR_CALM was sent. */
  readonly abuse = {
    pings: 0,
    resets: 0,
    settings: 0,
    emptyData: 0,
    junk: 0,
    continuation: 0,
  }
}
export type AbuseKind = keyof Http2Counters['abuse']

/** The layer above a session, reduced to a list of what it heard. */

import type { HeaderBlock } from '../../../../src/front/http2/hpack-decoder.js'
import type { Http2Session } from '../../../../src/front/http2/session/http2-session.js'
import { Http2Stream, type StreamHandler } from '../../../../src/front/http2/session/http2-stream.js'

class RecordedStream extends Http2Stream {}

export class RecordingHandler implements StreamHandler {
  /** Such as `start 1`, `data 1 hello`, `half-close 1`, `over 1`, `lost 1`. */
  readonly heard: string[] = []
  /** Called for every payload, for handlers that answer at once. */
  onPayload: (stream: Http2Stream) => void = () => undefined

  openStream(session: Http2Session, streamId: number, _head: HeaderBlock): Http2Stream {
    return new RecordedStream(session, streamId)
  }

  onStreamStart(stream: Http2Stream): void {
    this.heard.push(`start ${stream.id}`)
  }

  onData(stream: Http2Stream, bytes: Buffer, start: number, end: number): void {
    const text = end - start > 32 ? `[${end - start}]` : bytes.toString('latin1', start, end)
    this.heard.push(`data ${stream.id} ${text}`)
    this.onPayload(stream)
  }

  onHalfClose(stream: Http2Stream): void {
    this.heard.push(`half-close ${stream.id}`)
  }

  onStreamOver(stream: Http2Stream): void {
    this.heard.push(`over ${stream.id}`)
  }

  onStreamLost(stream: Http2Stream, isConnectionGone: boolean): void {
    this.heard.push(`lost ${stream.id}${isConnectionGone ? ' with its connection' : ''}`)
  }

  onStreamWritable(stream: Http2Stream): void {
    this.heard.push(`writable ${stream.id}`)
  }

  wakeAtMs(): number {
    return Infinity
  }

  onDeadline(): void {
    return
  }
}

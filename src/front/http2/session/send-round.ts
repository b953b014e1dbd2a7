/**
 * The streams of a connection that have something to send, each served one frame a turn. What fits one frame goes
 * before what does not, so that an event of a watch waits behind a frame of one large answer and not behind one of
 * each; a large one still gets its turn after so many small ones.
 */

import { FRAME_PAYLOAD_BYTES_DEFAULT } from '../frame-layout.js'
import type { Http2Stream } from './http2-stream.js'

const SMALL_IN_A_ROW_MAX = 16
/** Served places are cut off in strides, so that a long line is not shifted for every stream. */
const SERVED_COUNT_MAX = 256

export class SendRound {
  readonly #small = new StreamLine()
  readonly #large = new StreamLine()
  #smallInARow = 0

  /** Streams that died while they waited included. */
  get count(): number {
    return this.#small.count + this.#large.count
  }

  join(stream: Http2Stream): void {
    stream.isInRound = true
    const line = stream.queuedBytes <= FRAME_PAYLOAD_BYTES_DEFAULT ? this.#small : this.#large
    line.push(stream)
  }

  /** With what is left after a frame: to the end, however little it is. */
  rejoin(stream: Http2Stream): void {
    stream.isInRound = true
    this.#large.push(stream)
  }

  /** Whose turn it is; only while `count` is above 0. */
  next(): Http2Stream {
    const isSmall = this.#large.count === 0 || (this.#small.count > 0 && this.#smallInARow < SMALL_IN_A_ROW_MAX)
    this.#smallInARow = isSmall ? this.#smallInARow + 1 : 0
    const stream = (isSmall ? this.#small : this.#large).shift()
    stream.isInRound = false
    return stream
  }

  dropDead(): void {
    this.#small.dropDead()
    this.#large.dropDead()
  }
}

class StreamLine {
  #streams: Http2Stream[] = []
  #head = 0

  get count(): number {
    return this.#streams.length - this.#head
  }

  push(stream: Http2Stream): void {
    this.#streams.push(stream)
  }

  shift(): Http2Stream {
    const stream = this.#streams[this.#head++] as Http2Stream
    if (this.#head === this.#streams.length || this.#head >= SERVED_COUNT_MAX) {
      this.#streams.splice(0, this.#head)
      this.#head = 0
    }
    return stream
  }

  dropDead(): void {
    this.#streams = this.#streams.filter((stream, i) => i >= this.#head && !stream.isOver)
    this.#head = 0
  }
}

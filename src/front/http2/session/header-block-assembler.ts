/** Joins the fragments of one header block that came in HEADERS and CONTINUATION frames. Bounded by its caller. */

const EMPTY = Buffer.alloc(0)

export class HeaderBlockAssembler {
  /** 0 when no block is open. */
  streamId = 0
  endsStream = false
  length = 0
  /** Frames so far, the HEADERS frame included. */
  frameCount = 0
  #bytes: Buffer = EMPTY

  get isOpen(): boolean {
    return this.streamId !== 0
  }

  open(streamId: number, endsStream: boolean): void {
    this.streamId = streamId
    this.endsStream = endsStream
    this.length = 0
    this.frameCount = 0
  }

  append(bytes: Buffer, from: number, to: number): void {
    const length = this.length + to - from
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, length))
      this.#bytes.copy(larger, 0, 0, this.length)
      this.#bytes = larger
    }
    bytes.copy(this.#bytes, this.length, from, to)
    this.length = length
    this.frameCount++
  }

  /** Hands over the block, whose first `length` bytes count, and keeps none of it. */
  close(): Buffer {
    const whole = this.#bytes
    this.#bytes = EMPTY
    this.streamId = 0
    return whole
  }
}

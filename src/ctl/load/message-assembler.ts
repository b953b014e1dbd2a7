/** Cuts the DATA of many calls into gRPC messages; one that lies whole in its frame is shown where it lies. */

import { readUint32 } from '../../front/http2/frame-reader.js'

const PREFIX_BYTES = 5

export type MessageSink = (call: number, bytes: Buffer, start: number, end: number) => void

/** What has come of a message, prefix included. */
interface Partial {
  readonly pieces: Buffer[]
  length: number
  /** Of the whole message; as much as a prefix until that has come. */
  needed: number
}

export class MessageAssembler {
  readonly #sink: MessageSink
  readonly #partials = new Map<number, Partial>()

  constructor(sink: MessageSink) {
    this.#sink = sink
  }

  take(call: number, bytes: Buffer, start: number, end: number): void {
    if (this.#partials.size > 0) {
      const partial = this.#partials.get(call)
      if (partial !== undefined) return this.#add(call, partial, bytes, start, end)
    }
    this.#cut(call, bytes, start, end)
  }

  forget(call: number): void {
    if (this.#partials.size > 0) this.#partials.delete(call)
  }

  /** A large message comes in thousands of pieces, which are joined once. */
  #add(call: number, partial: Partial, bytes: Buffer, start: number, end: number): void {
    partial.pieces.push(Buffer.from(bytes.subarray(start, end)))
    partial.length += end - start
    if (partial.length < partial.needed) return
    this.#partials.delete(call)
    this.#cut(call, Buffer.concat(partial.pieces), 0, partial.length)
  }

  #cut(call: number, bytes: Buffer, start: number, end: number): void {
    let at = start
    let needed = PREFIX_BYTES
    while (end - at >= PREFIX_BYTES) {
      needed = PREFIX_BYTES + readUint32(bytes, at + 1)
      if (at + needed > end) break
      this.#sink(call, bytes, at + PREFIX_BYTES, at + needed)
      at += needed
      needed = PREFIX_BYTES
    }
    if (at === end) return
    this.#partials.set(call, { pieces: [Buffer.from(bytes.subarray(at, end))], length: end - at, needed })
  }
}

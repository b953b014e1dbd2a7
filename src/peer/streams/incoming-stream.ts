/**
 * The hearing end of one stream from another member. Messages go to raft in the order in which they were sent. When
 * raft has no room, a stream of entries is not read on until it has, which holds the sender back; urgent messages are
 * dropped, because a later one says more.
 */

import type { Bytes } from '../../base/bytes.js'
import { FrameKind, FrameReader, MARK_BYTES, PING_BYTES, PONG_BYTES, frameOf } from './frames.js'
import type { StreamKind } from './handshake.js'

/** The connection of an incoming stream. */
export interface Inlet {
  write(bytes: Buffer): void
  /** Reads no further until `resume`. */
  pause(): void
  resume(): void
  close(): void
}

export interface IncomingOptions {
  readonly kind: StreamKind
  readonly inlet: Inlet
  readonly frameBytesMax: number
  /** Nothing heard for so long: the other end is gone. */
  readonly patienceMs: number
  readonly wallMs: () => number
  /** Gives a message to raft; false when it has no room. */
  readonly deliver: (bytes: Bytes, start: number, end: number) => boolean
  readonly onDropped: () => void
  readonly onMark: (mark: number) => void
  /** Called once, after the connection was closed. */
  readonly onClosed: (reason: string) => void
}

export class IncomingStream {
  readonly kind: StreamKind
  readonly #options: IncomingOptions
  readonly #reader: FrameReader
  readonly #pong = Buffer.alloc(PONG_BYTES)
  #heardMs: number
  #isPaused = false
  #isClosed = false

  constructor(options: IncomingOptions, nowMs: number) {
    this.kind = options.kind
    this.#options = options
    this.#reader = new FrameReader(options.frameBytesMax)
    this.#heardMs = nowMs
  }

  /** It waits for room at raft. */
  get isPaused(): boolean {
    return this.#isPaused
  }

  onData(chunk: Buffer, nowMs: number): void {
    if (this.#isClosed) return
    this.#heardMs = nowMs
    this.#reader.push(chunk)
    this.#read()
  }

  /** There may be room at raft again. */
  onRoom(nowMs: number): void {
    if (!this.#isPaused || this.#isClosed) return
    this.#isPaused = false
    this.#heardMs = nowMs
    this.#read()
    if (!this.#isPaused && !this.#isClosed) this.#options.inlet.resume()
  }

  onDeadline(nowMs: number): void {
    if (nowMs >= this.wakeAtMs()) this.close(`nothing heard for ${this.#options.patienceMs} ms`)
  }

  wakeAtMs(): number {
    return this.#isPaused || this.#isClosed ? Infinity : this.#heardMs + this.#options.patienceMs
  }

  close(reason: string): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#options.inlet.close()
    this.#options.onClosed(reason)
  }

  #read(): void {
    const reader = this.#reader
    for (let found = reader.next(); found !== false; found = reader.next()) {
      if (found !== true) {
        this.close(found)
        return
      }
      if (!this.#take()) return
      reader.take()
    }
  }

  /** False when the frame must wait, or when there is nothing to wait for any more. */
  #take(): boolean {
    const { kind, bytes, start, end } = this.#reader
    const { deliver, inlet, onDropped } = this.#options
    if (kind === FrameKind.message) {
      if (deliver(bytes, start, end)) return true
      if (this.kind === 'message') {
        onDropped()
        return true
      }
      this.#isPaused = true
      inlet.pause()
      return false
    }
    if (kind === FrameKind.ping && end - start === PING_BYTES) {
      this.#pong.writeDoubleLE(bytes.readDoubleLE(start))
      this.#pong.writeDoubleLE(this.#options.wallMs(), PING_BYTES)
      inlet.write(frameOf(FrameKind.pong, this.#pong))
      return true
    }
    if (kind === FrameKind.mark && end - start === MARK_BYTES) {
      this.#options.onMark(bytes.readDoubleLE(start))
      return true
    }
    this.close(`a frame of kind ${kind} and ${end - start} bytes`)
    return false
  }
}

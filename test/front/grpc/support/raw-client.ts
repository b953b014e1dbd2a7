/** A client that speaks octets: for all that a well-behaved library would never send. */

import { connect, type Socket } from 'node:net'
import { FrameReader, FrameStep } from '../../../../src/front/http2/frame-reader.js'
import { PREFACE, settings } from '../../http2/support/frames.js'

export class RawClient {
  readonly socket: Socket
  /** Types of the frames received, when it reads at all. */
  readonly types: number[] = []
  bytesReceived = 0
  readonly #reader = new FrameReader()
  readonly #closed: Promise<void>
  #onFrame: (() => void) | null = null

  private constructor(socket: Socket) {
    this.socket = socket
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.on('error', () => undefined)
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1')
    const client = new RawClient(socket)
    await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
    return client
  }

  /** Preface and settings, and reads what comes. */
  open(): void {
    this.read()
    this.socket.write(Buffer.concat([PREFACE, settings()]))
  }

  read(): void {
    this.socket.on('data', (chunk) => {
      this.bytesReceived += chunk.length
      this.#reader.feed(chunk, 0)
      while (this.#reader.next() === FrameStep.frame) this.types.push(this.#reader.type)
      this.#onFrame?.()
    })
  }

  /** Resolves when the server has closed the connection. */
  closed(): Promise<void> {
    return this.#closed
  }

  /** Resolves when `count` frames of a type have come. */
  async untilFrame(type: number, count = 1): Promise<void> {
    while (this.types.filter((received) => received === type).length < count) {
      await new Promise<void>((resolve) => {
        this.#onFrame = resolve
      })
    }
  }
}

/** The connection under a stream, on both of its ends. */

import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Inlet } from './incoming-stream.js'
import type { Outlet } from './link.js'

/** Answers to pings that the other side does not take: it floods us, or it is gone. */
const ANSWERS_BYTES_MAX = 64 * 1024
const TCP_KEEPALIVE_MS = 30_000

export interface StreamEvents {
  onData(chunk: Buffer): void
  /** Told once; not after `close`. */
  onClosed(reason: string): void
}

export class StreamSocket implements Inlet, Outlet {
  readonly #socket: Duplex
  #events: StreamEvents | null
  #error = 'the connection was closed'

  /** `head`: what came right behind the upgrade. */
  constructor(socket: Duplex, head: Buffer, events: StreamEvents) {
    this.#socket = socket
    this.#events = events
    tune(socket as Socket)
    socket.on('data', (chunk: Buffer) => this.#events?.onData(chunk))
    socket.on('error', (error) => {
      this.#error = error.message
    })
    socket.on('end', () => socket.destroy())
    socket.on('close', () => {
      const events = this.#events
      this.#events = null
      events?.onClosed(this.#error)
    })
    if (head.length > 0) socket.unshift(head)
    socket.resume()
  }

  /** Of an outlet: the buffer is the caller's again after `onWritten`. */
  write(bytes: Buffer, onWritten?: () => void): void {
    if (onWritten === undefined && this.#socket.writableLength > ANSWERS_BYTES_MAX) {
      this.#socket.destroy(new Error('answers to pings are not taken'))
      return
    }
    this.#socket.write(bytes, (error) => {
      if (error === null || error === undefined) onWritten?.()
    })
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(): void {
    this.#events = null
    this.#socket.destroy()
  }
}

/** Small messages are not held back; a peer that has vanished without a word is found by TCP itself, too. */
function tune(socket: Socket): void {
  socket.setTimeout(0)
  socket.setNoDelay(true)
  socket.setKeepAlive(true, TCP_KEEPALIVE_MS)
}

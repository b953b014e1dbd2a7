/**
 * A bidirectional gRPC stream that a test can read one message at a time, with a bound on every
 * wait.
 */

import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js'

export interface StreamEnd {
  readonly code: number
  readonly message: string
}

export class MessageStream<In, Out> {
  readonly #call: ClientDuplexStream<In, Out>
  readonly #waiting: Out[] = []
  #wake: (() => void) | undefined
  #end: StreamEnd | undefined
  /** Resolves with the stream's final status. */
  readonly ended: Promise<StreamEnd>

  constructor(call: ClientDuplexStream<In, Out>) {
    this.#call = call
    let finish: (end: StreamEnd) => void
    this.ended = new Promise((resolve) => {
      finish = resolve
    })
    call.on('data', (message: Out) => {
      this.#waiting.push(message)
      this.#wake?.()
    })
    const close = (code: number, message: string): void => {
      if (this.#end !== undefined) return
      this.#end = { code, message }
      finish(this.#end)
      this.#wake?.()
    }
    call.on('error', (error) =>
      close((error as ServiceError).code, (error as ServiceError).details),
    )
    call.on('status', (status: { code: number; details: string }) =>
      close(status.code, status.details),
    )
  }

  send(message: In): void {
    this.#call.write(message)
  }

  /** The next message; throws if the stream ends or nothing comes within the bound. */
  async next(timeoutMs = 10_000): Promise<Out> {
    const message = await this.poll(timeoutMs)
    if (message !== undefined) return message
    if (this.#end !== undefined)
      throw new Error(`stream ended: ${this.#end.code} ${this.#end.message}`)
    throw new Error(`no message within ${timeoutMs} ms`)
  }

  /** The next message, or undefined when the stream ends or nothing comes within the bound. */
  async poll(timeoutMs: number): Promise<Out | undefined> {
    const deadline = Date.now() + timeoutMs
    while (this.#waiting.length === 0 && this.#end === undefined) {
      const leftMs = deadline - Date.now()
      if (leftMs <= 0) return undefined
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs)
        this.#wake = (): void => {
          clearTimeout(timer)
          resolve()
        }
      })
      this.#wake = undefined
    }
    return this.#waiting.shift()
  }

  /** Says that nothing more will be sent; the server decides when to end. */
  halfClose(): void {
    this.#call.end()
  }

  cancel(): void {
    this.#call.cancel()
  }

  /** Stops reading from the socket, as a slow client does. */
  pause(): void {
    this.#call.pause()
  }

  resume(): void {
    this.#call.resume()
  }
}

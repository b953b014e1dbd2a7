/** The reading end of a ring as a test sees it: every message decoded into an object of its own. */

import { Slice } from '../../../src/base/slice.js'
import { dispatcherOf } from '../../../src/messages/message-codec.js'
import type { Handler, Protocol } from '../../../src/messages/protocol.js'
import { RingReader } from '../../../src/ring/ring-reader.js'

/** A message with its name; bytes are copies. */
export type HeardMessage = { readonly message: string } & Readonly<Record<string, unknown>>

export class Mailbox {
  readonly #reader: RingReader
  readonly #dispatch: (reader: RingReader) => void
  #heard: HeardMessage[] = []

  constructor(protocol: Protocol, memory: SharedArrayBuffer) {
    this.#reader = new RingReader(memory)
    const handler: Record<string, (fields: Record<string, unknown>) => void> = {}
    for (const name of Object.keys(protocol)) {
      const method = `on${name.charAt(0).toUpperCase()}${name.slice(1)}`
      handler[method] = (fields) => this.#heard.push({ message: name, ...copyOf(fields) })
    }
    this.#dispatch = dispatcherOf(protocol, handler as Handler<Protocol>)
  }

  /** Everything published since the last call. */
  take(): HeardMessage[] {
    while (this.#reader.next()) this.#dispatch(this.#reader)
    this.#reader.release()
    const heard = this.#heard
    this.#heard = []
    return heard
  }
}

function copyOf(fields: Record<string, unknown>): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) {
    copy[name] = value instanceof Slice ? value.copy() : value
  }
  return copy
}

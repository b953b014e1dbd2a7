/**
 * Request heads as a busy gRPC client sends them: every field but the first time by its index in the dynamic table, so
 * that a head costs both sides a dozen octets. Kept per connection; a method's frame is built once and then copied.
 */

import { FLAG_END_HEADERS, FRAME_HEADERS, FRAME_HEADER_BYTES } from '../../front/http2/frame-layout.js'
import { writeFrameHeader } from '../../front/http2/frame-writer.js'
import { writeField, writeIndexed } from '../../front/http2/hpack-encoder.js'
import { STATIC_ENTRY_COUNT } from '../../front/http2/hpack-static-table.js'

type Field = readonly [name: string, value: string]

export class RequestHeaders {
  readonly #fields: readonly Field[]
  /** `name\0value` of the dynamic table, oldest first. The few fields of a benchmark never fill its 4096 octets. */
  readonly #table: string[] = []
  readonly #frames = new Map<string, Buffer>()

  constructor(authority: string, metadata: readonly Field[] = []) {
    this.#fields = [
      [':authority', authority],
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
      ['user-agent', 'raftring-load'],
      ...metadata,
    ]
  }

  /** A whole HEADERS frame for stream 0. It must be sent, and before any later one, because it may move the table. */
  next(method: string): Buffer {
    const known = this.#frames.get(method)
    if (known !== undefined) return known
    const bytes = Buffer.alloc(16_384)
    let at = writeField(bytes, FRAME_HEADER_BYTES, { name: ':method', value: 'POST' }, {})
    at = writeField(bytes, at, { name: ':scheme', value: 'http' }, {})
    const before = this.#table.length
    for (const [name, value] of [[':path', method] as const, ...this.#fields]) at = this.#write(bytes, at, name, value)
    writeFrameHeader(bytes, 0, at - FRAME_HEADER_BYTES, FRAME_HEADERS, FLAG_END_HEADERS, 0)
    const frame = bytes.subarray(0, at)
    // New entries move all indexes: only a head that adds none can be used again, and then until one does.
    if (this.#table.length === before) this.#frames.set(method, Buffer.from(frame))
    else this.#frames.clear()
    return frame
  }

  #write(bytes: Buffer, at: number, name: string, value: string): number {
    const entry = this.#table.indexOf(`${name}\0${value}`)
    if (entry >= 0) return writeIndexed(bytes, at, STATIC_ENTRY_COUNT + this.#table.length - entry)
    this.#table.push(`${name}\0${value}`)
    return writeField(bytes, at, { name, value }, { indexing: 'incremental' })
  }
}

/** A range whose answer is looked at as it comes, so that a hundred of them need no memory to speak of. */

import { constants, type ClientHttp2Session } from 'node:http2'
import type { IncomingHttpHeaders } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import { KeyValue, RangeRequest, ResponseHeader } from '../support/etcd-messages.js'
import type { Input, Output } from '../support/wire-message.js'
import { frame } from '../support/raw-call.js'

export type Outcome = 'whole' | 'reset' | 'refused' | 'short'

export interface LargeAnswer {
  readonly outcome: Outcome
  readonly bytes: number
  readonly revision: number
  readonly kvCount: number
  /** What the answer's own count says. */
  readonly count: number
  readonly detail: string
}

export interface ReadOptions {
  readonly onKv?: (kv: Output<typeof KeyValue>, revision: number) => void
  readonly onBytes?: (bytes: number) => void
  /** Called after each chunk; the next one waits for it. */
  readonly pace?: (bytes: number) => Promise<void>
  readonly headers?: Readonly<Record<string, string>>
}

const MESSAGE_PREFIX_BYTES = 5
const FIELD_HEADER = 1
const FIELD_KVS = 2
const FIELD_COUNT = 4

export async function readLargeRange(
  session: ClientHttp2Session,
  request: Input<typeof RangeRequest>,
  options: ReadOptions = {},
): Promise<LargeAnswer> {
  const stream = session.request({
    ':method': 'POST',
    ':path': '/etcdserverpb.KV/Range',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...options.headers,
  })
  let trailers: IncomingHttpHeaders = {}
  const keep = (received: IncomingHttpHeaders): void => {
    if (received['grpc-status'] !== undefined) trailers = received
  }
  stream.on('response', keep)
  stream.on('trailers', keep)
  stream.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => stream.once('close', () => resolve()))
  stream.end(frame(RangeRequest.encode(request)))
  const parser = new AnswerParser(options.onKv)
  try {
    for await (const chunk of stream) {
      parser.take(chunk as Buffer)
      options.onBytes?.((chunk as Buffer).length)
      await (options.pace === undefined ? setImmediate() : options.pace((chunk as Buffer).length))
    }
  } catch (error) {
    // A reset shows in rstCode; anything else is a mistake of this reader.
    if (stream.rstCode === constants.NGHTTP2_NO_ERROR && !stream.destroyed) throw error
  }
  await closed
  const { bytes, revision, kvCount, count, isWhole } = parser
  const status = trailers['grpc-status']
  const detail = `${status ?? 'no status'} ${trailers['grpc-message'] ?? ''} code ${stream.rstCode}`
  return { outcome: outcomeOf(), bytes, revision, kvCount, count, detail }

  function outcomeOf(): Outcome {
    if (status === '0') return isWhole && kvCount === count ? 'whole' : 'short'
    if (status !== undefined) return bytes === 0 ? 'refused' : 'short'
    return stream.rstCode === constants.NGHTTP2_NO_ERROR ? 'short' : 'reset'
  }
}

/** Takes one field of the response after the other. */
class AnswerParser {
  bytes = 0
  revision = 0
  kvCount = 0
  count = 0
  readonly #onKv: ReadOptions['onKv']
  #rest: Buffer = Buffer.alloc(0)
  #length = -1
  #taken = 0

  constructor(onKv: ReadOptions['onKv']) {
    this.#onKv = onKv
  }

  get isWhole(): boolean {
    return this.#length >= 0 && this.#taken === this.#length && this.#rest.length === 0
  }

  take(chunk: Buffer): void {
    this.bytes += chunk.length
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    if (this.#length < 0) {
      if (this.#rest.length < MESSAGE_PREFIX_BYTES) return
      this.#length = this.#rest.readUInt32BE(1)
      this.#rest = this.#rest.subarray(MESSAGE_PREFIX_BYTES)
    }
    let at = 0
    for (;;) {
      const next = this.#field(at)
      if (next < 0) break
      this.#taken += next - at
      at = next
    }
    this.#rest = this.#rest.subarray(at)
  }

  /** The offset behind the field at `at`, or -1 when it has not come whole. */
  #field(at: number): number {
    const rest = this.#rest
    const tag = rest[at]
    if (tag === undefined) return -1
    const value = varint(rest, at + 1)
    if (value === null) return -1
    const field = tag >> 3
    if ((tag & 7) === 0) {
      if (field === FIELD_COUNT) this.count = value.value
      return value.end
    }
    const end = value.end + value.value
    if (end > rest.length) return -1
    const bytes = rest.subarray(value.end, end)
    if (field === FIELD_HEADER) this.revision = ResponseHeader.decode(bytes).revision
    if (field === FIELD_KVS) {
      this.kvCount++
      this.#onKv?.(KeyValue.decode(bytes), this.revision)
    }
    return end
  }
}

function varint(bytes: Buffer, start: number): { value: number; end: number } | null {
  let value = 0
  let scale = 1
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at] as number
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return { value, end: at + 1 }
    scale *= 128
  }
  return null
}

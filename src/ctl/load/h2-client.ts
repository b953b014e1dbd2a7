/**
 * One HTTP/2 connection of a load generator, on the server's own codec. It takes short cuts that a general client could
 * not: windows for answers are opened wide at once and given back in large pieces, requests must fit the server's
 * windows, and every callback gets a number instead of an object.
 */

import { connect, type Socket } from 'node:net'
import { assert } from '../../base/assert.js'
import {
  CLIENT_PREFACE,
  FLAG_ACK,
  FLAG_END_STREAM,
  FLAG_NONE,
  FLAG_PADDED,
  FRAME_DATA,
  FRAME_GOAWAY,
  FRAME_HEADERS,
  FRAME_HEADER_BYTES,
  FRAME_PAYLOAD_BYTES_DEFAULT,
  FRAME_PING,
  FRAME_RST_STREAM,
  FRAME_SETTINGS,
  FRAME_WINDOW_UPDATE,
  PING_BYTES,
  SETTING_BYTES,
  SETTING_INITIAL_WINDOW_SIZE,
  WINDOW_BYTES_DEFAULT,
  WINDOW_BYTES_MAX,
} from '../../front/http2/frame-layout.js'
import { FrameReader, FrameStep, readUint16, readUint32 } from '../../front/http2/frame-reader.js'
import {
  writeFrameFor,
  writeFrameHeader,
  writePing,
  writeSettings,
  writeSettingsAck,
  writeUint32,
  writeWindowUpdate,
} from '../../front/http2/frame-writer.js'
import { HpackDecoder, type HeaderBlock } from '../../front/http2/hpack-decoder.js'
import { MessageAssembler } from './message-assembler.js'
import { RequestHeaders } from './request-headers.js'

/** What a connection tells. `call` is the number that the caller gave. */
export interface H2ClientEvents {
  onMessage(call: number, bytes: Buffer, start: number, end: number): void
  /** The call has ended with a gRPC status; -1 when the server reset it. */
  onEnd(call: number, status: number, message: string): void
  /** Nothing more will be told. */
  onClosed(reason: string): void
}

interface Outcome {
  readonly status: number
  readonly message: string
}

export type Metadata = readonly (readonly [name: string, value: string])[]

const MESSAGE_PREFIX_BYTES = 5
const OUTPUT_BYTES = 256 * 1024
const WINDOW_GIVEN_BACK_BYTES = 2 ** 30
const FIRST_STREAM = 1

export class H2Client {
  readonly #events: H2ClientEvents
  readonly #socket: Socket
  readonly #headers: RequestHeaders
  readonly #reader = new FrameReader()
  readonly #decoder = new HpackDecoder()
  readonly #assembler: MessageAssembler
  /** Call by stream number. */
  readonly #calls = new Map<number, number>()
  #nextStreamId = 1
  #output: Buffer = Buffer.allocUnsafeSlow(OUTPUT_BYTES)
  #spare: Buffer | null = Buffer.allocUnsafeSlow(OUTPUT_BYTES)
  #length = 0
  /** What the server lets us send on the connection. */
  #window = WINDOW_BYTES_DEFAULT
  #streamWindow = WINDOW_BYTES_DEFAULT
  #received = 0
  #receivedOnFirst = 0
  bytesReceived = 0

  private constructor(socket: Socket, headers: RequestHeaders, events: H2ClientEvents) {
    this.#socket = socket
    this.#events = events
    this.#headers = headers
    this.#assembler = new MessageAssembler((call, bytes, start, end) => events.onMessage(call, bytes, start, end))
  }

  /** `metadata` goes with every call. */
  static connect(host: string, port: number, events: H2ClientEvents, metadata: Metadata = []): Promise<H2Client> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.removeListener('error', reject)
        const client = new H2Client(socket, new RequestHeaders(`${host}:${port}`, metadata), events)
        client.#start()
        resolve(client)
      })
    })
  }

  /** Octets that fit in one request now; a caller with more must wait for an answer. */
  get room(): number {
    return Math.min(this.#window, this.#streamWindow) - MESSAGE_PREFIX_BYTES
  }

  /**
   * Starts a call with one message and, unless it is to stay open, ends the request. `flush` sends what has gathered.
   * Returns the stream's number, for `send`.
   */
  call(call: number, method: string, message: Uint8Array, length: number, isOpen = false): number {
    const head = this.#headers.next(method)
    const streamId = this.#nextStreamId
    this.#nextStreamId += 2
    this.#calls.set(streamId, call)
    const at = this.#claim(head.length)
    this.#length = writeFrameFor(this.#output, at, head, streamId)
    this.send(streamId, message, length, isOpen)
    return streamId
  }

  /** One more message on an open call. */
  send(streamId: number, message: Uint8Array, length: number, isOpen = true): void {
    const whole = MESSAGE_PREFIX_BYTES + length
    assert(whole <= this.#window && whole <= this.#streamWindow, 'a request fits the windows')
    this.#window -= whole
    const first = Math.min(whole, FRAME_PAYLOAD_BYTES_DEFAULT)
    let to = this.#openFrame(streamId, first, first === whole && !isOpen)
    this.#output[to] = 0
    to = writeUint32(this.#output, to + 1, length)
    let from = first - MESSAGE_PREFIX_BYTES
    this.#copy(to, message, 0, from)
    while (from < length) {
      const part = Math.min(length - from, FRAME_PAYLOAD_BYTES_DEFAULT)
      this.#copy(this.#openFrame(streamId, part, from + part === length && !isOpen), message, from, from + part)
      from += part
    }
  }

  flush(): void {
    // One write at a time; the rest leaves when it is done.
    if (this.#length === 0 || this.#spare === null) return
    const written = this.#output
    const length = this.#length
    this.#output = this.#spare
    this.#spare = null
    this.#length = 0
    this.#socket.write(written.subarray(0, length), () => {
      this.#spare = written
      this.flush()
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #start(): void {
    this.#socket.on('data', this.#onData)
    this.#socket.on('error', (error) => this.#events.onClosed(error.message))
    this.#socket.on('close', () => this.#events.onClosed('closed'))
    this.#length = this.#output.write(CLIENT_PREFACE, 0, 'latin1')
    this.#length = writeSettings(this.#output, this.#length, [[SETTING_INITIAL_WINDOW_SIZE, WINDOW_BYTES_MAX]])
    this.#length = writeWindowUpdate(this.#output, this.#length, 0, WINDOW_BYTES_MAX - WINDOW_BYTES_DEFAULT)
    this.flush()
  }

  readonly #onData = (chunk: Buffer): void => {
    this.bytesReceived += chunk.length
    const reader = this.#reader
    reader.feed(chunk, 0)
    let step = reader.next()
    for (; step === FrameStep.frame; step = reader.next()) this.#onFrame()
    assert(step === FrameStep.needMore, 'the server sends frames of the default size')
    this.flush()
  }

  #onFrame(): void {
    const { type, flags, streamId, bytes, start, end } = this.#reader
    switch (type) {
      case FRAME_DATA:
        return this.#onPayload(streamId, flags, start, end)
      case FRAME_HEADERS:
        return this.#onHeaders(streamId, flags, start, end)
      case FRAME_RST_STREAM:
        return this.#end(streamId, -1, `reset with ${readUint32(bytes, start)}`)
      case FRAME_WINDOW_UPDATE:
        if (streamId === 0) this.#window += readUint32(bytes, start)
        return
      case FRAME_PING:
        if ((flags & FLAG_ACK) === 0) this.#length = writePing(this.#output, this.#claim(64), FLAG_ACK, bytes, start)
        return assert(end - start === PING_BYTES, 'a PING has eight octets')
      case FRAME_SETTINGS:
        return this.#onSettings(flags, start, end)
      case FRAME_GOAWAY:
        return this.#onGoaway(bytes, start, end)
      default:
        return
    }
  }

  #onGoaway(bytes: Buffer, start: number, end: number): void {
    const reason = bytes.toString('latin1', start + 8, end)
    this.#events.onClosed(`GOAWAY ${readUint32(bytes, start + 4)} ${reason}`)
  }

  #onPayload(streamId: number, flags: number, start: number, end: number): void {
    assert((flags & FLAG_PADDED) === 0, 'no server pads its answers')
    this.#received += end - start
    if (this.#received > WINDOW_GIVEN_BACK_BYTES) {
      this.#length = writeWindowUpdate(this.#output, this.#claim(64), 0, this.#received)
      this.#received = 0
    }
    if (streamId === FIRST_STREAM) this.#giveBack(end - start)
    const call = this.#calls.get(streamId)
    if (call !== undefined) this.#assembler.take(call, this.#reader.bytes, start, end)
  }

  /**
   * The first stream of a connection may be a watch that goes on for ever; all others are taken to get less than a
   * window in their lives.
   */
  #giveBack(size: number): void {
    this.#receivedOnFirst += size
    if (this.#receivedOnFirst <= WINDOW_GIVEN_BACK_BYTES) return
    this.#length = writeWindowUpdate(this.#output, this.#claim(64), FIRST_STREAM, this.#receivedOnFirst)
    this.#receivedOnFirst = 0
  }

  #onHeaders(streamId: number, flags: number, start: number, end: number): void {
    // Decoded in any case, for the table's sake.
    const block = this.#decoder.decode(this.#reader.bytes, start, end)
    assert(block !== null, this.#decoder.failure)
    if ((flags & FLAG_END_STREAM) === 0) return
    block.interpretation ??= outcomeOf(block)
    const { status, message } = block.interpretation as Outcome
    this.#end(streamId, status, message)
  }

  #onSettings(flags: number, start: number, end: number): void {
    if ((flags & FLAG_ACK) !== 0) return
    const bytes = this.#reader.bytes
    for (let at = start; at < end; at += SETTING_BYTES) {
      if (readUint16(bytes, at) === SETTING_INITIAL_WINDOW_SIZE) this.#streamWindow = readUint32(bytes, at + 2)
    }
    this.#length = writeSettingsAck(this.#output, this.#claim(64))
  }

  /** A reset may follow the end; it is told once. */
  #end(streamId: number, status: number, message: string): void {
    const call = this.#calls.get(streamId)
    if (call === undefined) return
    this.#calls.delete(streamId)
    this.#assembler.forget(call)
    this.#events.onEnd(call, status, message)
  }

  #openFrame(streamId: number, payloadLength: number, isLast: boolean): number {
    const at = this.#claim(FRAME_HEADER_BYTES + payloadLength)
    const flags = isLast ? FLAG_END_STREAM : FLAG_NONE
    this.#length = at + FRAME_HEADER_BYTES + payloadLength
    return writeFrameHeader(this.#output, at, payloadLength, FRAME_DATA, flags, streamId)
  }

  #copy(to: number, source: Uint8Array, start: number, end: number): void {
    if (end - start > 64) this.#output.set(source.subarray(start, end), to)
    else for (let i = start; i < end; i++) this.#output[to + i - start] = source[i] as number
  }

  #claim(count: number): number {
    const needed = this.#length + count
    if (needed > this.#output.length) {
      const larger = Buffer.allocUnsafeSlow(2 * needed)
      this.#output.copy(larger, 0, 0, this.#length)
      this.#output = larger
    }
    return this.#length
  }
}

function outcomeOf(block: HeaderBlock): Outcome {
  let status = -1
  let message = ''
  for (const { name, value } of block.fields) {
    if (name === 'grpc-status') status = Number(value)
    if (name === 'grpc-message') message = decodeURIComponent(value)
  }
  return { status, message }
}

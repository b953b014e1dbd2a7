/** A client at the other end of a session, without sockets: it sends octets, reads octets, and owns the time. */

import assert from 'node:assert/strict'
import {
  ErrorCode,
  FRAME_CONTINUATION,
  FRAME_DATA,
  FRAME_GOAWAY,
  FRAME_HEADERS,
  FRAME_PAYLOAD_BYTES_DEFAULT,
  FRAME_PING,
  FRAME_RST_STREAM,
  FRAME_SETTINGS,
  FRAME_WINDOW_UPDATE,
} from '../../../../src/front/http2/frame-layout.js'
import { FrameReader, FrameStep, readUint32 } from '../../../../src/front/http2/frame-reader.js'
import { HpackDecoder } from '../../../../src/front/http2/hpack-decoder.js'
import { Http2Counters } from '../../../../src/front/http2/session/http2-counters.js'
import { http2Limits, type Http2Limits } from '../../../../src/front/http2/session/http2-limits.js'
import { Http2Session, type SessionHost } from '../../../../src/front/http2/session/http2-session.js'
import type { StreamHandler } from '../../../../src/front/http2/session/http2-stream.js'
import { OutputPool } from '../../../../src/front/http2/session/output-pool.js'
import { PREFACE, settings } from './frames.js'
import { RecordingHandler } from './recording-handler.js'

export interface SentFrame {
  readonly type: number
  readonly flags: number
  readonly streamId: number
  readonly payload: Buffer
}

export interface WirePeerOptions {
  readonly limits?: Partial<Http2Limits>
  readonly handler?: StreamHandler
  /** False: the client has not said anything yet. */
  readonly isOpen?: boolean
}

const TYPE_NAMES: Readonly<Record<number, string>> = {
  [FRAME_DATA]: 'DATA',
  [FRAME_HEADERS]: 'HEADERS',
  [FRAME_RST_STREAM]: 'RST_STREAM',
  [FRAME_SETTINGS]: 'SETTINGS',
  [FRAME_PING]: 'PING',
  [FRAME_GOAWAY]: 'GOAWAY',
  [FRAME_WINDOW_UPDATE]: 'WINDOW_UPDATE',
  [FRAME_CONTINUATION]: 'CONTINUATION',
}

export class WirePeer implements SessionHost {
  readonly session: Http2Session
  readonly counters = new Http2Counters()
  readonly recorder = new RecordingHandler()
  nowMs = 1_000_000
  /** Times that the session asked for a flush. */
  outputCount = 0
  readonly #reader = new FrameReader(FRAME_PAYLOAD_BYTES_DEFAULT)
  readonly #decoder = new HpackDecoder()

  constructor(options: WirePeerOptions = {}) {
    this.session = new Http2Session(
      {
        limits: http2Limits(options.limits),
        counters: this.counters,
        pool: new OutputPool(),
        handler: options.handler ?? this.recorder,
      },
      this,
      this.nowMs,
    )
    if (options.isOpen === false) return
    this.send(PREFACE, settings())
    this.frames()
  }

  onSessionOutput(): void {
    this.outputCount++
  }

  /** All parts as one chunk. */
  send(...parts: readonly Uint8Array[]): void {
    this.session.receive(Buffer.concat(parts), this.nowMs)
  }

  pass(ms: number): void {
    this.nowMs += ms
    this.session.onDeadline(this.nowMs)
  }

  /** What the session has written since the last call, as a socket would take it. */
  frames(): SentFrame[] {
    const frames: SentFrame[] = []
    const { sender } = this.session
    while (this.session.beforeWrite() && sender.length > 0) {
      const length = sender.length
      const output = sender.takeOutput()
      this.#reader.feed(Buffer.from(output.subarray(0, length)), 0)
      sender.recycle(output)
      while (this.#reader.next() === FrameStep.frame) {
        const { type, flags, streamId, bytes, start, end } = this.#reader
        frames.push({ type, flags, streamId, payload: Buffer.from(bytes.subarray(start, end)) })
      }
      assert.equal(this.#reader.isMidFrame, false, 'a turn writes whole frames')
      sender.pump()
    }
    return frames
  }

  /** The same as readable lines, such as `RST_STREAM 1 CANCEL` or `DATA 1 [5] END`. */
  lines(): string[] {
    return this.frames().map((sent) => this.#line(sent))
  }

  #line(sent: SentFrame): string {
    const { type, flags, streamId, payload } = sent
    const name = TYPE_NAMES[type] ?? `TYPE_${type}`
    switch (type) {
      case FRAME_DATA:
        return `${name} ${streamId} [${payload.length}]${(flags & 1) !== 0 ? ' END' : ''}`
      case FRAME_HEADERS: {
        const fields = this.#decoder.decode(payload, 0, payload.length)
        assert.ok(fields !== null, this.#decoder.failure)
        const text = fields.fields.map((field) => `${field.name}=${field.value}`).join(' ')
        return `${name} ${streamId} ${text}${(flags & 1) !== 0 ? ' END' : ''}`
      }
      case FRAME_RST_STREAM:
        return `${name} ${streamId} ${codeName(readUint32(payload, 0))}`
      case FRAME_GOAWAY: {
        const reason = payload.toString('latin1', 8)
        return `${name} ${readUint32(payload, 0)} ${codeName(readUint32(payload, 4))} ${reason}`.trimEnd()
      }
      case FRAME_WINDOW_UPDATE:
        return `${name} ${streamId} +${readUint32(payload, 0)}`
      case FRAME_PING:
        return `${name}${(flags & 1) !== 0 ? ' ACK' : ''} ${payload.toString('latin1')}`
      case FRAME_SETTINGS:
        return (flags & 1) !== 0 ? `${name} ACK` : name
      default:
        return name
    }
  }
}

function codeName(code: number): string {
  for (const [name, value] of Object.entries(ErrorCode)) if (value === code) return name
  return String(code)
}

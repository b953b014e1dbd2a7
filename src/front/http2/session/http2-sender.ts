/**
 * The sending half of a connection: one output buffer, both flow-control windows, and the streams whose bytes wait.
 * Whatever is written here leaves in one socket write when the turn ends.
 *
 * Full: DATA stops at `outputSoftBytes` and waits in its stream's queue. Answers to what was already read may go on
 * to `outputBytesMax`; beyond it `isOverfull` is set and the connection is cut.
 */

import { copyRange } from '../../../base/copy-into.js'
import {
  FLAG_ACK,
  FLAG_NONE,
  FRAME_DATA,
  FRAME_HEADER_BYTES,
  FRAME_PAYLOAD_BYTES_DEFAULT,
  WINDOW_BYTES_DEFAULT,
  WINDOW_BYTES_MAX,
} from '../frame-layout.js'
import {
  PING_FRAME_BYTES,
  RST_STREAM_FRAME_BYTES,
  SETTINGS_ACK_FRAME_BYTES,
  WINDOW_UPDATE_FRAME_BYTES,
  goawayFrameBytes,
  settingsFrameBytes,
  writeFrameFor,
  writeFrameHeader,
  writeGoaway,
  writePing,
  writeRstStream,
  writeSettings,
  writeSettingsAck,
  writeWindowUpdate,
  type Setting,
} from '../frame-writer.js'
import { TABLE_SIZE_ZERO } from '../hpack-encoder.js'
import type { Http2Limits } from './http2-limits.js'
import type { Http2Stream } from './http2-stream.js'
import type { OutputPool } from './output-pool.js'
import { SendQueue } from './send-queue.js'
import { SendRound } from './send-round.js'

export interface SenderEvents {
  /** The output was empty and is not any more. */
  onOutput(): void
  /** END_STREAM has been written. */
  onEndStreamSent(stream: Http2Stream): void
  onQueueLow(stream: Http2Stream): void
}

const EMPTY = Buffer.alloc(0)
/** No frame of ours is larger: every peer takes this size. */
const PAYLOAD_BYTES_MAX = FRAME_PAYLOAD_BYTES_DEFAULT
const DEAD_IN_ROUND_MAX = 1024

export class Http2Sender {
  /** The output: `bytes[0, length)`. Replaced when it grows, so read it anew after every claim. */
  bytes: Buffer = EMPTY
  length = 0
  connectionWindow = WINDOW_BYTES_DEFAULT
  initialStreamWindow = WINDOW_BYTES_DEFAULT
  /** Sum of all streams' queues. */
  queuedBytes = 0
  isOverfull = false
  /** Headers or data went out since the last PING came in. */
  hasSentSincePing = false

  readonly #limits: Http2Limits
  readonly #pool: OutputPool
  readonly #events: SenderEvents
  #hasSentTableSize = false
  /** How far the output may be written before it must grow or burst. */
  #room = 0
  /** What the last turn sent: a busy connection starts with a buffer that will do. */
  #lastLength = 0
  /** Streams with queued bytes and an open window. */
  readonly #round = new SendRound()
  #deadInRound = 0
  #isPumping = false

  constructor(limits: Http2Limits, pool: OutputPool, events: SenderEvents) {
    this.#limits = limits
    this.#pool = pool
    this.#events = events
  }

  /** Streams in the round, those that died in it included; bounded, and seen by tests. */
  get waitingStreamCount(): number {
    return this.#round.count
  }

  /**
   * The fast path: writes `headers` (a prebuilt frame for stream 0, or null when they were sent) and the header of a
   * DATA frame whose payload the caller then writes at the returned offset, all of it, before anything else is sent.
   * -1 when windows, queue order or the output do not allow it.
   */
  openData(stream: Http2Stream, headers: Uint8Array | null, payloadLength: number): number {
    if (
      payloadLength > PAYLOAD_BYTES_MAX ||
      payloadLength > this.connectionWindow ||
      payloadLength > stream.sendWindow ||
      stream.sendQueue !== null ||
      this.length >= this.#limits.outputSoftBytes
    ) {
      return -1
    }
    if (headers !== null) this.writeHeaders(stream.id, headers)
    const at = this.#claim(FRAME_HEADER_BYTES + payloadLength)
    if (at < 0) return -1
    const payloadAt = writeFrameHeader(
      this.bytes,
      at,
      payloadLength,
      FRAME_DATA,
      FLAG_NONE,
      stream.id,
    )
    this.length = payloadAt + payloadLength
    this.hasSentSincePing = true
    this.connectionWindow -= payloadLength
    stream.sendWindow -= payloadLength
    return payloadAt
  }

  /** `frame` is a whole HEADERS frame for stream 0, built by the encoder that needs no dynamic table. */
  writeHeaders(streamId: number, frame: Uint8Array): void {
    this.hasSentSincePing = true
    const at = this.#claim(frame.length + 1)
    if (at < 0) return
    if (this.#hasSentTableSize) {
      this.length = writeFrameFor(this.bytes, at, frame, streamId)
      return
    }
    // See hpack-encoder: one size update to zero, ahead of the first block, settles the table for ever.
    this.#hasSentTableSize = true
    const length = frame.length - FRAME_HEADER_BYTES + 1
    const type = frame[3] as number
    const to = writeFrameHeader(this.bytes, at, length, type, frame[4] as number, streamId)
    this.bytes[to] = TABLE_SIZE_ZERO
    this.bytes.set(frame.subarray(FRAME_HEADER_BYTES), to + 1)
    this.length = to + length
  }

  /** Copies source[start, end) into DATA frames as windows allow and queues a copy of the rest. */
  sendData(stream: Http2Stream, source: Uint8Array, start: number, end: number): void {
    let from = start
    while (from < end) {
      const part = Math.min(end - from, PAYLOAD_BYTES_MAX)
      const at = this.openData(stream, null, part)
      if (at < 0) break
      copyRange(this.bytes, at, source, from, from + part)
      from += part
    }
    if (from < end) this.#queueData(stream, source, from, end)
  }

  /** Ends the stream with a prebuilt trailers frame, behind whatever it has queued. */
  endStream(stream: Http2Stream, trailers: Uint8Array): void {
    stream.isLocalClosed = true
    if (stream.sendQueue !== null) {
      stream.sendQueue.trailers = trailers
      return
    }
    this.writeHeaders(stream.id, trailers)
    this.#events.onEndStreamSent(stream)
  }

  /** Forgets what the stream still had to send. */
  dropQueue(stream: Http2Stream): void {
    if (stream.sendQueue === null) return
    this.queuedBytes -= stream.sendQueue.bytes
    stream.sendQueue.drop()
    stream.sendQueue = null
    if (stream.isInRound) this.#countDead()
  }

  /** Both return false on a sum above 2^31-1 (FLOW_CONTROL_ERROR). */
  widenConnection(increment: number): boolean {
    this.connectionWindow += increment
    if (this.connectionWindow > WINDOW_BYTES_MAX) return false
    this.pump()
    return true
  }

  /** The caller pumps, because a change of settings moves many streams at once; then `change` may be negative. */
  widenStream(stream: Http2Stream, change: number): boolean {
    stream.sendWindow += change
    if (stream.sendWindow > WINDOW_BYTES_MAX) return false
    this.#joinRound(stream)
    return true
  }

  /** Writes DATA frames, one per waiting stream in turn, until windows, output or queues are used up. */
  pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    while (
      this.#round.count > 0 &&
      this.connectionWindow > 0 &&
      this.length < this.#limits.outputSoftBytes
    ) {
      this.#sendOneFrame(this.#round.next())
    }
    this.#isPumping = false
  }

  writeSettings(settings: readonly Setting[]): void {
    const at = this.#claim(settingsFrameBytes(settings))
    if (at >= 0) this.length = writeSettings(this.bytes, at, settings)
  }

  writeSettingsAck(): void {
    const at = this.#claim(SETTINGS_ACK_FRAME_BYTES)
    if (at >= 0) this.length = writeSettingsAck(this.bytes, at)
  }

  writePing(isAck: boolean, data: Uint8Array, from: number): void {
    const at = this.#claim(PING_FRAME_BYTES)
    if (at < 0) return
    this.length = writePing(this.bytes, at, isAck ? FLAG_ACK : FLAG_NONE, data, from)
  }

  writeReset(streamId: number, errorCode: number): void {
    const at = this.#claim(RST_STREAM_FRAME_BYTES)
    if (at >= 0) this.length = writeRstStream(this.bytes, at, streamId, errorCode)
  }

  writeWindowUpdate(streamId: number, increment: number): void {
    const at = this.#claim(WINDOW_UPDATE_FRAME_BYTES)
    if (at >= 0) this.length = writeWindowUpdate(this.bytes, at, streamId, increment)
  }

  writeGoaway(lastStreamId: number, errorCode: number, debugData: Uint8Array): void {
    const at = this.#claim(goawayFrameBytes(debugData))
    if (at < 0) return
    this.length = writeGoaway(this.bytes, at, lastStreamId, errorCode, debugData)
  }

  /**
   * Hands over the buffer that holds the output; the first `length` octets, read before, are to be sent. The taker
   * gives it back with `recycle` when the last octet has left.
   */
  takeOutput(): Buffer {
    const taken = this.bytes
    this.#lastLength = Math.min(this.length, this.#limits.outputSoftBytes)
    this.bytes = EMPTY
    this.#room = 0
    this.length = 0
    return taken
  }

  recycle(buffer: Buffer): void {
    this.#pool.give(buffer)
  }

  #queueData(stream: Http2Stream, source: Uint8Array, start: number, end: number): void {
    const queue = stream.sendQueue ?? (stream.sendQueue = new SendQueue(this.#pool))
    queue.push(source, start, end)
    this.queuedBytes += end - start
    this.#joinRound(stream)
    this.pump()
    if (stream.queuedBytes >= this.#limits.callQueueHighBytes) stream.wantsWritable = true
    if (this.queuedBytes > this.#limits.queuedBytesMax) this.#overflow()
  }

  #sendOneFrame(stream: Http2Stream): void {
    const queue = stream.sendQueue
    if (queue === null || stream.isOver) return
    const count = Math.min(
      queue.bytes,
      stream.sendWindow,
      this.connectionWindow,
      PAYLOAD_BYTES_MAX,
    )
    // A closed stream window: `widenStream` brings the stream back.
    if (count <= 0) return
    const at = this.#claim(FRAME_HEADER_BYTES + count)
    if (at < 0) return
    const to = writeFrameHeader(this.bytes, at, count, FRAME_DATA, FLAG_NONE, stream.id)
    queue.moveTo(this.bytes, to, count)
    this.length = to + count
    this.hasSentSincePing = true
    this.connectionWindow -= count
    stream.sendWindow -= count
    this.queuedBytes -= count
    if (queue.bytes === 0) {
      stream.sendQueue = null
      if (queue.trailers !== null) {
        this.endStream(stream, queue.trailers)
        return
      }
    } else {
      if (stream.sendWindow > 0) this.#round.rejoin(stream)
    }
    if (stream.wantsWritable && stream.queuedBytes <= this.#limits.callQueueLowBytes) {
      stream.wantsWritable = false
      this.#events.onQueueLow(stream)
    }
  }

  #joinRound(stream: Http2Stream): void {
    if (stream.isInRound || stream.sendQueue === null || stream.sendWindow <= 0) return
    this.#round.join(stream)
  }

  /**
   * A stream that dies in the round stays until its turn, and while the connection's window is shut no turn comes:
   * without this, a client that opens and resets streams would make the round grow for ever.
   */
  #countDead(): void {
    this.#deadInRound++
    if (this.#deadInRound < DEAD_IN_ROUND_MAX || this.#isPumping) return
    this.#round.dropDead()
    this.#deadInRound = 0
  }

  /** Room for `count` octets at the end of the output; the offset, or -1 when the connection must be cut. */
  #claim(count: number): number {
    const at = this.length
    if (at === 0) this.#events.onOutput()
    if (at + count > this.#room && !this.#grow(at + count)) return -1
    return at
  }

  #grow(needed: number): boolean {
    if (needed > this.#limits.outputBytesMax) {
      this.#overflow()
      return false
    }
    const larger = this.#pool.take(Math.max(needed, this.#lastLength))
    this.bytes.copy(larger, 0, 0, this.length)
    if (this.bytes.length > 0) this.#pool.give(this.bytes)
    this.bytes = larger
    this.#room = Math.min(larger.length, this.#limits.outputBytesMax)
    return true
  }

  /** Nothing more is kept: the session sees the flag when its turn ends. */
  #overflow(): void {
    this.isOverfull = true
    this.#events.onOutput()
  }
}

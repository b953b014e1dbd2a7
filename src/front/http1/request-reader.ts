/**
 * The requests of one connection, one after the other: heads and bodies are found in what arrives and told to `host`.
 * The next request is not looked at before the host says so; what has come of it meanwhile is held.
 */

import { BodyDecoder, MALFORMED } from './body-decoder.js'
import { HEAD_BYTES_MAX, HEAD_MORE, HEAD_WHOLE, HeadScanner } from './head-scanner.js'
import { areTrailersFit, requestHead, type RequestHead } from './request-head.js'

export interface RequestHost {
  /** Whether the next request may be looked at. */
  mayBegin(): boolean
  /**
   * `octets` are the head as it came and all that has come behind it. When it is false, nothing more is read: what
   * comes next is not a matter of HTTP.
   */
  onHead(head: RequestHead, octets: () => Buffer): boolean
  /** Dead when the call returns. */
  onBody(bytes: Buffer): void
  onBodyEnd(): void
  /** In place of onBody and onBodyEnd, when it came in one piece with its end. */
  onWholeBody(bytes: Buffer): void
  /** No more can be made of this connection; `status` says why. */
  onRefused(status: number): void
}

const AT_HEAD = 0
const AT_BODY = 1
const AT_TRAILERS = 2
const AT_END = 3
const STOPPED = 4

/** A head that comes again is known by its octets. */
const KNOWN_BYTES_MAX = 2048
const ROOM_BYTES_MIN = 1024
const NOTHING: Buffer = Buffer.alloc(0)

export class RequestReader {
  readonly #host: RequestHost
  readonly #scanner = new HeadScanner()
  readonly #decoder = new BodyDecoder()
  #phase = AT_HEAD
  /** Of a head or of trailers that have not come whole: room[0, roomUsed). */
  #room: Buffer = NOTHING
  #roomUsed = 0
  #known: { readonly bytes: Buffer; readonly head: RequestHead } | null = null
  #held: Buffer[] = []
  #heldBytes = 0
  #isReading = false
  /** Content of the body that has not been told, because its end may be near. */
  #whole: Buffer | null = null
  #isFirstPiece = false

  constructor(host: RequestHost) {
    this.#host = host
  }

  /** Octets that wait for the host to be ready. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Between two requests, and nothing has come of the next. */
  get isIdle(): boolean {
    return this.#phase === AT_HEAD && this.#roomUsed === 0 && this.#heldBytes === 0
  }

  get isInHead(): boolean {
    return this.#phase === AT_HEAD
  }

  get hasWholeBody(): boolean {
    return this.#phase === AT_END
  }

  /** Octets of the body that were announced and have not come. */
  get bodyBytesOwed(): number {
    return this.#phase === AT_BODY ? this.#decoder.bytesOwed : 0
  }

  take(bytes: Buffer): void {
    if (this.#heldBytes > 0 || this.#isReading) this.#hold(bytes)
    else this.#read(bytes)
  }

  /** The host is ready for what is held. */
  resume(): void {
    if (this.#isReading || this.#heldBytes === 0) return
    const [first = NOTHING] = this.#held
    const bytes = this.#held.length === 1 ? first : Buffer.concat(this.#held, this.#heldBytes)
    this.#held = []
    this.#heldBytes = 0
    this.#read(bytes)
  }

  /** The request is over and its body has come whole: the next may follow. */
  next(): void {
    this.#phase = AT_HEAD
  }

  stop(): void {
    this.#phase = STOPPED
    this.#held = []
    this.#heldBytes = 0
    this.#room = NOTHING
    this.#roomUsed = 0
    this.#known = null
  }

  #hold(bytes: Buffer): void {
    this.#held.push(bytes)
    this.#heldBytes += bytes.length
  }

  #read(bytes: Buffer): void {
    this.#isReading = true
    let at = 0
    while (at < bytes.length && this.#phase !== STOPPED) {
      const isWaiting = this.#phase === AT_END || (this.#phase === AT_HEAD && !this.#host.mayBegin())
      if (isWaiting) {
        this.#hold(bytes.subarray(at))
        break
      }
      if (this.#phase === AT_BODY) at = this.#readBody(bytes, at)
      else at = this.#readFields(bytes, at)
    }
    this.#isReading = false
  }

  /** A head, or trailers. Returns where it stopped. */
  #readFields(bytes: Buffer, at: number): number {
    if (this.#roomUsed === 0) {
      if (this.#phase === AT_HEAD) {
        const known = this.#known
        if (known !== null && startsWith(bytes, at, known.bytes)) {
          return this.#begin(known.head, bytes, at, at + known.bytes.length)
        }
        this.#scanner.startHead()
      }
      const result = this.#scanner.scan(bytes, at, bytes.length)
      if (result === HEAD_WHOLE) return this.#onFields(bytes, at, at + this.#scanner.length, bytes, at)
      if (result !== HEAD_MORE) return this.#refuse(result, bytes)
      this.#keep(bytes, at)
      return bytes.length
    }
    const before = this.#roomUsed
    this.#keep(bytes, at)
    const room = this.#room
    const result = this.#scanner.scan(room, 0, this.#roomUsed)
    if (result === HEAD_MORE) return bytes.length
    if (result !== HEAD_WHOLE) return this.#refuse(result, bytes)
    this.#room = NOTHING
    this.#roomUsed = 0
    return this.#onFields(room, 0, at + this.#scanner.length - before, bytes, at, before)
  }

  /**
   * Fields are whole at fields[from]; in bytes, of which bytes[start] was new, they end at `end`. `before` octets had
   * come earlier.
   */
  #onFields(fields: Buffer, from: number, end: number, bytes: Buffer, start: number, before = 0): number {
    const scanner = this.#scanner
    if (this.#phase === AT_TRAILERS) {
      if (!areTrailersFit(scanner, fields, from)) return this.#refuse(400, bytes)
      this.#decoder.endTrailers()
      this.#endBody()
      return end
    }
    const head = requestHead(scanner, fields, from)
    if (typeof head === 'number') return this.#refuse(head, bytes)
    if (before > 0) {
      const early = fields.subarray(0, before)
      return this.#begin(head, bytes, start, end, early)
    }
    if (scanner.length <= KNOWN_BYTES_MAX) {
      this.#known = { bytes: Buffer.from(fields.subarray(from, from + scanner.length)), head }
    }
    return this.#begin(head, bytes, start, end)
  }

  #begin(head: RequestHead, bytes: Buffer, start: number, end: number, early = NOTHING): number {
    const decoder = this.#decoder
    decoder.start(head.contentLength)
    this.#phase = decoder.isDone ? AT_END : AT_BODY
    this.#isFirstPiece = true
    if (!this.#host.onHead(head, () => Buffer.concat([early, bytes.subarray(start)]))) {
      this.stop()
      return bytes.length
    }
    if (decoder.isDone) this.#host.onBodyEnd()
    return end
  }

  #readBody(bytes: Buffer, at: number): number {
    const decoder = this.#decoder
    this.#whole = null
    const end = decoder.take(bytes, at, bytes.length, this.#onData)
    if (this.#phase === STOPPED) return bytes.length
    if (end === MALFORMED) return this.#refuse(400, bytes)
    if (decoder.isAtTrailers) {
      this.#tellHeldBack()
      this.#phase = AT_TRAILERS
      this.#scanner.startTrailers()
    } else if (decoder.isDone) {
      this.#endBody()
    } else {
      this.#tellHeldBack()
    }
    return end
  }

  /** The first piece is held back until it is known whether the body ends with it. */
  readonly #onData = (bytes: Buffer, start: number, end: number): void => {
    this.#tellHeldBack()
    const piece = bytes.subarray(start, end)
    if (this.#isFirstPiece) this.#whole = piece
    else this.#host.onBody(piece)
    this.#isFirstPiece = false
  }

  #tellHeldBack(): void {
    const piece = this.#whole
    this.#whole = null
    if (piece !== null) this.#host.onBody(piece)
  }

  #endBody(): void {
    this.#phase = AT_END
    const piece = this.#whole
    this.#whole = null
    if (piece === null) this.#host.onBodyEnd()
    else this.#host.onWholeBody(piece)
  }

  #keep(bytes: Buffer, at: number): void {
    // What lies behind the longest head would only be refused.
    const length = Math.min(bytes.length - at, HEAD_BYTES_MAX - this.#roomUsed)
    const needed = this.#roomUsed + length
    if (needed > this.#room.length) {
      const larger = Buffer.allocUnsafe(Math.min(HEAD_BYTES_MAX, Math.max(ROOM_BYTES_MIN, 2 * needed)))
      this.#room.copy(larger, 0, 0, this.#roomUsed)
      this.#room = larger
    }
    bytes.copy(this.#room, this.#roomUsed, at, at + length)
    this.#roomUsed = needed
  }

  #refuse(status: number, bytes: Buffer): number {
    this.stop()
    this.#host.onRefused(status)
    return bytes.length
  }
}

function startsWith(bytes: Buffer, at: number, start: Buffer): boolean {
  const end = at + start.length
  return end <= bytes.length && bytes.compare(start, 0, start.length, at, end) === 0
}

/**
 * The octets of answers. Most heads differ from one of the last by the length of the body alone: they are kept up to
 * there, as long as their date is right.
 */

import type { Clock } from '../../base/clock.js'
import { NO_CONTENT_TYPE } from '../http/http-exchange.js'

/** What the head of an answer says beside the length of the body. */
export interface AnswerHead {
  readonly status: number
  readonly contentType: string
  /** Name before value; two lists, which are told apart by which they are. */
  readonly added: readonly string[]
  readonly addedToo: readonly string[]
  readonly isLast: boolean
  /** Octets, or one of the two ways to do without. */
  readonly framing: number
}

export const FRAMED_AS_CHUNKS = -1
/** The end of the connection is the end of the answer; or there is no content at all. */
export const NOT_FRAMED = -2

/** How long a connection is kept without a request. */
export const IDLE_SECONDS = 300

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK', 204: 'No Content', 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found',
  405: 'Method Not Allowed', 408: 'Request Timeout', 409: 'Conflict', 412: 'Precondition Failed',
  413: 'Payload Too Large', 417: 'Expectation Failed', 421: 'Misdirected Request', 429: 'Too Many Requests',
  431: 'Request Header Fields Too Large', 499: '', 500: 'Internal Server Error', 501: 'Not Implemented',
  503: 'Service Unavailable', 504: 'Gateway Timeout', 505: 'HTTP Version Not Supported',
}
const KEEPS_ALIVE = `Connection: keep-alive\r\nKeep-Alive: timeout=${IDLE_SECONDS}\r\n`
const IS_LAST = 'Connection: close\r\n'
const KEPT_MAX = 16
/** Answers up to a quarter of this are written behind one another in one piece of memory. */
const SLAB_BYTES = 64 * 1024
const DIGITS_MAX = 16
const CRLF_BYTES = 2
/** `\r\n\r\n` as one number. */
const BLANK_LINE = 0x0d0a0d0a
const ZERO = 0x30
const NO_BODY = Buffer.alloc(0)
const LATIN1_TEXT = /^[\t\x20-\x7e\x80-\xff]*$/

interface KeptHead {
  readonly head: AnswerHead
  readonly second: number
  /** Up to the digits of the length. */
  readonly bytes: Buffer
}

export class AnswerHeads {
  readonly #clock: Clock
  readonly #kept: KeptHead[] = []
  #next = 0
  #second = -1
  #date = ''
  #slab: Buffer = NO_BODY
  #slabUsed = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A head and what follows it at once, in one piece. */
  write(head: AnswerHead, body: Buffer = NO_BODY): Buffer {
    const second = Math.floor(this.#clock.wallMs() / 1000)
    const start = this.#startOf(head, second)
    const isFramed = head.framing >= 0
    const room = this.#room(start.length + (isFramed ? DIGITS_MAX + 2 * CRLF_BYTES : CRLF_BYTES) + body.length)
    const from = room === this.#slab ? this.#slabUsed : 0
    room.set(start, from)
    let at = from + start.length
    if (isFramed) {
      at = writeDigits(room, at, head.framing)
      at = room.writeUInt32BE(BLANK_LINE, at)
    } else {
      at = room.writeUInt16BE(BLANK_LINE & 0xffff, at)
    }
    room.set(body, at)
    const end = at + body.length
    if (room === this.#slab) this.#slabUsed = end
    return room.subarray(from, end)
  }

  /** The slab, where `length` octets are free behind those that are used, or memory of its own. */
  #room(length: number): Buffer {
    if (length > SLAB_BYTES / 4) return Buffer.allocUnsafeSlow(length)
    if (this.#slabUsed + length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
      this.#slabUsed = 0
    }
    return this.#slab
  }

  #startOf(head: AnswerHead, second: number): Buffer {
    const kept = this.#kept
    for (const known of kept) {
      if (known.second === second && isSame(known.head, head)) return known.bytes
    }
    if (this.#second !== second) {
      this.#second = second
      this.#date = `Date: ${new Date(second * 1000).toUTCString()}\r\n`
    }
    const bytes = Buffer.from(textOf(head, this.#date), 'latin1')
    kept[this.#next] = { head, second, bytes }
    this.#next = (this.#next + 1) % KEPT_MAX
    return bytes
  }
}

/** What a client is told that cannot be answered as an exchange. */
export function refusalOf(status: number): Buffer {
  return Buffer.from(`HTTP/1.1 ${status} ${REASONS[status]}\r\n${IS_LAST}\r\n`, 'latin1')
}

/** All lists are told apart by which they are: nobody changes one. */
function isSame(a: AnswerHead, b: AnswerHead): boolean {
  return (
    a.status === b.status &&
    a.contentType === b.contentType &&
    a.added === b.added &&
    a.addedToo === b.addedToo &&
    a.isLast === b.isLast &&
    Math.min(a.framing, 0) === Math.min(b.framing, 0)
  )
}

function textOf({ status, contentType, added, addedToo, isLast, framing }: AnswerHead, date: string): string {
  let text = `HTTP/1.1 ${status} ${REASONS[status] ?? ''}\r\n${fieldsText(added)}${fieldsText(addedToo)}`
  if (contentType !== NO_CONTENT_TYPE) text += fieldsText(['Content-Type', contentType])
  text += date + (isLast ? IS_LAST : KEEPS_ALIVE)
  if (framing === FRAMED_AS_CHUNKS) text += 'Transfer-Encoding: chunked\r\n'
  return framing >= 0 ? `${text}Content-Length: ` : text
}

function fieldsText(fields: readonly string[]): string {
  let text = ''
  for (let at = 0; at < fields.length; at += 2) {
    const line = `${fields[at]}: ${fields[at + 1]}`
    // A line feed here would let whoever chose the text write the rest of the answer.
    if (!LATIN1_TEXT.test(line)) throw new Error(`no field of an answer: ${JSON.stringify(line)}`)
    text += `${line}\r\n`
  }
  return text
}

/** Where it ends. */
function writeDigits(bytes: Buffer, start: number, value: number): number {
  let digits = 1
  for (let power = 10; power <= value; power *= 10) digits++
  for (let at = start + digits - 1, rest = value; at >= start; at--) {
    const tenth = Math.floor(rest / 10)
    bytes[at] = ZERO + rest - tenth * 10
    rest = tenth
  }
  return start + digits
}

/** What the head of a request says. It never changes, so that requests with equal heads share one. */

import { FIELD_MARKS, type HeadScanner } from './head-scanner.js'
import { CR } from './octet-classes.js'

/** `contentLength` of a body that comes in chunks. */
export const CHUNKED = -1

/** Fields of which only the first counts, as it has always been here. Values of any other are joined. */
const ALONE: ReadonlySet<string> = new Set([
  'authorization', 'content-type', 'host', 'proxy-authorization', 'referer', 'user-agent',
])

/** What only a head can say: where a message ends, and what becomes of its connection. */
const OF_HEADS: ReadonlySet<string> = new Set([
  'connection', 'content-length', 'host', 'proxy-connection', 'transfer-encoding', 'upgrade',
])

export interface RequestHead {
  readonly method: string
  /** Path and query, or `*`. */
  readonly target: string
  readonly authority: string
  /** Name before value, as they came. */
  readonly fields: readonly string[]
  /** HTTP/1.0. */
  readonly isOld: boolean
  readonly keepsAlive: boolean
  /** Octets of the body, or `CHUNKED`. */
  readonly contentLength: number
  /** The client sends the body when it is told to. */
  readonly expectsContinue: boolean
  readonly asksWebSocket: boolean
}

export type HeadRefusal = 400 | 417 | 501

/** From a head that `scanner` has found to be whole at bytes[from]. */
export function requestHead(scanner: HeadScanner, bytes: Buffer, from: number): RequestHead | HeadRefusal {
  const text = bytes.toString('latin1', from, from + scanner.length)
  const method = text.slice(scanner.methodStart, scanner.methodEnd)
  const fields: string[] = []
  const isOld = scanner.minorVersion === 0
  const meaning = new FieldsMeaning(isOld)
  const { marks } = scanner
  for (let at = 0; at < marks.length; at += FIELD_MARKS) {
    const name = text.slice(marks[at], marks[at + 1])
    const valueEnd = marks[at + 3] as number
    const value = text.slice(marks[at + 2], valueEnd)
    fields.push(name, value)
    const refusal = meaning.take(name, value, text.charCodeAt(valueEnd) !== CR)
    if (refusal !== null) return refusal
  }
  const { host, closes, persists, hasOffer, length, isChunked, expectsContinue } = meaning
  if (host === null && !isOld) return 400
  if (isChunked && length >= 0) return 400
  const where = placeOf(text.slice(scanner.methodEnd + 1, scanner.targetEnd))
  // No tunnel begins here.
  if (method === 'CONNECT') return 501
  if (where === null) return 400
  const contentLength = isChunked ? CHUNKED : Math.max(0, length)
  return Object.freeze({
    method,
    target: where.target,
    authority: where.authority ?? host ?? '',
    fields: Object.freeze(fields),
    isOld,
    keepsAlive: !closes && (!isOld || persists),
    contentLength,
    expectsContinue: expectsContinue && contentLength !== 0,
    asksWebSocket: hasOffer && meaning.offer === 'websocket' && method === 'GET' && !isOld && contentLength === 0,
  })
}

/** `name` is in lower case. */
export function fieldOf({ fields }: RequestHead, name: string): string | undefined {
  let joined: string | undefined
  for (let at = 0; at < fields.length; at += 2) {
    const field = fields[at] as string
    if (field.length !== name.length || field.toLowerCase() !== name) continue
    const value = fields[at + 1] as string
    if (joined === undefined) joined = value
    else if (ALONE.has(name)) break
    else joined = `${joined}${name === 'cookie' ? '; ' : ', '}${value}`
  }
  return joined
}

/** Trailers that say nothing which has been settled by the head. */
export function areTrailersFit({ marks }: HeadScanner, bytes: Buffer, from: number): boolean {
  for (let at = 0; at < marks.length; at += FIELD_MARKS) {
    const name = bytes.toString('latin1', from + (marks[at] as number), from + (marks[at + 1] as number)).toLowerCase()
    if (OF_HEADS.has(name)) return false
  }
  return true
}

/** What the fields say together that HTTP itself acts on. */
class FieldsMeaning {
  host: string | null = null
  closes = false
  persists = false
  /** `Connection` names `Upgrade`. */
  hasOffer = false
  offer = ''
  length = -1
  isChunked = false
  expectsContinue = false
  readonly #isOld: boolean

  constructor(isOld: boolean) {
    this.#isOld = isOld
  }

  /**
   * `hasBlanksBehind`: in front of the end of its line. Where a message ends is not said like that: there are readers
   * that then see no length, or no chunks.
   */
  take(name: string, value: string, hasBlanksBehind: boolean): HeadRefusal | null {
    // Few fields have a name of these lengths.
    switch (name.length) {
      case 4:
        return name.toLowerCase() === 'host' ? this.#host(value) : null
      case 6:
        return name.toLowerCase() === 'expect' ? this.#expect(value) : null
      case 7:
        if (name.toLowerCase() === 'upgrade') this.offer = value.toLowerCase()
        return null
      case 10:
        if (name.toLowerCase() === 'connection') this.#connection(value, hasBlanksBehind)
        return null
      case 14:
        return name.toLowerCase() === 'content-length' ? this.#contentLength(value, hasBlanksBehind) : null
      case 17:
        return name.toLowerCase() === 'transfer-encoding' ? this.#transferEncoding(value, hasBlanksBehind) : null
      default:
        return null
    }
  }

  #host(value: string): HeadRefusal | null {
    if (this.host !== null) return 400
    this.host = value
    return null
  }

  #expect(value: string): HeadRefusal | null {
    if (this.#isOld) return null
    if (value.toLowerCase() !== '100-continue') return 417
    this.expectsContinue = true
    return null
  }

  #connection(value: string, hasBlanksBehind: boolean): void {
    // `trim` would take more for blank than HTTP does.
    for (const name of value.toLowerCase().split(/ *, */)) {
      if (name === 'close') this.closes = true
      // When in doubt the connection ends: nothing can be lost on it then.
      else if (name === 'keep-alive') this.persists = !hasBlanksBehind
      else if (name === 'upgrade') this.hasOffer = true
    }
  }

  /** Twice is once too often, even when both agree. */
  #contentLength(value: string, hasBlanksBehind: boolean): HeadRefusal | null {
    if (hasBlanksBehind || this.length >= 0 || !/^\d{1,15}$/.test(value)) return 400
    this.length = Number(value)
    return null
  }

  #transferEncoding(value: string, hasBlanksBehind: boolean): HeadRefusal | null {
    // HTTP/1.0 has none: whoever sends it has not understood what it passes on.
    if (this.#isOld || this.isChunked || hasBlanksBehind) return 400
    if (value.toLowerCase() !== 'chunked') return 501
    this.isChunked = true
    return null
  }
}

interface Place {
  readonly target: string
  /** Null unless the target names it. */
  readonly authority: string | null
}

/** A target may be a whole URL, whose host then counts more than the field. Null when it is no target. */
function placeOf(target: string): Place | null {
  if (target.startsWith('/') || target === '*') return { target, authority: null }
  const parts = /^https?:\/\/([\w.~:[\]-]+)((?:[/?].*)?)$/i.exec(target)
  if (parts === null) return null
  const [, authority = '', path = ''] = parts
  return { target: path.startsWith('/') ? path : `/${path}`, authority }
}

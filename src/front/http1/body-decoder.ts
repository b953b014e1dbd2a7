/** Finds the octets of a request's body among those of its connection: as many as were announced, or in chunks. */

import { CR, hexValue, LF, TOKEN, VALUE } from './octet-classes.js'
import { CHUNKED } from './request-head.js'

/** What `take` returns when the body is malformed. */
export const MALFORMED = -1

/** Beside the sizes of its chunks a body may say little: RFC 9112 section 7.1.1 asks for a bound. */
const EXTENSION_BYTES_MAX = 16 * 1024
/** Sizes keep below 2 ** 52. */
const SIZE_DIGITS_MAX = 13
const SEMICOLON = 0x3b
const EQUALS = 0x3d
const QUOTE = 0x22
const BACKSLASH = 0x5c

const LENGTH_DATA = 0
const SIZE = 1
const EXTENSION_START = 2
const EXTENSION = 3
const EXTENSION_VALUE = 4
const TOKEN_VALUE = 5
const QUOTED = 6
const QUOTED_PAIR = 7
const QUOTED_END = 8
const SIZE_LF = 9
const CHUNK_DATA = 10
const DATA_CR = 11
const DATA_LF = 12
const TRAILERS = 13
const DONE = 14

export class BodyDecoder {
  #state = DONE
  /** Octets that are still to come of the body or of the chunk. */
  #left = 0
  #digits = 0
  #extensionBytes = 0

  get isDone(): boolean {
    return this.#state === DONE
  }

  /** The last chunk has come: what follows is a block of fields, for which `endTrailers` is told. */
  get isAtTrailers(): boolean {
    return this.#state === TRAILERS
  }

  /** Octets that must come before the body can end. */
  get bytesOwed(): number {
    return this.#left
  }

  start(contentLength: number): void {
    this.#digits = this.#extensionBytes = 0
    this.#left = contentLength === CHUNKED ? 0 : contentLength
    if (contentLength === CHUNKED) this.#state = SIZE
    else this.#state = contentLength === 0 ? DONE : LENGTH_DATA
  }

  endTrailers(): void {
    this.#state = DONE
  }

  /**
   * Takes bytes[start, end) as far as they belong to the body and returns where that ends, or `MALFORMED`. `onData` is
   * told each piece of content.
   */
  take(bytes: Buffer, start: number, end: number, onData: (bytes: Buffer, start: number, end: number) => void): number {
    let at = start
    while (at < end && this.#state < TRAILERS) {
      if (this.#state === LENGTH_DATA || this.#state === CHUNK_DATA) {
        const dataEnd = Math.min(end, at + this.#left)
        this.#left -= dataEnd - at
        if (this.#left === 0) this.#state = this.#state === LENGTH_DATA ? DONE : DATA_CR
        onData(bytes, at, dataEnd)
        at = dataEnd
      } else if (!this.#frame(bytes[at++] as number)) return MALFORMED
    }
    return at
  }

  /** One octet around the content of chunks. False when it may not stand there. */
  #frame(octet: number): boolean {
    switch (this.#state) {
      case SIZE:
        return this.#size(octet)
      case SIZE_LF:
        this.#state = this.#left === 0 ? TRAILERS : CHUNK_DATA
        return octet === LF
      case DATA_CR:
        this.#state = DATA_LF
        return octet === CR
      case DATA_LF:
        this.#digits = 0
        this.#state = SIZE
        return octet === LF
      default:
        return ++this.#extensionBytes <= EXTENSION_BYTES_MAX && this.#extension(octet)
    }
  }

  #size(octet: number): boolean {
    const digit = hexValue(octet)
    if (digit < 0) return this.#digits > 0 && this.#endOfSize(octet)
    if (++this.#digits > SIZE_DIGITS_MAX) return false
    this.#left = this.#left * 16 + digit
    return true
  }

  #endOfSize(octet: number): boolean {
    if (octet === CR) this.#state = SIZE_LF
    else if (octet === SEMICOLON) this.#state = EXTENSION_START
    else return false
    return true
  }

  /** Extensions mean nothing here; but their form must leave no doubt where they end. */
  #extension(octet: number): boolean {
    const isToken = TOKEN[octet] === 1
    switch (this.#state) {
      case EXTENSION_START:
        this.#state = EXTENSION
        return isToken
      case EXTENSION:
        if (octet !== EQUALS) return isToken || this.#endOfSize(octet)
        this.#state = EXTENSION_VALUE
        return true
      case EXTENSION_VALUE:
        this.#state = octet === QUOTE ? QUOTED : TOKEN_VALUE
        return isToken || octet === QUOTE
      case TOKEN_VALUE:
        return isToken || this.#endOfSize(octet)
      case QUOTED:
        if (octet === QUOTE) this.#state = QUOTED_END
        else if (octet === BACKSLASH) this.#state = QUOTED_PAIR
        return VALUE[octet] === 1
      case QUOTED_PAIR:
        this.#state = QUOTED
        return VALUE[octet] === 1
      default:
        return this.#endOfSize(octet)
    }
  }
}

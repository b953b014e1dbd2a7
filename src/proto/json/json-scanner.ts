/** Steps through the tokens of one JSON text where it lies. The grammar is RFC 8259's, with nothing added. */

import { isUtf8 } from 'node:buffer'
import { JsonError } from './json-error.js'

export const QUOTE = 0x22
export const COMMA = 0x2c
export const COLON = 0x3a
export const BRACE_OPEN = 0x7b
export const BRACE_CLOSE = 0x7d
export const BRACKET_OPEN = 0x5b
export const BRACKET_CLOSE = 0x5d
const BACKSLASH = 0x5c
const MINUS = 0x2d
const PLUS = 0x2b
const DOT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const SPACE = 0x20
const SMALL_U = 0x75

/** Values nested deeper than this are refused. */
export const JSON_DEPTH_MAX = 1000

const EMPTY = Buffer.alloc(0)
const ESCAPABLE = new Set(Buffer.from('"\\/bfnrtu'))
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

export class JsonScanner {
  bytes: Buffer = EMPTY
  at = 0
  end = 0
  /** The content of the string or the number that was read last: bytes[start, stop). */
  start = 0
  stop = 0
  /** That string has escapes, so its content is not what lies there. */
  isEscaped = false
  /** Brackets that are open while a value is skipped: true for an object. */
  readonly #openBrackets: boolean[] = []
  /** A bracket was opened and nothing has come inside. */
  #isFresh = false

  open(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes
    this.at = start
    this.end = end
  }

  /** The first octet of the next token, not taken. */
  peek(): number {
    const { bytes, end } = this
    let at = this.at
    while (at < end) {
      const byte = bytes[at] as number
      if (byte > SPACE || !isBlank(byte)) {
        this.at = at
        return byte
      }
      at++
    }
    throw new JsonError('unexpected EOF')
  }

  /** Takes the next token if it is `byte`. */
  take(byte: number): boolean {
    if (this.peek() !== byte) return false
    this.at++
    return true
  }

  expect(byte: number, where: string): void {
    if (!this.take(byte)) this.fail(where)
  }

  fail(where: string): never {
    const byte = this.bytes[this.at] as number
    const shown = byte > SPACE && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `0x${byte.toString(16)}`
    throw new JsonError(`invalid character ${shown} ${where}`)
  }

  /** Takes a string; `start`, `stop` and `isEscaped` describe it. */
  string(): void {
    this.expect(QUOTE, 'looking for beginning of string')
    const { bytes, end } = this
    let at = this.at
    this.start = at
    this.isEscaped = false
    while (at < end) {
      const byte = bytes[at] as number
      if (byte === QUOTE) {
        this.stop = at
        this.at = at + 1
        return
      }
      if (byte < SPACE) {
        this.at = at
        this.fail('in string literal')
      }
      at = byte === BACKSLASH ? this.#escape(at) : at + 1
    }
    throw new JsonError('unexpected EOF')
  }

  /** The string taken last as text. */
  text(): string {
    if (!isUtf8(this.bytes.subarray(this.start, this.stop))) throw new JsonError('invalid UTF-8 in string')
    const raw = this.bytes.toString('utf8', this.start, this.stop)
    if (!this.isEscaped) return raw
    const text = JSON.parse(`"${raw}"`) as string
    if (LONE_SURROGATE.test(text)) throw new JsonError('invalid escape code in string')
    return text
  }

  /** Takes a number; `start` and `stop` are its ends. */
  number(): void {
    this.peek()
    const { bytes } = this
    this.start = this.at
    if (bytes[this.at] === MINUS) this.at++
    if (bytes[this.at] === ZERO && this.at < this.end) this.at++
    else this.#digits()
    if (this.at < this.end && bytes[this.at] === DOT) {
      this.at++
      this.#digits()
    }
    // 'e' or 'E'
    if (this.at < this.end && ((bytes[this.at] as number) | 0x20) === 0x65) {
      this.at++
      const sign = bytes[this.at]
      if (this.at < this.end && (sign === PLUS || sign === MINUS)) this.at++
      this.#digits()
    }
    this.stop = this.at
  }

  /** True and taken if `word` comes next. */
  literal(word: string): boolean {
    this.peek()
    if (this.end - this.at < word.length) return false
    for (let i = 0; i < word.length; i++) if (this.bytes[this.at + i] !== word.charCodeAt(i)) return false
    this.at += word.length
    return true
  }

  /** Takes a value of any kind. Depth costs no stack. */
  skip(): void {
    let depth = 0
    for (;;) {
      if (this.#opens(depth)) depth++
      else this.#afterValue()
      // Whatever ends here ends the value of what holds it.
      while (depth > 0) {
        const isObject = this.#openBrackets[depth - 1] as boolean
        const close = isObject ? BRACE_CLOSE : BRACKET_CLOSE
        if (this.#isFresh) {
          this.#isFresh = false
          if (!this.take(close)) break
        } else if (!this.take(close)) {
          this.expect(COMMA, isObject ? 'after object key:value pair' : 'after array element')
          break
        }
        depth--
      }
      if (depth === 0) return
      if (this.#openBrackets[depth - 1] === true) {
        this.string()
        this.expect(COLON, 'after object key')
      }
    }
  }

  /** True if a bracket was taken; otherwise a value that holds no other. */
  #opens(depth: number): boolean {
    const byte = this.peek()
    if (byte !== BRACE_OPEN && byte !== BRACKET_OPEN) return false
    if (depth >= JSON_DEPTH_MAX) throw new JsonError('exceeded max depth')
    this.at++
    this.#openBrackets[depth] = byte === BRACE_OPEN
    this.#isFresh = true
    return true
  }

  #afterValue(): void {
    const byte = this.peek()
    if (byte === QUOTE) this.string()
    else if (byte === MINUS || (byte >= ZERO && byte <= NINE)) this.number()
    else if (!this.literal('true') && !this.literal('false') && !this.literal('null')) {
      this.fail('looking for beginning of value')
    }
  }

  #digits(): void {
    const { bytes, end } = this
    const from = this.at
    let at = from
    while (at < end && (bytes[at] as number) >= ZERO && (bytes[at] as number) <= NINE) at++
    this.at = at
    if (at > from) return
    if (at >= end) throw new JsonError('unexpected EOF')
    this.fail('in numeric literal')
  }

  /** The offset behind the escape at `at`. */
  #escape(at: number): number {
    this.isEscaped = true
    const { bytes, end } = this
    if (at + 1 >= end) throw new JsonError('unexpected EOF')
    const letter = bytes[at + 1] as number
    this.at = at + 1
    if (!ESCAPABLE.has(letter)) this.fail('in string escape code')
    if (letter !== SMALL_U) return at + 2
    if (at + 6 > end) throw new JsonError('unexpected EOF')
    for (let i = at + 2; i < at + 6; i++) {
      this.at = i
      if (!isHexDigit(bytes[i] as number)) this.fail('in \\u hexadecimal character escape')
    }
    return at + 6
  }
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function isHexDigit(byte: number): boolean {
  const lower = byte | 0x20
  return (byte >= ZERO && byte <= NINE) || (lower >= 0x61 && lower <= 0x66)
}

/**
 * Finds the parts of a request's head, and of the trailers behind a chunked body, octet by octet, so that it makes no
 * difference how they arrive and what is wrong is found as soon as it is there.
 *
 * Strict where lenience lets two readers of one connection see different requests: lines end with CR LF and nothing
 * else, no line is folded, no blank stands in front of a colon, no control octet in a value.
 */

import { COLON, CR, LF, SPACE, TAB, TARGET, TOKEN, VALUE } from './octet-classes.js'

/** What a scan has found: these, or the status to refuse the request with. */
export const HEAD_MORE = 0
export const HEAD_WHOLE = 1
export type ScanResult = typeof HEAD_MORE | typeof HEAD_WHOLE | 400 | 431 | 505

/** Everything in front of the body. */
export const HEAD_BYTES_MAX = 64 * 1024
export const FIELDS_MAX = 1000
/** Offsets that a field takes in `marks`. */
export const FIELD_MARKS = 4

const START = 0
const START_LF = 1
const METHOD = 2
const TARGET_PART = 3
const VERSION = 4
const LINE_LF = 5
const FIELD = 6
const NAME = 7
const BEFORE_VALUE = 8
const IN_VALUE = 9
const FIELD_LF = 10
const END_LF = 11

/** An octet of `N` is any digit. */
const VERSION_FORM = Buffer.from('HTTP/N.N\r', 'latin1')
const ANY_DIGIT = 0x4e
const MAJOR_AT = 5

export class HeadScanner {
  // All offsets count from the first octet of the head.
  methodStart = 0
  methodEnd = 0
  targetEnd = 0
  minorVersion = 0
  /** Octets of the head, once it is whole. */
  length = 0
  /** Of each field: start and end of its name, start and end of its value. */
  readonly marks: number[] = []
  #state = START
  #at = 0
  #major = 0
  #partStart = 0

  /** For the head of the next request. */
  startHead(): void {
    this.#start(START)
  }

  /** For the fields behind the last chunk of a body. */
  startTrailers(): void {
    this.#start(FIELD)
  }

  /** Looks at what is new of the head that begins at bytes[from]. */
  scan(bytes: Uint8Array, from: number, end: number): ScanResult {
    // As far as it may reach.
    const most = from + HEAD_BYTES_MAX
    const result = this.#scanTo(bytes, from, end < most ? end : most)
    return result === HEAD_MORE && end >= most ? 431 : result
  }

  #start(state: number): void {
    this.#state = state
    this.#at = this.#partStart = 0
    this.marks.length = 0
  }

  #scanTo(bytes: Uint8Array, from: number, end: number): ScanResult {
    let at = from + this.#at
    while (at < end) {
      switch (this.#state) {
        case START:
        case START_LF:
        case METHOD:
        case TARGET_PART:
        case VERSION:
        case LINE_LF: {
          at = this.#requestLine(bytes, from, at, end)
          if (at < 0) return -at as ScanResult
          break
        }
        case END_LF:
          if (bytes[at] !== LF) return 400
          this.length = at + 1 - from
          return HEAD_WHOLE
        default:
          at = this.#field(bytes, from, at, end)
          if (at < 0) return -at as ScanResult
      }
    }
    this.#at = at - from
    return HEAD_MORE
  }

  /** Where it stopped; below zero for the status of a refusal. */
  #requestLine(bytes: Uint8Array, from: number, start: number, end: number): number {
    let at = start
    switch (this.#state) {
      case START:
        // Empty lines in front of a request are left over from the body before it.
        if (bytes[at] !== CR) {
          this.methodStart = at - from
          this.#state = METHOD
          return at
        }
        this.#state = START_LF
        return at + 1
      case START_LF:
        if (bytes[at] !== LF) return -400
        this.#state = START
        return at + 1
      case METHOD:
        while (at < end && TOKEN[bytes[at] as number] === 1) at++
        if (at === end) return at
        this.methodEnd = at - from
        if (bytes[at] !== SPACE || this.methodEnd === this.methodStart) return -400
        this.#state = TARGET_PART
        return at + 1
      case TARGET_PART:
        while (at < end && TARGET[bytes[at] as number] === 1) at++
        if (at === end) return at
        this.targetEnd = at - from
        if (bytes[at] !== SPACE || this.targetEnd === this.methodEnd + 1) return -400
        this.#state = VERSION
        this.#partStart = this.targetEnd + 1
        return at + 1
      case VERSION:
        return this.#version(bytes[at] as number, at - from - this.#partStart) ? at + 1 : -400
      default:
        if (bytes[at] !== LF) return -400
        if (this.#major !== 1 || this.minorVersion > 1) return -505
        this.#state = FIELD
        return at + 1
    }
  }

  #version(octet: number, at: number): boolean {
    const expected = VERSION_FORM[at] as number
    if (at === VERSION_FORM.length - 1) this.#state = LINE_LF
    if (expected !== ANY_DIGIT) return octet === expected
    const digit = octet - 0x30
    if (at === MAJOR_AT) this.#major = digit
    else this.minorVersion = digit
    return digit >= 0 && digit <= 9
  }

  /** Like #requestLine. */
  #field(bytes: Uint8Array, from: number, start: number, end: number): number {
    let at = start
    const { marks } = this
    switch (this.#state) {
      case FIELD:
        if (bytes[at] === CR) {
          this.#state = END_LF
          return at + 1
        }
        if (marks.length === FIELDS_MAX * FIELD_MARKS) return -431
        this.#partStart = at - from
        this.#state = NAME
        return at
      case NAME:
        while (at < end && TOKEN[bytes[at] as number] === 1) at++
        if (at === end) return at
        // A line that begins with a blank would go on with the one before it: no name is empty.
        if (bytes[at] !== COLON || at - from === this.#partStart) return -400
        marks.push(this.#partStart, at - from)
        this.#state = BEFORE_VALUE
        return at + 1
      case BEFORE_VALUE:
        while (at < end && isBlank(bytes[at] as number)) at++
        if (at === end) return at
        this.#partStart = at - from
        this.#state = IN_VALUE
        return at
      case IN_VALUE: {
        while (at < end && VALUE[bytes[at] as number] === 1) at++
        if (at === end) return at
        if (bytes[at] !== CR) return -400
        const valueStart = from + this.#partStart
        let valueEnd = at
        while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1] as number)) valueEnd--
        marks.push(this.#partStart, valueEnd - from)
        this.#state = FIELD_LF
        return at + 1
      }
      default:
        if (bytes[at] !== LF) return -400
        this.#state = FIELD
        return at + 1
    }
  }
}

function isBlank(octet: number): boolean {
  return octet === SPACE || octet === TAB
}

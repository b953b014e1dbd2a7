/** The two ways in which a call's requests come in a body: one for the whole of it, or one after the other. */

import { counters } from '../../metrics/counter-catalogue.js'
import type { Counters } from '../../metrics/counters.js'
import type { BodyReader } from '../http/http-exchange.js'
import { JsonValueSplitter } from './json-value-splitter.js'

/** Why a body is not read to its end. */
export type BodyProblem = 'too-large' | 'too-much-held'

/** Memory for bodies that have not come whole, of all requests of a front together. */
export class HeldBodies {
  #bytes = 0
  readonly #bytesMax: number
  readonly #counters: Counters

  constructor(bytesMax: number, counters: Counters) {
    this.#bytesMax = bytesMax
    this.#counters = counters
  }

  get bytes(): number {
    return this.#bytes
  }

  get isFull(): boolean {
    return this.#bytes > this.#bytesMax
  }

  charge(bytes: number): void {
    this.#bytes += bytes
    this.#counters.set(counters.gatewayHeldBytes, this.#bytes)
  }
}

export interface BodyOwner {
  /** The next request, or all there is of a body that is no request: bytes[start, end). Dead when the call returns. */
  onRequest(bytes: Buffer, start: number, end: number): void
  /** Nothing more comes. */
  onBodyEnd(): void
  onBodyProblem(problem: BodyProblem): void
  onClosed(): void
  onWritable(): void
}

const EMPTY = Buffer.alloc(0)

/** All of a body is one request. */
export class WholeBody implements BodyReader {
  readonly #owner: BodyOwner
  readonly #held: HeldBodies
  readonly #bytesMax: number
  #bytes: Buffer = EMPTY
  #length = 0
  #isOver = false

  constructor(owner: BodyOwner, held: HeldBodies, bytesMax: number) {
    this.#owner = owner
    this.#held = held
    this.#bytesMax = bytesMax
  }

  onData(chunk: Buffer): void {
    if (this.#isOver) return
    const needed = this.#length + chunk.length
    if (needed > this.#bytesMax) return this.#fail('too-large')
    if (needed > this.#bytes.length) this.#grow(needed)
    if (this.#held.isFull) return this.#fail('too-much-held')
    this.#length += chunk.copy(this.#bytes, this.#length)
  }

  onWhole(body: Buffer): void {
    if (this.#isOver) return
    if (body.length > this.#bytesMax) return this.#fail('too-large')
    this.#release()
    this.#owner.onRequest(body, 0, body.length)
    this.#owner.onBodyEnd()
  }

  /** Only exchanges of messages hold any, and theirs are split. */
  onHeld(): void {}

  onEnd(): void {
    if (this.#isOver) return
    const bytes = this.#bytes
    this.#release()
    this.#owner.onRequest(bytes, 0, this.#length)
    this.#owner.onBodyEnd()
  }

  onClosed(): void {
    this.#release()
    this.#owner.onClosed()
  }

  onWritable(): void {
    this.#owner.onWritable()
  }

  /** Nothing more of it is wanted. */
  stop(): void {
    this.#release()
  }

  /** Most bodies come in one piece; memory grows with what has come, never with what was announced. */
  #grow(needed: number): void {
    const size = this.#length === 0 ? needed : Math.max(needed, 2 * this.#bytes.length)
    const larger = Buffer.allocUnsafe(size)
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#held.charge(size - this.#bytes.length)
    this.#bytes = larger
  }

  #fail(problem: BodyProblem): void {
    this.#release()
    this.#owner.onBodyProblem(problem)
  }

  #release(): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#bytes.length > 0) this.#held.charge(-this.#bytes.length)
    this.#bytes = EMPTY
  }
}

/** A body of any number of requests, each told as soon as it is whole. */
export class SplitBody implements BodyReader {
  readonly #owner: BodyOwner
  readonly #held: HeldBodies
  readonly #bytesMax: number
  readonly #splitter = new JsonValueSplitter()
  #charged = 0
  /** Of a message that the exchange has only a part of. */
  #partBytes = 0
  #isOver = false

  constructor(owner: BodyOwner, held: HeldBodies, bytesMax: number) {
    this.#owner = owner
    this.#held = held
    this.#bytesMax = bytesMax
  }

  onData(chunk: Buffer): void {
    if (this.#isOver) return
    this.#splitter.take(chunk, this.#onValue)
    if (this.#isOver) return
    this.#charge(this.#splitter.roomBytes + this.#partBytes)
    if (this.#splitter.heldBytes > this.#bytesMax) this.#fail('too-large')
    else if (this.#held.isFull) this.#fail('too-much-held')
  }

  onHeld(bytes: number): void {
    if (this.#isOver) return
    this.#partBytes = bytes
    this.#charge(this.#splitter.roomBytes + bytes)
    if (this.#held.isFull) this.#fail('too-much-held')
  }

  onWhole(body: Buffer): void {
    this.onData(body)
    this.onEnd()
  }

  onEnd(): void {
    if (this.#isOver) return
    const { bytes, length } = this.#splitter
    // What is left is no whole value, for the owner to refuse.
    if (length > 0) this.#owner.onRequest(bytes, 0, length)
    this.#release()
    this.#owner.onBodyEnd()
  }

  onClosed(): void {
    this.#release()
    this.#owner.onClosed()
  }

  onWritable(): void {
    this.#owner.onWritable()
  }

  /** Nothing more of it is wanted. */
  stop(): void {
    this.#release()
  }

  readonly #onValue = (start: number, end: number): boolean => {
    this.#owner.onRequest(this.#splitter.bytes, start, end)
    return !this.#isOver
  }

  #fail(problem: BodyProblem): void {
    this.#release()
    this.#owner.onBodyProblem(problem)
  }

  #charge(bytes: number): void {
    this.#held.charge(bytes - this.#charged)
    this.#charged = bytes
  }

  #release(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#splitter.clear()
    this.#charge(0)
  }
}

/**
 * Requests that other actors owe an answer to, by request id. Bounded: a front admits only as many as it keeps reply
 * room for, so that answers never find their ring full.
 *
 * The sequence of a request id names its slot, `sequence mod capacity`. A slot still taken by an old request is
 * passed over, so ids grow but are not always consecutive.
 */

import { assert, assertEqual } from '../../base/assert.js'
import { nextSequence, requestHigh, requestLow, sequenceOf } from '../../messages/request-id.js'
import { NO_FLOOR, PendingRequest } from './pending-request.js'

interface Floor {
  readonly sequence: number
  readonly floor: number
}

export class RequestTable {
  readonly capacity: number
  readonly #prefix: number
  readonly #origin: number
  /** Each is made when it is taken for the first time, so that a start does not make all of them. */
  readonly #slots: (PendingRequest | null)[]
  readonly #taken: Uint8Array
  #sequence: number
  #count = 0
  /** Requests with a floor, oldest first; answered ones are skipped when they come up. Floors here never fall. */
  readonly #floors: Floor[] = []
  #floorsHead = 0
  /** Requests that read at a revision of their own choice; few, so that all are looked at. */
  #oldFloors: Floor[] = []

  constructor(options: { capacity: number; prefix: number; origin: number; firstSequence: number }) {
    assert(Number.isInteger(Math.log2(options.capacity)), 'the table holds a power of two')
    this.capacity = options.capacity
    this.#prefix = options.prefix
    this.#origin = options.origin
    this.#sequence = options.firstSequence
    this.#taken = new Uint8Array(options.capacity)
    this.#slots = new Array<PendingRequest | null>(options.capacity).fill(null)
  }

  get count(): number {
    return this.#count
  }

  get isFull(): boolean {
    return this.#count === this.capacity
  }

  /** A slot with a new id; the caller fills in the rest. Not when the table is full. */
  admit(floor: number): PendingRequest {
    assert(this.#count < this.capacity, 'a full request table admits nothing')
    const mask = this.capacity - 1
    let sequence = nextSequence(this.#sequence)
    while (this.#taken[sequence & mask] === 1) sequence = nextSequence(sequence)
    this.#sequence = sequence
    this.#taken[sequence & mask] = 1
    this.#count++
    const pending = (this.#slots[sequence & mask] ??= new PendingRequest())
    pending.sequence = sequence
    pending.high = requestHigh(this.#prefix, this.#origin, sequence)
    pending.low = requestLow(sequence)
    pending.floor = floor
    if (floor !== NO_FLOOR) this.#keepFloor({ sequence, floor })
    return pending
  }

  /** The request that an answer belongs to, or null when it is not waited for any more. */
  find(high: number, low: number): PendingRequest | null {
    const sequence = sequenceOf(high, low)
    const at = sequence & (this.capacity - 1)
    if (this.#taken[at] === 0) return null
    const pending = this.#slots[at] as PendingRequest
    return pending.sequence === sequence ? pending : null
  }

  /** The slot may be used again; what it held must have been read before. */
  release(pending: PendingRequest): void {
    const at = pending.sequence & (this.capacity - 1)
    assertEqual(this.#taken[at] as number, 1, 'taken marks of a request that is released')
    this.#taken[at] = 0
    this.#count--
    pending.call = null
    pending.request = null
    pending.floor = NO_FLOOR
  }

  /** The lowest revision that an outstanding answer may read; NO_FLOOR when none does. */
  lowestFloor(): number {
    const floors = this.#floors
    while (this.#floorsHead < floors.length && !this.#isOutstanding(floors[this.#floorsHead] as Floor)) {
      this.#floorsHead++
    }
    if (this.#floorsHead > 1024 || this.#floorsHead === floors.length) {
      floors.splice(0, this.#floorsHead)
      this.#floorsHead = 0
    }
    let lowest = floors[this.#floorsHead]?.floor ?? NO_FLOOR
    if (this.#oldFloors.length === 0) return lowest
    this.#oldFloors = this.#oldFloors.filter((floor) => this.#isOutstanding(floor))
    for (const { floor } of this.#oldFloors) lowest = Math.min(lowest, floor)
    return lowest
  }

  /** Calls `visit` for every outstanding request, in no order. */
  forEach(visit: (pending: PendingRequest) => void): void {
    if (this.#count === 0) return
    for (let at = 0; at < this.capacity; at++) {
      if (this.#taken[at] === 1) visit(this.#slots[at] as PendingRequest)
    }
  }

  #keepFloor(floor: Floor): void {
    const last = this.#floors.at(-1)
    if (last === undefined || last.floor <= floor.floor) this.#floors.push(floor)
    else this.#oldFloors.push(floor)
  }

  #isOutstanding({ sequence }: Floor): boolean {
    const at = sequence & (this.capacity - 1)
    return this.#taken[at] === 1 && (this.#slots[at] as PendingRequest).sequence === sequence
  }
}

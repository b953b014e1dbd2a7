/** What a client of the watch worker knows: what it asked for, what it got, and how events read in a test. */

import assert from 'node:assert/strict'
import { compareBytes, text, utf8, type Bytes } from '../../src/base/bytes.js'
import { EventType, type Event } from '../../src/proto/generated/mvccpb.js'

/** `value` null: a deletion. */
export interface Change {
  readonly key: string
  readonly value: string | null
}

export interface PastEvent {
  readonly revision: number
  readonly key: Bytes
  readonly value: string | null
  readonly previous: string | null
}

export interface WatchOptions {
  readonly front?: number
  readonly stream?: number
  readonly key: string
  readonly rangeEnd?: string
  readonly startRevision?: number
  readonly prevKv?: boolean
  readonly progressNotify?: boolean
  readonly noPut?: boolean
  readonly noDelete?: boolean
}

/** One response as its watcher got it. */
export interface Response {
  readonly revision: number
  readonly events: readonly string[]
}

/** A watcher as its front knows it, and what it is still owed. */
export class ClientWatch {
  readonly number: number
  readonly front: number
  readonly stream: number
  readonly options: WatchOptions
  state: 'creating' | 'live' | 'canceling' | 'canceled' | 'compacted' | 'closed' = 'creating'
  createdRevision = 0
  /** Nothing below is owed. */
  from = 0
  compactRevision = 0
  readonly responses: Response[] = []
  readonly notices: number[] = []
  /** What each event said was there before. */
  readonly previous: (string | null)[] = []

  constructor(number: number, options: WatchOptions) {
    this.number = number
    this.front = options.front ?? 0
    this.stream = options.stream ?? 1
    this.options = options
  }

  get isOver(): boolean {
    return this.state === 'canceled' || this.state === 'compacted' || this.state === 'closed'
  }

  /** All events, in order. */
  get events(): string[] {
    return this.responses.flatMap(({ events }) => events)
  }

  wants(event: PastEvent): boolean {
    const { key, rangeEnd, noPut, noDelete } = this.options
    if (event.value === null ? noDelete === true : noPut === true) return false
    const order = compareBytes(event.key, utf8(key))
    if (rangeEnd === undefined) return order === 0
    return order >= 0 && (rangeEnd === '\0' || compareBytes(event.key, utf8(rangeEnd)) < 0)
  }
}

export function show({ revision, key, value }: PastEvent): string {
  return value === null ? `${revision} -${text(key)}` : `${revision} ${text(key)}=${value}`
}

export function showEvent({ type, kv }: Event): string {
  assert.ok(kv !== undefined)
  const isDelete = type === EventType.DELETE
  return isDelete ? `${kv.mod_revision} -${text(kv.key)}` : `${kv.mod_revision} ${text(kv.key)}=${text(kv.value)}`
}

/** The requests of the system benchmarks: puts, single-key ranges, watches whose events say when they were sent. */

import { encodePutRequest, encodeRangeRequest, encodeWatchRequest } from '../../proto/generated/etcdserverpb.js'
import { nowUs, type GeneratorName, type RequestGenerator } from './request-generator.js'

export interface KeyOptions {
  readonly prefix: string
  readonly keys: number
}

export interface PutOptions extends KeyOptions {
  readonly valueBytes: number
  /** Each key once before any comes again, for a load of one thread. */
  readonly isInOrder?: boolean
}

export interface RangeOptions extends KeyOptions {
  readonly serializable: boolean
}

export const DIGITS = 10
const STEP = 2_654_435_761

export function puts(options: PutOptions): GeneratorName {
  return { module: import.meta.url, export: makePuts.name, options }
}

export function ranges(options: RangeOptions): GeneratorName {
  return { module: import.meta.url, export: makeRanges.name, options }
}

export interface WatchOptions {
  readonly prefix: string
  /** Not all keys below the prefix, but its first. */
  readonly isOneKey?: boolean
}

export function watches(options: WatchOptions): GeneratorName {
  return { module: import.meta.url, export: makeWatches.name, options }
}

/** The last eight bytes of each value are the time of sending, for whoever watches. */
export function makePuts(options: unknown): RequestGenerator {
  const { prefix, keys, valueBytes, isInOrder } = options as PutOptions
  let written = 0
  const value = Buffer.alloc(valueBytes, 'v')
  const template = Buffer.from(encodePutRequest({ key: Buffer.from(keyOf(prefix, 0)), value }))
  const keyAt = template.indexOf(keyOf(prefix, 0)) + prefix.length
  return {
    method: '/etcdserverpb.KV/Put',
    bytesMax: template.length,
    write(bytes, client, sequence) {
      template.copy(bytes)
      writeDigits(bytes, keyAt, isInOrder === true ? written++ % keys : keyNumber(client, sequence, keys))
      if (valueBytes >= 8) bytes.writeDoubleLE(nowUs(), template.length - 8)
      return template.length
    },
  }
}

export function makeRanges(options: unknown): RequestGenerator {
  const { prefix, keys, serializable } = options as RangeOptions
  const template = Buffer.from(encodeRangeRequest({ key: Buffer.from(keyOf(prefix, 0)), serializable }))
  const keyAt = template.indexOf(keyOf(prefix, 0)) + prefix.length
  return {
    method: '/etcdserverpb.KV/Range',
    bytesMax: template.length,
    write(bytes, client, sequence) {
      template.copy(bytes)
      writeDigits(bytes, keyAt, keyNumber(client, sequence, keys))
      return template.length
    },
  }
}

export function makeWatches(options: unknown): RequestGenerator {
  const { prefix, isOneKey } = options as WatchOptions
  const end = Buffer.from(prefix)
  end[end.length - 1] = (end[end.length - 1] as number) + 1
  const range = isOneKey === true
    ? { key: Buffer.from(keyOf(prefix, 0)) }
    : { key: Buffer.from(prefix), range_end: end }
  const request = Buffer.from(encodeWatchRequest({ create_request: range }))
  return {
    method: '/etcdserverpb.Watch/Watch',
    bytesMax: request.length,
    write(bytes) {
      request.copy(bytes)
      return request.length
    },
    measure: countEvents,
  }
}

const TAG_EVENT = 0x5a
const WIRE_DELIMITED = 2

/** Walks the fields of a WatchResponse; an event ends with the value of its key, and that with its time. */
function countEvents(bytes: Buffer, start: number, end: number, record: (sentUs: number) => void): number {
  let events = 0
  let at = start
  while (at < end) {
    const tag = bytes[at++] as number
    let length = 0
    let shift = 0
    for (;;) {
      const byte = bytes[at++] as number
      length |= (byte & 0x7f) << shift
      if (byte < 0x80) break
      shift += 7
    }
    if ((tag & 7) !== WIRE_DELIMITED) continue
    at += length
    if (tag !== TAG_EVENT) continue
    events++
    record(bytes.readDoubleLE(at - 8))
  }
  return events
}

export function keyOf(prefix: string, number: number): string {
  return prefix + String(number).padStart(DIGITS, '0')
}

/** Spreads over the key space without repeating soon. */
export function keyNumber(client: number, sequence: number, keys: number): number {
  return ((client * 7919 + sequence) * STEP) % keys
}

export function writeDigits(bytes: Buffer, at: number, number: number): void {
  let rest = number
  for (let i = DIGITS - 1; i >= 0; i--) {
    bytes[at + i] = 48 + (rest % 10)
    rest = Math.floor(rest / 10)
  }
}

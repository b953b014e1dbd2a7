/**
 * Typed messages over rings: one declaration per mailbox gives the layout, the sender's type and the handler's type.
 *
 * A message is a fixed area with its fields in declared order, then the bytes of its byte fields in the same order:
 *
 * ```
 * | u8, u32, u53 (as float64), f64, i64 ... | length of each byte field, u32 | bytes | bytes ... |
 * ```
 *
 * Numbers only grow; a retired message keeps its line. A test prints every offset, so that a change of layout shows in
 * review.
 */

import { assert } from '../base/assert.js'
import type { Bytes } from '../base/bytes.js'
import type { Slice } from '../base/slice.js'

/**
 * u8, u32: unsigned. u53: an integer in [0, 2^53), for terms, indexes and revisions. f64: a time or any double. i64: a
 * bigint in [-2^63, 2^63), for ids; it costs an allocation, so hot messages carry ids as two u32. bytes: up to the
 * ring's limit.
 */
export type FieldKind = 'u8' | 'u32' | 'u53' | 'f64' | 'i64' | 'bytes'

export type FieldKinds = Readonly<Record<string, FieldKind>>

interface KindToSent {
  u8: number
  u32: number
  u53: number
  f64: number
  i64: bigint
  bytes: Bytes | Slice
}

interface KindToHeard {
  u8: number
  u32: number
  u53: number
  f64: number
  i64: bigint
  bytes: Slice
}

/** What a sender gives. */
export type Sent<F extends FieldKinds> = { readonly [K in keyof F]: KindToSent[F[K]] }
/** What a handler gets: one object per message type, reused, valid during the call only. */
export type Heard<F extends FieldKinds> = { readonly [K in keyof F]: KindToHeard[F[K]] }

export interface MessageSpec<F extends FieldKinds = FieldKinds> {
  readonly number: number
  readonly fields: F
}

export type Protocol = Readonly<Record<string, MessageSpec>>

/** `wal.append({ ... })` puts a message into the ring; false means that the ring is full and nothing was sent. */
export type Sender<P extends Protocol> = {
  readonly [K in keyof P]: (fields: Sent<P[K]['fields']>) => boolean
}

/** A message `append` arrives at `onAppend`. */
export type Handler<P extends Protocol> = {
  [K in keyof P as `on${Capitalize<string & K>}`]: (message: Heard<P[K]['fields']>) => void
}

/** The decoded form of one message of a protocol. */
export type Message<P extends Protocol, K extends keyof P> = Heard<P[K]['fields']>

export function message<const F extends FieldKinds>(number: number, fields: F): MessageSpec<F> {
  return { number, fields }
}

/** Freezes a protocol and checks that its numbers are unique and small. */
export function defineProtocol<const P extends Protocol>(messages: P): P {
  const seen = new Set<number>()
  for (const [name, spec] of Object.entries(messages)) {
    assert(spec.number > 0 && spec.number < 256, `message ${name} has number ${spec.number}`)
    assert(!seen.has(spec.number), `message ${name} reuses number ${spec.number}`)
    seen.add(spec.number)
  }
  return Object.freeze(messages)
}

const KIND_BYTES: Readonly<Record<FieldKind, number>> = { u8: 1, u32: 4, u53: 8, f64: 8, i64: 8, bytes: 4 }

export interface FieldLayout {
  readonly name: string
  readonly kind: FieldKind
  readonly offset: number
}

export interface MessageLayout {
  readonly name: string
  readonly number: number
  readonly fixedBytes: number
  readonly fields: readonly FieldLayout[]
}

/** Offsets of every field, in declared order, each aligned to its size. */
export function layoutOf(name: string, spec: MessageSpec): MessageLayout {
  const fields: FieldLayout[] = []
  let offset = 0
  for (const [field, kind] of Object.entries(spec.fields)) {
    const size = KIND_BYTES[kind]
    offset = Math.ceil(offset / size) * size
    fields.push({ name: field, kind, offset })
    offset += size
  }
  return { name, number: spec.number, fixedBytes: Math.ceil(offset / 8) * 8, fields }
}

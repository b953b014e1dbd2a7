/** What tests say about answers: short forms of key values and events, and errors by code and text. */

import { strict as assert } from 'node:assert'
import { EtcdError } from './etcd-client.js'
import type { Event, KeyValue, WatchResponse } from './etcd-messages.js'

/** The call fails with exactly this, given as `CodeName text`. */
export async function expectError(call: Promise<unknown>, text: string): Promise<void> {
  assert.equal(await errorOf(call), text)
}

/** `CodeName text` of the error that the call ends with; `no error` when it succeeds. */
export async function errorOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'no error'
  } catch (error) {
    if (error instanceof EtcdError) return error.toText()
    throw error
  }
}

/** `key=value` for each, in the order given. */
export function pairs(kvs: readonly KeyValue[]): string[] {
  return kvs.map((kv) => `${kv.key.toString('utf8')}=${kv.value.toString('utf8')}`)
}

/** Last path segment of each key. */
export function names(kvs: readonly KeyValue[]): string[] {
  return kvs.map((kv) => nameOf(kv.key))
}

export function nameOf(key: Buffer): string {
  const text = key.toString('utf8')
  return text.slice(text.lastIndexOf('/') + 1)
}

/** `PUT name=value` or `DELETE name`, with the previous value in brackets where there is one. */
export function eventText(event: Event): string {
  const kv = event.kv
  assert(kv !== undefined, 'an event carries a key')
  const previous = event.prevKv === undefined ? '' : ` [${event.prevKv.value.toString('utf8')}]`
  const name = nameOf(kv.key)
  return event.type === 0
    ? `PUT ${name}=${kv.value.toString('utf8')}${previous}`
    : `DELETE ${name}${previous}`
}

export function eventTexts(response: WatchResponse): string[] {
  return response.events.map(eventText)
}

/** The header's revision, which must be there. */
export function revisionOf(response: {
  readonly header: { readonly revision: number } | undefined
}): number {
  assert(response.header !== undefined, 'an answer carries a header')
  return response.header.revision
}

export function present<T>(value: T | undefined): T {
  assert(value !== undefined, 'expected a value')
  return value
}

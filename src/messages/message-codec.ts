/**
 * Builds senders and dispatchers from a protocol's declaration. The functions are compiled from the layout, once per
 * protocol and thread: a loop over field kinds would cost more than everything else a hop does.
 */

import { assert } from '../base/assert.js'
import { copyInto } from '../base/copy-into.js'
import { Slice } from '../base/slice.js'
import type { RingReader } from '../ring/ring-reader.js'
import type { RingWriter } from '../ring/ring-writer.js'
import {
  layoutOf, type FieldLayout, type Handler, type MessageLayout, type MessageSpec, type Protocol, type Sender,
} from './protocol.js'

/** A sender over one ring. What it sends is visible to the reader only after the ring is published. */
export function senderOf<P extends Protocol>(protocol: P, writer: RingWriter): Sender<P> {
  const sender: Record<string, unknown> = {}
  for (const [name, spec] of Object.entries(protocol)) {
    sender[name] = encoderBuilder(name, spec)(writer, writer.view, writer.bytes, copyInto)
  }
  return Object.freeze(sender) as Sender<P>
}

/** Calls the handler's method for the record that the reader stands on. An unknown number is a broken invariant. */
export type Dispatch = (reader: RingReader) => void

export function dispatcherOf<P extends Protocol>(protocol: P, handler: Handler<P>): Dispatch {
  const byNumber: (Dispatch | undefined)[] = []
  for (const [name, spec] of Object.entries(protocol)) {
    const method = `on${name.charAt(0).toUpperCase()}${name.slice(1)}`
    byNumber[spec.number] = decoderBuilder(name, spec, method)(targetOf(layoutOf(name, spec)), handler)
  }
  return (reader) => {
    const dispatch = byNumber[reader.type]
    // No text is built for the messages that are known.
    if (dispatch === undefined) assert(false, `message number ${reader.type} is not in the protocol`)
    dispatch(reader)
  }
}

type Encoder = (fields: Record<string, unknown>) => boolean
type EncoderBuilder = (writer: RingWriter, view: DataView, bytes: Uint8Array, copy: typeof copyInto) => Encoder
type DecoderBuilder = (target: Record<string, unknown>, handler: object) => Dispatch

/** What this thread has compiled, by message: a second ring, or a second node of one process, finds it warm. */
const encoderBuilders = new WeakMap<MessageSpec, EncoderBuilder>()
const decoderBuilders = new WeakMap<MessageSpec, DecoderBuilder>()

const SETTERS: Readonly<Record<string, string>> = {
  u8: 'setUint8',
  u32: 'setUint32',
  u53: 'setFloat64',
  f64: 'setFloat64',
  i64: 'setBigInt64',
}

const GETTERS: Readonly<Record<string, string>> = {
  u8: 'getUint8',
  u32: 'getUint32',
  u53: 'getFloat64',
  f64: 'getFloat64',
  i64: 'getBigInt64',
}

function isBytes(field: FieldLayout): boolean {
  return field.kind === 'bytes'
}

function encoderBuilder(name: string, spec: MessageSpec): EncoderBuilder {
  let build = encoderBuilders.get(spec)
  if (build === undefined) encoderBuilders.set(spec, build = compileEncoder(layoutOf(name, spec)))
  return build
}

function decoderBuilder(name: string, spec: MessageSpec, method: string): DecoderBuilder {
  let build = decoderBuilders.get(spec)
  if (build === undefined) decoderBuilders.set(spec, build = compileDecoder(layoutOf(name, spec), method))
  return build
}

function compileEncoder(layout: MessageLayout): EncoderBuilder {
  const byteFields = layout.fields.filter(isBytes)
  const total = [String(layout.fixedBytes), ...byteFields.map((f) => `fields.${f.name}.length`)].join(' + ')
  const lines = [
    `const total = ${total}`,
    `const at = writer.claim(${layout.number}, total)`,
    'if (at < 0) return false',
  ]
  for (const field of layout.fields) {
    if (isBytes(field)) {
      lines.push(`view.setUint32(at + ${field.offset}, fields.${field.name}.length, true)`)
    } else {
      lines.push(`view.${SETTERS[field.kind]}(at + ${field.offset}, fields.${field.name}, true)`)
    }
  }
  if (byteFields.length > 0) lines.push(`let end = at + ${layout.fixedBytes}`)
  for (const field of byteFields) lines.push(`end = copyInto(bytes, end, fields.${field.name})`)
  lines.push('writer.commit(total)', 'return true')
  const source = `return function ${layout.name}(fields) {\n${lines.join('\n')}\n}`
  // Compiled from our own declarations only; nothing that a peer or client sends reaches this text.
  return new Function('writer', 'view', 'bytes', 'copyInto', source) as EncoderBuilder
}

/** What a handler is given, with every field in its place from the beginning. */
function targetOf({ fields }: MessageLayout): Record<string, unknown> {
  const target: Record<string, unknown> = {}
  for (const field of fields) {
    target[field.name] = isBytes(field) ? new Slice() : field.kind === 'i64' ? 0n : 0
  }
  return target
}

function compileDecoder(layout: MessageLayout, method: string): DecoderBuilder {
  const lines = ['const view = reader.view', 'const at = reader.start']
  for (const field of layout.fields) {
    if (isBytes(field)) continue
    lines.push(`target.${field.name} = view.${GETTERS[field.kind]}(at + ${field.offset}, true)`)
  }
  const byteFields = layout.fields.filter(isBytes)
  if (byteFields.length > 0) {
    lines.push('const bytes = reader.bytes', `let start = at + ${layout.fixedBytes}`, 'let end = start')
  }
  for (const field of byteFields) {
    lines.push(
      `end = start + view.getUint32(at + ${field.offset}, true)`,
      `target.${field.name}.at(bytes, start, end)`,
      'start = end',
    )
  }
  lines.push(`handler.${method}(target)`)
  const source = `return function ${layout.name}(reader) {\n${lines.join('\n')}\n}`
  return new Function('target', 'handler', source) as DecoderBuilder
}

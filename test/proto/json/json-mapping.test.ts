/** Every message of the gateway as JSON: written as protobufjs would, read in any spelling. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { codecs } from '../../../src/proto/generated/registry.js'
import { JsonReader } from '../../../src/proto/json/json-reader.js'
import { jsonShape } from '../../../src/proto/json/json-shape.js'
import { JsonWriter } from '../../../src/proto/json/json-writer.js'
import type { ProtoCodec } from '../../../src/proto/proto-codec.js'
import { fieldType, methods, packages } from '../../../src/proto/schema.js'
import type { Message, Package } from '../../../src/proto/schema/notation.js'
import { protobufjsRoot } from '../protobufjs-root.js'
import { decodedOf, inputOf, type Input } from '../schema-arbitraries.js'
import { choiceArbitrary, jsonTextOf } from './json-text.js'

const RUNS = 20
const PROTOBUFJS_FORM = { longs: String, enums: String, bytes: String }
const root = protobufjsRoot()
const reachable = messagesOfGateway()

for (const home of packages) {
  const messages = home.messages.filter((message) => reachable.has(message))
  if (messages.length === 0) continue
  describe(`JSON of ${home.name}`, () => {
    for (const message of messages) {
      const name = `${home.name}.${message.name}`
      const codec = codecs.get(name) as ProtoCodec
      const shape = jsonShape(name)

      test(`${message.name} is written as protobufjs writes it`, () => {
        const theirs = root.lookupType(name)
        const writer = new JsonWriter()
        fc.assert(fc.property(inputOf(home, message), (input) => {
          const bytes = Buffer.from(codec.encode(input))
          writer.reset()
          writer.message(shape, bytes, 0, bytes.length)
          const text = writer.bytes.toString('utf8', 0, writer.length)
          const expected = theirs.toObject(theirs.decode(bytes), PROTOBUFJS_FORM)
          assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(expected)))
        }), { numRuns: RUNS })
      })

      test(`${message.name} is read in every spelling`, () => {
        const reader = new JsonReader()
        fc.assert(fc.property(inputOf(home, message), choiceArbitrary, (drawn, choose) => {
          const input = wellFormed(home, message, drawn)
          const text = Buffer.from(`xx${jsonTextOf(home, message, input, choose)}{trailing`)
          const read = reader.read(shape, text, 2, text.length)
          assert.deepEqual(read, { ok: true }, text.toString())
          const decoded = codec.decode(reader.bytes, 0, reader.length)
          assert.deepEqual(decoded, decodedOf(home, message, input), text.toString())
        }), { numRuns: RUNS })
      })

      test(`${message.name} as protobufjs writes it is read as protobufjs reads it`, () => {
        const reader = new JsonReader()
        const theirs = root.lookupType(name)
        fc.assert(fc.property(inputOf(home, message), (drawn) => {
          const input = wellFormed(home, message, drawn)
          const object = theirs.toObject(theirs.decode(codec.encode(input)), PROTOBUFJS_FORM)
          const text = Buffer.from(JSON.stringify(object))
          assert.deepEqual(reader.read(shape, text, 0, text.length), { ok: true })
          const expected = theirs.encode(theirs.fromObject(object)).finish()
          const ours = codec.encode(codec.decode(reader.bytes, 0, reader.length))
          const again = codec.encode(codec.decode(expected))
          assert.equal(Buffer.from(ours).toString('hex'), Buffer.from(again).toString('hex'))
        }), { numRuns: RUNS })
      })
    }
  })
}

/** JSON has no lone surrogates, and numbers that are not ids lie within what JavaScript holds exactly. */
function wellFormed(home: Package, message: Message, input: Input): Input {
  return Object.fromEntries(message.fields.flatMap((field) => {
    const value = input[field.name]
    if (value === undefined) return []
    const type = fieldType(home, field)
    const one = (element: unknown): unknown => {
      if (type.kind === 'message') return wellFormed(type.package, type.message, element as Input)
      return typeof element === 'string' ? element.toWellFormed() : element
    }
    return [[field.name, field.repeated ? (value as readonly unknown[]).map(one) : one(value)]]
  }))
}

/** What requests and answers of the gateway's methods are made of. */
function messagesOfGateway(): ReadonlySet<Message> {
  const found = new Set<Message>()
  const visit = (home: Package, message: Message): void => {
    if (found.has(message)) return
    found.add(message)
    for (const field of message.fields) {
      const type = fieldType(home, field)
      if (type.kind === 'message') visit(type.package, type.message)
    }
  }
  for (const { rpc, request, response } of methods.values()) {
    if (rpc.gatewayPaths.length === 0) continue
    for (const home of packages) {
      for (const message of home.messages) {
        if ([request, response].includes(`${home.name}.${message.name}`)) visit(home, message)
      }
    }
  }
  return found
}

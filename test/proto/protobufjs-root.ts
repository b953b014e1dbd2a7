/** The schema as protobufjs has it: an independent implementation that the generated codecs are compared with. */

import protobuf from 'protobufjs'
import { fieldType, packages } from '../../src/proto/schema.js'
import type { Field, Message, Package } from '../../src/proto/schema/notation.js'

type Json = Record<string, unknown>

export function protobufjsRoot(): protobuf.Root {
  const root = new protobuf.Root()
  for (const home of packages) root.define(home.name, nestedOf(home))
  root.resolveAll()
  return root
}

function nestedOf(home: Package): Json {
  const nested: Json = {}
  for (const message of home.messages) nested[message.name] = messageJson(home, message)
  for (const enumeration of home.enumerations) {
    const [outer, inner] = enumeration.name.split('.') as [string, string | undefined]
    const json = { values: { ...enumeration.values } }
    if (inner === undefined) nested[outer] = json
    else ((nested[outer] as Json)['nested'] as Json)[inner] = json
  }
  return nested
}

function messageJson(home: Package, message: Message): Json {
  const fields: Json = {}
  const oneofs: Record<string, { oneof: string[] }> = {}
  for (const field of message.fields) {
    fields[field.name] = fieldJson(home, field)
    if (field.oneof !== undefined) (oneofs[field.oneof] ??= { oneof: [] }).oneof.push(field.name)
  }
  return { fields, oneofs, nested: {} }
}

function fieldJson(home: Package, field: Field): Json {
  const type = fieldType(home, field)
  const name = type.kind === 'scalar' ? type.scalar
    : type.kind === 'message' ? `.${type.package.name}.${type.message.name}`
      : `.${type.package.name}.${type.enumeration.name}`
  const json: Json = { id: field.number, type: name }
  if (field.map) return { ...json, keyType: 'string' }
  // A proto2 field has presence, so that a zero that is set is written.
  if (field.always) return { ...json, options: { features: { field_presence: 'EXPLICIT' } } }
  if (!field.repeated) return json
  return { ...json, rule: 'repeated', options: { packed: field.packed } }
}

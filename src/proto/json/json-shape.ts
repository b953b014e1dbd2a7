/**
 * What the JSON mapping needs to know of a message, worked out of the schema once: fields by number for writing, by the
 * bytes of either of their names for reading.
 */

import { assert } from '../../base/assert.js'
import type { Bytes } from '../../base/bytes.js'
import { fieldType, packages, type FieldType } from '../schema.js'
import type { Enumeration, Field, Message, Package } from '../schema/notation.js'
import { WIRE_DELIMITED, WIRE_VARINT } from '../proto-reader.js'

export const JsonKind = Object.freeze({
  bytes: 0,
  string: 1,
  bool: 2,
  int64: 3,
  uint64: 4,
  uint32: 5,
  enumeration: 6,
  message: 7,
} as const)
export type JsonKindValue = (typeof JsonKind)[keyof typeof JsonKind]

export interface EnumShape {
  readonly numbers: ReadonlyMap<string, number>
  readonly names: ReadonlyMap<number, string>
}

export interface FieldShape {
  readonly name: string
  /** Place in its message, for sets of fields. */
  readonly index: number
  readonly number: number
  /** Number and wire type of one element. */
  readonly tag: number
  readonly kind: JsonKindValue
  readonly repeated: boolean
  /** Name of the group of which at most one is present. */
  readonly oneof: string | undefined
  readonly enumeration: EnumShape | null
  /** `"name":` */
  readonly label: Buffer
  /** Null unless the field is a message. Types may contain themselves, so it is looked up late. */
  readonly message: MessageShape | null
}

interface NamedField {
  readonly name: Buffer
  readonly field: FieldShape
}

/** Sets of fields are two words of bits. */
export const FIELD_COUNT_MAX = 62

export class MessageShape {
  readonly name: string
  readonly fields: readonly FieldShape[]
  readonly #byNumber: readonly (FieldShape | undefined)[]
  /** By the length of the name: few fields share one. */
  readonly #byLength: readonly NamedField[][]

  constructor(home: Package, message: Message) {
    assert(message.fields.length <= FIELD_COUNT_MAX, `${message.name} has too many fields for a set of bits`)
    this.name = `${home.name}.${message.name}`
    this.fields = message.fields.map((field, index) => fieldShape(home, field, index))
    const byNumber: FieldShape[] = []
    const byLength: NamedField[][] = []
    for (const [index, field] of this.fields.entries()) {
      byNumber[field.number] = field
      const { jsonName } = message.fields[index] as Field
      for (const name of new Set([field.name, jsonName])) {
        const named = (byLength[name.length] ??= [])
        named.push({ name: Buffer.from(name), field })
      }
    }
    this.#byNumber = byNumber
    this.#byLength = byLength
  }

  byNumber(number: number): FieldShape | undefined {
    return this.#byNumber[number]
  }

  /** The field whose proto or JSON name is bytes[start, end); null when there is none. */
  byName(bytes: Bytes, start: number, end: number): FieldShape | null {
    const length = end - start
    const candidates = this.#byLength[length]
    if (candidates === undefined) return null
    for (const { name, field } of candidates) {
      let i = 0
      while (i < length && name[i] === bytes[start + i]) i++
      if (i === length) return field
    }
    return null
  }
}

const shapes = new Map<Message, MessageShape>()

function shapeOf(home: Package, message: Message): MessageShape {
  const known = shapes.get(message)
  if (known !== undefined) return known
  const shape = new MessageShape(home, message)
  shapes.set(message, shape)
  return shape
}

/** The shape of a message by its full name. */
export function jsonShape(fullName: string): MessageShape {
  for (const home of packages) {
    const prefix = `${home.name}.`
    if (!fullName.startsWith(prefix)) continue
    const message = home.messages.find(({ name }) => name === fullName.slice(prefix.length))
    if (message !== undefined) return shapeOf(home, message)
  }
  throw new Error(`no message is called ${fullName}`)
}

function fieldShape(home: Package, field: Field, index: number): FieldShape {
  assert(!field.map, `${field.name} is a map, which the JSON mapping does not know`)
  const type = fieldType(home, field)
  const kind = kindOf(type)
  const isDelimited = kind === JsonKind.bytes || kind === JsonKind.string || kind === JsonKind.message
  return {
    name: field.name,
    index,
    number: field.number,
    tag: (field.number << 3) | (isDelimited ? WIRE_DELIMITED : WIRE_VARINT),
    kind,
    repeated: field.repeated,
    oneof: field.oneof,
    enumeration: type.kind === 'enumeration' ? enumShape(type.enumeration) : null,
    label: Buffer.from(`${JSON.stringify(field.name)}:`),
    get message(): MessageShape | null {
      return type.kind === 'message' ? shapeOf(type.package, type.message) : null
    },
  }
}

function kindOf(type: FieldType): JsonKindValue {
  if (type.kind === 'scalar') return JsonKind[type.scalar]
  return type.kind === 'message' ? JsonKind.message : JsonKind.enumeration
}

function enumShape(enumeration: Enumeration): EnumShape {
  const pairs = Object.entries(enumeration.values)
  return { numbers: new Map(pairs), names: new Map(pairs.map(([name, number]) => [number, name])) }
}

/** Messages of the schema made from a random stream: fast enough for millions, unlike a shrinking generator. */

import type { Prng } from '../../src/base/prng.js'
import { fieldType, packages, type FieldType } from '../../src/proto/schema.js'
import type { Field, Message, Package } from '../../src/proto/schema/notation.js'
import { randomText } from './mutation.js'

export type Input = Record<string, unknown>

export interface NamedMessage {
  readonly name: string
  readonly home: Package
  readonly message: Message
}

export const MESSAGES: readonly NamedMessage[] = packages.flatMap((home) =>
  home.messages.map((message) => ({ name: `${home.name}.${message.name}`, home, message })),
)

export function messageNamed(name: string): NamedMessage {
  const found = MESSAGES.find((message) => message.name === name)
  if (found === undefined) throw new Error(`no message ${name}`)
  return found
}

const DEPTH_MAX = 4

export function randomInput(random: Prng, { home, message }: NamedMessage, depth = DEPTH_MAX): Input {
  const input: Input = {}
  const chosen = new Map<string, string>()
  for (const field of message.fields) {
    const type = typeOf(home, field)
    if (random.chance(0.3) || (type.kind === 'message' && depth === 0)) continue
    if (field.oneof !== undefined) {
      const before = chosen.get(field.oneof)
      if (before !== undefined) delete input[before]
      chosen.set(field.oneof, field.name)
    }
    const element = (): unknown => elementOf(random, field, type, depth)
    if (field.map) input[field.name] = new Map([[`k${randomText(random, 6)}`, element()]])
    else if (field.repeated) input[field.name] = Array.from({ length: random.between(0, 3) }, element)
    else input[field.name] = element()
  }
  return input
}

const types = new Map<Field, FieldType>()

function typeOf(home: Package, field: Field): FieldType {
  let type = types.get(field)
  if (type === undefined) types.set(field, (type = fieldType(home, field)))
  return type
}

function elementOf(random: Prng, field: Field, type: FieldType, depth: number): unknown {
  if (type.kind === 'message') {
    return randomInput(random, { name: '', home: type.package, message: type.message }, depth - 1)
  }
  if (type.kind === 'enumeration') {
    return random.chance(0.8) ? random.pick(Object.values(type.enumeration.values)) : random.u32() | 0
  }
  switch (type.scalar) {
    case 'bytes':
      return random.bytes(random.between(0, random.chance(0.9) ? 12 : 200))
    case 'string':
      // What a string may hold on the wire: half a surrogate pair is not in it.
      return randomText(random, 12).replaceAll('\ud800', '')
    case 'bool':
      return random.chance(0.5)
    case 'uint32':
      return random.chance(0.5) ? random.between(0, 300) : random.u32()
    case 'uint64':
      return field.id ? BigInt(random.u32()) * BigInt(random.u32()) : random.u32() * random.between(0, 1 << 20)
    case 'int64':
      if (field.id) return BigInt(random.u32()) * BigInt(random.u32() | 0)
      return random.u32() * random.between(-(1 << 20), 1 << 20)
  }
}

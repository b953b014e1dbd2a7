/**
 * Random messages of every type of the schema, in three forms: what our encoders take, what our decoders give back for
 * it, and what protobufjs takes for the same bytes.
 */

import fc from 'fast-check'
import { fieldType, type FieldType } from '../../src/proto/schema.js'
import type { Field, Message, Package } from '../../src/proto/schema/notation.js'

export type Input = Readonly<Record<string, unknown>>

/** Nested messages are left out below this depth; several types contain themselves. */
const DEPTH_MAX = 3

const memo = new Map<Message, fc.Arbitrary<Input>[]>()

/** What an encoder of `message` takes. */
export function inputOf(home: Package, message: Message, depth = DEPTH_MAX): fc.Arbitrary<Input> {
  const byDepth = memo.get(message) ?? []
  memo.set(message, byDepth)
  return byDepth[depth] ??= buildInput(home, message, depth)
}

function buildInput(home: Package, message: Message, depth: number): fc.Arbitrary<Input> {
  const plain: Record<string, fc.Arbitrary<unknown>> = {}
  const groups = new Map<string, Field[]>()
  for (const field of message.fields) {
    const type = fieldType(home, field)
    if (type.kind === 'message' && depth === 0) continue
    if (field.oneof !== undefined) {
      groups.set(field.oneof, [...(groups.get(field.oneof) ?? []), field])
      continue
    }
    const element = elementOf(field, type, depth)
    plain[field.name] = field.map ? mapOf(element)
      : field.repeated ? fc.array(element, { maxLength: 3 }) : element
  }
  const oneofs = [...groups.values()].map((fields) => fc.option(
    fc.oneof(...fields.map((field) =>
      elementOf(field, fieldType(home, field), depth).map((value) => ({ [field.name]: value })))),
    { nil: {} },
  ))
  return fc.tuple(fc.record(plain, { requiredKeys: [] }), ...oneofs)
    .map((parts) => Object.assign({}, ...parts) as Input)
}

function mapOf(element: fc.Arbitrary<unknown>): fc.Arbitrary<ReadonlyMap<string, unknown>> {
  // The prefix keeps protobufjs's plain objects in order: they put names of digits first.
  const key = textArbitrary.map((text) => `k${text}`)
  return fc.array(fc.tuple(key, element), { maxLength: 3 }).map((pairs) => new Map(pairs))
}

const textArbitrary = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 12 }))
const bytesArbitrary = fc.oneof(
  fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 30, maxLength: 140 }),
)
const uint64 = fc.oneof(fc.constant(0), fc.nat({ max: 300 }), fc.nat(), fc.maxSafeNat())
const int64 = fc.oneof(uint64, fc.maxSafeInteger())

function elementOf(field: Field, type: FieldType, depth: number): fc.Arbitrary<unknown> {
  if (type.kind === 'message') return inputOf(type.package, type.message, depth - 1)
  if (type.kind === 'enumeration') {
    const known = Object.values(type.enumeration.values)
    return fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...known) }, { weight: 1, arbitrary: fc.integer() })
  }
  switch (type.scalar) {
    case 'bytes': return bytesArbitrary
    case 'string': return textArbitrary
    case 'bool': return fc.boolean()
    case 'uint32': return fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 0xffff_ffff }))
    case 'uint64': return field.id ? fc.oneof(fc.constant(0n), fc.bigInt(0n, 2n ** 64n - 1n)) : uint64
    case 'int64': return field.id ? fc.oneof(fc.constant(0n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)) : int64
  }
}

/** What our decoder returns for the encoding of `input`: every field, absent ones as their zero. */
export function decodedOf(home: Package, message: Message, input: Input): Input {
  const decoded: Record<string, unknown> = {}
  for (const field of message.fields) {
    const type = fieldType(home, field)
    const value = input[field.name]
    const one = (element: unknown): unknown =>
      type.kind === 'message' ? decodedOf(type.package, type.message, element as Input) : element
    if (field.map) {
      const entries = [...((value ?? new Map()) as ReadonlyMap<string, unknown>)]
      decoded[field.name] = new Map(entries.map(([key, element]) => [key, one(element)]))
    } else if (field.repeated) {
      decoded[field.name] = ((value ?? []) as readonly unknown[]).map(one)
    } else if (value !== undefined) {
      decoded[field.name] = one(value)
    } else if (field.always && type.kind === 'message') {
      decoded[field.name] = one({})
    } else {
      decoded[field.name] = field.oneof !== undefined || type.kind === 'message' ? undefined : zeroOf(field, type)
    }
  }
  return decoded
}

/**
 * What protobufjs must be given to write the same bytes: fields without presence only when they are not zero, fields
 * that etcd always writes even when they are absent.
 */
export function protobufjsOf(home: Package, message: Message, input: Input): Input {
  const plain: Record<string, unknown> = {}
  for (const field of message.fields) {
    const type = fieldType(home, field)
    const one = (element: unknown): unknown =>
      type.kind === 'message' ? protobufjsOf(type.package, type.message, element as Input) : longOf(element)
    const value = input[field.name]
    if (field.map) {
      const entries = [...((value ?? new Map()) as ReadonlyMap<string, unknown>)]
      plain[field.name] = Object.fromEntries(entries.map(([key, element]) => [key, one(element)]))
    } else if (field.repeated) {
      plain[field.name] = ((value ?? []) as readonly unknown[]).map(one)
    } else if (field.always) {
      plain[field.name] = one(value ?? (type.kind === 'message' ? {} : zeroOf(field, type)))
    } else if (value !== undefined && (field.oneof !== undefined || !isZero(value))) {
      plain[field.name] = one(value)
    }
  }
  return plain
}

function zeroOf(field: Field, type: FieldType): unknown {
  if (type.kind !== 'scalar') return 0
  switch (type.scalar) {
    case 'bytes': return new Uint8Array(0)
    case 'string': return ''
    case 'bool': return false
    default: return field.id ? 0n : 0
  }
}

function isZero(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0
  return value === 0 || value === 0n || value === '' || value === false
}

/** 64-bit values as the halves that protobufjs takes for a Long. */
function longOf(value: unknown): unknown {
  if (typeof value !== 'bigint') return value
  const bits = BigInt.asUintN(64, value)
  return { low: Number(bits & 0xffff_ffffn) | 0, high: Number(bits >> 32n) | 0, unsigned: false }
}

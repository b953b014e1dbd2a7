/** Random spellings of a message as JSON: all that protobuf's mapping lets a client write. */

import fc from 'fast-check'
import { fieldType, type FieldType } from '../../../src/proto/schema.js'
import type { Field, Message, Package } from '../../../src/proto/schema/notation.js'
import type { Input } from '../schema-arbitraries.js'

/** Decides among `count` ways of writing the same. */
export type Choice = (count: number) => number

export const choiceArbitrary: fc.Arbitrary<Choice> = fc.infiniteStream(fc.nat({ max: 1 << 20 })).map((numbers) => {
  return (count) => (numbers.next().value as number) % count
})

const SPACES = ['', '', '', ' ', '\n', '\t ', '\r\n']

export function jsonTextOf(home: Package, message: Message, input: Input, choose: Choice): string {
  const space = (): string => SPACES[choose(SPACES.length)] as string
  const parts: string[] = []
  if (choose(8) === 0) parts.push(`"no_such_field":${space()}{"a":[1,{"b":null}],"c":"\\u0041"}`)
  for (const field of message.fields) {
    const value = input[field.name]
    if (value === undefined) {
      if (choose(10) === 0) parts.push(`"${nameOf(field, choose)}":null`)
      continue
    }
    const type = fieldType(home, field)
    const one = (element: unknown): string => space() + valueText(type, element, choose) + space()
    const text = field.repeated ? `[${(value as readonly unknown[]).map(one).join(',')}]` : one(value)
    parts.push(`${space()}"${nameOf(field, choose)}"${space()}:${text}`)
  }
  const from = parts.length === 0 ? 0 : choose(parts.length)
  return `${space()}{${space()}${[...parts.slice(from), ...parts.slice(0, from)].join(',')}}`
}

function nameOf(field: Field, choose: Choice): string {
  const name = choose(2) === 0 ? field.name : field.jsonName
  return choose(6) === 0 ? escaped(name, choose) : name
}

function escaped(text: string, choose: Choice): string {
  const at = choose(text.length)
  const code = text.charCodeAt(at).toString(16).padStart(4, '0')
  return `${text.slice(0, at)}\\u${code}${text.slice(at + 1)}`
}

function valueText(type: FieldType, value: unknown, choose: Choice): string {
  if (type.kind === 'message') return jsonTextOf(type.package, type.message, value as Input, choose)
  if (type.kind === 'enumeration') {
    const name = Object.entries(type.enumeration.values).find(([, number]) => number === value)?.[0]
    return name === undefined || choose(2) === 0 ? String(value) : `"${name}"`
  }
  switch (type.scalar) {
    case 'bytes':
      return `"${base64Text(Buffer.from(value as Uint8Array), choose)}"`
    case 'string':
      return stringText(value as string, choose)
    case 'bool':
      return String(value)
    default:
      return integerText(BigInt(value as number | bigint), choose)
  }
}

function base64Text(bytes: Buffer, choose: Choice): string {
  let text = bytes.toString('base64')
  if (choose(2) === 0) text = text.replaceAll('+', '-').replaceAll('/', '_')
  if (choose(2) === 0) text = text.replaceAll('=', '')
  return text.includes('/') && choose(2) === 0 ? text.replaceAll('/', '\\/') : text
}

function stringText(text: string, choose: Choice): string {
  const plain = JSON.stringify(text.toWellFormed())
  return choose(3) === 0 ? plain.replaceAll(/[^\x20-\x7e]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  }) : plain
}

function integerText(value: bigint, choose: Choice): string {
  const digits = String(value)
  const forms = [digits, digits, `"${digits}"`, `${digits}.0`, value === 0n ? '0e-1' : `${digits}0e-1`, `"${digits}e0"`]
  return forms[choose(forms.length)] as string
}

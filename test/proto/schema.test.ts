/**
 * The generated files are those of the schema, and the schema is that of the tables in test/proto/wire: etcd's wire
 * format, and the few messages of our own, whose numbers lie in logs and so are fixed as well.
 */

import { test } from 'node:test'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { renderAll } from '../../scripts/generate-codecs.js'
import { codecs } from '../../src/proto/generated/registry.js'
import { fieldType, methods, packages } from '../../src/proto/schema.js'
import type { Field, Package } from '../../src/proto/schema/notation.js'

/** From dist/test/proto. */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** The lines of a table, each of which must be there and no other. */
function compare(lines: readonly string[], table: string): void {
  const [, ...expected] = readFileSync(`${ROOT}/test/proto/wire/${table}`, 'utf8').trimEnd().split('\n')
  assert.deepEqual(lines.toSorted(), expected.toSorted())
}

function fieldLine(home: Package, message: string, field: Field): string {
  const columns = [message, field.name, field.number, typeText(home, field)]
  return (field.oneof === undefined ? columns : [...columns, field.oneof]).join('\t')
}

function typeText(home: Package, field: Field): string {
  const type = fieldType(home, field)
  const name = type.kind === 'scalar' ? type.scalar
    : type.kind === 'message' ? `${type.package.name}.${type.message.name}`
      : `enum ${type.package.name}.${type.enumeration.name}`
  if (field.map) return `map<string, ${name}>`
  if (field.packed) return `packed ${name}`
  return field.repeated ? `repeated ${name}` : name
}

test('the generated files are what the generator writes today', () => {
  for (const [path, content] of renderAll()) {
    const file = readFileSync(`${ROOT}/${path}`, 'utf8')
    assert.ok(file === content, `${path} differs: run node dist/scripts/generate-codecs.js`)
  }
})

test('every field has the number, the type and the group of the table', () => {
  const lines = packages.flatMap((home) =>
    home.messages.flatMap((message) => {
      const name = `${home.name}.${message.name}`
      return message.fields.length === 0 ? [name] : message.fields.map((field) => fieldLine(home, name, field))
    }),
  )
  compare(lines, 'fields.tsv')
})

test('every value of an enum has the number of the table', () => {
  const lines = packages.flatMap((home) =>
    home.enumerations.flatMap(({ name, values }) =>
      Object.entries(values).map(([value, number]) => `${home.name}.${name}\t${value}\t${number}`),
    ),
  )
  compare(lines, 'enum-values.tsv')
})

test('every method has the messages and the streams of the table', () => {
  const lines = [...methods.values()].map(({ service, rpc, request, response }) => {
    const asks = rpc.streaming === 'both' ? `stream ${request}` : request
    const answers = rpc.streaming === 'unary' ? response : `stream ${response}`
    return `${service}\t${rpc.name}\t${asks}\t${answers}`
  })
  compare(lines, 'methods.tsv')
})

test('field numbers and names of a message are used once, and every type is declared', () => {
  for (const home of packages) {
    for (const message of home.messages) {
      const numbers = new Set(message.fields.map((field) => field.number))
      const names = new Set(message.fields.map((field) => field.name))
      assert.deepEqual([numbers.size, names.size], [message.fields.length, message.fields.length], message.name)
      for (const field of message.fields) assert.ok(fieldType(home, field))
    }
  }
})

test('every method has codecs for its request and response', () => {
  for (const home of packages) {
    for (const rpc of home.services.flatMap((service) => service.rpcs)) {
      assert.ok(codecs.has(`${home.name}.${rpc.request}`), rpc.request)
      assert.ok(codecs.has(`${home.name}.${rpc.response}`), rpc.response)
    }
  }
})

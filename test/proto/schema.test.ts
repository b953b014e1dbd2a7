/** The generated files are those of the schema, and the schema is that of the wire table. */

import { test } from 'node:test'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { renderAll } from '../../scripts/generate-codecs.js'
import { codecs } from '../../src/proto/generated/registry.js'
import { fieldType, packages } from '../../src/proto/schema.js'

/** From dist/test/proto. */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

test('the generated files are what the generator writes today', () => {
  for (const [path, content] of renderAll()) {
    const file = readFileSync(`${ROOT}/${path}`, 'utf8')
    assert.ok(file === content, `${path} differs: run node dist/scripts/generate-codecs.js`)
  }
})

test('every package has all of its messages, fields and methods', () => {
  const counts = packages.map((home) => [
    home.name,
    home.messages.length,
    home.messages.reduce((sum, message) => sum + message.fields.length, 0),
    home.services.reduce((sum, service) => sum + service.rpcs.length, 0),
  ])
  assert.deepEqual(counts, [
    ['mvccpb', 2, 9, 0],
    ['authpb', 4, 10, 0],
    ['membershippb', 6, 12, 0],
    ['raftringpb', 3, 7, 0],
    ['etcdserverpb', 103, 260, 42],
    ['v3lockpb', 4, 6, 2],
    ['v3electionpb', 9, 17, 5],
    ['leasepb', 3, 5, 0],
    ['snappb', 1, 2, 0],
    ['raftpb', 9, 40, 0],
    ['walpb', 2, 6, 0],
    ['grpc.health.v1', 4, 3, 3],
  ])
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

/**
 * JSON of the gateway: what the writer says is JSON and reads back as the same message; the reader answers any text
 * with a message that decodes or with a problem, and takes nothing that is no JSON; bodies are cut into the same values
 * however they arrive.
 */

import assert from 'node:assert/strict'
import type { Prng } from '../../../src/base/prng.js'
import { JsonValueSplitter } from '../../../src/front/gateway/json-value-splitter.js'
import { codecs } from '../../../src/proto/generated/registry.js'
import { JsonReader } from '../../../src/proto/json/json-reader.js'
import { jsonShape } from '../../../src/proto/json/json-shape.js'
import { JsonWriter } from '../../../src/proto/json/json-writer.js'
import type { ProtoCodec } from '../../../src/proto/proto-codec.js'
import { methods } from '../../../src/proto/schema.js'
import type { FuzzTarget } from '../fuzz-target.js'
import { mutate, pieces, randomText } from '../mutation.js'
import { messageNamed, randomInput } from '../random-message.js'

const NAMES = [...new Set([...methods.values()].flatMap(({ request, response }) => [request, response]))].filter(
  (name) => !name.startsWith('grpc.'),
)

/** What people write by hand. */
const SNIPPETS = [
  '{"key":"Zm9v","value":"YmFy"}', '{"key":"Zm9v","rangeEnd":"Zm9w","limit":"1"}', '{"TTL":"10","ID":0}',
  '{"key":"Zm9v","limit":1e2,"sortOrder":"DESCEND"}', '{"compare":[{"target":"CREATE","createRevision":"0"}]}',
  '{"create_request":{"key":"Zm9v","progress_notify":true}}', '{"unknown":[1,{"a":[null]}],"key":null}', '[]', '{}',
  '""', '{"key":"\\u0041\\ud83d\\ude00"}', '{"key":"%%%"}', '{"limit":9223372036854775808}', '{"limit":-0.0}', '{"a":}',
  '{"a" 1}',
] as const

export class JsonTarget implements FuzzTarget {
  readonly #reader = new JsonReader()
  readonly #writer = new JsonWriter()

  run(random: Prng): void {
    const name = random.pick(NAMES)
    const codec = codecs.get(name)
    assert.ok(codec !== undefined, name)
    const text = random.chance(0.7) ? this.#roundTrip(random, name, codec) : Buffer.from(random.pick(SNIPPETS))
    const damaged = random.chance(0.9) ? mutate(random, text) : Buffer.from(randomText(random, 60))
    this.#readAnything(name, codec, damaged)
    checkSplitter(random, Buffer.concat([text, damaged, text]))
  }

  #roundTrip(random: Prng, name: string, codec: ProtoCodec): Buffer {
    const shape = jsonShape(name)
    const bytes = Buffer.from(codec.encode(randomInput(random, messageNamed(name), 3)))
    this.#writer.reset()
    this.#writer.message(shape, bytes, 0, bytes.length)
    const text = Buffer.from(this.#writer.bytes.subarray(0, this.#writer.length))
    JSON.parse(text.toString('utf8'))
    const read = this.#reader.read(shape, text, 0, text.length)
    assert.ok(read.ok, `does not read what it wrote: ${read.ok ? '' : read.problem}`)
    assert.equal(this.#reader.textEnd, text.length)
    const back = codec.encode(codec.decode(this.#reader.bytes, 0, this.#reader.length))
    assert.equal(Buffer.compare(back, codec.encode(codec.decode(bytes))), 0, `${name} changes on its way through JSON`)
    return text
  }

  #readAnything(name: string, codec: ProtoCodec, text: Buffer): void {
    const read = this.#reader.read(jsonShape(name), text, 0, text.length)
    if (!read.ok) return assert.ok(read.problem.length > 0)
    codec.decode(this.#reader.bytes, 0, this.#reader.length)
    assert.ok(this.#reader.textEnd <= text.length)
    JSON.parse(text.toString('utf8', 0, this.#reader.textEnd))
  }
}

function checkSplitter(random: Prng, body: Buffer): void {
  const whole = split([body])
  assert.deepEqual(split(pieces(random, body)), whole, 'values depend on how the body was cut')
}

/** Values up to the first that is no object. */
function split(parts: readonly Buffer[]): string[] {
  const splitter = new JsonValueSplitter()
  const values: string[] = []
  let isOver = false
  for (const part of parts) {
    if (isOver) break
    splitter.take(part, (start, end) => {
      const value = splitter.bytes.toString('latin1', start, end)
      if (/^[\0-\x20]*\{/u.test(value)) values.push(value)
      else isOver = true
      return !isOver
    })
  }
  return values
}

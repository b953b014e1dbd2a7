/**
 * Every message of the schema, whole and damaged: a decoder answers with a message or a ProtoError, what it gives back
 * is encoded to bytes that mean the same, views say what codecs say, and the checks of requests take anything.
 */

import assert from 'node:assert/strict'
import type { Prng } from '../../../src/base/prng.js'
import { checkDeleteRangeRequest, checkRangeRequest, checkTxnRequest } from '../../../src/keyspace/txn-checks.js'
import type { DeleteRangeRequest, RangeRequest, TxnRequest } from '../../../src/proto/generated/etcdserverpb.js'
import { codecs } from '../../../src/proto/generated/registry.js'
import { DeleteRangeRequestView } from '../../../src/proto/hot/delete-range-request-view.js'
import { PutRequestView } from '../../../src/proto/hot/put-request-view.js'
import type { ProtoCodec } from '../../../src/proto/proto-codec.js'
import { ProtoError } from '../../../src/proto/proto-error.js'
import type { FuzzTarget } from '../fuzz-target.js'
import { mutate } from '../mutation.js'
import { MESSAGES, messageNamed, randomInput } from '../random-message.js'

/** What clients send most, and so should be tried most. */
const REQUESTS = [
  'etcdserverpb.PutRequest',
  'etcdserverpb.RangeRequest',
  'etcdserverpb.DeleteRangeRequest',
  'etcdserverpb.TxnRequest',
  'etcdserverpb.WatchRequest',
].map(messageNamed)
const OPS_MAX = 128

export class ProtobufTarget implements FuzzTarget {
  readonly #put = new PutRequestView()
  readonly #deleteRange = new DeleteRangeRequestView()

  run(random: Prng): void {
    const named = random.chance(0.4) ? random.pick(REQUESTS) : random.pick(MESSAGES)
    const codec = codecs.get(named.name)
    assert.ok(codec !== undefined, named.name)
    const input = randomInput(random, named)
    const whole = codec.encode(input)
    assert.equal(whole.length, codec.sizeOf(input))
    const bytes = random.chance(0.6) ? mutate(random, whole) : whole
    const message = decode(codec, bytes)
    if (bytes === whole) assert.ok(message !== null, `${named.name} does not read what it wrote`)
    if (message !== null) sameAgain(codec, message)
    if (random.chance(0.3)) sameAmongOthers(random, codec, bytes, message)
    this.#look(named.name, bytes, message)
  }

  #look(name: string, bytes: Uint8Array, message: object | null): void {
    switch (name) {
      case 'etcdserverpb.PutRequest':
        assert.equal(this.#put.decode(bytes, 0, bytes.length), message !== null)
        return
      case 'etcdserverpb.DeleteRangeRequest':
        assert.equal(this.#deleteRange.decode(bytes, 0, bytes.length), message !== null)
        if (message !== null) checkDeleteRangeRequest(message as DeleteRangeRequest)
        return
      case 'etcdserverpb.RangeRequest':
        if (message !== null) checkRangeRequest(message as RangeRequest)
        return
      case 'etcdserverpb.TxnRequest':
        if (message !== null) checkTxnRequest(message as TxnRequest, OPS_MAX)
    }
  }
}

function decode(codec: ProtoCodec, bytes: Uint8Array, start = 0, end = bytes.length): object | null {
  try {
    return codec.decode(bytes, start, end)
  } catch (error) {
    if (error instanceof ProtoError) return null
    throw error
  }
}

/** What lies before and after a message in its buffer is not of it. */
function sameAmongOthers(random: Prng, codec: ProtoCodec, bytes: Uint8Array, message: object | null): void {
  const before = random.between(0, 8)
  const buffer = Buffer.concat([Buffer.alloc(before, 0x0a), bytes, Buffer.alloc(16, random.pick([0x00, 0x01, 0xff]))])
  const again = decode(codec, buffer, before, before + bytes.length)
  assert.equal(again === null, message === null, 'other bytes of the buffer count')
  if (again === null || message === null) return
  assert.equal(Buffer.compare(codec.encode(again), codec.encode(message)), 0, 'other bytes of the buffer are read')
}

/** Unknown fields are gone after the first encoding; from then on nothing changes. */
function sameAgain(codec: ProtoCodec, message: object): void {
  const first = codec.encode(message)
  const second = codec.encode(codec.decode(first))
  assert.equal(Buffer.compare(first, second), 0, 'a message changes when it is encoded and decoded')
}

/**
 * A long stream of records of varied lengths whose bytes follow from a seed, so that each side can make or check it.
 */

import assert from 'node:assert/strict'
import { Prng } from '../../src/base/prng.js'
import { Doorbell } from '../../src/ring/doorbell.js'
import { RingReader } from '../../src/ring/ring-reader.js'
import { RingWriter } from '../../src/ring/ring-writer.js'

export interface StreamPlan {
  readonly ring: SharedArrayBuffer
  /** Rung by the writer. */
  readonly readerDoorbell: SharedArrayBuffer
  /** Rung by the reader when it has made room. */
  readonly writerDoorbell: SharedArrayBuffer
  readonly seed: number
  readonly records: number
}

/** A side that waits longer has missed a wake-up. */
const PARK_MS_MAX = 20_000
const PUBLISH_EVERY_MAX = 64
/** Records read before their memory is returned. */
const RELEASE_EVERY = 200

/** Mostly short, one in a thousand of any length that the ring takes. */
function nextLength(prng: Prng, longest: number): number {
  const roll = prng.u32()
  return roll % 1024 === 0 ? prng.between(0, longest) : (roll >>> 10) % 48
}

export function writeStream(plan: StreamPlan): { parks: number } {
  const writer = new RingWriter(plan.ring)
  const reader = new Doorbell(plan.readerDoorbell)
  const own = new Doorbell(plan.writerDoorbell)
  const prng = new Prng(plan.seed)
  const batches = new Prng(plan.seed + 1)
  let untilPublish = 1
  for (let type = 0; type < plan.records; type++) {
    const length = nextLength(prng, writer.recordBytesMax)
    let at = writer.claim(type, length)
    while (at < 0) {
      if (writer.publish()) reader.ring()
      parkOrFail(own, () => writer.freeBytes >= writer.capacityBytes / 2)
      at = writer.claim(type, length)
    }
    const { bytes } = writer
    for (let i = 0; i < length; i++) bytes[at + i] = (type + i) & 0xff
    writer.commit(length)
    if (--untilPublish > 0) continue
    untilPublish = batches.between(1, PUBLISH_EVERY_MAX)
    if (writer.publish()) reader.ring()
  }
  if (writer.publish()) reader.ring()
  return { parks: own.parks }
}

export function readStream(plan: StreamPlan): { parks: number; bytes: number } {
  const reader = new RingReader(plan.ring)
  const writer = new Doorbell(plan.writerDoorbell)
  const own = new Doorbell(plan.readerDoorbell)
  const longest = new RingWriter(plan.ring).recordBytesMax
  const prng = new Prng(plan.seed)
  let total = 0
  for (let type = 0; type < plan.records; type++) {
    while (!reader.next()) {
      reader.release()
      writer.ring()
      parkOrFail(own, () => reader.hasNext())
    }
    const length = reader.end - reader.start
    if (reader.type !== type || length !== nextLength(prng, longest)) {
      assert.fail(`record ${type} arrived as ${reader.type} with ${length} bytes`)
    }
    checkBytes(reader, type, length)
    total += length
    if (type % RELEASE_EVERY !== 0) continue
    reader.release()
    writer.ring()
  }
  assert.equal(reader.next(), false, 'nothing follows the last record')
  reader.release()
  return { parks: own.parks, bytes: total }
}

function checkBytes(reader: RingReader, type: number, length: number): void {
  const { bytes, start } = reader
  let wrong = 0
  for (let i = 0; i < length; i++) wrong |= (bytes[start + i] as number) ^ ((type + i) & 0xff)
  assert.equal(wrong, 0, `bytes of record ${type}`)
}

function parkOrFail(doorbell: Doorbell, hasWork: () => boolean): void {
  const startedMs = Date.now()
  while (!hasWork()) {
    doorbell.park(PARK_MS_MAX, hasWork)
    if (Date.now() - startedMs >= PARK_MS_MAX) assert.fail('a wake-up was lost')
  }
}

/** Records written and read by hand agree with the generated codecs. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EMPTY_BYTES } from '../../src/base/bytes.js'
import { crc32cUpdate } from '../../src/base/crc32c.js'
import { decodeEntry, decodeHardState, encodeConfState } from '../../src/proto/generated/raftpb.js'
import { decodeRecord, decodeSnapshot, encodeRecord } from '../../src/proto/generated/walpb.js'
import { RecordEncoder, RecordType } from '../../src/wal/wal-record.js'
import {
  EntryView, RecordView, frameBytes, readFrameLength, readHardState, readMetadata, readSnapshot,
} from '../../src/wal/wal-record-decoder.js'

interface Decoded {
  readonly type: number
  readonly crc: number
  readonly data: Uint8Array
}

/** Reads frames by the format's description, with the generated codec. */
function decodeFrames(bytes: Uint8Array): Decoded[] {
  const records: Decoded[] = []
  const length = { recordBytes: 0, paddingBytes: 0 }
  for (let at = 0; at < bytes.length; at += frameBytes(length)) {
    readFrameLength(bytes, at, length)
    assert.ok(length.recordBytes > 0, `a frame at ${at}`)
    records.push(decodeRecord(bytes, at + 8, at + 8 + length.recordBytes))
  }
  return records
}

const entries = fc.record({
  type: fc.nat(2),
  term: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  index: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  data: fc.uint8Array({ maxLength: 400 }),
})

test('entries come back through the generated codecs, each record 8-byte aligned and chained by CRC', () => {
  fc.assert(
    fc.property(fc.array(entries, { maxLength: 8 }), fc.nat(0xffff_ffff), (list, seed) => {
      const encoder = new RecordEncoder(64, seed)
      for (const { type, term, index, data } of list) encoder.entry(type, term, index, data, 0, data.length)
      assert.equal(encoder.length % 8, 0)
      const records = decodeFrames(encoder.bytes.slice(0, encoder.length))
      let crc = seed
      records.forEach((record, i) => {
        crc = crc32cUpdate(crc, record.data, 0, record.data.length)
        assert.equal(record.type, RecordType.entry)
        assert.equal(record.crc, crc)
        const decoded = decodeEntry(record.data)
        const { type, term, index, data } = list[i] as (typeof list)[number]
        assert.deepEqual([decoded.Type, decoded.Term, decoded.Index], [type, term, index])
        assert.deepEqual([...decoded.Data], [...data])
      })
      assert.equal(encoder.crc, crc)
    }),
  )
})

test('a record is byte for byte what the generated codec makes of the same fields', () => {
  const encoder = new RecordEncoder(64, 0)
  const data = new Uint8Array(300).fill(7)
  encoder.entry(0, 3, 70_000, data, 0, data.length)
  const frame = encoder.bytes.slice(0, encoder.length)
  const record = decodeFrames(frame)[0] as Decoded
  const expected = encodeRecord({ type: record.type, crc: record.crc, data: record.data })
  assert.deepEqual([...frame.subarray(8, 8 + expected.length)], [...expected])
  assert.ok(frame.subarray(8 + expected.length).every((byte) => byte === 0))
})

test('our decoders agree with the generated ones on states, snapshots and metadata', () => {
  const ids = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn })
  const counters = fc.nat({ max: Number.MAX_SAFE_INTEGER })
  fc.assert(
    fc.property(ids, ids, counters, counters, (a, b, term, index) => {
      const encoder = new RecordEncoder(64, 0)
      const confState = encodeConfState({ voters: [a, b] })
      encoder.state(term, a, index)
      encoder.snapshot(index, term, confState, 0, confState.length)
      encoder.metadata(a, b)
      const frames = encoder.bytes.slice(0, encoder.length)
      const [state, snapshot, metadata] = decodeFrames(frames) as [Decoded, Decoded, Decoded]
      assert.deepEqual(readHardState(state.data, 0, state.data.length), { term, vote: a, commit: index })
      assert.deepEqual(decodeHardState(state.data), { term, vote: a, commit: index })
      const read = readSnapshot(snapshot.data, 0, snapshot.data.length)
      assert.deepEqual([read?.index, read?.term, [...(read?.confState ?? [])]], [index, term, [...confState]])
      assert.deepEqual(decodeSnapshot(snapshot.data).conf_state?.voters, [a, b])
      assert.deepEqual(readMetadata(metadata.data, 0, metadata.data.length), { nodeId: a, clusterId: b })
    }),
  )
})

test('an entry without data takes no data field', () => {
  const encoder = new RecordEncoder(64, 0)
  encoder.entry(0, 2, 5, EMPTY_BYTES, 0, 0)
  const record = decodeFrames(encoder.bytes.slice(0, encoder.length))[0] as Decoded
  assert.deepEqual([...record.data], [0x08, 0, 0x10, 2, 0x18, 5])
  const view = new EntryView()
  assert.ok(view.read(record.data, 0, record.data.length))
  assert.deepEqual([view.type, view.term, view.index, view.dataEnd - view.dataStart], [0, 2, 5, 0])
})

test('arbitrary bytes are never taken for a record that runs past them', () => {
  const view = new RecordView()
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      if (view.read(bytes, 0, bytes.length)) assert.ok(view.dataStart <= view.dataEnd && view.dataEnd <= bytes.length)
    }),
  )
})

test('a length field that no writer writes is recognised', () => {
  const length = { recordBytes: 0, paddingBytes: 0 }
  const fieldOf = (...bytes: number[]): number => {
    readFrameLength(Uint8Array.from(bytes), 0, length)
    return length.recordBytes
  }
  assert.equal(fieldOf(0, 0, 0, 0, 0, 0, 0, 0), 0)
  assert.equal(fieldOf(16, 0, 0, 0, 0, 0, 0, 0), 16)
  assert.equal(fieldOf(15, 0, 0, 0, 0, 0, 0, 0x81), 15)
  assert.equal(fieldOf(15, 0, 0, 0, 0, 0, 0, 0), -1)
  assert.equal(fieldOf(15, 0, 0, 0, 0, 0, 0, 0x82), -1)
  assert.equal(fieldOf(16, 0, 0, 0, 1, 0, 0, 0), -1)
  assert.equal(fieldOf(16, 0, 0, 0x80, 0, 0, 0, 0), -1)
})

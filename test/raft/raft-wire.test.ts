/** Messages on the wire: the same as the generated codec writes and reads, for anything that a core may say. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeMessage, encodeMessage, type MessageInput } from '../../src/proto/generated/raftpb.js'
import { confStateOf } from '../../src/raft/core/conf-change.js'
import { placedEntry, type EntryType, type LogEntry } from '../../src/raft/core/raft-log.js'
import { MessageType, RaftMessage } from '../../src/raft/core/raft-message.js'
import { EntryArena } from '../../src/raft/entry-arena.js'
import { MessageReader, messageSize, writeMessage } from '../../src/raft/raft-wire.js'

const reader = new MessageReader(new EntryArena())

const ids = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n })
const safe = fc.oneof(fc.nat(200), fc.maxSafeNat())
const small = fc.nat(1000)

/** Entries as a leader sends them: without gaps, terms that do not fall and are not above its own. */
const appends = fc.record({
  to: ids, from: ids, index: small, logTerm: small, commit: safe,
  terms: fc.array(fc.nat(3), { maxLength: 8 }),
  datas: fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 8, maxLength: 8 }),
  types: fc.array(fc.constantFrom<EntryType>(0, 1, 2), { minLength: 8, maxLength: 8 }),
}).map(({ to, from, index, logTerm, commit, terms, datas, types }) => {
  let term = logTerm
  const entries = terms.map((step, i) => {
    term += step
    return placedEntry(term, index + 1 + i, types[i], datas[i])
  })
  const message = new RaftMessage(MessageType.append, to, from, term)
  return Object.assign(message, { index, logTerm, commit, entries })
})

const votes = fc.record({
  type: fc.constantFrom(MessageType.vote, MessageType.preVote),
  to: ids, from: ids, term: safe, index: safe, logTerm: safe, transfer: fc.boolean(),
}).map(({ type, to, from, term, ...fields }) => Object.assign(new RaftMessage(type, to, from, term), fields))

const answers = fc.record({
  type: fc.constantFrom(
    MessageType.appendResponse, MessageType.voteResponse, MessageType.preVoteResponse, MessageType.timeoutNow,
  ),
  to: ids, from: ids, term: safe, index: safe, logTerm: safe, reject: fc.boolean(), rejectHint: safe, commit: safe,
}).map(({ type, to, from, term, ...fields }) => Object.assign(new RaftMessage(type, to, from, term), fields))

const reads = fc.record({
  type: fc.constantFrom(MessageType.readIndex, MessageType.readIndexResponse),
  to: ids, from: ids, term: safe, index: safe,
  context: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), epoch: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
}).map(({ type, to, from, term, ...fields }) => Object.assign(new RaftMessage(type, to, from, term), fields))

const heartbeats = fc.record({
  type: fc.constantFrom(MessageType.heartbeat, MessageType.heartbeatResponse),
  to: ids, from: ids, term: safe, commit: safe, context: safe,
}).map(({ type, to, from, term, ...fields }) => Object.assign(new RaftMessage(type, to, from, term), fields))

const snapshots = fc.record({ to: ids, from: ids, term: safe, index: safe, snapshotTerm: safe, voters: fc.array(ids) })
  .map(({ to, from, term, index, snapshotTerm, voters }) =>
    Object.assign(new RaftMessage(MessageType.snapshot, to, from, term), {
      snapshot: { index, term: snapshotTerm, confState: confStateOf(voters) },
    }))

const messages = fc.oneof(appends, votes, answers, reads, heartbeats, snapshots)

function encode(message: RaftMessage): Uint8Array {
  const size = messageSize(message)
  // More room on both sides: what is written must stay inside.
  const bytes = new Uint8Array(size + 20).fill(0xee)
  assert.equal(writeMessage(bytes, 10, message), 10 + size)
  assert.ok(bytes.subarray(0, 10).every((byte) => byte === 0xee))
  assert.ok(bytes.subarray(10 + size).every((byte) => byte === 0xee))
  return bytes.slice(10, 10 + size)
}

function read(bytes: Uint8Array): RaftMessage | null {
  return reader.read(bytes, 0, bytes.length)
}

/** Nothing but fields that travel. */
function plain(message: RaftMessage): object {
  return {
    ...message,
    entries: message.entries.map(({ type, term, index, data }: LogEntry) => ({ type, term, index, data: [...data] })),
  }
}

test('what is written is read as it was', () => {
  fc.assert(fc.property(messages, (message) => {
    const back = read(encode(message))
    assert.ok(back !== null)
    assert.deepEqual(plain(back), plain(message))
  }))
})

test('the generated codec reads the same fields', () => {
  fc.assert(fc.property(messages, (message) => {
    const wire = decodeMessage(encode(message))
    const { type, to, from, term, logTerm, index, commit, reject, rejectHint } = message
    const { type: t, to: o, from: f, term: m, logTerm: l, index: i, commit: c, reject: r, rejectHint: h } = wire
    assert.deepEqual([t, o, f, m, l, i, c, r, h], [type, to, from, term, logTerm, index, commit, reject, rejectHint])
    assert.deepEqual(
      wire.entries.map((entry) => [entry.Type, entry.Term, entry.Index, [...entry.Data]]),
      message.entries.map((entry) => [entry.type, entry.term, entry.index, [...entry.data]]),
    )
    assert.equal(wire.snapshot?.metadata?.index, message.snapshot?.index)
    if (message.transfer) assert.equal(Buffer.from(wire.context).toString(), 'CampaignTransfer')
  }))
})

test('what the generated codec writes is read, zeros and all', () => {
  fc.assert(fc.property(appends, (message) => {
    const { type, to, from, term, logTerm, index, commit } = message
    const input: MessageInput = {
      type, to, from, term, logTerm, index, commit, reject: false, rejectHint: 0, vote: 0n,
      entries: message.entries.map((e) => ({ Type: e.type, Term: e.term, Index: e.index, Data: e.data })),
    }
    const back = read(encodeMessage(input))
    assert.ok(back !== null)
    assert.deepEqual(plain(back), plain(message))
  }))
})

test('forwarded proposals carry no places', () => {
  const message = new RaftMessage(MessageType.propose, 1n, 2n, 0)
  message.entries = [placedEntry(0, 0, 0, Buffer.from('a')), placedEntry(0, 0, 1, Buffer.from('b'))]
  const back = read(encode(message))
  assert.deepEqual(back?.entries.map(({ type, data }) => [type, Buffer.from(data).toString()]), [[0, 'a'], [1, 'b']])
})

test('bytes cut short or changed are no message or another one, and never an exception', () => {
  fc.assert(fc.property(messages, fc.nat(), fc.nat(255), (message, at, byte) => {
    const bytes = encode(message)
    read(bytes.subarray(0, at % (bytes.length + 1)))
    bytes[at % bytes.length] = byte
    read(bytes)
  }))
})

test('an append with a gap, a falling term or a term above its own is not taken', () => {
  const append = (...places: [number, number][]): RaftMessage | null => {
    const message = new RaftMessage(MessageType.append, 1n, 2n, 5)
    message.index = 10
    message.logTerm = 3
    message.entries = places.map(([term, index]) => placedEntry(term, index))
    return read(encode(message))
  }
  assert.ok(append([3, 11], [5, 12]) !== null)
  assert.equal(append([3, 12]), null)
  assert.equal(append([3, 11], [3, 13]), null)
  assert.equal(append([2, 11]), null)
  assert.equal(append([6, 11]), null)
})

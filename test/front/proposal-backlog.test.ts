/** Proposals wait, in order and within bounds, when the ring to raft is full. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Slice } from '../../src/base/slice.js'
import { ProposalBacklog } from '../../src/front/requests/proposal-backlog.js'
import { senderOf } from '../../src/messages/message-codec.js'
import { raftMessages } from '../../src/messages/raft-messages.js'
import { allocateRing } from '../../src/ring/ring-layout.js'
import { RingWriter } from '../../src/ring/ring-writer.js'
import { Mailbox } from '../mvcc/support/mailbox.js'

const PROPOSAL_BYTES = 400

function rig(bytesMax: number) {
  const memory = allocateRing(1024)
  const writer = new RingWriter(memory)
  return {
    backlog: new ProposalBacklog(senderOf(raftMessages, writer), bytesMax),
    writer,
    mailbox: new Mailbox(raftMessages, memory),
  }
}

function data(fill: number): Slice {
  return new Slice().at(new Uint8Array(PROPOSAL_BYTES).fill(fill), 0, PROPOSAL_BYTES)
}

test('what finds the ring full goes out later, in order, unchanged', () => {
  const { backlog, writer, mailbox } = rig(10 * PROPOSAL_BYTES)
  const sent: number[] = []
  for (let low = 1; low <= 6; low++) assert.ok(backlog.send(0, low, data(low)))
  for (let turn = 0; turn < 6; turn++) {
    writer.publish()
    for (const { requestLow, data: bytes } of mailbox.take()) {
      sent.push(requestLow as number)
      assert.deepEqual(bytes, new Uint8Array(PROPOSAL_BYTES).fill(requestLow as number))
    }
    backlog.retry(() => true)
  }
  assert.deepEqual(sent, [1, 2, 3, 4, 5, 6])
  assert.ok(backlog.isEmpty)
})

test('nothing is taken beyond the bound', () => {
  const { backlog } = rig(PROPOSAL_BYTES)
  let taken = 0
  while (backlog.send(0, taken, data(1))) taken++
  assert.ok(taken >= 2 && taken <= 3, `${taken} taken`)
  assert.equal(backlog.send(0, 99, data(1)), false)
})

test('a request that nobody waits for any more is left out', () => {
  const { backlog, writer, mailbox } = rig(10 * PROPOSAL_BYTES)
  for (let low = 1; low <= 5; low++) backlog.send(0, low, data(low))
  writer.publish()
  const before = mailbox.take().map(({ requestLow }) => requestLow)
  backlog.retry((_high, low) => low === 5)
  writer.publish()
  assert.deepEqual([...before, ...mailbox.take().map(({ requestLow }) => requestLow)], [...before, 5])
})

test('a later proposal does not overtake those that wait', () => {
  const { backlog, writer, mailbox } = rig(10 * PROPOSAL_BYTES)
  for (let low = 1; low <= 4; low++) backlog.send(0, low, data(low))
  writer.publish()
  mailbox.take()
  assert.ok(backlog.send(0, 5, data(5)))
  writer.publish()
  assert.deepEqual(mailbox.take(), [])
})

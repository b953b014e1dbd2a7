/** Which write brought an entry to disk, as mvcc reads it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  SyncTimesReader,
  SyncTimesWriter,
  allocateSyncTimes,
  type CommitTimesOfEntry,
} from '../../src/messages/sync-times.js'

function timesOf(sync: number): CommitTimesOfEntry {
  return { writeStartMs: 10 * sync, writtenMs: 10 * sync + 1, syncedMs: 10 * sync + 2, committedMs: 10 * sync + 3 }
}

function add(writer: SyncTimesWriter, index: number, sync: number): void {
  const times = timesOf(sync)
  writer.add(index, times, times.committedMs)
}

test('every entry gets the times of the first sync that covers it', () => {
  const memory = allocateSyncTimes()
  const writer = new SyncTimesWriter(memory)
  const reader = new SyncTimesReader(memory)
  add(writer, 3, 1)
  assert.deepEqual(reader.of(3), timesOf(1))
  add(writer, 7, 2)
  add(writer, 8, 3)
  assert.deepEqual([4, 5, 7, 8].map((index) => reader.of(index).writeStartMs), [20, 20, 20, 30])
})

test('an entry whose sync is forgotten gets the oldest that is known', () => {
  const memory = allocateSyncTimes()
  const writer = new SyncTimesWriter(memory)
  for (let sync = 1; sync <= 1000; sync++) add(writer, sync, sync)
  const reader = new SyncTimesReader(memory)
  assert.ok(reader.of(1).writeStartMs > 9000)
  assert.deepEqual(reader.of(1000), timesOf(1000))
})

test('an entry that is not on disk has no times', () => {
  const memory = allocateSyncTimes()
  const reader = new SyncTimesReader(memory)
  assert.equal(reader.of(1).syncedMs, 0)
  add(new SyncTimesWriter(memory), 3, 1)
  assert.equal(reader.of(2).syncedMs, 12)
  assert.deepEqual(reader.of(4), { writeStartMs: 0, writtenMs: 0, syncedMs: 0, committedMs: 0 })
})

test('log entries written again after a change of leader are found by their new sync', () => {
  const memory = allocateSyncTimes()
  const writer = new SyncTimesWriter(memory)
  add(writer, 9, 1)
  add(writer, 5, 2)
  add(writer, 6, 3)
  assert.deepEqual(new SyncTimesReader(memory).of(6), timesOf(3))
})

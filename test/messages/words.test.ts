/** Shared words and request ids. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FRONTS_MAX } from '../../src/config/limits.js'
import {
  firstSequence,
  memberPrefix,
  nextSequence,
  originOf,
  prefixOf,
  requestHigh,
  requestLow,
  sequenceOf,
} from '../../src/messages/request-id.js'
import { NOTHING_WANTED, SharedWords, Word, allocateWords } from '../../src/messages/shared-words.js'

test('each word holds its own value', () => {
  const memory = allocateWords()
  const [here, there] = [new SharedWords(memory), new SharedWords(memory)]
  const last = Word.compactedWanted + FRONTS_MAX - 1
  for (let word = 0; word <= last; word++) here.store(word, 1000 + word)
  for (let word = 0; word <= last; word++) assert.equal(there.load(word), 1000 + word)
})

test('the areas of the fronts do not overlap', () => {
  const single = Object.values(Word).filter((word) => word < Word.appliedWanted)
  assert.equal(new Set(single).size, single.length)
  const areas = [
    Word.appliedWanted, Word.readFloor, Word.stopRequested, Word.compactedWanted, Word.generationUsed,
  ].toSorted((a, b) => a - b)
  const last = [Word.answeredEarly, Word.stateMarks]
  assert.ok((last[1] as number) - (last[0] as number) >= FRONTS_MAX)
  areas.forEach((area, index) => assert.ok(index === 0 || area - (areas[index - 1] as number) >= FRONTS_MAX))
  assert.ok(Math.max(...single) < Math.min(...areas))
})

test('words keep safe integers, negative ones and 64-bit ids exactly', () => {
  const words = new SharedWords(allocateWords())
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value, id) => {
      words.store(Word.appliedIndex, value)
      assert.equal(words.load(Word.appliedIndex), value)
      words.storeId(Word.leaderId, id)
      assert.equal(words.loadId(Word.leaderId), id)
    }),
  )
})

test('differences from several threads add up', () => {
  const words = new SharedWords(allocateWords())
  words.add(Word.watcherCount, 5)
  words.add(Word.watcherCount, -3)
  assert.equal(words.load(Word.watcherCount), 2)
})

test('fresh words want nothing', () => {
  const words = new SharedWords(allocateWords())
  for (let front = 0; front < FRONTS_MAX; front++) {
    assert.equal(words.load(Word.appliedWanted + front), NOTHING_WANTED)
    assert.equal(words.load(Word.readFloor + front), NOTHING_WANTED)
    assert.equal(words.load(Word.compactedWanted + front), NOTHING_WANTED)
    assert.equal(words.load(Word.stopRequested + front), 0)
  }
})

test('a request id gives back what it was made of', () => {
  const ids = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
  fc.assert(
    fc.property(ids, fc.nat(255), fc.nat(2 ** 40 - 1), (memberId, origin, sequence) => {
      const high = requestHigh(memberPrefix(memberId), origin, sequence)
      const low = requestLow(sequence)
      assert.equal(prefixOf(high), Number(memberId & 0xffffn))
      assert.equal(originOf(high), origin)
      assert.equal(sequenceOf(high, low), sequence)
    }),
  )
})

test('sequences run on to their modulus and begin again, and a later start begins higher', () => {
  assert.equal(nextSequence(2 ** 40 - 1), 0)
  assert.equal(nextSequence(5), 6)
  const start = 1_700_000_000_000
  assert.ok(firstSequence(start) < 2 ** 40)
  assert.equal(firstSequence(start + 1) - firstSequence(start), 256)
})

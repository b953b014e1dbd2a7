/** How far anybody may have been told, asked while mvcc and wal go on: in every order of their steps and looks. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allocateWords, SharedWords, Word } from '../../src/messages/shared-words.js'
import { tellEarly, toldIndex, toldRevision } from '../../src/messages/told-early.js'

/** Entry 5 made revision 10, is durable and was told; the store is still at revision 9. */
function toldTen(): SharedWords {
  const words = new SharedWords(allocateWords())
  words.store(Word.appliedIndex, 4)
  words.store(Word.currentRevision, 9)
  tellEarly(words, 5, 10)
  words.store(Word.durableIndex, 5)
  return words
}

/** What is stored next: the store commits entry 5, mvcc applies entry 6, wal has it on disk. */
const STEPS: readonly (readonly [number, number])[] = [
  [Word.currentRevision, 10],
  [Word.appliedIndex, 5],
  [Word.toldEarly, Number.MAX_SAFE_INTEGER],
  [Word.toldEarlyRevision, 11],
  [Word.toldEarly, 6],
  [Word.durableIndex, 6],
]

/** Runs `ask` for each way in which the steps may fall before, between and after its loads. */
function inEveryOrder(ask: (words: SharedWords, taken: () => number) => void): number {
  let orders = 0
  const go = (before: readonly number[]): void => {
    const words = toldTen()
    const { load } = words
    let taken = 0
    let loads = 0
    words.load = (word) => {
      const until = before[loads] ?? STEPS.length
      loads++
      for (; taken < until; taken++) words.store(...(STEPS[taken] as readonly [number, number]))
      return load.call(words, word)
    }
    ask(words, () => taken)
    orders++
    if (before.length >= loads) return
    for (let until = before.at(-1) ?? 0; until <= STEPS.length; until++) go([...before, until])
  }
  go([])
  return orders
}

test('the revision is never older than what was told before, nor one that is not durable', () => {
  const orders = inEveryOrder((words, taken) => {
    const told = toldRevision(words)
    assert.ok(told === 10 || (told === 11 && taken() === STEPS.length), `${told} after ${taken()} steps`)
  })
  assert.ok(orders > 100, `${orders} orders`)
})

test('a snapshot of the index, or one taken after it was asked, has what was told', () => {
  inEveryOrder((words) => {
    const index = toldIndex(words)
    assert.ok(index >= 5 || words.load(Word.currentRevision) >= 10, `index ${index}`)
  })
})

/**
 * The checker itself: histories known to be right, histories known to be wrong, and both against
 * brute force.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  kvModel,
  type KvInput,
  type KvOp,
  type KvOutput,
} from '../../../src/sim/checkers/kv-model.js'
import { searchOrder, type Operation } from '../../../src/sim/checkers/linearizability.js'
import { checkParts, describeViolation } from '../../../src/sim/checkers/violation.js'
import { acceptsByBruteForce, randomHistory, runInOrder } from './random-history.js'

type KvOperation = Operation<KvInput, KvOutput>

const put = (key: string, value: string): KvInput => ({ success: [{ kind: 'put', key, value }] })
const get = (key: string): KvInput => ({ success: [{ kind: 'get', key }] })
const remove = (key: string): KvInput => ({ success: [{ kind: 'delete', key }] })
const swap = (key: string, from: string, to: string): KvInput => ({
  compares: [{ key, target: 'value', equals: from }],
  success: [{ kind: 'put', key, value: to }],
})
const wrote: KvOutput = { succeeded: true, answers: [{ kind: 'put' }] }
const refused: KvOutput = { succeeded: false, answers: [] }
const saw = (value: string | undefined): KvOutput => ({
  succeeded: true,
  answers: [{ kind: 'get', value }],
})

/** One operation over the time [from, to]. */
function at(from: number, to: number, input: KvInput, output: KvOutput | undefined): KvOperation {
  return { client: 0, input, output, invokedAt: from, returnedAt: to }
}

function verdictOf(history: readonly KvOperation[]): string {
  return searchOrder(history, kvModel()).verdict
}

test('reads that follow their writes are linearizable', () => {
  const history = [
    at(0, 1, put('a', '1'), wrote),
    at(2, 3, get('a'), saw('1')),
    at(4, 5, remove('a'), { succeeded: true, answers: [{ kind: 'delete', deleted: 1 }] }),
    at(6, 7, get('a'), saw(undefined)),
  ]
  assert.equal(verdictOf(history), 'linearizable')
})

test('a read that overlaps a write may see either value', () => {
  const write = [at(0, 1, put('a', '1'), wrote), at(2, 10, put('a', '2'), wrote)]
  assert.equal(
    verdictOf([...write, at(3, 4, get('a'), saw('1')), at(5, 6, get('a'), saw('2'))]),
    'linearizable',
  )
})

test('a read that goes back to the old value after a newer one was seen is refused', () => {
  const history = [
    at(0, 1, put('a', '1'), wrote),
    at(2, 10, put('a', '2'), wrote),
    at(3, 4, get('a'), saw('2')),
    at(5, 6, get('a'), saw('1')),
  ]
  assert.equal(verdictOf(history), 'violation')
})

test('a stale read after an acknowledged write is refused', () => {
  const history = [
    at(0, 1, put('a', '1'), wrote),
    at(2, 3, put('a', '2'), wrote),
    at(4, 5, get('a'), saw('1')),
  ]
  assert.equal(verdictOf(history), 'violation')
})

test('a lost acknowledged write is refused', () => {
  assert.equal(
    verdictOf([at(0, 1, put('a', '1'), wrote), at(2, 3, get('a'), saw(undefined))]),
    'violation',
  )
})

test('a read of a value that nobody wrote is refused', () => {
  assert.equal(
    verdictOf([at(0, 1, put('a', '1'), wrote), at(0, 3, get('a'), saw('9'))]),
    'violation',
  )
})

test('a write of unknown outcome may take effect late, or never, but not before its call', () => {
  const lost = at(0, 0, put('a', '1'), undefined)
  assert.equal(
    verdictOf([lost, at(2, 3, get('a'), saw(undefined)), at(4, 5, get('a'), saw('1'))]),
    'linearizable',
  )
  assert.equal(verdictOf([lost, at(2, 3, get('a'), saw(undefined))]), 'linearizable')
  assert.equal(
    verdictOf([at(4, 0, put('a', '1'), undefined), at(2, 3, get('a'), saw('1'))]),
    'violation',
  )
})

test('a write of unknown outcome takes effect at most once', () => {
  const history = [
    at(0, 0, put('a', '1'), undefined),
    at(1, 2, get('a'), saw('1')),
    at(3, 4, put('a', '2'), wrote),
    at(5, 6, get('a'), saw('1')),
  ]
  assert.equal(verdictOf(history), 'violation')
})

test('two swaps from the same value cannot both succeed', () => {
  const start = at(0, 1, put('a', '0'), wrote)
  const first = at(2, 9, swap('a', '0', '1'), wrote)
  assert.equal(verdictOf([start, first, at(3, 8, swap('a', '0', '2'), wrote)]), 'violation')
  assert.equal(verdictOf([start, first, at(3, 8, swap('a', '0', '2'), refused)]), 'linearizable')
})

test('a compare of a missing key by value is false and by version is true at zero', () => {
  const byVersion: KvInput = {
    compares: [{ key: 'a', target: 'version', equals: 0 }],
    success: [{ kind: 'put', key: 'a', value: '1' }],
  }
  assert.equal(
    verdictOf([at(0, 1, swap('a', '', '1'), refused), at(2, 3, byVersion, wrote)]),
    'linearizable',
  )
  assert.equal(verdictOf([at(0, 1, swap('a', '', '1'), wrote)]), 'violation')
})

test('half of a transaction is refused', () => {
  const both: KvInput = {
    success: [
      { kind: 'put', key: 'a', value: 't' },
      { kind: 'put', key: 'b', value: 't' },
    ],
  }
  const read: KvInput = {
    success: [
      { kind: 'get', key: 'a' },
      { kind: 'get', key: 'b' },
    ],
  }
  const seen = (a: string | undefined, b: string | undefined): KvOutput => ({
    succeeded: true,
    answers: [
      { kind: 'get', value: a },
      { kind: 'get', value: b },
    ],
  })
  const unknown = at(0, 0, both, undefined)
  assert.equal(verdictOf([unknown, at(1, 2, read, seen('t', undefined))]), 'violation')
  assert.equal(verdictOf([unknown, at(1, 2, read, seen('t', 't'))]), 'linearizable')
  assert.equal(verdictOf([unknown, at(1, 2, read, seen(undefined, undefined))]), 'linearizable')
})

test('revisions must grow with the order of writes', () => {
  const withRevision = (revision: number): KvOutput => ({ ...wrote, revision })
  const first = at(0, 1, put('a', '1'), withRevision(5))
  assert.equal(verdictOf([first, at(2, 3, put('a', '2'), withRevision(6))]), 'linearizable')
  assert.equal(verdictOf([first, at(2, 3, put('a', '2'), withRevision(5))]), 'violation')
  assert.equal(verdictOf([first, at(2, 3, put('a', '2'), withRevision(4))]), 'violation')
})

test('the revision of a write of unknown outcome is learned from its first read and held', () => {
  const read = (modRevision: number): KvOutput => ({
    succeeded: true,
    answers: [{ kind: 'get', value: '2', version: 2, modRevision }],
  })
  const start = [
    at(0, 1, put('a', '1'), { ...wrote, revision: 5 }),
    at(2, 0, put('a', '2'), undefined),
  ]
  assert.equal(
    verdictOf([...start, at(3, 4, get('a'), read(8)), at(5, 6, get('a'), read(8))]),
    'linearizable',
  )
  assert.equal(
    verdictOf([...start, at(3, 4, get('a'), read(8)), at(5, 6, get('a'), read(9))]),
    'violation',
  )
  assert.equal(verdictOf([...start, at(3, 4, get('a'), read(5))]), 'violation')
})

test('a swap by revision against an unknown revision may have taken effect or not', () => {
  const byRevision: KvInput = {
    compares: [{ key: 'a', target: 'modRevision', equals: 7 }],
    success: [{ kind: 'put', key: 'a', value: '2' }],
  }
  const start = [
    at(0, 0, put('a', '1'), undefined),
    at(1, 2, get('a'), saw('1')),
    at(3, 0, byRevision, undefined),
  ]
  assert.equal(verdictOf([...start, at(4, 5, get('a'), saw('2'))]), 'linearizable')
  assert.equal(verdictOf([...start, at(4, 5, get('a'), saw('1'))]), 'linearizable')
})

test('a search that needs more steps than allowed answers undecided', () => {
  const writes = Array.from({ length: 12 }, (_, i) => at(0, 100, put('a', `${i}`), wrote))
  const impossible = at(101, 102, get('a'), saw('none'))
  assert.equal(
    searchOrder([...writes, impossible], kvModel(), { stepsMax: 50 }).verdict,
    'undecided',
  )
})

test('a violation names its part, the answer nobody can explain, and what overlapped it', () => {
  const stale = at(8, 9, get('a'), saw('1'))
  const overlapping = at(7, 12, put('a', '3'), wrote)
  const history = [
    at(0, 1, put('a', '1'), wrote),
    at(0, 1, put('b', '1'), wrote),
    at(2, 3, put('a', '2'), wrote),
    stale,
    overlapping,
    at(20, 21, get('a'), saw('3')),
  ]
  const verdict = checkParts(
    history,
    (input) => (input.success[0] as KvOp).key,
    () => kvModel(),
  )
  assert.equal(verdict.verdict, 'violation')
  assert.ok(verdict.verdict === 'violation')
  assert.equal(verdict.part, 'a')
  assert.equal(verdict.culprit, stale)
  assert.deepEqual(verdict.overlapping, [overlapping])
  assert.deepEqual(
    verdict.orderBefore.map((operation) => operation.input),
    [put('a', '1'), put('a', '2')],
  )
  assert.match(describeViolation(verdict), /no order explains this answer:\n.*"get"/u)
})

test('histories of a real store with random overlap are accepted', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const history = randomHistory({
        seed,
        operations: 60,
        clients: 6,
        keys: 3,
        unknownChance: 0.1,
      })
      assert.equal(verdictOf(history), 'linearizable')
    }),
    { numRuns: 200 },
  )
})

test('with one read changed, checker and brute force agree on small histories', () => {
  let refusedCount = 0
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const history = randomHistory({
        seed,
        operations: 6,
        clients: 3,
        keys: 2,
        unknownChance: 0.15,
        mutate: true,
      })
      const expected = acceptsByBruteForce(history, kvModel()) ? 'linearizable' : 'violation'
      if (expected === 'violation') refusedCount++
      assert.equal(verdictOf(history), expected)
    }),
    { numRuns: 600 },
  )
  assert.ok(refusedCount > 50, `only ${refusedCount} histories were truly wrong`)
})

test('an order that the checker gives replays to its answers', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const history = randomHistory({
        seed,
        operations: 40,
        clients: 5,
        keys: 2,
        unknownChance: 0.1,
      })
      const result = searchOrder(history, kvModel())
      assert.ok(result.verdict === 'linearizable')
      assert.ok(runInOrder(history, result.order, kvModel()))
    }),
    { numRuns: 100 },
  )
})

test('two thousand operations by eight clients are decided within the step bound', () => {
  const history = randomHistory({
    seed: 7,
    operations: 2000,
    clients: 8,
    keys: 1,
    unknownChance: 0.004,
  })
  assert.equal(verdictOf(history), 'linearizable')
})

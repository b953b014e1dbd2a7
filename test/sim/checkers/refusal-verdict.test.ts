/** What a member with a damaged log may end with. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusalProblem } from '../../../src/sim/checkers/refusal-verdict.js'

const nameOf = (sequence: number): string => `000000000000000${sequence}-0000000000000001.wal`
const corrupt = (sequence: number): string =>
  `Error: corrupt write-ahead log: /disk/wal/${nameOf(sequence)} at offset 512: CRC mismatch\n    at recover`

const DAMAGE = { name: nameOf(2), start: 512 }

test('an error that names the damaged file and an offset, or a later file, is a refusal', () => {
  assert.equal(refusalProblem(corrupt(2), DAMAGE), null)
  assert.equal(refusalProblem(corrupt(3), DAMAGE), null)
  const incomplete = 'Error: incomplete write-ahead log in /disk/wal: entries 1 to 3 are missing'
  assert.equal(refusalProblem(incomplete, DAMAGE), null)
})

test('an earlier file, no offset or another error is none', () => {
  assert.match(String(refusalProblem(corrupt(1), DAMAGE)), /is bad, and the member ends otherwise/)
  assert.notEqual(refusalProblem(corrupt(2).replace('512', ''), DAMAGE), null)
  assert.notEqual(refusalProblem('Error: entry 7 after entry 5', DAMAGE), null)
})

/** Which answers to a change of members are right, when not all is known of what the one that was asked has seen. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  reconfigProblem, type ReconfigEnd, type ReconfigKind, type VoterSeen,
} from '../../../src/sim/checkers/reconfig-verdict.js'

const YES = { surely: true, maybe: true }
const MAYBE = { surely: false, maybe: true }
const NO = { surely: false, maybe: false }

function voter(given: Partial<VoterSeen>): VoterSeen {
  return { isTarget: false, isAsked: false, isStarted: true, connected: YES, lasting: YES, ...given }
}

const asked = voter({ isAsked: true, connected: NO, lasting: NO })
const well = voter({})
const fresh = voter({ lasting: NO })
const unsure = voter({ lasting: MAYBE })
const down = voter({ connected: NO, lasting: NO })
const ENDS: readonly ReconfigEnd[] = ['accepted', 'unhealthy', 'notEnoughStarted']

/** The answers that are right. */
function allowed(kind: ReconfigKind, voters: readonly VoterSeen[], isStrict = true): string {
  return ENDS.filter((end) => reconfigProblem(kind, voters, { end, isStrict }) === null).join(' ')
}

const target = (it: VoterSeen): VoterSeen => ({ ...it, isTarget: true })

test('a learner may join when enough have been connected for long for a majority with one more that is down', () => {
  assert.equal(allowed('addLearner', [asked, well, well]), 'accepted')
  assert.equal(allowed('addLearner', [asked, well, fresh]), 'unhealthy')
  assert.equal(allowed('addLearner', [asked, well, unsure]), 'accepted unhealthy')
  assert.equal(allowed('addLearner', [asked, well]), 'accepted')
  assert.equal(allowed('addLearner', [asked]), 'accepted')
})

test('a voter may go when the others make a majority without it, and one that is down may go at any time', () => {
  assert.equal(allowed('remove', [asked, well, target(well), well]), 'accepted')
  assert.equal(allowed('remove', [asked, fresh, target(well)]), 'unhealthy')
  assert.equal(allowed('remove', [asked, fresh, target(down)]), 'accepted')
  assert.equal(allowed('remove', [target(asked), well, well]), 'accepted')
  assert.equal(allowed('remove', [target(asked), well, fresh]), 'unhealthy')
  assert.equal(allowed('remove', [asked, fresh, target({ ...fresh, connected: MAYBE })]), 'accepted unhealthy')
  assert.equal(allowed('remove', [asked, fresh, fresh]), 'accepted')
})

test('only members that have started make a majority', () => {
  const nameless = voter({ isStarted: false })
  assert.equal(allowed('promote', [asked, nameless, nameless, well]), 'accepted')
  assert.equal(allowed('promote', [asked, nameless, nameless, nameless]), 'notEnoughStarted')
  assert.equal(allowed('remove', [asked, nameless, target(well)]), 'notEnoughStarted')
  assert.equal(allowed('remove', [target(asked)]), 'notEnoughStarted')
})

test('without the check all is accepted but the removal of the last voter', () => {
  assert.equal(allowed('addLearner', [asked, down, down], false), 'accepted')
  assert.equal(allowed('remove', [asked, down, target(well)], false), 'accepted')
  assert.equal(allowed('remove', [target(asked)], false), 'notEnoughStarted')
})

test('a wrong answer is told with what was seen', () => {
  const problem = reconfigProblem('remove', [asked, fresh, target(unsure)], { end: 'notEnoughStarted', isStrict: true })
  assert.equal(problem, 'remove with 3 voters (asked yes/no yes/maybe) ends with notEnoughStarted, not with unhealthy')
})

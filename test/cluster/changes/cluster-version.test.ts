/** Which version a cluster agrees on, by those of its members. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDowngraded, nextClusterVersion } from '../../../src/cluster/changes/cluster-version.js'

const NONE = { enabled: false, targetVersion: '' }
const TO_36 = { enabled: true, targetVersion: '3.6.0' }

function next(current: string | null, versions: readonly (string | null)[], downgrade = NONE): string | null {
  return nextClusterVersion({ current, downgrade, versions })
}

test('a new cluster takes the lowest version, or the least of all while somebody is silent', () => {
  assert.equal(next(null, ['3.7.1']), '3.7.0')
  assert.equal(next(null, ['3.7.1', '3.6.11', '3.7.0']), '3.6.0')
  assert.equal(next(null, ['3.7.1', null]), '3.0.0')
})

test('it is raised when the last old member has gone, and never lowered by itself', () => {
  assert.equal(next('3.0.0', ['3.7.1', null]), null)
  assert.equal(next('3.0.0', ['3.7.1', '3.7.1']), '3.7.0')
  assert.equal(next('3.6.0', ['3.7.1', '3.6.11']), null)
  assert.equal(next('3.6.0', ['3.7.1', '3.7.1']), '3.7.0')
  assert.equal(next('3.7.0', ['3.7.1', '3.6.11']), null)
  assert.equal(next('3.9.0', ['3.10.2']), '3.10.0')
})

test('a downgrade lowers it once, and holds it there until all run the lower version', () => {
  assert.equal(next('3.7.0', ['3.7.1', '3.7.1'], TO_36), '3.6.0')
  assert.equal(next('3.6.0', ['3.7.1', '3.7.1'], TO_36), null)
  assert.equal(next('3.7.0', ['3.7.1', '3.5.0'], TO_36), null)
  const isDone = (versions: (string | null)[]) => isDowngraded({ current: '3.6.0', downgrade: TO_36, versions })
  assert.equal(isDone(['3.7.1', '3.6.11']), false)
  assert.equal(isDone(['3.6.11', null]), false)
  assert.equal(isDone(['3.6.11', '3.6.0']), true)
  assert.equal(isDowngraded({ current: '3.7.0', downgrade: NONE, versions: ['3.7.1'] }), false)
})

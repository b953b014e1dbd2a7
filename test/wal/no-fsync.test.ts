/** What --unsafe-no-fsync leaves out: the system's calls are counted, and the log comes back all the same. */

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { after, beforeEach, test } from 'node:test'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { WalDirectory } from '../../src/wal/wal-file.js'
import { WalRig } from './wal-rig.js'

const { fsyncSync, fdatasyncSync } = fs
let syncs = 0
fs.fsyncSync = (descriptor) => {
  syncs++
  fsyncSync(descriptor)
}
fs.fdatasyncSync = (descriptor) => {
  syncs++
  fdatasyncSync(descriptor)
}
syncBuiltinESMExports()

const directory = temporaryDirectory()
after(() => directory.remove())
beforeEach(() => {
  syncs = 0
})

/** Makes a log and appends to it. Whether there was a sync to make it, and one for the entry. */
function syncsOf(noFsync: boolean): boolean[] {
  const path = directory.path(`wal-${noFsync}`)
  const rig = new WalRig(new WalDirectory(path, { noFsync }), { noFsync }).start()
  const made = syncs
  rig.append(1, 1, 'one').state(1, 1n, 0).flush()
  rig.run()
  assert.deepEqual(rig.raft.durables, [1])
  const appended = syncs
  const again = new WalRig(new WalDirectory(path, { noFsync }), { noFsync }).start()
  assert.deepEqual(again.raft.entries.map(({ data }) => data), ['one'])
  return [made > 0, appended > made]
}

test('with --unsafe-no-fsync no file of the log is synced', () => {
  assert.deepEqual(syncsOf(true), [false, false])
})

test('without it the log is synced when it is made and for each entry', () => {
  assert.deepEqual(syncsOf(false), [true, true])
})

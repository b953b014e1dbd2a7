/** Logs of every format that was ever released still open, and go on. */

import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { WalDirectory } from '../../src/wal/wal-file.js'
import { FIXTURE_OPTIONS, WalRig } from './wal-rig.js'

const FIXTURES = fileURLToPath(new URL('../../../test/fixtures', import.meta.url))
const MEMBER = 0x8e9e_05c5_2164_694dn

const formats = readdirSync(FIXTURES).filter((name) => name.startsWith('wal-format-'))

test('there is a fixture', () => {
  assert.ok(formats.length > 0)
})

for (const format of formats) {
  test(`the log in ${format} opens with all that it held and takes new entries`, (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'raftring-fixture-'))
    t.after(() => rmSync(directory, { recursive: true, force: true }))
    cpSync(join(FIXTURES, format), directory, { recursive: true })
    const expected = JSON.parse(readFileSync(join(directory, 'expected.json'), 'utf8')) as object
    const device = new WalDirectory(directory, { noFsync: true })
    const rig = new WalRig(device, FIXTURE_OPTIONS).start()
    const { entries, recovered } = rig.raft
    assert.deepEqual({ entries, recovered: { ...recovered, vote: String(recovered?.vote) } }, expected)
    const next = (entries.at(-1)?.index as number) + 1
    rig.append(next, 9, 'new').state(9, MEMBER, next).flush()
    rig.run()
    rig.close()
    const again = new WalRig(device, FIXTURE_OPTIONS).start()
    assert.equal(again.raft.entries.at(-1)?.data, 'new')
    assert.equal(again.raft.entries.length, entries.length + 1)
  })
}

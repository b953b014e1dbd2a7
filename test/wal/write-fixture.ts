/**
 * Writes the log that `fixture.test.ts` opens: run once for each format, `node dist/test/wal/write-fixture.js <empty
 * directory>`, and kept for good. What a start must make of it goes beside it, as `expected.json`.
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { WalDirectory } from '../../src/wal/wal-file.js'
import { scriptOptions } from '../../scripts/support/script-options.js'
import { FIXTURE_OPTIONS, WalRig } from './wal-rig.js'

const { words: [directory = ''] } = scriptOptions({
  does: 'Writes the log of a fixture, and what a start must make of it.',
  words: { names: 'DIRECTORY', min: 1, max: 1, text: 'an empty one' },
})

const MEMBER = 0x8e9e_05c5_2164_694dn

const rig = new WalRig(new WalDirectory(directory, { noFsync: false }), FIXTURE_OPTIONS).start()
rig.appendBytes(1, 1, 1, Buffer.from('a configuration change')).state(1, 0n, 1).flush()
rig.run()
rig.append(2, 2, '').state(2, MEMBER, 1).flush()
rig.run()
for (let index = 3; index <= 40; index++) {
  rig.append(index, 2, `entry ${index} `.padEnd(index * 12, 'abcdefghij')).state(2, MEMBER, index - 1).flush()
  rig.run()
  rig.run()
}
rig.snapshot(20, 2, 'a configuration').flush()
rig.run()
rig.append(41, 2, 'replaced').append(42, 2, 'gone').state(2, MEMBER, 40).flush()
rig.run()
rig.append(41, 3, 'in its place').state(3, MEMBER, 40).flush()
rig.run()
rig.state(3, MEMBER, 41, false)
rig.run()
rig.close()

const { entries, recovered } = new WalRig(new WalDirectory(directory, { noFsync: true }), FIXTURE_OPTIONS).start().raft
const expected = { entries, recovered: { ...recovered, vote: String(recovered?.vote) } }
writeFileSync(join(directory, 'expected.json'), `${JSON.stringify(expected, null, 2)}\n`)

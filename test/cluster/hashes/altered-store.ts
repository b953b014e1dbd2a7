/** What a disk does that invents bits: a value that a test has put is another one in the store of a stopped member. */

import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClusterMember } from '../../support/cluster/cluster-process.js'

/** Long and strange enough to be nothing else in the file. Both are of the same length. */
export const GOOD_VALUE = Buffer.from('what was put, written as it was put')
export const BAD_VALUE = Buffer.from('what was not, but stands there now!')

export function replaceValue(member: ClusterMember, from: Buffer, to: Buffer): void {
  assert.equal(from.length, to.length)
  const [directory, suffix] = member.spec.kind === 'etcd' ? ['snap', 'db'] : ['store', '.mdb']
  const storeDir = join(member.spec.dataDir, 'member', directory as string)
  const files = readdirSync(storeDir).filter((file) => file.endsWith(suffix as string))
  let replaced = 0
  for (const file of files) {
    const path = join(storeDir, file)
    const bytes = readFileSync(path)
    for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) {
      to.copy(bytes, at)
      replaced++
    }
    writeFileSync(path, bytes)
  }
  assert.ok(replaced > 0, 'the store holds the value')
}

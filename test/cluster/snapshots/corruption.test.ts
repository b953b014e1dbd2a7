/** A member whose store is another than the others' is named, raises the alarm, and serves no reads. */

import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'node:test'
import { STATE_MARK_ENTRIES } from '../../../src/messages/state-marks.js'
import { ClusterProcess, type ClusterMember } from '../../support/cluster/cluster-process.js'
import { errorOf } from '../../support/expect.js'

const VALUE = Buffer.from('v')
const CORRUPT = 'DataLoss etcdserver: corrupt cluster'
const TRIES_MAX = 200
/** The state row: fourteen numbers, of which the first is the format and the last what is folded. */
const ROW_BYTES = 14 * 8
const HASH_AT = 13 * 8
const FORMAT = Buffer.alloc(8)
FORMAT.writeDoubleLE(2)

async function putMany(member: ClusterMember, count: number): Promise<void> {
  for (let i = 0; i < count; i += 64) {
    await Promise.all(Array.from({ length: 64 }, (_, at) =>
      member.client.put({ key: Buffer.from(`key ${i + at}`), value: VALUE })))
  }
}

/** What a disk does that forgets or invents bits: the hash of every state row in the store file is another. */
function corrupt(storeDir: string): void {
  const name = readdirSync(storeDir).find((file) => file.endsWith('.mdb')) as string
  const path = join(storeDir, name)
  const bytes = readFileSync(path)
  let rows = 0
  for (let at = bytes.indexOf(FORMAT); at >= 0; at = bytes.indexOf(FORMAT, at + 1)) {
    if (at + ROW_BYTES > bytes.length) break
    const numbers = Array.from({ length: 14 }, (_, i) => bytes.readDoubleLE(at + 8 * i))
    const isState = numbers.every((number) => Number.isInteger(number) && Math.abs(number) < 2 ** 53) &&
      (numbers[1] as number) > 0 && (numbers[3] as number) > 1 && Math.abs(numbers[13] as number) > 1
    if (!isState) continue
    bytes.writeDoubleLE((numbers[13] as number) ^ 2, at + HASH_AT)
    rows++
  }
  assert.ok(rows > 0, 'the store has a state row')
  writeFileSync(path, bytes)
}

test('the member that differs is named, and serves no reads', async () => {
  await ClusterProcess.with({ size: 3 }, async (cluster) => {
    const leader = await cluster.leader()
    await putMany(leader, STATE_MARK_ENTRIES / 2)
    const sick = cluster.members.find((member) => member !== leader) as ClusterMember
    await sick.stop()
    corrupt(join(sick.spec.dataDir, 'member', 'store'))
    await sick.start()
    // With the alarm raised, as soon as there is a mark, puts are refused.
    await putMany(leader, STATE_MARK_ENTRIES).catch((error: unknown) => assert.match(String(error), /corrupt cluster/))
    const read = { key: Buffer.from('key 1'), serializable: true }
    for (let tries = 0; (await errorOf(sick.client.range(read))) !== CORRUPT; tries++) {
      assert.ok(tries < TRIES_MAX, `it was never fenced\n${cluster.logs()}`)
      await delay(100)
    }
    assert.equal(await errorOf(sick.client.range({ key: Buffer.from('key 1') })), CORRUPT)
    for (const member of cluster.members) {
      if (member !== sick) assert.equal(await errorOf(member.client.range(read)), 'no error')
    }
    assert.match(leader.server.log, /a member has another state than the others/)
    const { errors } = await leader.client.status()
    assert.ok(errors.some((error) => /alarm:CORRUPT/.test(error)), errors.join())
  })
})

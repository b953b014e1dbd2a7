/** Hashes of the keys at the last revisions, of both servers. */

import { strict as assert } from 'node:assert'
import { MaintenanceClient } from '../../space/maintenance-client.js'
import type { EtcdClient } from '../../support/etcd-client.js'
import { revisionOf } from '../../support/expect.js'

const REVISIONS_MAX = 300

/** Of those that can be asked for, and that etcd 3.4 answers: not the compact revision itself. */
export async function compareHashes(clients: readonly [EtcdClient, EtcdClient]): Promise<void> {
  const asked = clients.map((client) => new MaintenanceClient(client))
  const now = revisionOf(await clients[0].range({ key: 'none' }))
  const compactRevision = (await asked[0]?.hashKv(0))?.compactRevision ?? 0
  for (let revision = now; revision > Math.max(compactRevision, now - REVISIONS_MAX); revision--) {
    const answers = await Promise.all(asked.map((client) => client.hashKv(revision)))
    const [expected, found] = answers.map((answer) => [answer.hash, answer.compactRevision])
    assert.deepEqual(found, expected, `revision ${revision}, compacted to ${compactRevision}`)
  }
}

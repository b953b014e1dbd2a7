/** What the data directories kept under test/fixtures hold. Never changed once a directory is kept. */

import { strict as assert } from 'node:assert'
import type { EtcdClient } from '../support/etcd-client.js'

export const LEASE_ID = 0x1234_5678n
const LEASE_SECONDS = 900_000_000
const LONG_KEY = 'long/'.padEnd(3000, 'x')
const bytes = (text: string): Buffer => Buffer.from(text)

/** Ends with changes that only the log has: the caller waits for a checkpoint at `halfway`. */
export async function fill(client: EtcdClient, halfway: () => Promise<void>): Promise<void> {
  await client.leaseGrant({ id: LEASE_ID, ttl: LEASE_SECONDS })
  for (let i = 0; i < 50; i++) await client.put({ key: bytes(`key/${i % 10}`), value: bytes(`value ${i}`) })
  await client.put({ key: bytes(LONG_KEY), value: bytes('of a long key') })
  await client.put({ key: bytes('leased'), value: bytes('lives long'), lease: LEASE_ID })
  await client.deleteRange({ key: bytes('key/3') })
  await client.compact({ revision: 20 })
  await halfway()
  await client.put({ key: bytes('after'), value: bytes('the checkpoint') })
  await client.deleteRange({ key: bytes('key/4') })
}

export async function check(client: EtcdClient): Promise<void> {
  const all = await client.range({ key: bytes('\0'), rangeEnd: bytes('\0') })
  assert.equal(all.header?.revision, 56)
  assert.deepEqual(
    all.kvs.map(({ key, value, version, createRevision, modRevision }) =>
      [Buffer.from(key).toString(), Buffer.from(value).toString(), version, createRevision, modRevision].map(String),
    ),
    [
      ['after', 'the checkpoint', '1', '55', '55'],
      ...[0, 1, 2, 5, 6, 7, 8, 9].map((i) => [`key/${i}`, `value ${40 + i}`, '5', `${2 + i}`, `${42 + i}`]),
      ['leased', 'lives long', '1', '53', '53'],
      [LONG_KEY, 'of a long key', '1', '52', '52'],
    ],
  )
  const past = await client.range({ key: bytes('key/3'), revision: 50 })
  assert.equal(Buffer.from(past.kvs[0]?.value ?? []).toString(), 'value 43')
  const lease = await client.leaseTimeToLive(LEASE_ID, true)
  assert.deepEqual(lease.keys.map((key) => Buffer.from(key).toString()), ['leased'])
  await assert.rejects(client.range({ key: bytes('key/0'), revision: 19 }), /required revision has been compacted/u)
}

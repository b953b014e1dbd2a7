/** Maintenance.Snapshot as its clients read it: blobs, what remains, and a hash at the end. */

import { strict as assert } from 'node:assert'
import { createHash } from 'node:crypto'
import { Client, credentials } from '@grpc/grpc-js'
import { BboltReader } from '../../../../src/bbolt/bbolt-reader.js'
import type { Bytes } from '../../../../src/base/bytes.js'
import { decodeSnapshotResponse, type SnapshotResponse } from '../../../../src/proto/generated/etcdserverpb.js'
import { decodeKeyValue } from '../../../../src/proto/generated/mvccpb.js'
import { CheckSuite } from '../../../support/check-suite.js'

export const SNAPSHOT_SUITE = new CheckSuite('snapshot')
const suite = SNAPSHOT_SUITE

const BLOB_BYTES = 32 * 1024
const HASH_BYTES = 32

suite.add('blobs of 32 KiB tell what remains, and the last one is the hash of all', async (context) => {
  const { client, endpoint, prefix } = context
  for (let i = 0; i < 20; i++) await client.put({ key: `${prefix}${i}`, value: Buffer.alloc(10_000, 'x') })
  const messages = await snapshot(endpoint)
  const last = messages.pop()
  assert(last !== undefined && last.remaining_bytes === 0 && last.blob.length === HASH_BYTES)
  const total = messages.reduce((sum, { blob }) => sum + blob.length, 0)
  const hash = createHash('sha256')
  let sent = 0
  for (const [i, { header, blob, remaining_bytes }] of messages.entries()) {
    sent += blob.length
    hash.update(blob)
    assert.equal(header, undefined)
    assert.equal(remaining_bytes, total - sent)
    assert(i === messages.length - 1 ? blob.length <= BLOB_BYTES : blob.length === BLOB_BYTES)
  }
  assert.deepEqual([...hash.digest()], [...last.blob])
})

suite.add('every message names the storage version', async ({ endpoint }) => {
  for (const { version } of await snapshot(endpoint)) assert.equal(version, '3.7.0')
}, { since: '3.6' })

suite.add('what was put before is in it', async ({ client, endpoint, prefix }) => {
  await client.put({ key: `${prefix}k`, value: 'here' })
  const messages = await snapshot(endpoint)
  const image = new BboltReader(fileOf(Buffer.concat(messages.slice(0, -1).map(({ blob }) => blob))))
  image.check()
  const found: string[] = []
  for (const { value } of image.pairs('key')) {
    const { key, value: content } = decodeKeyValue(value.bytes, value.start, value.end)
    if (Buffer.from(key).toString() === `${prefix}k`) found.push(Buffer.from(content).toString())
  }
  assert.deepEqual(found, ['here'])
})

async function snapshot(endpoint: string): Promise<SnapshotResponse[]> {
  const client = new Client(endpoint, credentials.createInsecure())
  const messages: SnapshotResponse[] = []
  try {
    const method = '/etcdserverpb.Maintenance/Snapshot'
    const stream = client.makeServerStreamRequest(method, () => Buffer.alloc(0), decodeSnapshotResponse, null)
    for await (const message of stream as AsyncIterable<SnapshotResponse>) messages.push(message)
    return messages
  } finally {
    client.close()
  }
}

function fileOf(bytes: Bytes): { readonly sizeBytes: number; read(target: Bytes, position: number): number } {
  return {
    sizeBytes: bytes.length,
    read(target, position) {
      const source = bytes.subarray(position, position + target.length)
      target.set(source)
      return source.length
    },
  }
}

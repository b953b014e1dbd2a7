/** Fills a server with something of everything, and tells all that a snapshot has to keep of it. */

import { Prng } from '../../../src/base/prng.js'
import type { EtcdClient } from '../../support/etcd-client.js'
import { history } from '../random/history.js'
import { outcomeOf, toText } from '../random/request-outcome.js'
import { RequestSource } from '../request-source.js'
import { etcdctl, printed } from './programs.js'

export const ROOT = 'root:secret'
const REQUESTS = 1200
const LARGE_BYTES = 1_000_000

/** Random requests, values of many pages, keys of a lease, users with roles. Revisions are compacted on the way. */
export async function fill(client: EtcdClient, seed: number): Promise<void> {
  const source = new RequestSource(new Prng(seed))
  for (let i = 0; i < REQUESTS; i++) {
    const request = source.next()
    const { revision } = await outcomeOf(client, request)
    source.learn(revision, request)
  }
  const { id } = await client.leaseGrant({ id: 77n, ttl: 3600 })
  await client.put({ key: 'leased', value: 'a', lease: id })
  await client.put({ key: 'large', value: Buffer.alloc(LARGE_BYTES, 'x') })
  await client.put({ key: 'k'.repeat(30_000), value: 'long' })
  await client.put({ key: 'gone', value: '1' })
  const { header } = await client.deleteRange({ key: 'gone' })
  // A deletion at the compact revision itself is kept.
  await client.compact({ revision: header?.revision ?? 0, physical: true })
  await client.put({ key: 'after', value: '1' })
  await client.put({ key: 'after', value: '2' })
  await client.deleteRange({ key: 'after' })
  await client.put({ key: 'after', value: '3' })
}

export async function enableAuth(endpoint: string): Promise<void> {
  const ctl = (...args: string[]): Promise<string> => printed(etcdctl('--endpoints', endpoint, ...args))
  await ctl('user', 'add', ROOT)
  await ctl('user', 'add', 'alice:wonder')
  await ctl('role', 'add', 'root')
  await ctl('role', 'add', 'reader')
  await ctl('role', 'grant-permission', 'reader', '--prefix=true', 'read', 'public/')
  await ctl('user', 'grant-role', 'root', 'root')
  await ctl('user', 'grant-role', 'alice', 'reader')
  await ctl('auth', 'enable')
}

/** Rights as the restored server has them; ends with auth off, so that the rest can be compared. */
export async function rights(endpoint: string): Promise<string[]> {
  const ctl = async (...args: string[]): Promise<string> => {
    const { code, stdout } = await etcdctl('--endpoints', endpoint, ...args)
    return `${args.join(' ')}: ${code} ${stdout}`
  }
  const texts = [
    await ctl('get', 'leased'),
    await ctl('--user', 'alice:wonder', 'get', 'leased'),
    await ctl('--user', 'alice:wonder', 'get', 'public/x'),
    await ctl('--user', 'alice:wrong', 'get', 'public/x'),
    await ctl('--user', ROOT, 'user', 'list'),
    await ctl('--user', ROOT, 'user', 'get', 'alice'),
    await ctl('--user', ROOT, 'role', 'get', 'reader'),
  ]
  await printed(etcdctl('--endpoints', endpoint, '--user', ROOT, 'auth', 'disable'))
  return texts
}

/** Every key, every revision that is left, every lease with its keys. */
export async function contents(client: EtcdClient): Promise<string[]> {
  const all = await client.range({ key: Buffer.from([0]), rangeEnd: Buffer.from([0]) })
  const texts = [toText(all), ...(await history(client))]
  const { leases } = await client.leaseLeases()
  for (const { id } of [...leases].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    const { grantedTtl, keys } = await client.leaseTimeToLive(id, true)
    texts.push(`lease ${id} of ${grantedTtl} s: ${keys.map(String).sort().join(' ')}`)
  }
  return texts
}

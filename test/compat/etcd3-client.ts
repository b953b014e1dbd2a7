/**
 * The npm package `etcd3` against a fresh server, as its users use it: puts, ranges, transactions,
 * watches, leases, locks, namespaces, elections. SERVER=etcd asks etcd instead.
 */

import { strict as assert } from 'node:assert'
import { once } from 'node:events'
import {
  Etcd3,
  EtcdLeaseInvalidError,
  EtcdLockFailedError,
  type IKeyValue,
  type Namespace,
  type Watcher,
} from 'etcd3'
import { scriptOptions } from '../../scripts/support/script-options.js'
import { Report } from '../support/report.js'
import { serverKind, withServer } from '../support/server-process.js'

type Check = readonly [title: string, body: (client: Etcd3, space: Namespace) => Promise<void>]

const KEYS: readonly Check[] = [
  [
    'a value comes back as text, number, json and bytes',
    async (_client, space) => {
      await space.put('text').value('hello')
      await space.put('number').value(42)
      await space.put('json').value(JSON.stringify({ a: [1, 2] }))
      await space.put('bytes').value(Buffer.from([0, 255, 128]))
      assert.equal(await space.get('text').string(), 'hello')
      assert.equal(await space.get('number').number(), 42)
      assert.deepEqual(await space.get('json').json(), { a: [1, 2] })
      assert.deepEqual(await space.get('bytes').buffer(), Buffer.from([0, 255, 128]))
      assert.equal(await space.get('absent').string(), null)
      assert.equal(await space.get('absent').exists(), false)
    },
  ],
  [
    'ranges by prefix, sorted, limited, counted',
    async (_client, space) => {
      for (const name of ['c', 'a', 'b']) await space.put(`r/${name}`).value(name.repeat(3))
      assert.deepEqual(await space.getAll().prefix('r/').strings(), {
        'r/a': 'aaa',
        'r/b': 'bbb',
        'r/c': 'ccc',
      })
      assert.deepEqual(await space.getAll().prefix('r/').sort('Key', 'Descend').limit(2).keys(), [
        'r/c',
        'r/b',
      ])
      assert.deepEqual(await space.getAll().prefix('r/').sort('Create', 'Ascend').keys(), [
        'r/c',
        'r/a',
        'r/b',
      ])
      assert.equal(await space.getAll().prefix('r/').count(), 3)
      assert.deepEqual(await space.getAll().inRange({ start: 'r/a', end: 'r/c' }).keys(), [
        'r/a',
        'r/b',
      ])
    },
  ],
  [
    'an old revision can be read',
    async (_client, space) => {
      const first = await space.put('old').value('1')
      await space.put('old').value('2')
      assert.equal(await space.get('old').revision(first.header.revision).string(), '1')
    },
  ],
  [
    'previous values come with puts and deletes',
    async (_client, space) => {
      await space.put('prev').value('1')
      assert.equal((await space.put('prev').value('2').getPrevious()).value.toString(), '1')
      const [deleted] = await space.delete().key('prev').getPrevious()
      assert.equal(deleted?.value.toString(), '2')
      assert.equal((await space.delete().key('prev')).deleted, '0')
    },
  ],
  [
    'deletes by prefix and range',
    async (_client, space) => {
      for (const name of ['1', '2', '3', '4']) await space.put(`d/${name}`).value('x')
      assert.equal((await space.delete().inRange({ start: 'd/1', end: 'd/3' })).deleted, '2')
      assert.equal((await space.delete().prefix('d/')).deleted, '2')
    },
  ],
  [
    'touch keeps the value',
    async (_client, space) => {
      await space.put('touched').value('kept')
      await space.put('touched').touch()
      const { kvs } = await space.get('touched').exec()
      assert.deepEqual([kvs[0]?.value.toString(), kvs[0]?.version], ['kept', '2'])
    },
  ],
  [
    'a namespace hides its prefix',
    async (client, space) => {
      const inner = space.namespace('inner/')
      await inner.put('k').value('v')
      assert.deepEqual(await inner.getAll().keys(), ['k'])
      assert.equal(await space.get('inner/k').string(), 'v')
      assert.equal(await client.get('k').string(), null)
      await inner.delete().all()
      assert.equal(await space.get('inner/k').exists(), false)
    },
  ],
]

const TRANSACTIONS: readonly Check[] = [
  [
    'if, then, else',
    async (_client, space) => {
      const create = (value: string) =>
        space
          .if('once', 'Create', '==', 0)
          .then(space.put('once').value(value))
          .else(space.get('once'))
          .commit()
      assert.equal((await create('first')).succeeded, true)
      const second = await create('second')
      assert.equal(second.succeeded, false)
      assert.equal(second.responses[0]?.response_range?.kvs[0]?.value.toString(), 'first')
    },
  ],
  [
    'compares by value, version and mod revision',
    async (_client, space) => {
      const put = await space.put('cmp').value('v')
      const both = await space
        .if('cmp', 'Value', '==', 'v')
        .and('cmp', 'Version', '==', 1)
        .and('cmp', 'Mod', '==', put.header.revision)
        .then(space.delete().key('cmp'))
        .commit()
      assert.equal(both.succeeded, true)
      assert.equal(await space.get('cmp').exists(), false)
    },
  ],
  [
    'software transactions retry until they fit',
    async (_client, space) => {
      await space.put('counter').value('0')
      const increment = () =>
        space.stm({ retries: 50 }).transact(async (tx) => {
          const value = Number(await tx.get('counter'))
          await tx.put('counter').value(value + 1)
        })
      await Promise.all(Array.from({ length: 8 }, increment))
      assert.equal(await space.get('counter').number(), 8)
    },
  ],
]

const WATCHES: readonly Check[] = [
  [
    'a watcher hears puts and deletes with previous values',
    async (_client, space) => {
      const watcher = await space.watch().key('w').withPreviousKV().create()
      const put = once(watcher, 'put') as Promise<[IKeyValue, IKeyValue | undefined]>
      await space.put('w').value('1')
      assert.equal((await put)[0].value.toString(), '1')
      const deleted = once(watcher, 'delete') as Promise<[IKeyValue, IKeyValue | undefined]>
      await space.delete().key('w')
      assert.equal((await deleted)[1]?.value.toString(), '1')
      await watcher.cancel()
    },
  ],
  [
    'a watcher by prefix with a filter',
    async (_client, space) => {
      // The package sends NODELETE for 'put' (its names are swapped), so deletes are left out.
      const watcher = await space.watch().prefix('wp/').ignore('put').create()
      const seen: string[] = []
      watcher.on('put', (kv) => seen.push(kv.key.toString()))
      watcher.on('delete', (kv) => seen.push(`deleted ${kv.key.toString()}`))
      await space.put('wp/a').value('1')
      await space.delete().key('wp/a')
      await space.put('wp/b').value('2')
      await until(watcher, () => seen.length >= 2)
      assert.deepEqual(seen, ['wp/a', 'wp/b'])
      await watcher.cancel()
    },
  ],
  [
    'a watcher from an old revision replays',
    async (_client, space) => {
      const first = await space.put('wr').value('1')
      for (let i = 2; i <= 20; i++) await space.put('wr').value(i)
      const watcher = space.watch().key('wr').startRevision(first.header.revision).watcher()
      const seen: number[] = []
      watcher.on('put', (kv) => seen.push(Number(kv.value.toString())))
      await until(watcher, () => seen.length >= 20)
      assert.deepEqual(
        seen,
        Array.from({ length: 20 }, (_, i) => i + 1),
      )
      await watcher.cancel()
    },
  ],
  [
    'many watchers on one client, some of them cancelled',
    async (_client, space) => {
      const watchers: Watcher[] = []
      for (let i = 0; i < 20; i++) watchers.push(await space.watch().key(`many/${i}`).create())
      for (const watcher of watchers.slice(0, 10)) await watcher.cancel()
      const rest = watchers.slice(10)
      const heard = rest.map((watcher) => once(watcher, 'put'))
      for (let i = 0; i < 20; i++) await space.put(`many/${i}`).value(`${i}`)
      const values = (await Promise.all(heard)).map(([kv]) => (kv as IKeyValue).value.toString())
      assert.deepEqual(
        values,
        rest.map((_, i) => `${i + 10}`),
      )
      for (const watcher of rest) await watcher.cancel()
    },
  ],
]

const LEASES: readonly Check[] = [
  [
    'a key dies with its lease',
    async (_client, space) => {
      const lease = space.lease(60)
      await lease.put('leased').value('v')
      assert.equal(await space.get('leased').string(), 'v')
      await lease.revoke()
      assert.equal(await space.get('leased').string(), null)
    },
  ],
  [
    'keep-alive answers, and a revoked lease is lost',
    async (client, space) => {
      const lease = space.lease(60)
      const id = await lease.grant()
      assert.equal((await lease.keepaliveOnce()).TTL, '60')
      const lost = once(lease, 'lost')
      await client.leaseClient.leaseRevoke({ ID: id })
      await assert.rejects(lease.keepaliveOnce(), EtcdLeaseInvalidError)
      assert((await lost)[0] instanceof EtcdLeaseInvalidError)
      assert.equal(lease.revoked(), true)
    },
  ],
  [
    'a short lease stays alive by itself',
    async (client, space) => {
      const lease = space.lease(3)
      await lease.put('kept').value('v')
      for (let i = 0; i < 4; i++) await once(lease, 'keepaliveSucceeded')
      const id = await lease.grant()
      assert.equal(await space.get('kept').string(), 'v')
      assert.equal((await client.leaseClient.leaseTimeToLive({ ID: id })).grantedTTL, '3')
      await lease.revoke()
    },
  ],
]

const LOCKS: readonly Check[] = [
  [
    'a lock excludes another until it is released',
    async (_client, space) => {
      const lock = await space.lock('mutex').ttl(30).acquire()
      await assert.rejects(space.lock('mutex').acquire(), EtcdLockFailedError)
      await lock.release()
      const again = await space.lock('mutex').acquire()
      await again.release()
      assert.equal(await space.getAll().prefix('mutex').count(), 0)
    },
  ],
  [
    'do runs under the lock and releases it',
    async (_client, space) => {
      const result = await space.lock('work').do(async () => {
        await assert.rejects(space.lock('work').acquire(), EtcdLockFailedError)
        return 'done'
      })
      assert.equal(result, 'done')
      await (await space.lock('work').acquire()).release()
    },
  ],
  [
    'an election has one leader, and the next takes over',
    async (_client, space) => {
      const election = space.election('boss', 10)
      const first = election.campaign('one')
      await once(first, 'elected')
      assert.equal(await election.leader(), 'one')
      const second = election.campaign('two')
      const elected = once(second, 'elected')
      await first.resign()
      await elected
      assert.equal(await election.leader(), 'two')
      await second.resign()
    },
  ],
]

const ERRORS: readonly Check[] = [
  [
    'errors keep their text',
    async (client, space) => {
      await assert.rejects(
        async () => await space.put('k').value('v').lease('123456789'),
        /requested lease not found/u,
      )
      await assert.rejects(
        async () => await space.get('k').revision('999999999').string(),
        /required revision is a future revision/u,
      )
      const { header } = await space.put('k').value('v')
      await client.kv.compact({ revision: header.revision })
      await assert.rejects(
        async () => await space.get('k').revision(Number(header.revision) - 1).string(),
        /required revision has been compacted/u,
      )
    },
  ],
  [
    'status and member list',
    async (client) => {
      const status = await client.maintenance.status()
      assert.match(status.version, /^3\./u)
      assert.equal((await client.cluster.memberList({ linearizable: true })).members.length, 1)
    },
  ],
]

const SUITES = { KEYS, TRANSACTIONS, WATCHES, LEASES, LOCKS, ERRORS }
const EVENT_MS_MAX = 10_000

/** Waits for the watcher's data until the condition holds. */
async function until(watcher: Watcher, holds: () => boolean): Promise<void> {
  const signal = AbortSignal.timeout(EVENT_MS_MAX)
  while (!holds()) await once(watcher, 'data', { signal })
}

async function main(): Promise<void> {
  scriptOptions({
    does: 'The npm package etcd3 against a fresh server, as its users use it; SERVER=etcd asks etcd instead.',
  })
  const report = new Report()
  const kind = serverKind()
  await withServer({ kind, clientPort: 21_030 }, async (server) => {
    let spaces = 0
    for (const [name, checks] of Object.entries(SUITES)) {
      for (const [title, body] of checks) {
        const client = new Etcd3({ hosts: `http://${server.endpoint}` })
        const space = client.namespace(`space-${++spaces}/`)
        await report.check(`etcd3 ${name.toLowerCase()}: ${title}`, () => body(client, space))
        client.close()
      }
    }
  })
  report.end()
}

await main()
// Watchers of a check that failed would try to reconnect for ever.
process.exit()

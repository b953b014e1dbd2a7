/**
 * What goes on beside the full load of a soak: leases that are renewed, left to expire or revoked,
 * transactions, history that is compacted, and watchers with a start in the past.
 */

import { strict as assert } from 'node:assert'
import { setTimeout as delay } from 'node:timers/promises'
import { EtcdClient, prefixEnd } from '../support/etcd-client.js'
import { COMPARE_RESULT, COMPARE_TARGET } from '../support/etcd-messages.js'
import { present, revisionOf } from '../support/expect.js'
import { openWatch } from '../support/watch-stream.js'

const PAUSE_MS = 20
const COMPACT_EVERY_MS = 5000
const HISTORY_KEPT = 100_000
const CATCH_UP_EVERY_MS = 3000
const CATCH_UP_REVISIONS = 2000
const SHORT_TTL = 2

export class SideTraffic {
  readonly counts = { leases: 0, txns: 0, compactions: 0, catchUps: 0 }
  readonly #client: EtcdClient
  readonly #running: Promise<void>[] = []
  #isStopping = false

  constructor(endpoint: string) {
    this.#client = new EtcdClient(endpoint, { deadlineMs: 30_000 })
  }

  start(): void {
    this.#running.push(this.#leases(), this.#txns(), this.#compactions(), this.#catchUps())
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#running)
  }

  close(): void {
    this.#client.close()
  }

  /** Grants three leases at a time: one to renew and revoke, one to revoke, one to forget. */
  async #leases(): Promise<void> {
    const keepAlive = this.#client.leaseKeepAlive()
    for (let i = 0; !this.#isStopping; i++) {
      const grant = async (ttl: number): Promise<bigint> => (await this.#client.leaseGrant({ ttl })).id
      const kept = await grant(60)
      const key = `side/lease/${i % 50}`
      await this.#client.put({ key, value: 'v', lease: kept })
      keepAlive.send({ id: kept })
      assert.equal((await keepAlive.next(30_000)).ttl, 60)
      const forgotten = await grant(SHORT_TTL)
      await this.#client.put({ key: `side/short/${i % 50}`, value: 'v', lease: forgotten })
      await this.#client.leaseRevoke(kept)
      assert.equal((await this.#client.range({ key })).count, 0, 'a revoked lease takes its keys')
      this.counts.leases += 2
      await delay(PAUSE_MS)
    }
    keepAlive.cancel()
  }

  /** A counter under compare-and-swap, whose value tells how often it was raised. */
  async #txns(): Promise<void> {
    const key = 'side/counter'
    await this.#client.put({ key, value: '0' })
    while (!this.#isStopping) {
      const kv = present((await this.#client.range({ key })).kvs[0])
      assert.equal(Number(kv.value.toString()), this.counts.txns)
      const answer = await this.#client.txn({
        compare: [
          {
            key,
            target: COMPARE_TARGET.MOD,
            result: COMPARE_RESULT.EQUAL,
            modRevision: kv.modRevision,
          },
        ],
        success: [{ requestPut: { key, value: `${++this.counts.txns}` } }],
      })
      assert.equal(answer.succeeded, true)
      await delay(PAUSE_MS)
    }
  }

  async #compactions(): Promise<void> {
    for (;;) {
      await this.#pause(COMPACT_EVERY_MS)
      if (this.#isStopping) return
      const revision = await this.revision()
      if (revision <= HISTORY_KEPT) continue
      const physical = this.counts.compactions % 4 === 3
      const request = { revision: revision - HISTORY_KEPT, physical }
      await this.#client.compact(request, { deadlineMs: 120_000 })
      this.counts.compactions++
    }
  }

  /** A watcher that starts a little in the past must see every revision until the present. */
  async #catchUps(): Promise<void> {
    for (;;) {
      await this.#pause(CATCH_UP_EVERY_MS)
      if (this.#isStopping) return
      const now = await this.revision()
      const from = Math.max(2, now - CATCH_UP_REVISIONS)
      const all = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]), startRevision: from }
      const { stream } = await openWatch(this.#client, all)
      for (let last = from - 1; last < now; ) {
        for (const { kv } of (await stream.next(30_000)).events) {
          const revision = present(kv).modRevision
          assert(revision === last || revision === last + 1, `catch-up from ${last} to ${revision}`)
          last = revision
        }
      }
      stream.cancel()
      this.counts.catchUps++
    }
  }

  async revision(): Promise<number> {
    return revisionOf(await this.#client.range({ key: 'side/counter' }))
  }

  /** Keys whose lease should long be gone. */
  async leftovers(): Promise<number> {
    const prefix = 'side/short/'
    await delay((SHORT_TTL + 3) * 1000)
    return (await this.#client.range({ key: prefix, rangeEnd: prefixEnd(prefix) })).count
  }

  async #pause(ms: number): Promise<void> {
    for (let left = ms; left > 0 && !this.#isStopping; left -= 100) await delay(Math.min(left, 100))
  }
}

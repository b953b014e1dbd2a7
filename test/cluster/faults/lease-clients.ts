/** Clients that hold leases for a while, each with a key on it, and then let go of them. */

import { setTimeout as delay } from 'node:timers/promises'
import type { Prng } from '../../../src/base/prng.js'
import type { LeaseLife } from '../../../src/sim/checkers/lease-checker.js'
import type { EtcdClient } from '../../support/etcd-client.js'

export const LEASE_PREFIX = 'l/'
const TTL_SECONDS = { min: 2, max: 5 }
const RENEW_MS = 700
const RENEWALS_MAX = 12
const RETRY_MS = 200
const ANSWER_MS_MAX = 8000

export class LeaseClient {
  readonly lives = new Map<string, LeaseLife>()
  readonly #name: string
  readonly #endpoints: readonly EtcdClient[]
  readonly #prng: Prng
  #sequence = 0

  constructor(name: string, endpoints: readonly EtcdClient[], prng: Prng) {
    this.#name = name
    this.#endpoints = endpoints
    this.#prng = prng
  }

  async run(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      // Whoever cannot get a lease tries the next member.
      await this.#live(goesOn).catch(() => delay(RETRY_MS))
    }
  }

  async #live(goesOn: () => boolean): Promise<void> {
    const ttl = this.#prng.between(TTL_SECONDS.min, TTL_SECONDS.max)
    const key = `${LEASE_PREFIX}${this.#name}.${++this.#sequence}`
    const grantSentMs = performance.now()
    const { id } = await this.#endpoint().leaseGrant({ ttl: BigInt(ttl) })
    const life: LeaseLife = {
      name: `the lease of ${key}`,
      leaseId: id,
      ttlMs: ttl * 1000,
      grantSentMs,
      grantAckMs: performance.now(),
      renewals: [],
      renewedMs: null,
      revokeSentMs: null,
      endedMs: null,
    }
    await this.#endpoint().put({ key, value: 'held', lease: id })
    this.lives.set(key, life)
    const renewals = this.#prng.between(0, RENEWALS_MAX)
    for (let i = 0; i < renewals && goesOn() && life.endedMs === null; i++) {
      await delay(this.#prng.between(RENEW_MS / 2, RENEW_MS))
      await this.#renew(life, id)
    }
    if (this.#prng.chance(0.1)) {
      life.revokeSentMs = performance.now()
      await this.#endpoint().leaseRevoke(id).catch(() => undefined)
    }
  }

  async #renew(life: LeaseLife, id: bigint): Promise<void> {
    const renewal = { sentMs: performance.now(), ackMs: null as number | null }
    life.renewals.push(renewal)
    const stream = this.#endpoint().leaseKeepAlive()
    stream.send({ id })
    const answer = await stream.poll(ANSWER_MS_MAX)
    if (answer !== undefined && answer.ttl > 0) renewal.ackMs = performance.now()
    // Without an answer it may have counted at any time until now.
    life.renewedMs = performance.now()
    stream.cancel()
  }

  #endpoint(): EtcdClient {
    return this.#endpoints[this.#prng.between(0, this.#endpoints.length - 1)] as EtcdClient
  }
}

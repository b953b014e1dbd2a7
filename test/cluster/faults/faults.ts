/**
 * What can go wrong. Each fault takes something away from one member or several, waits, and gives it back; whoever runs
 * it waits until all members take writes again.
 */

import { setTimeout as delay } from 'node:timers/promises'
import type { Prng } from '../../../src/base/prng.js'
import { MemberClient } from '../../support/cluster/member-client.js'
import { TURNABLE, type FaultCluster, type FaultMember } from './fault-cluster.js'

export interface Fault {
  readonly name: string
  /** It befalls this member only. */
  readonly member?: number
  run(place: FaultPlace): Promise<void>
}

export interface FaultPlace {
  readonly cluster: FaultCluster
  readonly prng: Prng
  /** Preferably the leader: what befalls it hurts most. */
  readonly victim: FaultMember
  readonly others: readonly FaultMember[]
}

const SHORT_MS = { min: 300, max: 2500 }
const LONG_MS = { min: 1500, max: 6500 }
/** Longer than a leader waits for its disk. */
const STALL_MS = { min: 1000, max: 8000 }
const CHANGE_TRIES = 20
const CHANGE_RETRY_MS = 1000
const CLOCK_SECONDS = [-86_400, -3600, -5, 5, 3600, 86_400]

function pause(prng: Prng, { min, max }: { min: number; max: number }): Promise<void> {
  return delay(prng.between(min, max))
}

function indexes(members: readonly FaultMember[]): number[] {
  return members.map(({ index }) => index)
}

/** A cluster changes its members only after all have been connected for a while. */
async function onceWell(change: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries++) {
    const error: unknown = await change().then(() => null, (reason: unknown) => reason)
    if (error === null) return
    if (tries === CHANGE_TRIES || !String(error).includes('unhealthy cluster')) throw error
    await delay(CHANGE_RETRY_MS)
  }
}

async function networkFault({ cluster, prng }: FaultPlace, begin: () => Promise<void>): Promise<void> {
  await begin()
  try {
    await pause(prng, LONG_MS)
  } finally {
    await cluster.network.heal()
  }
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'kill -9',
    async run({ victim, prng }) {
      await victim.kill()
      await pause(prng, SHORT_MS)
      victim.start()
    },
  },
  {
    name: 'kill -9 of all',
    async run({ cluster, prng }) {
      await Promise.all(cluster.members.map((member) => member.kill()))
      await pause(prng, SHORT_MS)
      for (const member of cluster.members) member.start()
    },
  },
  {
    name: 'SIGSTOP',
    async run({ victim, prng }) {
      victim.server.pause()
      await pause(prng, LONG_MS)
      victim.server.resume()
    },
  },
  {
    name: 'partition',
    async run(place) {
      const { cluster, victim, others } = place
      await networkFault(place, () => cluster.network.cut(victim.index, indexes(others)))
    },
  },
  {
    name: 'one-way partition, hears nobody',
    async run(place) {
      const { cluster, victim, others } = place
      await networkFault(place, () => cluster.network.deafen(victim.index, indexes(others)))
    },
  },
  {
    name: 'one-way partition, heard by nobody',
    async run(place) {
      const { cluster, victim, others } = place
      await networkFault(place, () => cluster.network.mute(victim.index, indexes(others)))
    },
  },
  {
    name: 'bridge: two that reach each other over a third only',
    async run(place) {
      const { cluster, victim, others } = place
      await networkFault(place, () => cluster.network.cut(victim.index, indexes(others.slice(1))))
    },
  },
  {
    name: 'slow links',
    async run(place) {
      await networkFault(place, () => place.cluster.network.slow(place.victim.index))
    },
  },
  {
    name: 'disk stall',
    async run({ victim, prng }) {
      await victim.disk.freeze()
      await pause(prng, STALL_MS)
      await victim.disk.thaw()
    },
  },
  {
    name: 'full disk',
    async run({ victim, prng }) {
      await victim.disk.fill()
      await pause(prng, LONG_MS)
      victim.disk.empty()
    },
  },
  {
    name: 'clock jump',
    member: TURNABLE,
    async run({ victim, prng }) {
      victim.setClock(prng.pick(CLOCK_SECONDS))
      await pause(prng, LONG_MS)
      victim.setClock(0)
    },
  },
  {
    name: 'member replacement',
    async run({ cluster, victim, others }) {
      const [{ client }] = others as [FaultMember]
      const members = new MemberClient(client)
      const old = (await client.memberList()).members.find(({ name }) => name === victim.name)
      if (old === undefined) throw new Error(`no member is called ${victim.name}`)
      await onceWell(() => members.remove(old.id))
      await victim.kill()
      await cluster.settle(others)
      await onceWell(() => members.add([victim.peerUrl]))
      victim.startAnew()
    },
  },
  {
    name: 'rolling restart',
    async run({ cluster }) {
      for (const member of cluster.members) {
        await member.stop()
        member.start()
        await cluster.settle()
      }
    },
  },
]

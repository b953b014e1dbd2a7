/**
 * Records what clients of all members of a cluster see while its members are killed, frozen and told to lead. One
 * history is one set of keys of its own: what an error left open may happen at any time after it.
 */

import { setTimeout as delay } from 'node:timers/promises'
import type { Prng } from '../../../src/base/prng.js'
import {
  CUT_OFF, CUT_OFF_CODES, inventInput, perform, PLAIN_SHARE, Recorder, type History, type Shape,
} from '../../crash/linearizability-run.js'
import { MaintenanceClient } from '../../space/maintenance-client.js'
import { EtcdError } from '../../support/etcd-client.js'
import { present } from '../../support/expect.js'
import type { ClusterMember, ClusterProcess } from '../../support/cluster/cluster-process.js'
import type { KvOutput } from '../../../src/sim/checkers/kv-model.js'

export const FAULTS = Object.freeze([
  'kill-leader', 'kill-follower', 'freeze-leader', 'move-leader', 'kill-all',
] as const)
export type Fault = (typeof FAULTS)[number]

export interface ClusterRound {
  readonly prng: Prng
  readonly round: number
  readonly shape: Shape
  readonly clients: number
  readonly faults: readonly Fault[]
}

/** Long enough for one election and for nobody's patience. */
const OPERATION_MS_MAX = 3000
/** Answers between two faults. */
const ANSWERS_BETWEEN = 40
const ANSWERS_MS_MAX = 30_000
const IDLE_MS = 20
/** What errors have left open makes the search long, so there are not many of them. */
const CUT_OFF_MS = 300
/** Above the election timeout, so that another member leads when a frozen one goes on. */
const FROZEN_MS = 2500

export async function recordRound(cluster: ClusterProcess, options: ClusterRound): Promise<History> {
  const recorder = new Recorder(Infinity)
  const work = new Work()
  const clients = Array.from({ length: options.clients }, (_, client) =>
    runClient(cluster, { ...options, client, recorder, work }))
  try {
    for (const fault of options.faults) {
      await answered(recorder)
      await inflict(cluster, fault, options.prng)
    }
    await cluster.leader()
    await answered(recorder)
  } finally {
    work.isOver = true
    await Promise.all(clients)
  }
  return recorder.close()
}

class Work {
  isOver = false
}

async function answered(recorder: Recorder): Promise<void> {
  const timeout = new AbortController()
  const late = delay(ANSWERS_MS_MAX, undefined, { signal: timeout.signal }).then(() => {
    throw new Error(`fewer than ${ANSWERS_BETWEEN} answers in ${ANSWERS_MS_MAX} ms`)
  })
  await Promise.race([recorder.whenAnswered(recorder.answered + ANSWERS_BETWEEN), late])
  timeout.abort()
  await late.catch(() => undefined)
}

async function inflict(cluster: ClusterProcess, fault: Fault, prng: Prng): Promise<void> {
  const leader = await cluster.leader()
  const others = cluster.members.filter((member) => member !== leader)
  const other = present(others[prng.between(0, others.length - 1)])
  switch (fault) {
    case 'kill-leader':
      return restart([leader])
    case 'kill-follower':
      return restart([other])
    case 'kill-all':
      return restart(cluster.members)
    case 'freeze-leader':
      leader.server.pause()
      await delay(FROZEN_MS)
      leader.server.resume()
      return
    case 'move-leader': {
      const target = present((await other.client.status()).header).memberId
      // Under load it may come too late, or another one may lead by now.
      await new MaintenanceClient(leader.client).moveLeader(target).catch((error: unknown) => {
        if (!(error instanceof EtcdError)) throw error
      })
    }
  }
}

async function restart(members: readonly ClusterMember[]): Promise<void> {
  await Promise.all(members.map((member) => member.kill()))
  await Promise.all(members.map((member) => member.start()))
}

interface ClientOptions extends ClusterRound {
  readonly client: number
  readonly recorder: Recorder
  readonly work: Work
}

/** Asks any member. An operation without an answer may yet happen, so its client is another one from then on. */
async function runClient(cluster: ClusterProcess, options: ClientOptions): Promise<void> {
  const { prng, recorder, work, clients } = options
  let { client } = options
  let sequence = 0
  let seen: KvOutput | undefined
  while (!work.isOver) {
    const member = cluster.member(prng.between(0, cluster.members.length - 1))
    if (!member.isReady) {
      await delay(IDLE_MS)
      continue
    }
    const input = inventInput(prng, options, `${client}.${++sequence}`, seen)
    const note = recorder.invoke(client, input)
    try {
      seen = await perform(member.client, input, prng.chance(PLAIN_SHARE), { deadlineMs: OPERATION_MS_MAX })
      note(seen)
    } catch (error) {
      if (!(error instanceof EtcdError) || !CUT_OFF_CODES.has(error.code)) throw error
      note(CUT_OFF)
      client += clients
      await delay(CUT_OFF_MS)
    }
  }
}

/**
 * Three members on this machine, ours and Debian's etcd in turn, same driver: puts through the leader, through all
 * members, and linearizable reads of a leader and of a follower.
 *
 *   node dist/bench/system/three-members.bench.js [--rounds 3] [--seconds 5] [--only TEXT] [--ours]
 */

import { execFileSync } from 'node:child_process'
import { GrpcLoad, runLoad, type LoadResult } from '../../src/ctl/load/grpc-load.js'
import { puts, ranges } from '../../src/ctl/load/kv-requests.js'
import { ServerUnderLoad, type ServerKind } from '../../src/ctl/load/server-under-load.js'
import { scriptOptions } from '../../scripts/support/script-options.js'

const PORT = 24_200
const PORTS_PER_MEMBER = 10
const MEMBERS = [1, 2, 3]
const KEYS = { prefix: 'bench/', keys: 10_000 }
const VALUE_BYTES = 256
const CLIENTS_PER_CONNECTION = 32
const WARMUP_MS = 2000
/** Loads of fewer clients are preceded by one of so many. */
const WARM_CLIENTS = 64
const LEADER_MS_MAX = 20_000

const { values: options } = scriptOptions({
  does: 'Three members on this machine, ours and etcd in turn: puts through leader and members, linearizable reads.',
  options: {
    rounds: { type: 'count', default: 3, min: 1, text: 'of each case and server; medians are printed' },
    seconds: { type: 'number', default: 5, min: 0.1, text: 'measured each time' },
    only: { type: 'text', default: '', text: 'only cases whose name contains it' },
    ours: { type: 'switch', text: 'without etcd' },
  },
})

type Target = 'leader' | 'follower' | 'all'

interface Case {
  readonly name: string
  readonly clients: number
  readonly target: Target
  readonly isRead: boolean
}

interface Reading {
  readonly perSecond: number
  readonly p50Us: number
  readonly p99Us: number
  readonly serverCpuUs: number
  readonly errors: number
  readonly firstError: string
}

const CASES: readonly Case[] = [
  ...[1, 100, 1000].map((clients) => caseOf(clients, 'leader', false)),
  ...[100, 1000].map((clients) => caseOf(clients, 'all', false)),
  ...(['leader', 'follower'] as const).map((target) => caseOf(100, target, true)),
]

function caseOf(clients: number, target: Target, isRead: boolean): Case {
  const what = isRead ? 'linearizable range of one key' : `put ${VALUE_BYTES} B`
  const where = target === 'all' ? 'through all members' : `through ${target === 'leader' ? 'the' : 'a'} ${target}`
  return { name: `${what}, ${clients} client${clients === 1 ? '' : 's'}, ${where}`, clients, target, isRead }
}

class Cluster {
  readonly #servers: readonly ServerUnderLoad[]
  readonly #leader: ServerUnderLoad

  private constructor(servers: readonly ServerUnderLoad[], leader: ServerUnderLoad) {
    this.#servers = servers
    this.#leader = leader
  }

  static async start(kind: ServerKind): Promise<Cluster> {
    const initialCluster = MEMBERS.map((member) => `n${member}=http://127.0.0.1:${portOf(member) + 1}`).join(',')
    const servers = await Promise.all(MEMBERS.map((member) => {
      const flags = [`--name=n${member}`, `--initial-cluster=${initialCluster}`]
      return ServerUnderLoad.start({ kind, port: portOf(member), cores: null, flags })
    }))
    return new Cluster(servers, await leaderOf(servers))
  }

  targets(target: Target): readonly ServerUnderLoad[] {
    switch (target) {
      case 'all': return this.#servers
      case 'leader': return [this.#leader]
      case 'follower': return this.#servers.filter((server) => server !== this.#leader).slice(0, 1)
    }
  }

  cpuSeconds(): number {
    return this.#servers.reduce((sum, server) => sum + server.cpuSeconds(), 0)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()))
  }
}

function portOf(member: number): number {
  return PORT + member * PORTS_PER_MEMBER
}

async function leaderOf(servers: readonly ServerUnderLoad[]): Promise<ServerUnderLoad> {
  const giveUpAtMs = performance.now() + LEADER_MS_MAX
  for (;;) {
    for (const server of servers) {
      const { leader, header } = await statusOf(server)
      if (leader !== undefined && leader === header?.member_id) return server
    }
    if (performance.now() > giveUpAtMs) throw new Error('no member leads')
  }
}

async function statusOf({ port }: ServerUnderLoad): Promise<{ leader?: string; header?: { member_id?: string } }> {
  const answer = await fetch(`http://127.0.0.1:${port}/v3/maintenance/status`, { method: 'POST', body: '{}' })
  return (await answer.json()) as { leader?: string; header?: { member_id?: string } }
}

async function runOnce(kind: ServerKind, { clients, target, isRead }: Case): Promise<Reading> {
  const cluster = await Cluster.start(kind)
  try {
    const targets = cluster.targets(target)
    const write = puts({ ...KEYS, valueBytes: VALUE_BYTES })
    if (isRead || clients < WARM_CLIENTS) {
      const { port } = targets[0] as ServerUnderLoad
      await runLoad({ port, clients: WARM_CLIENTS, connections: 4, generator: write })
    }
    const generator = isRead ? ranges({ ...KEYS, serializable: false }) : write
    const share = Math.ceil(clients / targets.length)
    const connections = Math.ceil(share / CLIENTS_PER_CONNECTION)
    const loads = await Promise.all(
      targets.map(({ port }) => GrpcLoad.start({ port, clients: share, connections, generator })),
    )
    await Promise.all(loads.map((load) => load.begin()))
    await wait(WARMUP_MS)
    const before = cluster.cpuSeconds()
    await Promise.all(loads.map((load) => load.measure()))
    await wait(options.seconds * 1000)
    const cpuSeconds = cluster.cpuSeconds() - before
    return readingOf(await Promise.all(loads.map((load) => load.end())), cpuSeconds)
  } finally {
    await cluster.stop()
  }
}

/** Of several loads side by side: rates add up, and the slowest tail counts. */
function readingOf(results: readonly LoadResult[], cpuSeconds: number): Reading {
  const count = results.reduce((sum, one) => sum + one.count, 0)
  return {
    perSecond: results.reduce((sum, one) => sum + one.perSecond, 0),
    p50Us: median(results.map(({ p50Us }) => p50Us)),
    p99Us: Math.max(...results.map(({ p99Us }) => p99Us)),
    serverCpuUs: (cpuSeconds * 1e6) / count,
    errors: results.reduce((sum, one) => sum + one.errors, 0),
    firstError: results.find(({ errors }) => errors > 0)?.firstError ?? '',
  }
}

function print(name: string, readings: ReadonlyMap<ServerKind, readonly Reading[]>): void {
  console.log(`\n${name}\n            per second     p50 us     p99 us  servers us/op  errors`)
  const medianOf = (kind: ServerKind, of: (reading: Reading) => number): number =>
    median((readings.get(kind) ?? []).map(of))
  for (const [kind, list] of readings) {
    const cells = [
      medianOf(kind, (r) => r.perSecond).toFixed(0).padStart(14),
      medianOf(kind, (r) => r.p50Us).toFixed(0).padStart(11),
      medianOf(kind, (r) => r.p99Us).toFixed(0).padStart(11),
      medianOf(kind, (r) => r.serverCpuUs).toFixed(1).padStart(15),
      String(list.reduce((sum, r) => sum + r.errors, 0)).padStart(8),
    ]
    console.log(kind.padEnd(8) + cells.join(''))
    const failed = list.find((r) => r.errors > 0)
    if (failed !== undefined) console.log(`         first error: ${failed.firstError}`)
  }
  if (!readings.has('etcd')) return
  const ratio = (of: (r: Reading) => number): string =>
    `${(medianOf('raftring', of) / medianOf('etcd', of)).toFixed(2)}x`
  console.log(
    `ratio     throughput ${ratio((r) => r.perSecond)}, p50 ${ratio((r) => r.p50Us)}, ` +
      `p99 ${ratio((r) => r.p99Us)}, CPU of all members ${ratio((r) => r.serverCpuUs)}`,
  )
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >>> 1] ?? NaN
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function main(): Promise<void> {
  const kinds: ServerKind[] = options.ours ? ['raftring'] : ['raftring', 'etcd']
  console.log(`Node ${process.version}, ${options.rounds} rounds of ${options.seconds} s, medians`)
  if (kinds.includes('etcd')) console.log(execFileSync('etcd', ['--version']).toString().split('\n')[0])
  for (const one of CASES) {
    if (!one.name.includes(options.only)) continue
    const readings = new Map<ServerKind, Reading[]>(kinds.map((kind) => [kind, []]))
    for (let round = 0; round < options.rounds; round++) {
      for (const kind of kinds) readings.get(kind)?.push(await runOnce(kind, one))
    }
    print(one.name, readings)
  }
}

await main()

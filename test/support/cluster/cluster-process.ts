/**
 * A cluster of server processes on loopback, on ports that were free: started together, killed, paused and started
 * again one by one. Every member has a client of its own.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { EtcdClient } from '../etcd-client.js'
import { freePorts } from './free-ports.js'
import { serverKind, ServerProcess, type Exit, type ServerKind, type ServerSpec } from '../server-process.js'
import { temporaryDirectory, type TemporaryDirectory } from '../temporary-directory.js'

export interface ClusterOptions {
  readonly size: number
  readonly kind?: ServerKind
  /** For every member. */
  readonly flags?: readonly string[]
  /** For one more, by its number. */
  readonly flagsOf?: (index: number) => readonly string[]
  readonly spec?: Partial<ServerSpec>
}

const LEADER_MS_MAX = 30_000
const POLL_MS = 20
const STATUS_MS_MAX = 1000

export class ClusterMember {
  readonly index: number
  readonly spec: ServerSpec
  readonly client: EtcdClient
  #server: ServerProcess | null = null
  #isReady = false

  constructor(index: number, spec: ServerSpec) {
    this.index = index
    this.spec = spec
    this.client = new EtcdClient(`127.0.0.1:${spec.clientPort}`)
  }

  get name(): string {
    return this.spec.name ?? ''
  }

  get peerUrl(): string {
    return `${this.spec.peerScheme ?? 'http'}://127.0.0.1:${this.spec.peerPort}`
  }

  /** Its process; throws while it is down. */
  get server(): ServerProcess {
    if (this.#server === null) throw new Error(`member ${this.name} is down`)
    return this.#server
  }

  get isRunning(): boolean {
    return this.#server !== null && this.#server.exit === undefined
  }

  /** It has said that it serves clients. */
  get isReady(): boolean {
    return this.#isReady && this.isRunning
  }

  /** Starts it without waiting until it serves clients: it may need others for that. */
  spawn(): ServerProcess {
    this.#server = ServerProcess.spawn(this.spec)
    return this.#server
  }

  async start(): Promise<void> {
    await this.spawn().ready()
    this.#isReady = true
  }

  /** kill -9 */
  async kill(): Promise<void> {
    this.#isReady = false
    await this.#server?.kill()
    this.#server = null
  }

  async stop(): Promise<Exit> {
    const exit = await this.server.stop()
    this.#server = null
    return exit
  }
}

export class ClusterProcess {
  readonly directory: TemporaryDirectory
  readonly members: ClusterMember[] = []
  readonly #options: ClusterOptions

  private constructor(options: ClusterOptions) {
    this.#options = options
    this.directory = temporaryDirectory()
  }

  /** Members with ports and directories, none of them started. */
  static async prepare(options: ClusterOptions): Promise<ClusterProcess> {
    const cluster = new ClusterProcess(options)
    const ports = await freePorts(2 * options.size)
    const names = Array.from({ length: options.size }, (_, i) => `m${i + 1}`)
    const scheme = options.spec?.peerScheme ?? 'http'
    const initialCluster = names.map((name, i) => `${name}=${scheme}://127.0.0.1:${ports[2 * i + 1]}`).join(',')
    for (const [i, name] of names.entries()) {
      const [clientPort, peerPort] = [ports[2 * i] as number, ports[2 * i + 1] as number]
      cluster.members.push(new ClusterMember(i, cluster.#specOf(i, { name, clientPort, peerPort, initialCluster })))
    }
    return cluster
  }

  /** Resolves when all of them serve clients. */
  static async start(options: ClusterOptions): Promise<ClusterProcess> {
    const cluster = await ClusterProcess.prepare(options)
    try {
      await Promise.all(cluster.members.map((member) => member.start()))
    } catch (error) {
      await cluster.remove()
      throw error
    }
    return cluster
  }

  /** Runs `body` with a fresh cluster and takes it away afterwards. */
  static async with(options: ClusterOptions, body: (cluster: ClusterProcess) => Promise<void>): Promise<void> {
    const cluster = await ClusterProcess.start(options)
    try {
      await body(cluster)
    } finally {
      await cluster.remove()
    }
  }

  get running(): ClusterMember[] {
    return this.members.filter((member) => member.isRunning)
  }

  member(index: number): ClusterMember {
    const member = this.members[index]
    if (member === undefined) throw new Error(`no member ${index}`)
    return member
  }

  /** A member that the cluster was told of, or will be; it is not started. */
  async add(name: string, flags: readonly string[] = []): Promise<ClusterMember> {
    const [clientPort, peerPort] = (await freePorts(2)) as [number, number]
    const own = `${name}=${this.#options.spec?.peerScheme ?? 'http'}://127.0.0.1:${peerPort}`
    const initialCluster = [...this.members.map((member) => `${member.name}=${member.peerUrl}`), own].join(',')
    const spec = this.#specOf(this.members.length, { name, clientPort, peerPort, initialCluster })
    const all = [...(spec.flags ?? []), '--initial-cluster-state', 'existing', ...flags]
    const member = new ClusterMember(this.members.length, { ...spec, flags: all })
    this.members.push(member)
    return member
  }

  /** A member that is down, to be started under another peer URL. */
  moved(index: number, peerPort: number): ClusterMember {
    const before = this.member(index)
    before.client.close()
    const member = new ClusterMember(index, { ...before.spec, peerPort })
    this.members[index] = member
    return member
  }

  /** The member that leads, once every member that runs and answers follows it. */
  async leader(timeoutMs = LEADER_MS_MAX): Promise<ClusterMember> {
    const giveUpAt = Date.now() + timeoutMs
    for (;;) {
      const leader = await this.#lookForLeader()
      if (leader !== null) return leader
      if (Date.now() > giveUpAt) throw new Error(`no leader within ${timeoutMs} ms\n${this.logs()}`)
      await delay(POLL_MS)
    }
  }

  async followers(): Promise<ClusterMember[]> {
    const leader = await this.leader()
    return this.running.filter((member) => member !== leader)
  }

  /** The end of what each member has logged. */
  logs(characters = 3000): string {
    return this.running.map(({ name, server }) => `--- ${name}\n${server.log.slice(-characters)}`).join('\n')
  }

  /** Kills all and takes the data away. */
  async remove(): Promise<void> {
    for (const { client } of this.members) client.close()
    await Promise.all(this.members.map((member) => member.kill()))
    this.directory.remove()
  }

  async #lookForLeader(): Promise<ClusterMember | null> {
    const members = this.running
    const answers = await Promise.all(members.map(({ client }) =>
      client.status({ deadlineMs: STATUS_MS_MAX }).catch(() => null)))
    const heard = answers.filter((answer) => answer !== null)
    const [first] = heard
    if (first === undefined || heard.length < members.length || first.leader === 0n) return null
    if (heard.some(({ leader }) => leader !== first.leader)) return null
    return members[answers.findIndex((answer) => answer?.header?.memberId === first.leader)] ?? null
  }

  #specOf(
    index: number,
    own: Required<Pick<ServerSpec, 'name' | 'clientPort' | 'peerPort' | 'initialCluster'>>,
  ): ServerSpec {
    const { kind = serverKind(), flags = [], flagsOf, spec } = this.#options
    return {
      kind, dataDir: this.directory.path(own.name), ...own, ...spec, flags: [...flags, ...(flagsOf?.(index) ?? [])],
    }
  }
}

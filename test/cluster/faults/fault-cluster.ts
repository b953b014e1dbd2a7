/** Members in namespaces and on disks of their own, which the test can take away from them for a while. */

import { writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { EtcdClient } from '../../support/etcd-client.js'
import { serverKind, ServerProcess, type ServerSpec } from '../../support/server-process.js'
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.js'
import { FaultDisk } from './fault-disk.js'
import { FaultNetwork } from './fault-network.js'
import { faketimeLibrary } from './machine-tools.js'

/** The member whose clock can be turned; what does that costs the others time for nothing. */
export const TURNABLE = 0
const CLIENT_PORT = 2379
const PEER_PORT = 2380
const DATA = 'data'
const SETTLE_MS_MAX = 60_000
const POLL_MS = 50
const STATUS_MS_MAX = 1000
const PUT_MS_MAX = 2000

export class FaultMember {
  readonly index: number
  readonly disk: FaultDisk
  readonly client: EtcdClient
  #spec: ServerSpec
  readonly #clockFile: string
  #server: ServerProcess | null = null

  constructor(index: number, disk: FaultDisk, spec: ServerSpec, clockFile: string) {
    this.index = index
    this.disk = disk
    this.#spec = spec
    this.#clockFile = clockFile
    this.client = new EtcdClient(this.endpoint, { deadlineMs: 10_000 })
  }

  get endpoint(): string {
    return `${this.#spec.host}:${CLIENT_PORT}`
  }

  get server(): ServerProcess {
    if (this.#server === null) throw new Error(`member ${this.index} is down`)
    return this.#server
  }

  get name(): string {
    return this.#spec.name ?? ''
  }

  get peerUrl(): string {
    return `http://${this.#spec.host}:${PEER_PORT}`
  }

  get isRunning(): boolean {
    return this.#server !== null && this.#server.exit === undefined
  }

  get log(): string {
    return this.#server?.log ?? ''
  }

  start(): void {
    this.#server = ServerProcess.spawn(this.#spec)
  }

  async kill(): Promise<void> {
    await this.disk.thaw()
    await this.#server?.kill()
  }

  async stop(): Promise<void> {
    const { code } = await this.server.stop()
    if (code !== 0) throw new Error(`member ${this.index} ended with ${code}\n${this.log.slice(-3000)}`)
  }

  /** A new member in its place: nothing is left of it but its URLs. */
  startAnew(): void {
    this.disk.wipe(DATA)
    this.#spec = { ...this.#spec, flags: ['--initial-cluster-state', 'existing'] }
    this.start()
  }

  /** Seconds that its clock on the wall is ahead. */
  setClock(aheadSeconds: number): void {
    writeFileSync(this.#clockFile, `${aheadSeconds < 0 ? '' : '+'}${aheadSeconds}`)
  }
}

export class FaultCluster {
  readonly members: FaultMember[] = []
  readonly network: FaultNetwork
  readonly #directory: TemporaryDirectory

  private constructor(network: FaultNetwork, directory: TemporaryDirectory) {
    this.network = network
    this.#directory = directory
  }

  static async start(size: number): Promise<FaultCluster> {
    const cluster = new FaultCluster(await FaultNetwork.create(size), temporaryDirectory())
    try {
      for (let i = 0; i < size; i++) await cluster.#addMember(i, size)
      for (const member of cluster.members) member.start()
      await cluster.settle()
    } catch (error) {
      await cluster.remove()
      throw error
    }
    return cluster
  }

  /** The member that the others follow, as far as can be seen now. */
  async leader(): Promise<FaultMember | null> {
    const running = this.members.filter((member) => member.isRunning)
    const statuses = await Promise.all(running.map(({ client }) =>
      client.status({ deadlineMs: STATUS_MS_MAX }).catch(() => null)))
    const leaderId = statuses.find((status) => status !== null && status.leader !== 0n)?.leader
    return running[statuses.findIndex((status) => status?.header?.memberId === leaderId)] ?? null
  }

  /** Resolves when every member, or each of these, takes writes. */
  async settle(members: readonly FaultMember[] = this.members): Promise<void> {
    const giveUpAt = performance.now() + SETTLE_MS_MAX
    for (const member of members) {
      for (;;) {
        const { exit } = member.server
        if (exit !== undefined) {
          throw new Error(`member ${member.index} ended by itself: ${JSON.stringify(exit)}\n${member.log.slice(-3000)}`)
        }
        const error: unknown = await member.client
          .put({ key: 'settled', value: `${member.index}.${++this.#settled}` }, { deadlineMs: PUT_MS_MAX })
          .then(() => null, (reason: unknown) => reason)
        if (error === null) break
        if (performance.now() > giveUpAt) throw new Error(`member ${member.index} takes no writes: ${this.#logs()}`)
        await delay(POLL_MS)
      }
    }
  }

  async remove(): Promise<void> {
    for (const member of this.members) {
      member.client.close()
      await member.kill()
    }
    for (const { disk } of this.members) await disk.remove()
    await this.network.remove()
    this.#directory.remove()
  }

  #settled = 0

  #logs(): string {
    return this.members.map(({ index, log }) => `--- ${index}\n${log.slice(-1500)}`).join('\n')
  }

  async #addMember(index: number, size: number): Promise<void> {
    const disk = await FaultDisk.create(this.#directory.path(), `disk${index}`)
    const urls = Array.from({ length: size }, (_, i) => `m${i}=http://${this.network.addressOf(i)}:${PEER_PORT}`)
    const clockFile = this.#directory.path(`clock${index}`)
    const env = {
      LD_PRELOAD: faketimeLibrary(),
      FAKETIME_TIMESTAMP_FILE: clockFile,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      // Its mending of waits with a deadline makes them late here.
      FAKETIME_FORCE_MONOTONIC_FIX: '0',
    }
    const member = new FaultMember(index, disk, {
      kind: serverKind(),
      name: `m${index}`,
      host: this.network.addressOf(index),
      clientPort: CLIENT_PORT,
      peerPort: PEER_PORT,
      dataDir: `${disk.path}/${DATA}`,
      initialCluster: urls.join(','),
      wrapper: this.network.wrapper(index),
      ...(index === TURNABLE ? { env } : {}),
    }, clockFile)
    member.setClock(0)
    this.members.push(member)
  }
}

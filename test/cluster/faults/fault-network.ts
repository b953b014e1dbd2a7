/** A network namespace for each member, on one bridge with the test: members can be kept from each other there. */

import { run, runQuietly } from './machine-tools.js'

/** What a member's links let through when they are slow. */
const SLOW_RATE = '2mbit'

export class FaultNetwork {
  readonly #prefix: string
  readonly #subnet: string
  readonly #count: number

  private constructor(prefix: string, subnet: string, count: number) {
    this.#prefix = prefix
    this.#subnet = subnet
    this.#count = count
  }

  /** For `count` members and as many that may come later. */
  static async create(count: number): Promise<FaultNetwork> {
    const number = process.pid % 200
    const network = new FaultNetwork(`rf${number}`, `10.77.${number}`, count)
    await network.remove()
    const bridge = `${network.#prefix}b`
    await run('ip', 'link', 'add', bridge, 'type', 'bridge')
    await run('ip', 'addr', 'add', `${network.#subnet}.254/24`, 'dev', bridge)
    await run('ip', 'link', 'set', bridge, 'up')
    for (let i = 0; i < count; i++) await network.#addMember(i, bridge)
    return network
  }

  addressOf(i: number): string {
    return `${this.#subnet}.${i + 1}`
  }

  /** Put before a command, it runs as that member. */
  wrapper(i: number): readonly string[] {
    return ['ip', 'netns', 'exec', this.#nameOf(i)]
  }

  /** Nothing that these send reaches the member. */
  async deafen(i: number, from: readonly number[]): Promise<void> {
    for (const other of from) await this.#drop(i, 'INPUT', '-s', other)
  }

  /** Nothing that the member sends reaches these. */
  async mute(i: number, to: readonly number[]): Promise<void> {
    for (const other of to) await this.#drop(i, 'OUTPUT', '-d', other)
  }

  async cut(i: number, others: readonly number[]): Promise<void> {
    await this.deafen(i, others)
    await this.mute(i, others)
  }

  async slow(i: number): Promise<void> {
    await this.#inside(
      i, 'tc', 'qdisc', 'add', 'dev', 'eth0', 'root', 'tbf', 'rate', SLOW_RATE, 'burst', '16kbit', 'latency', '300ms',
    )
  }

  async heal(): Promise<void> {
    for (let i = 0; i < this.#count; i++) {
      await this.#inside(i, 'iptables', '-F')
      await runQuietly('ip', 'netns', 'exec', this.#nameOf(i), 'tc', 'qdisc', 'del', 'dev', 'eth0', 'root')
    }
  }

  async remove(): Promise<void> {
    for (let i = 0; i < this.#count; i++) await runQuietly('ip', 'netns', 'del', this.#nameOf(i))
    await runQuietly('ip', 'link', 'del', `${this.#prefix}b`)
  }

  async #addMember(i: number, bridge: string): Promise<void> {
    const [name, outside] = [this.#nameOf(i), `${this.#prefix}v${i}`]
    await run('ip', 'netns', 'add', name)
    await run('ip', 'link', 'add', outside, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
    await run('ip', 'link', 'set', outside, 'master', bridge, 'up')
    await this.#inside(i, 'ip', 'link', 'set', 'lo', 'up')
    await this.#inside(i, 'ip', 'addr', 'add', `${this.addressOf(i)}/24`, 'dev', 'eth0')
    await this.#inside(i, 'ip', 'link', 'set', 'eth0', 'up')
  }

  async #drop(i: number, chain: 'INPUT' | 'OUTPUT', side: '-s' | '-d', other: number): Promise<void> {
    await this.#inside(i, 'iptables', '-A', chain, side, this.addressOf(other), '-j', 'DROP')
  }

  async #inside(i: number, program: string, ...args: readonly string[]): Promise<void> {
    await run('ip', 'netns', 'exec', this.#nameOf(i), program, ...args)
  }

  #nameOf(i: number): string {
    return `${this.#prefix}n${i}`
  }
}

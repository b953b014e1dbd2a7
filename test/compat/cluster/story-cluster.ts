/** A cluster of either kind, with etcdctl at hand; what it prints names members and ports as both clusters do. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { decodeAuthenticateResponse, encodeAuthenticateRequest } from '../../../src/proto/generated/etcdserverpb.js'
import type { ClusterMember, ClusterProcess } from '../../support/cluster/cluster-process.js'
import type { EtcdClient } from '../../support/etcd-client.js'
import { MemberListRequest, MemberListResponse } from '../../support/etcd-messages.js'
import type { StoryCluster } from './cluster-story.js'

const COMMAND_MS_MAX = 30_000
/** Of every user. */
export const PASSWORD = 'pw'

export class NamedCluster implements StoryCluster {
  readonly cluster: ClusterProcess
  /** Names of all that ever were members, by id. */
  readonly #names = new Map<bigint, string>()
  #clusterId = 0n
  #user: string | null = null
  #leader: ClusterMember | null = null

  constructor(cluster: ClusterProcess) {
    this.cluster = cluster
  }

  named(name: string): ClusterMember {
    const member = this.cluster.members.find((one) => one.name === name)
    if (member === undefined) throw new Error(`no member ${name}`)
    return member
  }

  /** Clients of the cluster are this user from now on; null for nobody. */
  signIn(user: string | null): void {
    this.#user = user
  }

  async leader(): Promise<ClusterMember> {
    // Members tell who leads to users only; while there are any, nobody moves the leader here.
    if (this.#user === null) this.#leader = await this.cluster.leader()
    return this.#leader as ClusterMember
  }

  async idOf(name: string): Promise<bigint> {
    await this.#learn()
    for (const [id, known] of this.#names) if (known === name) return id
    throw new Error(`${name} is no member`)
  }

  async ctl(words: string, at: readonly ClusterMember[] = this.#first()): Promise<string> {
    await this.#learn()
    const endpoints = at.map((member) => `127.0.0.1:${member.spec.clientPort}`).join(',')
    const filled = await Promise.all(words.trim().split(/\s+/u).map((word) => this.#fill(word)))
    const user = this.#user === null ? [] : [`--user=${this.#user}:${PASSWORD}`]
    const child = spawn('etcdctl', [`--endpoints=${endpoints}`, ...user, ...filled], {
      env: { ...process.env, ETCDCTL_API: '3' }, timeout: COMMAND_MS_MAX,
    })
    let printed = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => (printed += chunk.toString('utf8')))
    }
    child.stdin.end()
    const [code] = (await once(child, 'close')) as [number | null]
    await this.#learn()
    return `${this.#normalise(printed)}exit ${code}`
  }

  /** A member that may be a learner is asked only where it is named. */
  #first(): ClusterMember[] {
    return this.cluster.running.filter(({ name }) => name !== 'm4')
  }

  /** `<id:m1>`, `<peer:m1>`. */
  async #fill(word: string): Promise<string> {
    const id = /<id:(\w+)>/u.exec(word)
    if (id !== null) return word.replace(id[0], (await this.idOf(id[1] as string)).toString(16))
    return word.replace(/<peer:(\w+)>/u, (_, name: string) => this.named(name).peerUrl)
  }

  async #list(client: EtcdClient): ReturnType<EtcdClient['memberList']> {
    if (this.#user === null) return client.memberList(false)
    const asked = encodeAuthenticateRequest({ name: 'root', password: PASSWORD })
    const answer = await client.raw('/etcdserverpb.Auth/Authenticate', Buffer.from(asked))
    const { token } = decodeAuthenticateResponse(answer)
    const request = { linearizable: false }
    const path = '/etcdserverpb.Cluster/MemberList'
    return client.unary(path, MemberListRequest, MemberListResponse, request, { metadata: { token } })
  }

  /** Members keep the name that their URL gave them, or the order in which they came. */
  async #learn(): Promise<void> {
    for (const { client } of this.cluster.running) {
      const list = await this.#list(client).catch(() => null)
      if (list === null) continue
      this.#clusterId = list.header?.clusterId ?? this.#clusterId
      for (const { id, peerUrls } of list.members) {
        if (this.#names.has(id)) continue
        const known = this.cluster.members.find(({ peerUrl }) => peerUrls.includes(peerUrl))
        this.#names.set(id, known?.name ?? `m${this.#names.size + 1}`)
      }
    }
  }

  #normalise(printed: string): string {
    let text = printed
    for (const member of this.cluster.members) {
      text = text.replaceAll(`127.0.0.1:${member.spec.clientPort}`, `<client:${member.name}>`)
      text = text.replaceAll(`127.0.0.1:${member.spec.peerPort}`, `<peer:${member.name}>`)
    }
    for (const [id, name] of [...this.#names, [this.#clusterId, ''] as const]) {
      const shown = name === '' ? '<cluster>' : `<id:${name}>`
      text = text.replaceAll(id.toString(16).padStart(16, ' '), shown).replaceAll(id.toString(16), shown)
      text = text.replaceAll(id.toString(), shown)
    }
    // The client tells of its own attempts, which depend on time.
    text = text.replace(/^\{"level":"warn".*\n/gmu, '').replace(/ *<id:/gu, ' <id:')
    if (text.includes(', 3.')) text = withoutRoles(text)
    return sortedLists(text)
      .replace(/"member_id": ?<id:\w+>/u, '"member_id":<id>')
      .replace(/took = [0-9.]+(?:µs|ms|s)/gu, 'took = TOOK')
      .replace(/"raft_term":\d+/gu, '"raft_term":TERM')
      .replace(/"ts":"[^"]*"/gu, '"ts":"TIME"')
      .replace(/client-[0-9a-f-]{36}/gu, 'client-UUID')
      .replace(SIZES, 'SIZE')
  }
}

const SIZES = /[0-9.]+ (?:kB|MB|B)/gu

/** Rows of `endpoint status`: who leads is chance, that somebody does is not; indexes and terms are above 0. */
function withoutRoles(text: string): string {
  const rows = text.split('\n').map((line) => {
    if (!line.includes(', 3.')) return line
    const short = line.replace(/<(?:client|id):m[1-3]>/gu, '<m>').replace(/(\d+), (\d+), (\d+), $/u, 'N, N, N, ')
    return short.replace(/ 3\.\d+\.\d+/u, ' VERSION').replace(SIZES, 'SIZE')
  })
  return rows.sort().join('\n').replaceAll('  ', ' ')
}

/** Lines about several members, and lists of them in JSON, come in the order of ids, which are not the same ones. */
function sortedLists(text: string): string {
  const json = /"members":\[(.*)\]/u.exec(text)
  if (json !== null) {
    const members = (json[1] as string).split(/(?<=\}),/u).sort()
    return text.replace(json[0], `"members":[${members.join(',')}]`)
  }
  if (text.includes('ETCD_NAME')) {
    return text.replace(/ETCD_INITIAL_CLUSTER="([^"]*)"/u, (_, list: string) => {
      return `ETCD_INITIAL_CLUSTER="${list.split(',').sort().join(',')}"`
    })
  }
  return `${text.split('\n').filter((line) => line !== '').sort().join('\n')}\n`
}

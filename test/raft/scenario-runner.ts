/**
 * Runs scenarios: prose lines begin with `#`, commands with `>`, and what a command prints follows it. Members do
 * nothing by themselves; the invariants of Raft are checked after every command's every step.
 *
 *   cluster 1 2 3 [learners=4] [spares=5,6] [preVote=off] [checkQuorum=off] [catchup=0] [oneByOne=on]
 *   bootstrap 1                          a first start, whose configuration is a log entry that is not stored yet
 *   campaign N, tick N [count], propose N words, read N, transfer N to
 *   conf N +4 -2 ~5 [joint | explicit]   add, remove, add as learner; `conf N leave`
 *   ready N, durable N [count], applied N [index], checkpoint N, compact N
 *   deliver [A->B] [count], drop [A->B] [count], repeat A->B, network
 *   cut N, heal                          what goes to or comes from N is lost when delivered
 *   crash N [reached], restart N         writes that had reached the disk survive, and `reached` more
 *   settle [N ...]                       everyone, or only these, does everything until they are quiet
 *   status [N ...], log N
 */

import assert from 'node:assert/strict'
import { utf8 } from '../../src/base/bytes.js'
import { encodeConfChange } from '../../src/proto/generated/raftpb.js'
import { ConfChangeType, ConfTransition, confStateOf, type ConfChange } from '../../src/raft/core/conf-change.js'
import { EntryType, placedEntry } from '../../src/raft/core/raft-log.js'
import { RAFT_LIMITS_DEFAULT, type RaftInitial } from '../../src/raft/core/raft-state.js'
import { RaftCluster } from './raft-cluster.js'
import { formatEntry, formatMessage, formatReady, formatStatuses } from './scenario-format.js'
import type { TestMember } from './test-member.js'

/** The scenario with what its commands print today. */
export function runScenario(scenario: string): string {
  const out: string[] = []
  const runner = new ScenarioRunner()
  for (const line of scenario.split('\n')) {
    if (line.startsWith('>')) {
      out.push(line, ...runner.run(line.slice(1).trim().split(/\s+/)))
    } else if (line === '' || line.startsWith('#')) {
      out.push(line)
    }
  }
  return out.join('\n')
}

const QUIET = 'nothing under way'

type Command = (words: readonly string[]) => readonly string[]

class ScenarioRunner {
  #cluster: RaftCluster | null = null
  readonly #cut = new Set<bigint>()
  #printed: string[] = []
  readonly #commands: Readonly<Record<string, Command>> = {
    cluster: (words) => this.#start(words),
    bootstrap: (words) => this.#bootstrap(words.map(BigInt)),
    campaign: ([id]) => {
      const stands = this.#do(id, (member) => member.running.campaign())
      return stands ? [] : ['may not stand']
    },
    tick: ([id, count = '1']) => {
      for (let i = 0; i < Number(count); i++) this.#do(id, (member) => member.running.tick())
      return []
    },
    propose: ([id, ...words]) => {
      const result = this.#do(id, (member) => member.propose(words.join(' ')))
      return result.ok ? [] : [result.code]
    },
    conf: ([id, ...words]) => {
      const result = this.#do(id, (member) => member.proposeConf(changeOf(words)))
      return result.ok ? [] : [result.code]
    },
    read: ([id]) => {
      const refusal = this.#running.read(this.#member(id))
      return refusal === null ? [] : [refusal]
    },
    transfer: ([id, to = '']) =>
      this.#do(id, (member) => member.running.transferLeader(BigInt(to))) ? [] : ['refused'],
    ready: ([id]) => {
      const member = this.#member(id)
      while (this.#running.ready(member)) { /* until there is nothing more */ }
      return this.#takePrinted()
    },
    durable: ([id, count]) => {
      this.#do(id, (member) => member.durable(count === undefined ? Infinity : Number(count)))
      return []
    },
    applied: ([id, index]) => {
      this.#do(id, (member) => member.applied(index === undefined ? undefined : Number(index)))
      return []
    },
    checkpoint: ([id]) => {
      this.#do(id, (member) => member.checkpoint())
      return []
    },
    compact: ([id]) => {
      this.#do(id, (member) => member.compact())
      return []
    },
    deliver: (words) => this.#travel(words, false),
    drop: (words) => this.#travel(words, true),
    network: () => {
      const lines = this.#running.network.map(formatMessage)
      return lines.length > 0 ? lines : [QUIET]
    },
    repeat: ([pair = '']) => {
      const [from, to] = pair.split('->').map(BigInt)
      const { network } = this.#running
      const at = network.findIndex((message) => message.from === from && message.to === to)
      this.#running.duplicate(at)
      return []
    },
    cut: ([id = '']) => {
      this.#cut.add(BigInt(id))
      return []
    },
    heal: () => {
      this.#cut.clear()
      return []
    },
    crash: ([id, reached = '0']) => {
      this.#running.crash(this.#member(id), Number(reached))
      return []
    },
    restart: ([id]) => {
      this.#running.restart(this.#member(id))
      return formatStatuses([this.#member(id)])
    },
    settle: (words) => {
      const members = this.#members(words)
      this.#running.settle(members, (message) => this.#cut.has(message.from) || this.#cut.has(message.to))
      this.#takePrinted()
      return formatStatuses(members)
    },
    status: (words) => formatStatuses(this.#members(words)),
    log: ([id]) => {
      const core = this.#member(id).running
      const lines: string[] = []
      for (let i = core.firstIndex; i <= core.lastIndex; i++) lines.push(formatEntry(core.entry(i)))
      return lines
    },
  }

  run([name = '', ...words]: readonly string[]): readonly string[] {
    const command = this.#commands[name]
    assert.ok(command !== undefined, `no command ${name}`)
    return command(words)
  }

  get #running(): RaftCluster {
    assert.ok(this.#cluster !== null, 'a scenario begins with its cluster')
    return this.#cluster
  }

  #member(id = ''): TestMember {
    return this.#running.member(BigInt(id))
  }

  /** The members with these ids, all when there are none. */
  #members(words: readonly string[]): readonly TestMember[] {
    return words.length === 0 ? this.#running.members : words.map((id) => this.#member(id))
  }

  #do<T>(id: string | undefined, action: (member: TestMember) => T): T {
    return this.#running.do(this.#member(id), action)
  }

  #takePrinted(): readonly string[] {
    const printed = this.#printed
    this.#printed = []
    return printed
  }

  #start(words: readonly string[]): readonly string[] {
    const pairs = words.filter((word) => word.includes('=')).map((word) => word.split('=') as [string, string])
    const options = new Map(pairs)
    const ids = (list: string | undefined): bigint[] => (list ?? '').split(',').filter((it) => it !== '').map(BigInt)
    this.#watch(new RaftCluster({
      voters: words.filter((word) => !word.includes('=')).map(BigInt),
      learners: ids(options.get('learners')),
      spares: ids(options.get('spares')),
      limits: {
        ...RAFT_LIMITS_DEFAULT,
        preVote: options.get('preVote') !== 'off',
        checkQuorum: options.get('checkQuorum') !== 'off',
        catchupCountMax: Number(options.get('catchup') ?? RAFT_LIMITS_DEFAULT.catchupCountMax),
        messageBytesMax: options.get('oneByOne') === 'on' ? 1 : RAFT_LIMITS_DEFAULT.messageBytesMax,
      },
      random: timeoutInOrder,
    }))
    return []
  }

  #bootstrap(voters: readonly bigint[]): readonly string[] {
    const entries = voters.map((id, i) => placedEntry(1, i + 1, EntryType.confChange,
      encodeConfChange({ id: 0n, type: ConfChangeType.addNode, node_id: id, context: utf8('') })))
    const initial: RaftInitial = {
      hardState: { term: 1, vote: 0n, commit: entries.length }, snapshotIndex: 0, snapshotTerm: 0,
      entries, applied: 0, confState: confStateOf(voters), persisted: false,
    }
    this.#watch(new RaftCluster({ voters, limits: RAFT_LIMITS_DEFAULT, random: timeoutInOrder, initial }))
    return []
  }

  #watch(cluster: RaftCluster): void {
    this.#cluster = cluster
    this.#cut.clear()
    cluster.observe({
      onReady: (member, ready) => { this.#printed.push(...formatReady(member, ready)) },
      onApplied: () => { /* printed with its Ready */ },
    })
  }

  #travel(words: readonly string[], lose: boolean): readonly string[] {
    const cluster = this.#running
    const [from, to] = words.find((word) => word.includes('->'))?.split('->').map(BigInt) ?? []
    const limit = Number(words.find((word) => !word.includes('->')) ?? Infinity)
    const lines: string[] = []
    for (let at = 0, left = cluster.network.length; left > 0 && lines.length < limit; left--) {
      const message = cluster.network[at]
      assert.ok(message !== undefined)
      if (from !== undefined && (message.from !== from || message.to !== to)) {
        at++
        continue
      }
      const isLost = lose || this.#cut.has(message.from) || this.#cut.has(message.to)
      lines.push(`${formatMessage(message)}${isLost && !lose ? ' (lost)' : ''}`)
      if (isLost) cluster.drop(at)
      else cluster.deliver(at)
    }
    return lines.length > 0 ? lines : [QUIET]
  }
}

/** Election timeouts in the order of ids, so that no two members stand at the same time; no number comes twice. */
function timeoutInOrder(id: bigint): () => number {
  let calls = 0
  return () => (Number(id - 1n) + ++calls / 1e6) / 10
}

function changeOf(words: readonly string[]): ConfChange {
  const types: Readonly<Record<string, ConfChangeType>> = {
    '+': ConfChangeType.addNode, '-': ConfChangeType.removeNode, '~': ConfChangeType.addLearner,
  }
  const transition = words.includes('explicit') ? ConfTransition.jointExplicit
    : words.includes('joint') ? ConfTransition.jointImplicit : ConfTransition.auto
  const changes = words.filter((word) => types[word.charAt(0)] !== undefined).map((word) => ({
    type: types[word.charAt(0)] as ConfChangeType, nodeId: BigInt(word.slice(1)),
  }))
  assert.ok(changes.length > 0 || words.includes('leave'), `no change in ${words.join(' ')}`)
  return { transition, changes }
}

/** What happens to both clusters, in order: commands of etcdctl against their members, and members that come and go. */

import type { ClusterMember, ClusterProcess } from '../../support/cluster/cluster-process.js'
import { PASSWORD } from './story-cluster.js'

export interface Step {
  /** Unique; what `differences.tsv` names it by. */
  readonly title: string
  run(cluster: StoryCluster): Promise<string>
}

/** One of the clusters, as steps see it. */
export interface StoryCluster {
  readonly cluster: ClusterProcess
  /** Runs etcdctl against these members, all that run by default; `<id:m1>` and the like stand for what they name. */
  ctl(words: string, at?: readonly ClusterMember[]): Promise<string>
  named(name: string): ClusterMember
  /** Clients of the cluster are this user from now on; null for nobody. */
  signIn(user: string | null): void
  leader(): Promise<ClusterMember>
  /** The id that the cluster has given a member; learnt from its list. */
  idOf(name: string): Promise<bigint>
}

const CONNECTED_MS = 5500

function ctl(title: string, words = title): Step {
  return { title, run: (it) => it.ctl(words) }
}

function at(role: 'leader' | 'follower', words: string, title = `${words} (${role})`): Step {
  return {
    title,
    run: async (it) => {
      const leader = await it.leader()
      const member = role === 'leader' ? leader : (it.cluster.running.find((one) => one !== leader) as ClusterMember)
      // Who has which role is chance.
      return (await it.ctl(words, [member])).replaceAll(`<client:${member.name}>`, `<client:${role}>`)
    },
  }
}

function act(title: string, body: (it: StoryCluster) => Promise<unknown>): Step {
  return {
    title,
    run: async (it) => {
      await body(it)
      return 'done'
    },
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Strict checks want connections that have lasted. */
const CONNECT = act('wait until all are connected for long enough', () => pause(CONNECTED_MS))

const BEGINNING: readonly Step[] = [
  ctl('member list'),
  ctl('member list -w json'),
  ctl('member list -w table'),
  ctl('put a 1'),
  at('follower', 'put b 2'),
  at('follower', 'get a'),
  at('follower', 'get b --consistency=s'),
  ctl('endpoint health --cluster'),
  ctl('endpoint status --cluster'),
  ctl('endpoint hashkv --cluster'),
  ctl('defrag --cluster'),
]

const REFUSED: readonly Step[] = [
  CONNECT,
  ctl('member add', 'member add m4 --peer-urls=nonsense'),
  ctl('member add with a path', 'member add m4 --peer-urls=https://127.0.0.1:1/path'),
  ctl('member add with a known URL', 'member add m4 --peer-urls=<peer:m1>'),
  ctl('member update unknown', 'member update 1234 --peer-urls=https://127.0.0.1:1'),
  ctl('member update with a known URL', 'member update <id:m1> --peer-urls=<peer:m2>'),
  ctl('member remove unknown', 'member remove 1234'),
  ctl('member promote unknown', 'member promote 1234'),
  ctl('member promote a voter', 'member promote <id:m2>'),
  at('follower', 'member promote <id:m2>'),
  at('follower', 'move-leader 1234'),
  at('leader', 'move-leader 1234'),
]

const LEARNING: readonly Step[] = [
  act('a member gets ready to join', (it) => it.cluster.add('m4')),
  ctl('member add as learner', 'member add m4 --learner --peer-urls=<peer:m4>'),
  ctl('member list with one that has not started', 'member list'),
  ctl('member add a second learner', 'member add m5 --learner --peer-urls=https://127.0.0.1:1'),
  ctl('member promote one that has not started', 'member promote <id:m4>'),
  at('follower', 'member promote <id:m4>'),
  act('the learner starts', async (it) => {
    await it.named('m4').start()
    const read = (): Promise<string> => it.ctl('get b --consistency=s', [it.named('m4')])
    await until('the learner has all', async () => (await read()).includes('2'))
  }),
  ctl('member list with a learner', 'member list'),
  ...['get a', 'put a 3', 'member list', 'lease grant 10', 'compact 1', 'alarm list', 'endpoint health', 'txn'].map(
    (words): Step => ({ title: `${words} (learner)`, run: (it) => it.ctl(words, [it.named('m4')]) }),
  ),
  { title: 'get --consistency=s (learner)', run: (it) => it.ctl('get a --consistency=s', [it.named('m4')]) },
  { title: 'endpoint status (learner)', run: (it) => it.ctl('endpoint status', [it.named('m4')]) },
  {
    title: 'move-leader to a learner',
    run: async (it) => it.ctl('move-leader <id:m4>', [await it.cluster.leader()]),
  },
  at('follower', 'member promote <id:m4>', 'member promote one that is ready (follower)'),
  ctl('member list after the promotion', 'member list'),
  ctl('member promote again', 'member promote <id:m4>'),
  { title: 'get (promoted)', run: (it) => it.ctl('get a', [it.named('m4')]) },
]

const MOVING: readonly Step[] = [
  ctl('member update', 'member update <id:m1> --peer-urls=<peer:m1>'),
  {
    title: 'move-leader',
    run: async (it) => {
      const leader = await it.cluster.leader()
      const next = it.cluster.running.find((member) => member !== leader) as ClusterMember
      const printed = await it.ctl(`move-leader <id:${next.name}>`, [leader])
      const names = new RegExp(`<id:(${leader.name}|${next.name})>`, 'gu')
      const now = await it.cluster.leader()
      return printed.replace(names, (_, name) => (name === leader.name ? '<old>' : '<new>')) +
        (now === next ? 'and so it is' : 'but it is not')
    },
  },
  act('m4 is removed, and ends by itself', async (it) => {
    await it.ctl('member remove <id:m4>', [it.named('m1')])
    const exit = await it.named('m4').server.exited
    if (exit.code !== 0) throw new Error(`exit ${exit.code}: ${it.named('m4').server.log.slice(-1000)}`)
  }),
  ctl('member remove again', 'member remove <id:m4>'),
  ctl('member list after the removal', 'member list'),
]

const USERS: readonly Step[] = [
  CONNECT,
  act('it is known who leads', (it) => it.leader()),
  ...['root', 'bob'].map((user): Step => ctl(`user add ${user}`, `user add ${user}:${PASSWORD}`)),
  ctl('user grant-role root root'),
  ctl('auth enable'),
  ctl('member add by nobody', 'member add m5 --peer-urls=https://127.0.0.1:1'),
  ctl('member remove by nobody', 'member remove <id:m2>'),
  act('clients are bob', async (it) => it.signIn('bob')),
  ...['add m5 --peer-urls=https://127.0.0.1:1', 'remove <id:m2>', 'update <id:m2> --peer-urls=https://127.0.0.1:1',
    'promote <id:m2>'].map((words): Step => ctl(`member ${words} (bob)`, `member ${words}`)),
  ctl('member list (bob)', 'member list'),
  { title: 'move-leader (bob)', run: async (it) => it.ctl('move-leader 1234', [await it.leader()]) },
  act('clients are root', async (it) => it.signIn('root')),
  ctl('member list (root)', 'member list'),
  ctl('member add as learner (root)', 'member add m5 --learner --peer-urls=https://127.0.0.1:1'),
  at('follower', 'member promote <id:m5>', 'member promote one that has not started (follower, root)'),
  at('follower', 'member promote <id:m2>', 'member promote a voter (follower, root)'),
  ctl('member update (root)', 'member update <id:m5> --peer-urls=https://127.0.0.1:2'),
  ctl('member remove (root)', 'member remove <id:m5>'),
  ctl('put (root)', 'put a 7'),
  ctl('endpoint health (root)', 'endpoint health --cluster'),
  ctl('endpoint hashkv (root)', 'endpoint hashkv --cluster'),
  ctl('defrag (root)', 'defrag --cluster'),
  ctl('endpoint health of those that are named (root)', 'endpoint health'),
  ctl('endpoint hashkv of those that are named (root)', 'endpoint hashkv'),
  ctl('auth disable'),
  act('clients are nobody', async (it) => it.signIn(null)),
]

const FAILING: readonly Step[] = [
  act('m3 is killed, and another one leads', async (it) => {
    await it.named('m3').kill()
    await it.cluster.leader()
  }),
  ctl('put with one down', 'put a 4'),
  ctl('member add with one down', 'member add m6 --peer-urls=https://127.0.0.1:1'),
  ctl('member add as learner with one down', 'member add m6 --learner --peer-urls=https://127.0.0.1:1'),
  ctl('member remove one that runs with one down', 'member remove <id:m2>'),
  ctl('member remove the one that is down', 'member remove <id:m3>'),
  CONNECT,
  ctl('member add a voter that does not start', 'member add m6 --peer-urls=https://127.0.0.1:1'),
  ctl('member add beside a voter that has not started', 'member add m7 --peer-urls=https://127.0.0.1:2'),
  ctl('member remove beside a voter that has not started', 'member remove <id:m2>'),
  ctl('member remove the voter that has not started', 'member remove <id:m6>'),
  act('m2 is killed', (it) => it.named('m2').kill()),
  ctl('put without a quorum', 'put a 5 --command-timeout=20s'),
  ctl('get without a quorum', 'get a --command-timeout=20s'),
  ctl('get --consistency=s without a quorum', 'get a --consistency=s'),
  ctl('endpoint health without a quorum', 'endpoint health --command-timeout=20s'),
  ctl('member list without a quorum', 'member list --command-timeout=20s'),
]

export const STORY: readonly Step[] = [...BEGINNING, ...REFUSED, ...LEARNING, ...MOVING, ...USERS, ...FAILING]

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries++) {
    if (tries > 100) throw new Error(`it never came to this: ${what}`)
    await pause(200)
  }
}

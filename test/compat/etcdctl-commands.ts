/**
 * Every etcdctl command line that is run against both servers, in order: each sees what those
 * before it wrote.
 */

import { inFormats, run, txn, type CtlCommand } from './etcdctl-command.js'
import { AUTH_COMMANDS } from './etcdctl/auth-commands.js'
import { HASH_COMMANDS, MAINTENANCE_COMMANDS } from './etcdctl/maintenance-commands.js'
import { KV_COMMANDS } from './etcdctl-kv-commands.js'
import { LOCK_COMMANDS } from './etcdctl-lock-commands.js'

const LEASES: readonly CtlCommand[] = [
  ...inFormats(
    'lease list',
    'lease timetolive {F1}',
    'lease timetolive {F1} --keys',
    'lease timetolive 4321',
  ),
  ...run(
    'put l1 a --lease={F1}',
    'put l2 b --lease={F1}',
    'get l1 -w json',
    'get l --prefix -w fields',
    'get l --prefix --keys-only -w json',
    'get l --prefix --keys-only --sort-by=VALUE -w json',
    'lease timetolive {F1} --keys',
    'lease timetolive {F1} --keys -w json',
    'put l2 b2',
    'get l2 -w json',
    'lease timetolive {F1} --keys',
    'put l1 again --ignore-lease',
    'get l1 -w json',
    'put l3 c --lease={F2}',
    'put l3 moved --lease={F1}',
    'lease timetolive {F2} --keys',
    'lease timetolive {F1} --keys -w fields',
    'lease keep-alive {F1} --once',
    'lease keep-alive {F1} --once -w json',
    'lease keep-alive {F1} --once -w fields',
    'lease keep-alive 4321 --once',
    'lease revoke 4321',
  ),
  ...run(
    'lease revoke {F1}',
    'lease revoke {F1}',
    'get l --prefix',
    'lease timetolive {F1}',
    'lease list',
    'lease revoke {F2} -w json',
    'lease list -w json',
    'put l4 x --lease={F1}',
  ),
  { args: 'lease grant 300', grants: 'L1' },
  { args: 'lease grant 400 -w json', grants: 'L2' },
  { args: 'lease grant 500 -w fields', grants: 'L3' },
  { args: 'lease grant 1', grants: 'L4' },
  ...run(
    'lease list',
    'lease list -w json',
    'lease list -w fields',
    'lease timetolive {L1}',
    'lease timetolive {L2} -w json',
    'put under-l1 x --lease={L1}',
    'lease timetolive {L1} --keys',
    'lease keep-alive {L1} --once',
    'lease revoke {L1}',
    'get under-l1',
    'lease revoke {L2} -w json',
    'lease revoke {L3} -w fields',
    'lease grant',
    'lease grant abc',
    'lease grant 9000000001',
    'lease grant 99999999999999999999',
    'lease revoke',
    'lease revoke zz',
    'lease timetolive',
    'lease keep-alive',
  ),
  // Without --once it renews at a third of the time again and again; of a lease that is not there it says so and ends.
  { args: 'lease grant 4', grants: 'L5' },
  { args: 'lease keep-alive {L5}', lines: 2 },
  { args: 'lease keep-alive {L5} -w json', lines: 2 },
  ...run('lease timetolive {L5}', 'lease revoke {L5}', 'lease keep-alive {L5}', 'lease keep-alive 4321'),
]

const COMPACTIONS: readonly CtlCommand[] = [
  ...run(
    'get k1 --rev=14',
    'compaction 20',
    'get k1 --rev=14',
    'get k --prefix --rev=20 --keys-only',
    'get k1 --rev=19 -w json',
    'compaction 20',
    'compaction 5',
    'compaction 99999',
    'compaction -- -1',
    'compaction abc',
    'compaction',
    'compaction 30 --physical',
    'get k --prefix --rev=30',
    'get k --prefix --rev=29',
    'compaction 30 --physical',
    'watch k --prefix --rev=3',
  ),
]

const WATCHES: readonly CtlCommand[] = [
  ...run('put w/1 a', 'put w/2 b', 'put w/1 a2', 'del w/2', 'put w/3 c'),
  ...txn('\nput w/4 d\nput w/5 e\ndel w/3\n\n\n'),
  { args: 'watch w/ --prefix --rev=31', lines: 24 },
  { args: 'watch w/ --prefix --rev=31 --prev-kv', lines: 30 },
  { args: 'watch w/ --prefix --rev=31 -w json', lines: 1 },
  { args: 'watch w/ --prefix --rev=31 --prev-kv -w json', lines: 1 },
  { args: 'watch w/ --prefix --rev=31 -w protobuf', lines: 1 },
  { args: 'watch w/ --prefix --rev=31 -w fields', lines: 20 },
  { args: 'watch w/1 --rev=31', lines: 6 },
  { args: 'watch w/1 w/3 --rev=31', lines: 11 },
  { args: 'watch w/1 --rev=31 --hex', lines: 6 },
  { args: "watch w/2 --rev=31 -- sh -c 'env | grep -a ETCD_WATCH | sort'", lines: 5 },
  { args: 'watch w/9 w/1 --rev=31' },
  ...run('watch', 'watch w/ --prefix --rev=2', 'watch w/ --prefix --rev=29'),
  { args: 'watch -i', stdin: 'watch w/1 --rev=31\n', lines: 6 },
  { args: 'watch -i', stdin: 'watch --rev=31 w/4\n', lines: 3 },
  { args: 'watch -i', stdin: 'watch w/none --rev=31\nprogress\n', lines: 1 },
]

const SERVER: readonly CtlCommand[] = [
  ...run(
    'endpoint status',
    'endpoint status -w json',
    'endpoint status -w fields',
    'endpoint status -w table',
    'endpoint status --cluster',
    'endpoint health',
    'endpoint health -w json',
    'endpoint health -w table',
    'endpoint health --cluster',
    'member list',
    'member list -w json',
    'member list -w fields',
    'member list -w table',
    'member list -w protobuf',
    'get k1 --command-timeout=5s --dial-timeout=2s',
  ),
]

/**
 * Watches from now: how often `wake` had to be put is a matter of luck, so nothing after these
 * compares revisions.
 */
const LIVE_WATCHES: readonly CtlCommand[] = [
  { args: 'watch live', wake: 'live', lines: 5, feed: ['put live one', 'del live'] },
  {
    args: 'watch live/ --prefix',
    wake: 'live/wake',
    lines: 8,
    feed: ['put live/a one', 'put live/b two', 'del live/ --prefix'],
  },
  {
    args: 'watch live2 --prev-kv',
    wake: 'live2',
    lines: 12,
    feed: ['put live2 one', 'put live2 two', 'del live2'],
  },
  { args: 'watch m m5', wake: 'm', lines: 6, feed: ['put m2 in', 'put m5 out', 'put m4 in'] },
]

export const CTL_COMMANDS: readonly CtlCommand[] = [
  ...KV_COMMANDS,
  ...HASH_COMMANDS,
  ...LEASES,
  ...COMPACTIONS,
  ...WATCHES,
  ...SERVER,
  ...MAINTENANCE_COMMANDS,
  ...AUTH_COMMANDS,
  ...LIVE_WATCHES,
  ...LOCK_COMMANDS,
]

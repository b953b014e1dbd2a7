/** Alarms, hashes, defragmentation and moves of the leader by etcdctl. */

import { run, type CtlCommand } from '../etcdctl-command.js'

/** While no key hangs on a lease whose id was chosen at random. */
export const HASH_COMMANDS: readonly CtlCommand[] = run(
  'endpoint hashkv',
  'endpoint hashkv -w json',
  'endpoint hashkv -w fields',
  'endpoint hashkv -w table',
  'endpoint hashkv --cluster',
  'endpoint hashkv --rev 10',
)

/**
 * Nothing here makes a revision: what follows names revisions. `-w fields` is left out for alarms: etcdctl 3.4.23
 * panics on an answer without a header, which is what etcd 3.4.23 gives.
 */
const ALARM_COMMANDS: readonly CtlCommand[] = [
  { args: 'alarm list', raisesAlarm: true },
  ...run(
    'alarm list -w json',
    'alarm list -w protobuf',
    'alarm list -w table',
    'put refused v',
    'put refused v -w json',
    'lease grant 1000',
    'del not-there',
    'get k1',
    'endpoint status',
    'endpoint status -w json',
    'endpoint status -w fields',
    'endpoint status -w table',
    'endpoint health',
    'endpoint health -w json',
    'endpoint health --cluster',
    'alarm disarm',
    'alarm list',
    'endpoint health',
  ),
  { args: 'alarm disarm -w json', raisesAlarm: true },
  { args: 'alarm disarm -w protobuf', raisesAlarm: true },
  ...run(
    'alarm list',
    'alarm disarm',
    'endpoint status',
    'del not-there',
  ),
]

const OTHER_COMMANDS: readonly CtlCommand[] = run(
  'endpoint hashkv --rev 29',
  'endpoint hashkv --rev 30',
  'endpoint hashkv --rev 31',
  'endpoint hashkv --rev 999999',
  'alarm',
  'alarm list',
  'alarm list -w json',
  'alarm list now',
  'alarm disarm',
  'alarm disarm -w json',
  'defrag',
  'defrag --cluster',
  'defrag now',
  'endpoint hashkv --rev 31',
  'get k --prefix --keys-only',
  'move-leader',
  'move-leader zz',
  'move-leader 1234',
)

export const MAINTENANCE_COMMANDS: readonly CtlCommand[] = [...OTHER_COMMANDS, ...ALARM_COMMANDS]

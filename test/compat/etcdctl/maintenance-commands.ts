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

export const MAINTENANCE_COMMANDS: readonly CtlCommand[] = run(
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

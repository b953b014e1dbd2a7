/**
 * Locks and elections of etcdctl, which build them on keys, leases and watches themselves. Nothing after these compares
 * revisions: how many a contender takes is a matter of luck.
 */

import { run, type CtlCommand } from './etcdctl-command.js'

export const LOCK_COMMANDS: readonly CtlCommand[] = [
  ...run(
    'lock',
    'lock ctl-lock echo held',
    "lock ctl-lock sh -c 'echo $ETCD_LOCK_KEY'",
    "lock ctl-lock sh -c 'exit 3'",
    'lock ctl-lock --ttl=30 echo again',
    'get ctl-lock/ --prefix --keys-only',
  ),
  // Interrupted, the holder leaves the line; killed, it holds the lock until its lease ends.
  { args: 'lock ctl-lock', lines: 1 },
  ...run('get ctl-lock/ --prefix --keys-only', 'lock ctl-lock echo free'),
  { args: 'lock ctl-lock --ttl=2', lines: 1, signal: 'SIGKILL' },
  ...run(
    'get ctl-lock/ --prefix --count-only -w fields',
    'lock ctl-lock --ttl=2 echo inherited',
    'get ctl-lock/ --prefix --keys-only',
  ),
  ...run('elect'),
  { args: 'elect ctl-election me', lines: 2 },
  ...run('get ctl-election/ --prefix'),
  {
    args: 'elect -l ctl-observed',
    wake: 'ctl-observed/x',
    lines: 6,
    feed: ['put ctl-observed/x one', 'put ctl-observed/y later', 'put ctl-observed/x two', 'del ctl-observed/x'],
  },
]

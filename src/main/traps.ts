/** Settings and surroundings that are known to hurt later, each as a sentence for the log at the start. */

import type { Config } from '../config/config.js'
import { MIB } from '../config/limits.js'
import type { HostFacts } from './host-facts.js'

/** A node without data has this much; less makes the kernel kill it, and it comes back to the same. */
const MEMORY_BYTES_MIN = 512 * MIB
/** A write takes at least one sync; beyond this leaders begin to look slow. */
const SYNC_MS_MAX = 10
const CLOCK_TOLERANCE_MS = 2000
/** Connections are not all: the store, the log and what Node.js itself has open. */
const OWN_FILES = 200
/** File systems over a network: neither their locks nor their syncs are what a store needs. */
const REMOTE = new Set(['nfs', 'cifs', 'smb2'])

type TrapConfig = Pick<Config, 'autoCompaction' | 'unsafeNoFsync' | 'connectionsMax' | 'walDir' | 'quotaBytes'>

export function findTraps(config: TrapConfig, host: HostFacts): string[] {
  const { wallMs, newestFileMs, memoryLimitBytes, openFilesMax, syncMs, fileSystem } = host
  const traps: string[] = []
  if (newestFileMs !== null && newestFileMs > wallMs + CLOCK_TOLERANCE_MS) {
    const seconds = Math.round((newestFileMs - wallMs) / 1000)
    traps.push(`the clock is wrong or was: the newest file of the data directory is ${seconds} s in the future`)
  }
  if (memoryLimitBytes !== null && memoryLimitBytes < MEMORY_BYTES_MIN) {
    const [limit, needed] = [Math.floor(memoryLimitBytes / MIB), MEMORY_BYTES_MIN / MIB]
    traps.push(`the memory limit is ${limit} MiB; a node needs ${needed} MiB, and more the more clients it has`)
  }
  if (openFilesMax !== null && openFilesMax < config.connectionsMax + OWN_FILES) {
    traps.push(
      `at most ${openFilesMax} files may be open, too few for --max-connections ${config.connectionsMax}: ` +
        'raise the limit (LimitNOFILE, ulimit -n) or lower the option',
    )
  }
  if (config.unsafeNoFsync) {
    traps.push('--unsafe-no-fsync: a power cut loses acknowledged writes and may ruin the data directory')
  } else if (syncMs !== null && syncMs > SYNC_MS_MAX) {
    traps.push(`the disk is slow: a sync in ${config.walDir} takes ${syncMs.toFixed(1)} ms; every write waits for one`)
  }
  if (fileSystem !== null && REMOTE.has(fileSystem)) {
    traps.push(`the data directory is on ${fileSystem}, over a network; a store belongs on a local disk`)
  }
  if (config.autoCompaction.mode === 'off') {
    traps.push(
      'history is kept for ever: --auto-compaction-retention is 0. Without a client that compacts, ' +
        'as kube-apiserver does, the store grows up to its quota',
    )
  }
  return traps
}

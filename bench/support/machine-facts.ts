/** Where figures come from: they mean nothing without it. */

import { execFileSync } from 'node:child_process'
import { statfsSync } from 'node:fs'
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os'

export interface MachineFacts {
  readonly processor: string
  readonly cores: number
  readonly memoryBytes: number
  readonly kernel: string
  readonly node: string
  readonly commit: string
  /** Of the file system that data directories lie in, as the kernel numbers it. */
  readonly fileSystem: string
  /** Of the last minute, before anything was measured: what others were doing. */
  readonly loadBefore: number
  readonly at: string
}

/** Magic numbers of file systems that benchmarks meet. */
const FILE_SYSTEMS: Readonly<Record<string, string>> = {
  ef53: 'ext4', '58465342': 'xfs', '1021994': 'tmpfs', '9123683e': 'btrfs', '794c7630': 'overlay', '2fc12fc1': 'zfs',
}

export function readMachine(directory: string = tmpdir()): MachineFacts {
  const kind = statfsSync(directory).type.toString(16)
  return {
    processor: cpus()[0]?.model ?? 'unknown processor',
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
    commit: commitOf(),
    fileSystem: FILE_SYSTEMS[kind] ?? kind,
    loadBefore: loadavg()[0] ?? NaN,
    at: new Date().toISOString().slice(0, 19).replace('T', ' '),
  }
}

export function machineLine(facts: MachineFacts): string {
  const memory = `${Math.round(facts.memoryBytes / 1024 ** 3)} GiB`
  return `${facts.processor}, ${facts.cores} cores, ${memory}, Linux ${facts.kernel}, ${facts.fileSystem}, ` +
    `Node ${facts.node}, commit ${facts.commit}, load ${facts.loadBefore.toFixed(1)} before`
}

function commitOf(): string {
  try {
    const commit = git('rev-parse', '--short', 'HEAD')
    const isChanged = git('status', '--porcelain') !== ''
    return isChanged ? `${commit} with changes` : commit
  } catch {
    // Not a checkout.
    return 'unknown'
  }
}

function git(...words: string[]): string {
  return execFileSync('git', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
}

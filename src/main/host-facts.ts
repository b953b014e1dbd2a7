/** What the machine gives this process: clock, memory, open files, the disk under the log. */

import {
  closeSync, constants, fdatasyncSync, openSync, readdirSync, readFileSync, statfsSync, statSync, unlinkSync, writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../base/system-clock.js'

export interface HostFacts {
  readonly wallMs: number
  /** When the newest file of the log was written. */
  readonly newestFileMs: number | null
  /** Of the control group, where there is a limit. */
  readonly memoryLimitBytes: number | null
  readonly openFilesMax: number | null
  /** Median time of a write and sync of 4 KiB beside the log. */
  readonly syncMs: number | null
  /** Of the data directory, where its kind is known. */
  readonly fileSystem: string | null
}

const PROBES = 5
const PROBES_MS_MAX = 500
const BLOCK = Buffer.alloc(4096)

/** Numbers of kinds of file systems, linux/magic.h. */
const KINDS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'nfs'],
  [0xff534d42, 'cifs'],
  [0xfe534d42, 'smb2'],
  [0x01021994, 'tmpfs'],
])

/** Reads what the files of a started node and the kernel tell; what cannot be read is null. */
export function readHostFacts(config: { readonly dataDir: string; readonly walDir: string }): HostFacts {
  return {
    wallMs: systemClock.wallMs(),
    newestFileMs: orNull(() => newestFileMs(config.walDir)),
    memoryLimitBytes: cgroupLimit(),
    openFilesMax: orNull(openFilesMax),
    syncMs: orNull(() => medianSyncMs(config.walDir)),
    fileSystem: orNull(() => KINDS.get(statfsSync(config.dataDir).type) ?? null),
  }
}

function orNull<T>(read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    return null
  }
}

function newestFileMs(folder: string): number | null {
  const times = readdirSync(folder).map((name) => statSync(join(folder, name)).mtimeMs)
  return times.length === 0 ? null : Math.max(...times)
}

function cgroupLimit(): number | null {
  for (const path of ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes']) {
    const text = orNull(() => readFileSync(path, 'utf8').trim())
    const bytes = Number(text ?? 'max')
    // Version 1 says "no limit" with a number near 2^63.
    if (Number.isSafeInteger(bytes) && bytes > 0) return bytes
  }
  return null
}

function openFilesMax(): number | null {
  const match = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
  return match === null ? null : Number(match[1])
}

/** On a file that is removed before it is written, so that a crash leaves nothing. */
function medianSyncMs(folder: string): number {
  const path = join(folder, `sync-probe-${process.pid}.tmp`)
  const descriptor = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600)
  try {
    unlinkSync(path)
    const times: number[] = []
    const startMs = systemClock.nowMs()
    while (times.length < PROBES && systemClock.nowMs() - startMs < PROBES_MS_MAX) {
      const beforeMs = systemClock.nowMs()
      writeSync(descriptor, BLOCK)
      fdatasyncSync(descriptor)
      times.push(systemClock.nowMs() - beforeMs)
    }
    return times.toSorted((a, b) => a - b)[times.length >>> 1] as number
  } finally {
    closeSync(descriptor)
  }
}

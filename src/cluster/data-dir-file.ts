/**
 * The data directory: made or recognised, and held by a kernel lock for the process's whole life. The lock is
 * released by the kernel however the process ends, and is not taken from one that is merely stopped.
 */

import { spawnSync } from 'node:child_process'
import {
  accessSync, closeSync, constants, existsSync, fsyncSync, openSync, readFileSync, readdirSync, renameSync, statSync,
  writeSync,
} from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { makeDirectories } from '../base/directories-file.js'
import type { Config } from '../config/config.js'
import { SocketLock, type Lock } from './lock-socket.js'

/** Bumped when a directory written before cannot be opened as it is. */
const FORMAT_VERSION = 1
const FORMAT_LINE = `raftring data directory, format ${FORMAT_VERSION}\n`

/** Beside `member/`, where etcd keeps nothing. */
const FORMAT_FILE = 'raftring-format'
/** In a directory that comes from etcd: where `member` is made anew, and what etcd's own is called then. */
export const MigratedNames = Object.freeze({ made: 'member.raftring', kept: 'member.etcd' })

const DIRECTORY_MODE = 0o700
const FILE_MODE = 0o600
const FLOCK_CONFLICT = 1

export interface DataDirectory {
  /** About the directory's mode, for the log. */
  readonly warnings: readonly string[]
  release(): void
}

export type ClaimResult =
  | { readonly ok: true; readonly directory: DataDirectory }
  | { readonly ok: false; readonly message: string }

/** Nothing in a directory is read or changed before it is locked. A log that lies elsewhere is locked as well. */
export async function claimDataDirectory(
  config: Pick<Config, 'dataDir' | 'walDir'>,
  flock = 'flock',
): Promise<ClaimResult> {
  const locks: Lock[] = []
  // Once: a descriptor that was closed may be another file's by the second time.
  const release = (): void => locks.splice(0).forEach((lock) => lock.release())
  let path = config.dataDir
  try {
    for (path of directoriesOf(config)) {
      const lock = await claim(path, flock)
      if (lock === null) {
        release()
        return refused(`data directory ${path} is in use by another process`)
      }
      locks.push(lock)
    }
    path = config.dataDir
    const problem = recognise(path, config.walDir)
    if (problem === null) return { ok: true, directory: { warnings: modeWarnings(path), release } }
    release()
    return refused(problem)
  } catch (error) {
    release()
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return refused(systemProblem(path, code, error as Error))
  }
}

/** False before a first start. */
export function hasDataDirectory(config: Pick<Config, 'dataDir'>): boolean {
  return existsSync(config.dataDir)
}

function directoriesOf(config: Pick<Config, 'dataDir' | 'walDir'>): string[] {
  const isInside = config.walDir.startsWith(config.dataDir + sep)
  return isInside ? [config.dataDir] : [config.dataDir, config.walDir]
}

/** Null when another process holds the lock. */
async function claim(path: string, flock: string): Promise<Lock | null> {
  makeDirectory(path)
  accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
  return lockDirectory(path, flock)
}

function makeDirectory(path: string): void {
  const firstMade = makeDirectories(path, DIRECTORY_MODE)
  if (firstMade !== undefined) syncDirectory(dirname(firstMade))
}

async function lockDirectory(path: string, flock: string): Promise<Lock | null> {
  // The directory itself is locked, so that one that is not ours is left as it is. The lock belongs to the open file,
  // which this process keeps open after the program that asked for it has ended.
  const descriptor = openSync(path, 'r')
  const tried = spawnSync(flock, ['-n', '-x', '3'], { stdio: ['ignore', 'ignore', 'ignore', descriptor] })
  if (tried.status === 0) return { release: () => closeSync(descriptor) }
  closeSync(descriptor)
  if (tried.status === FLOCK_CONFLICT) return null
  return SocketLock.take(path)
}

/** Null when the directory is ours or empty; a new one is marked as ours. */
function recognise(path: string, walDir: string): string | null {
  const marker = join(path, FORMAT_FILE)
  const line = readIfThere(marker)
  if (line === FORMAT_LINE) return null
  if (line !== null) {
    const found = /format (\d+)/.exec(line)?.[1] ?? 'unknown'
    return `data directory ${path} has format ${found}; this version reads format ${FORMAT_VERSION}`
  }
  if (isEtcdDirectory(path)) {
    return `data directory ${path} was written by etcd; stop that etcd and convert it: ${migrateCommand(path, walDir)}`
  }
  markDataDirectory(path)
  return null
}

/** What a person has to type; the log's directory only where it is not in its usual place. */
function migrateCommand(path: string, walDir: string): string {
  const isUsual = walDir === join(path, 'member', 'wal')
  return `raftringctl migrate --data-dir ${path}${isUsual ? '' : ` --wal-dir ${walDir}`}`
}

/** Durably says that this directory is ours, and of which format. */
export function markDataDirectory(path: string): void {
  const marker = join(path, FORMAT_FILE)
  const temporary = `${marker}.tmp`
  const descriptor = openSync(temporary, 'w', FILE_MODE)
  writeSync(descriptor, FORMAT_LINE)
  fsyncSync(descriptor)
  closeSync(descriptor)
  renameSync(temporary, marker)
  syncDirectory(path)
}

export function isMarked(path: string): boolean {
  return existsSync(join(path, FORMAT_FILE))
}

/** A migration was interrupted while the directories changed places. */
export function isUnfinished(path: string): boolean {
  return !isMarked(path) && existsSync(join(path, MigratedNames.kept))
}

/** Written by etcd, and not migrated to the end. */
export function isEtcdDirectory(path: string): boolean {
  if (isUnfinished(path)) return true
  const snap = namesIfThere(join(path, 'member', 'snap'))
  const wal = namesIfThere(join(path, 'member', 'wal'))
  return snap.includes('db') || wal.some((name) => name.endsWith('.wal'))
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function namesIfThere(path: string): readonly string[] {
  try {
    return readdirSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function modeWarnings(path: string): string[] {
  const mode = statSync(path).mode & 0o777
  if (mode === DIRECTORY_MODE) return []
  return [`data directory ${path} has mode ${mode.toString(8)}; 700 keeps its contents from other users`]
}

function systemProblem(path: string, code: string, error: Error): string {
  switch (code) {
    case 'ENOTDIR':
    case 'EEXIST':
      return `data directory ${path} is not a directory`
    case 'EACCES':
    case 'EPERM':
      return `no permission for data directory ${path}`
    case 'EROFS':
      return `data directory ${path} is on a read-only file system`
    case 'ENOSPC':
    case 'EDQUOT':
      return `no space left on disk for data directory ${path}`
    default:
      return `cannot use data directory ${path}: ${error.message}`
  }
}

function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}

function refused(message: string): ClaimResult {
  return { ok: false, message }
}

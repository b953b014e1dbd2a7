/**
 * `raftringctl migrate`: the directory of a stopped etcd becomes one of raftring, for the same member of the same
 * cluster, with everything that etcd had acknowledged. Its backend becomes the store; what its log has beyond that is
 * kept as log, for the server to apply. The new directories are made beside the old ones, and change places with them
 * at the end: an interrupted migration goes on where it was.
 */

import { closeSync, existsSync, openSync, renameSync, rmSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { dirname, join, resolve, sep } from 'node:path'
import { hexId } from '../base/bytes.js'
import { isEtcdDirectory, isMarked, markDataDirectory, MigratedNames } from '../cluster/data-dir-file.js'
import { decodeMember, type MemberRecord } from '../cluster/member-record.js'
import { STORAGE_VERSION } from '../config/versions.js'
import type { BboltReader } from '../bbolt/bbolt-reader.js'
import { Bucket, memberIdOfKey } from '../snapshot/etcd-buckets.js'
import { readImageFacts, type ImageFacts } from '../snapshot/image-facts.js'
import { openImage } from '../snapshot/open-image.js'
import { syncDirectory } from '../store/checkpoint-file.js'
import { readEtcdLog, type EtcdLog } from '../wal/etcd-log.js'
import { WalDirectory } from '../wal/wal-file.js'
import { DONE, failed, type CommandResult } from './command-result.js'
import { v3Entries } from './etcd-entries.js'
import type { Print } from './output.js'
import { isNewerVersion } from './storage-version.js'
import { writeMember } from './write-member.js'

export interface MigrateOptions {
  readonly dataDir: string
  /** Empty: in the data directory. */
  readonly walDir: string
  readonly random: () => number
}

interface Places {
  readonly dataDir: string
  readonly walDir: string
  /** etcd's backend, and where it is once the directories have changed places. */
  readonly database: string
  readonly keptDatabase: string
  /** What changes places, the member's directory last. */
  readonly swaps: readonly Swap[]
  /** Where the new log is made. */
  readonly newWalDir: string
}

/** A directory, where its successor is made, and where the original is kept. */
interface Swap {
  readonly current: string
  readonly made: string
  readonly kept: string
}

export function migrate(options: MigrateOptions, print: Print): CommandResult {
  const places = placesOf(options)
  const { dataDir } = places
  if (isMarked(dataDir)) return failed(`${dataDir} is a data directory of raftring already`)
  if (!isEtcdDirectory(dataDir)) return failed(`${dataDir} is not a data directory of etcd`)
  // Until the end: renaming what is locked leaves it locked.
  const lock = lockDatabase(existsSync(places.database) ? places.database : places.keptDatabase)
  if (typeof lock === 'string') return failed(lock)
  try {
    return migrateLocked(places, options, print)
  } finally {
    closeSync(lock)
  }
}

function migrateLocked(places: Places, options: MigrateOptions, print: Print): CommandResult {
  const { dataDir, swaps } = places
  if (!haveBegunToSwap(places)) {
    const inTheWay = swaps.find(({ kept }) => existsSync(kept))
    if (inTheWay !== undefined) {
      return failed(`${inTheWay.kept} is in the way, and no migration left it there: move it elsewhere first`)
    }
    const built = build(places, options, print)
    if (!built.ok) return built
  }
  for (const swap of swaps) changePlaces(swap)
  markDataDirectory(dataDir)
  print(`${dataDir} is ready for raftring; etcd's own files are kept in ${swaps.map(({ kept }) => kept).join(' and ')}`)
  return DONE
}

/**
 * True when the new directories were whole and began to change places: what an earlier migration made is not made
 * again. That an original's other name is taken proves nothing by itself.
 */
function haveBegunToSwap({ swaps, database }: Places): boolean {
  const member = swaps.at(-1) as Swap
  return swaps.some((swap) => {
    const { current, made, kept } = swap
    if (!existsSync(kept)) return false
    if (!existsSync(current)) return existsSync(made)
    if (existsSync(made)) return false
    // It has changed places: the log while the rest waits for it, or all.
    return swap === member ? !existsSync(database) : existsSync(member.made)
  })
}

function placesOf(options: MigrateOptions): Places {
  const dataDir = resolve(options.dataDir)
  const member = join(dataDir, 'member')
  const walDir = options.walDir === '' ? join(member, 'wal') : resolve(options.walDir)
  const made = join(dataDir, MigratedNames.made)
  const memberSwap = { current: member, made, kept: join(dataDir, MigratedNames.kept) }
  const database = databaseIn(member)
  const common = { dataDir, walDir, database, keptDatabase: databaseIn(memberSwap.kept) }
  if (walDir.startsWith(member + sep)) {
    return { ...common, swaps: [memberSwap], newWalDir: join(made, walDir.slice(member.length)) }
  }
  const walSwap = { current: walDir, made: `${walDir}.raftring`, kept: `${walDir}.etcd` }
  return { ...common, swaps: [walSwap, memberSwap], newWalDir: walSwap.made }
}

function databaseIn(member: string): string {
  return join(member, 'snap', 'db')
}

/** Makes the new directories, whole and durable. */
function build(places: Places, options: MigrateOptions, print: Print): CommandResult {
  const opened = openImage(places.database, { hash: 'skipped' })
  if (!opened.ok) return failed(opened.message)
  const facts = readImageFacts(opened.reader)
  const read = readEtcdLog(new WalDirectory(places.walDir, { noFsync: true }), facts.consistentIndex)
  const problem = read.ok ? problemOf(facts, read.log) : read.message
  if (!read.ok || problem !== null) {
    opened.close()
    return failed(problem ?? '')
  }
  const result = writeFrom(places, options, { image: opened.reader, facts, log: read.log }, print)
  opened.close()
  return result
}

interface Source {
  readonly image: BboltReader
  readonly facts: ImageFacts
  readonly log: EtcdLog
}

function writeFrom(places: Places, options: MigrateOptions, source: Source, print: Print): CommandResult {
  const { image, facts, log } = source
  const members = membersOf(image)
  for (const { made } of places.swaps) rmSync(made, { recursive: true, force: true })
  const { metadata, hardState } = log
  const index = facts.consistentIndex
  const written = writeMember({
    storeDir: join(places.dataDir, MigratedNames.made, 'store'),
    walDir: places.newWalDir,
    image,
    members,
    removedMembers: removedMembersOf(image),
    bumpRevision: 0,
    memberId: metadata.nodeId,
    clusterId: metadata.clusterId,
    applied: { index, term: termOf(facts, log) },
    entries: v3Entries(log.entries),
    hardState,
    random: options.random,
  })
  if (!written.ok) return failed(written.message)
  for (const { made } of places.swaps) syncDirectory(made)
  print(
    `member ${hexId(metadata.nodeId)} of cluster ${hexId(metadata.clusterId)}: revision ${written.revision} ` +
    `at entry ${index}, ${log.entries.length} entries to apply`,
  )
  const voters = members.filter(({ isLearner }) => !isLearner).length
  if (voters > 1) print(`warning: the cluster has ${voters} members; migrate all of them before one is started`)
  return DONE
}

/** What makes this directory one that must not be taken over as it is. */
function problemOf(facts: ImageFacts, log: EtcdLog): string | null {
  const { consistentIndex, storageVersion } = facts
  if (isNewerVersion(storageVersion, STORAGE_VERSION)) {
    return `etcd's storage version ${storageVersion} is newer than ${STORAGE_VERSION}`
  }
  if (consistentIndex > Math.max(log.lastIndex, log.hardState.commit)) {
    return `etcd's backend is at entry ${consistentIndex}, but its log ends at entry ${log.lastIndex}`
  }
  if (consistentIndex > 0 && termOf(facts, log) === 0) {
    return `etcd's log does not reach back to entry ${consistentIndex}, where its backend is: start that etcd once more`
  }
  return null
}

function termOf({ term }: ImageFacts, log: EtcdLog): number {
  return term > 0 ? term : log.term
}

function membersOf(image: BboltReader): MemberRecord[] {
  const members: MemberRecord[] = []
  for (const { key, value } of image.pairs(Bucket.members)) {
    const id = memberIdOfKey(key.view())
    const member = id === null ? null : decodeMember(id, value.copy())
    if (member !== null) members.push(member)
  }
  return members
}

function removedMembersOf(image: BboltReader): bigint[] {
  const ids: bigint[] = []
  for (const { key } of image.pairs(Bucket.membersRemoved)) {
    const id = memberIdOfKey(key.view())
    if (id !== null) ids.push(id)
  }
  return ids
}

/** The lock that a running etcd holds on its backend, as a descriptor to close; or why it cannot be had. */
function lockDatabase(path: string): number | string {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (error) {
    return (error as Error).message
  }
  const tried = spawnSync('flock', ['-n', '-x', '3'], { stdio: ['ignore', 'ignore', 'ignore', descriptor] })
  if (tried.status === 0) return descriptor
  closeSync(descriptor)
  if (tried.error !== undefined) return `cannot tell whether etcd is stopped: flock (util-linux) is missing`
  return `${path} is in use: stop that etcd first`
}

/** Does what is left to do: the original aside, then the new one in its place. */
function changePlaces({ current, made, kept }: Swap): void {
  if (!existsSync(kept)) renameSync(current, kept)
  if (existsSync(made)) renameSync(made, current)
  syncDirectory(dirname(current))
}

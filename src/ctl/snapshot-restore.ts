/**
 * `raftringctl snapshot restore FILE`: a data directory for one member of a new cluster, from a snapshot of either
 * server. It appears under its name when it is whole.
 */

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { hexId } from '../base/bytes.js'
import { bootstrapEntries } from '../cluster/bootstrap-entries.js'
import { markDataDirectory } from '../cluster/data-dir-file.js'
import { bootstrapProblem, parseInitialCluster } from '../cluster/initial-cluster.js'
import { clusterIdOf, memberIdOf, sortedIds } from '../cluster/member-ids.js'
import type { MemberRecord } from '../cluster/member-record.js'
import { STORAGE_VERSION } from '../config/versions.js'
import { EntryType } from '../proto/generated/raftpb.js'
import { readImageFacts } from '../snapshot/image-facts.js'
import { openImage } from '../snapshot/open-image.js'
import { syncDirectory } from '../store/checkpoint-file.js'
import { DONE, failed, type CommandResult } from './command-result.js'
import type { Print } from './output.js'
import { isNewerVersion } from './storage-version.js'
import { writeMember } from './write-member.js'

export interface RestoreOptions {
  readonly snapshot: string
  readonly name: string
  /** Empty: NAME.etcd. */
  readonly dataDir: string
  /** Empty: in the data directory. */
  readonly walDir: string
  readonly initialCluster: string
  readonly initialClusterToken: string
  readonly initialAdvertisePeerUrls: readonly string[]
  readonly skipHashCheck: boolean
  readonly bumpRevision: number
  readonly random: () => number
}

const DIRECTORY_MODE = 0o700

export function snapshotRestore(options: RestoreOptions, print: Print): CommandResult {
  const members = membersOf(options)
  if (typeof members === 'string') return failed(members)
  const places = placesOf(options)
  const problem = occupied(places)
  if (problem !== null) return failed(problem)
  const opened = openImage(options.snapshot, { hash: options.skipHashCheck ? 'skipped' : 'required' })
  if (!opened.ok) return failed(opened.message)
  const { storageVersion } = readImageFacts(opened.reader)
  if (isNewerVersion(storageVersion, STORAGE_VERSION)) {
    opened.close()
    return failed(`snapshot has storage version ${storageVersion}, which is newer than ${STORAGE_VERSION}`)
  }
  const own = members.find(({ name }) => name === options.name) as MemberRecord
  const ids = sortedIds(members.map(({ id }) => id))
  prepare(places)
  const entries = bootstrapEntries(members)
  const written = writeMember({
    storeDir: join(places.partDir, 'member', 'store'),
    walDir: places.partWalDir,
    image: opened.reader,
    members,
    removedMembers: [],
    bumpRevision: options.bumpRevision,
    memberId: own.id,
    clusterId: clusterIdOf(ids),
    applied: { index: entries.length, term: 1 },
    entries: entries.map((data, i) => ({ type: EntryType.EntryConfChange, term: 1, index: i + 1, data })),
    hardState: { term: 1, vote: ids[0] as bigint, commit: entries.length },
    random: options.random,
  })
  opened.close()
  if (!written.ok) {
    removeParts(places)
    return failed(written.message)
  }
  publish(places)
  print(`restored ${options.snapshot} at revision ${written.revision} to ${places.dataDir} as member ${hexId(own.id)}`)
  return DONE
}

function membersOf(options: RestoreOptions): MemberRecord[] | string {
  const parsed = parseInitialCluster(options.initialCluster)
  if (!parsed.ok) return parsed.message
  const problem = bootstrapProblem(parsed.members, options.name, options.initialAdvertisePeerUrls)
  if (problem !== null) return problem
  return parsed.members.map(({ name, peerUrls }) => ({
    id: memberIdOf(peerUrls, options.initialClusterToken),
    peerUrls,
    isLearner: false,
    name,
    clientUrls: [],
  }))
}

interface Places {
  readonly dataDir: string
  /** Null when the log is in the data directory. */
  readonly walDir: string | null
  /** Where it is made. */
  readonly partDir: string
  readonly partWalDir: string
}

function placesOf({ name, dataDir, walDir }: RestoreOptions): Places {
  const data = resolve(dataDir === '' ? `${name}.etcd` : dataDir)
  const partDir = `${data}.part`
  const usual = join(data, 'member', 'wal')
  const wal = walDir === '' ? usual : resolve(walDir)
  if (wal.startsWith(data + sep)) {
    return { dataDir: data, walDir: null, partDir, partWalDir: join(partDir, wal.slice(data.length)) }
  }
  return { dataDir: data, walDir: wal, partDir, partWalDir: `${wal}.part` }
}

/** Nothing that is there is touched. */
function occupied({ dataDir, walDir }: Places): string | null {
  if (!isEmpty(dataDir)) return `data-dir "${dataDir}" not empty or could not be read`
  if (walDir !== null && !isEmpty(walDir)) return `wal-dir "${walDir}" not empty or could not be read`
  return null
}

function isEmpty(path: string): boolean {
  if (!existsSync(path)) return true
  try {
    return readdirSync(path).length === 0
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    return false
  }
}

function prepare(places: Places): void {
  // What an interrupted restore left.
  removeParts(places)
  mkdirSync(places.partDir, { recursive: true, mode: DIRECTORY_MODE })
}

function removeParts({ partDir, partWalDir }: Places): void {
  rmSync(partDir, { recursive: true, force: true })
  rmSync(partWalDir, { recursive: true, force: true })
}

/** The log first, so that a data directory is never there without it. */
function publish({ dataDir, walDir, partDir, partWalDir }: Places): void {
  markDataDirectory(partDir)
  if (walDir !== null) moveTo(partWalDir, walDir)
  moveTo(partDir, dataDir)
}

function moveTo(from: string, to: string): void {
  renameSync(from, to)
  syncDirectory(dirname(to))
}

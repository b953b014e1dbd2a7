/** Writes what a member starts from, out of an image: its store with a checkpoint, and a log that begins behind it. */

import { rmSync } from 'node:fs'
import { BboltError } from '../bbolt/bbolt-error.js'
import type { BboltReader } from '../bbolt/bbolt-reader.js'
import type { MemberRecord } from '../cluster/member-record.js'
import { importImage } from '../snapshot/import-image.js'
import { adoptCheckpoint, beginCheckpoint, finishCheckpoint, syncStoreFile } from '../store/checkpoint.js'
import { restoreStore } from '../store/restore-store.js'
import type { NewEntry, NewLog } from '../wal/new-log.js'
import { writeNewLog } from '../wal/new-log.js'
import { WalDirectory } from '../wal/wal-file.js'
import { encodeConfState } from '../proto/generated/raftpb.js'

export interface NewMember {
  readonly storeDir: string
  readonly walDir: string
  readonly image: BboltReader
  readonly members: readonly MemberRecord[]
  readonly removedMembers: readonly bigint[]
  readonly bumpRevision: number
  readonly memberId: bigint
  readonly clusterId: bigint
  /** Up to here the image is what the log's entries made. */
  readonly applied: { readonly index: number; readonly term: number }
  readonly entries: Iterable<NewEntry>
  readonly hardState: NewLog['hardState']
  /** For the log's salt. */
  readonly random: () => number
}

export type WriteResult =
  | { readonly ok: true; readonly revision: number }
  | { readonly ok: false; readonly message: string }

export function writeMember(member: NewMember): WriteResult {
  try {
    const filled = fillStore(member)
    if (!filled.ok) return filled
    return writeLog(member) ? filled : { ok: false, message: `no space for the log in ${member.walDir}` }
  } catch (error) {
    if (error instanceof BboltError) return { ok: false, message: `the image cannot be restored: ${error.message}` }
    throw error
  }
}

function fillStore({ storeDir, image, members, removedMembers, applied, bumpRevision }: NewMember): WriteResult {
  const restored = restoreStore(storeDir)
  if (!restored.ok) return restored
  const { store, generation } = restored
  try {
    const imported = importImage({ image, store, members, removedMembers, applied, bumpRevision })
    if (!imported.ok) return imported
    const ticket = beginCheckpoint(store, { generation, appliedIndex: applied.index, appliedTerm: applied.term })
    syncStoreFile(store.dataFd)
    const written = finishCheckpoint(storeDir, ticket)
    adoptCheckpoint(store)
    return written.ok ? imported : written
  } finally {
    store.close()
    rmSync(`${store.path}-lock`, { force: true })
  }
}

function writeLog({ walDir, members, memberId, clusterId, applied, entries, hardState, random }: NewMember): boolean {
  const confState = encodeConfState({
    voters: members.filter(({ isLearner }) => !isLearner).map(({ id }) => id),
    learners: members.filter(({ isLearner }) => isLearner).map(({ id }) => id),
    auto_leave: false,
  })
  const device = new WalDirectory(walDir, { noFsync: false })
  return writeNewLog({ device, random }, {
    metadata: { nodeId: memberId, clusterId },
    snapshot: { index: applied.index, term: applied.term, confState },
    entries,
    hardState,
  })
}

/** Makes the log that a restored or migrated member starts from, with the same writer that the server has. */

import type { Bytes } from '../base/bytes.js'
import { LogWriter, createLog } from './log-writer.js'
import type { SegmentSupply, WalDevice } from './wal-device.js'
import type { HardStateRecord, SnapshotRecord, WalMetadata } from './wal-record-decoder.js'
import { SEGMENT_BYTES } from './wal-segment.js'

export interface NewEntry {
  readonly type: number
  readonly term: number
  readonly index: number
  readonly data: Bytes
}

export interface NewLog {
  readonly metadata: WalMetadata
  /** Where a start begins: the store holds everything up to here. */
  readonly snapshot: SnapshotRecord
  /** In order; those up to the snapshot are only a record of how the cluster began. */
  readonly entries: Iterable<NewEntry>
  readonly hardState: HardStateRecord
}

export interface NewLogOptions {
  readonly device: WalDevice
  /** For the log's salt. */
  readonly random: () => number
}

const FLUSH_BYTES = 4 * 1024 * 1024

/** False when the disk is full: then the log is not complete. */
export function writeNewLog(options: NewLogOptions, log: NewLog): boolean {
  const { device, random } = options
  const created = createLog({ device, segmentBytes: SEGMENT_BYTES, random }, log.metadata)
  if (created === null) return false
  const writer = new LogWriter(created, {
    device, random, supply: ONE_SEGMENT, segmentBytes: SEGMENT_BYTES, segmentsMax: 0, noFsync: false,
  })
  const isWritten = writeRecords(writer, log)
  writer.close()
  return isWritten
}

function writeRecords(writer: LogWriter, { snapshot, entries, hardState }: NewLog): boolean {
  let isSnapshotOwed = true
  const recordSnapshot = (): void => {
    isSnapshotOwed = false
    writer.snapshot(snapshot.index, snapshot.term, snapshot.confState, 0, snapshot.confState.length)
  }
  for (const { type, term, index, data } of entries) {
    if (isSnapshotOwed && index > snapshot.index) recordSnapshot()
    writer.entry(type, term, index, data, 0, data.length)
    if (writer.pendingBytes >= FLUSH_BYTES && !writer.write()) return false
  }
  if (isSnapshotOwed) recordSnapshot()
  writer.state(hardState.term, hardState.vote, hardState.commit)
  if (!writer.write()) return false
  writer.sync()
  return true
}

/** The server moves on to a second segment when it likes. */
const ONE_SEGMENT: SegmentSupply = {
  prepare: () => undefined,
  status: () => 'idle',
  take: () => undefined,
  failure: () => 0,
  discard: () => undefined,
  discardFailure: () => 0,
  close: () => undefined,
}

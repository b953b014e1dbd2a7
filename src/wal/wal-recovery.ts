/**
 * Opens a log: checks every record that is left, repairs a torn tail, and finds where a start begins. Damage that no
 * crash can have caused is a refusal that names file and offset: a log that lost acknowledged entries must not be
 * served.
 */

import type { Bytes } from '../base/bytes.js'
import { Crc32cMemory } from '../base/crc32c-memory.js'
import { LogContents } from './log-contents.js'
import { SegmentScanner, WINDOW_BYTES } from './segment-scanner.js'
import type { WalDevice, WalFile } from './wal-device.js'
import { RecordType } from './wal-record.js'
import type { HardStateRecord, SnapshotRecord, WalMetadata } from './wal-record-decoder.js'
import { parseSegmentName, segmentsOf, writeZeros, type Segment } from './wal-segment.js'

export interface TornTail {
  readonly name: string
  readonly offset: number
  readonly droppedBytes: number
}

export interface LogPlace {
  /** Of the segment. */
  readonly sequence: number
  readonly offset: number
}

export interface RecoveredLog {
  readonly metadata: WalMetadata
  readonly hardState: HardStateRecord
  readonly snapshot: SnapshotRecord
  readonly lastIndex: number
  readonly entryBytesMax: number
  /** Where the log last began anew behind a leader's snapshot: entries before it are of no account. */
  readonly restart: LogPlace | null
  readonly segments: readonly Segment[]
  /** The last segment, open for writing at `offset`. */
  readonly tail: WalFile
  readonly offset: number
  readonly crc: number
  readonly salt: Bytes | null
  /** What was cut off the tail because a crash interrupted its write. */
  readonly torn: TornTail | null
}

export type RecoveryRefusal = 'corrupt' | 'incomplete'

export type RecoveryResult =
  | { readonly ok: true; readonly log: RecoveredLog | null }
  | { readonly ok: false; readonly code: RecoveryRefusal; readonly message: string }

interface Refusal {
  readonly ok: false
  readonly code: RecoveryRefusal
  readonly message: string
}

interface Tail {
  readonly ok: true
  readonly segment: Segment
  readonly scanner: SegmentScanner
  readonly file: WalFile
  /** Where what a crash left behind the valid data ends. */
  readonly writtenEnd: number
}

/** `log` is null when there is no log yet. */
export function recoverLog(device: WalDevice): RecoveryResult {
  const names = device.list()
  const segments = lastRun(segmentsOf(names))
  if (segments.length === 0) return { ok: true, log: null }
  const contents = new LogContents()
  const scan: Scan = { contents, crc: null, memory: new Crc32cMemory(WINDOW_BYTES), restart: null }
  for (const segment of segments.slice(0, -1)) {
    const scanned = scanWhole(device, segment, scan)
    if (!scanned.ok) return scanned
    scan.crc = scanned.crc
  }
  const tail = scanTail(device, segments.at(-1) as Segment, scan)
  if (!tail.ok) return tail
  const start = startOf(device, contents)
  if (!start.ok) {
    tail.file.close()
    return start
  }
  // Only now is anything changed: a log that is refused stays as it was found.
  const { scanner, file, segment } = tail
  clearBehind(tail)
  // What was read may be in the page cache only; from here on raft counts on it.
  file.sync()
  tidyUp(device, names, segments)
  const droppedBytes = tail.writtenEnd - scanner.offset
  const torn = droppedBytes === 0 ? null : { name: segment.name, offset: scanner.offset, droppedBytes }
  const { hardState, lastIndex, entryBytesMax } = contents
  const { metadata, snapshot } = start
  const { restart } = scan
  const end = { restart, tail: file, offset: scanner.offset, crc: scanner.crc, salt: scanner.salt }
  return { ok: true, log: { metadata, hardState, snapshot, lastIndex, entryBytesMax, segments, torn, ...end } }
}

interface Scan {
  readonly contents: LogContents
  crc: number | null
  readonly memory: Crc32cMemory
  restart: LogPlace | null
}

/** The segments after the last gap in the sequence: a crash during a purge may leave some of what was to go. */
function lastRun(segments: readonly Segment[]): Segment[] {
  let from = segments.length - 1
  while (from > 0 && (segments[from - 1] as Segment).sequence === (segments[from] as Segment).sequence - 1) from--
  return segments.slice(Math.max(0, from))
}

/** A segment that was left for the next one was complete and synced before: any damage is refused. */
function scanWhole(device: WalDevice, segment: Segment, scan: Scan): { ok: true; crc: number } | Refusal {
  const file = device.open(segment.name, 'read')
  try {
    const scanner = new SegmentScanner(file, scan.crc, scan.memory)
    for (;;) {
      const step = scanner.next()
      if (step === 'end') break
      if (step === 'damage') return corrupt(device, segment, scanner, damageText(scanner))
      const problem = checkRecord(scanner, segment, scan)
      if (problem !== null) return corrupt(device, segment, scanner, problem)
    }
    return { ok: true, crc: scanner.crc }
  } finally {
    file.close()
  }
}

function scanTail(device: WalDevice, segment: Segment, scan: Scan): Tail | Refusal {
  const file = device.open(segment.name, 'write')
  const scanner = new SegmentScanner(file, scan.crc, scan.memory)
  const problem = scanToEnd(scanner, segment, scan)
  if (problem !== null) {
    file.close()
    return corrupt(device, segment, scanner, problem)
  }
  return { ok: true, segment, scanner, file, writtenEnd: scanner.writtenEnd() }
}

/** Null when the tail ends as a tail may: at the end of the data or in a write that a crash interrupted. */
function scanToEnd(scanner: SegmentScanner, segment: Segment, scan: Scan): string | null {
  let step = scanner.next()
  for (; step === 'record'; step = scanner.next()) {
    const problem = checkRecord(scanner, segment, scan)
    if (problem !== null) return problem
  }
  // A head is synced before its segment gets its name, so one without its last record, the salt, was damaged later.
  if (scanner.salt === null) {
    return `the segment's head is damaged: ${step === 'end' ? 'it ends early' : damageText(scanner)}`
  }
  if (scanner.hasSyncMarkBehind(scanner.writtenEnd())) {
    return step === 'end' ? 'records are missing' : damageText(scanner)
  }
  if (!scanner.sectorIsSound()) return step === 'end' ? 'a length field is missing' : damageText(scanner)
  if (step === 'damage' && !isTorn(scanner)) return damageText(scanner)
  return scan.contents.metadata === null ? 'no metadata record' : null
}

/** An interrupted write leaves whole sectors as they were: empty, or not yet part of the file. */
function isTorn(scanner: SegmentScanner): boolean {
  return scanner.damage === 'cut-off' || scanner.damageHasEmptySector()
}

/** The first record of a segment carries the chain on; what follows is the contents' business. */
function checkRecord(scanner: SegmentScanner, segment: Segment, scan: Scan): string | null {
  const isFirst = scanner.offset === 0
  if (isFirst && scanner.record.type !== RecordType.chain) return 'the segment does not start with a CRC record'
  const { restarts } = scan.contents
  const problem = scan.contents.add(scanner.record)
  if (scan.contents.restarts > restarts) scan.restart = { sequence: segment.sequence, offset: scanner.offset }
  return problem
}

/** Zeroes all that lies behind the valid data: a later record could otherwise complete the chain of a dead one. */
function clearBehind(tail: Tail): void {
  const { file, scanner, writtenEnd } = tail
  if (writtenEnd === scanner.offset || writeZeros(file, scanner.offset, writtenEnd)) return
  // On a full copy-on-write disk not even zeros find room, but a shorter file does.
  file.truncate(scanner.offset)
}

type Start = { readonly ok: true; readonly metadata: WalMetadata; readonly snapshot: SnapshotRecord } | Refusal

function startOf(device: WalDevice, contents: LogContents): Start {
  const metadata = contents.metadata
  const snapshot = contents.startSnapshot()
  if (metadata === null || snapshot === null) {
    return incomplete(device, `no snapshot record at or below the commit index ${contents.hardState.commit}`)
  }
  const { lastIndex, entriesFrom, hardState } = contents
  if (lastIndex > snapshot.index && entriesFrom > snapshot.index + 1) {
    return incomplete(device, `entries ${snapshot.index + 1} to ${entriesFrom - 1} are missing`)
  }
  if (hardState.commit > Math.max(lastIndex, snapshot.index)) {
    return incomplete(device, `entry ${hardState.commit} is committed, but the log ends at entry ${lastIndex}`)
  }
  return { ok: true, metadata, snapshot }
}

/** Removes what an interrupted purge or preparation left. */
function tidyUp(device: WalDevice, names: readonly string[], segments: readonly Segment[]): void {
  const kept = new Set(segments.map((segment) => segment.name))
  let removed = 0
  for (const name of names) {
    const isPurged = parseSegmentName(name) !== null && !kept.has(name)
    if (!isPurged && !name.endsWith('.tmp')) continue
    device.remove(name)
    removed++
  }
  if (removed > 0) device.syncNames()
}

function damageText(scanner: SegmentScanner): string {
  switch (scanner.damage) {
    case 'crc':
      return 'CRC mismatch'
    case 'length':
      return 'a length field that is none'
    case 'encoding':
      return 'a record that cannot be decoded'
    case 'cut-off':
      return 'the file ends inside a record'
  }
}

function corrupt(device: WalDevice, segment: Segment, scanner: SegmentScanner, what: string): Refusal {
  const message = `corrupt write-ahead log: ${device.path}/${segment.name} at offset ${scanner.offset}: ${what}`
  return { ok: false, code: 'corrupt', message }
}

function incomplete(device: WalDevice, what: string): Refusal {
  return { ok: false, code: 'incomplete', message: `incomplete write-ahead log in ${device.path}: ${what}` }
}

export type MetadataResult =
  | { readonly ok: true; readonly metadata: WalMetadata | null }
  | { readonly ok: false; readonly message: string }

/** The identity in the head of the oldest segment left; null when there is no log. Changes nothing on disk. */
export function readLogMetadata(device: Pick<WalDevice, 'path' | 'open'>, names: readonly string[]): MetadataResult {
  const segment = lastRun(segmentsOf(names))[0]
  if (segment === undefined) return { ok: true, metadata: null }
  const file = device.open(segment.name, 'read')
  try {
    const contents = new LogContents()
    const scan: Scan = { contents, crc: null, memory: new Crc32cMemory(WINDOW_BYTES), restart: null }
    const scanner = new SegmentScanner(file, null)
    while (contents.metadata === null && scanner.next() === 'record') {
      const problem = checkRecord(scanner, segment, scan)
      if (problem !== null) return corruptHead(device.path, segment, scanner, problem)
    }
    if (contents.metadata !== null) return { ok: true, metadata: contents.metadata }
    return corruptHead(device.path, segment, scanner, 'no metadata record')
  } finally {
    file.close()
  }
}

function corruptHead(path: string, segment: Segment, scanner: SegmentScanner, what: string): MetadataResult {
  return {
    ok: false,
    message: `corrupt write-ahead log: ${path}/${segment.name} at offset ${scanner.offset}: ${what}`,
  }
}

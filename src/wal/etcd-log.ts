/**
 * Reads a log that etcd has written, and changes nothing in it. It has no salts and no sync marks, so an end that does
 * not check out is taken for torn by etcd's own rule.
 */

import { Crc32cMemory } from '../base/crc32c-memory.js'
import { LogContents } from './log-contents.js'
import type { NewEntry } from './new-log.js'
import { SegmentScanner, WINDOW_BYTES } from './segment-scanner.js'
import type { WalDevice } from './wal-device.js'
import { EntryView, type HardStateRecord, type WalMetadata } from './wal-record-decoder.js'
import { RecordType } from './wal-record.js'
import { segmentsOf, type Segment } from './wal-segment.js'

export interface EtcdLog {
  readonly metadata: WalMetadata
  readonly hardState: HardStateRecord
  /** The term of the entry that was asked for, 0 if neither it nor a snapshot of it is in the log. */
  readonly term: number
  readonly lastIndex: number
  /** Those behind the one that was asked for, as they are in force. */
  readonly entries: readonly NewEntry[]
}

export type EtcdLogResult =
  | { readonly ok: true; readonly log: EtcdLog }
  | { readonly ok: false; readonly message: string }

type ReadDevice = Pick<WalDevice, 'path' | 'list' | 'open'>

export function readEtcdLog(device: ReadDevice, afterIndex: number): EtcdLogResult {
  const segments = lastRun(segmentsOf(device.list()))
  if (segments.length === 0) return refused(`no write-ahead log in ${device.path}`)
  const reading = new Reading(afterIndex)
  const memory = new Crc32cMemory(WINDOW_BYTES)
  let crc: number | null = null
  for (const [i, segment] of segments.entries()) {
    const file = device.open(segment.name, 'read')
    const scanner = new SegmentScanner(file, crc, memory)
    const problem = reading.scan(scanner, i === segments.length - 1)
    file.close()
    if (problem !== null) {
      return refused(`corrupt log: ${device.path}/${segment.name} at offset ${scanner.offset}: ${problem}`)
    }
    crc = scanner.crc
  }
  const { metadata } = reading.contents
  if (metadata === null) return refused(`no metadata in the write-ahead log in ${device.path}`)
  const { hardState, lastIndex } = reading.contents
  const log = { metadata, hardState, lastIndex, term: reading.term(), entries: reading.entries }
  return reading.isGapless ? { ok: true, log } : refused(`entries behind ${afterIndex} are missing from ${device.path}`)
}

class Reading {
  readonly contents = new LogContents()
  readonly entries: NewEntry[] = []
  isGapless = true
  readonly #afterIndex: number
  readonly #entry = new EntryView()
  #entryTerm = 0

  constructor(afterIndex: number) {
    this.#afterIndex = afterIndex
  }

  term(): number {
    if (this.#entryTerm > 0) return this.#entryTerm
    return this.contents.snapshots.find(({ index }) => index === this.#afterIndex)?.term ?? 0
  }

  /** Returns what is wrong, null if nothing is. */
  scan(scanner: SegmentScanner, isTail: boolean): string | null {
    for (;;) {
      const step = scanner.next()
      if (step === 'end') return null
      if (step === 'damage') {
        const isTorn = isTail && (scanner.damage === 'cut-off' || scanner.damageHasEmptySector())
        return isTorn ? null : `a record that is damaged (${scanner.damage})`
      }
      const problem = this.contents.add(scanner.record)
      if (problem !== null) return problem
      if (scanner.record.type === RecordType.entry) this.#take(scanner)
    }
  }

  /** An entry written again replaces the earlier one and all that followed it. */
  #take({ record }: SegmentScanner): void {
    const entry = this.#entry
    entry.read(record.bytes, record.dataStart, record.dataEnd)
    const { type, term, index } = entry
    if (index === this.#afterIndex) this.#entryTerm = term
    if (index <= this.#afterIndex) {
      this.entries.length = 0
      return
    }
    const position = index - this.#afterIndex - 1
    if (position > this.entries.length) {
      this.isGapless = false
      return
    }
    this.entries.length = position
    this.entries.push({ type, term, index, data: record.bytes.slice(entry.dataStart, entry.dataEnd) })
  }
}

/** The segments after the last gap: a purge that was interrupted may leave some before it. */
function lastRun(segments: readonly Segment[]): Segment[] {
  let from = segments.length - 1
  while (from > 0 && (segments[from - 1] as Segment).sequence === (segments[from] as Segment).sequence - 1) from--
  return segments.slice(Math.max(0, from))
}

function refused(message: string): EtcdLogResult {
  return { ok: false, message }
}

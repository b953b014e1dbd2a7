/** Names of segment files, and the head that every segment starts with. */

import type { Bytes } from '../base/bytes.js'
import type { WalDevice, WalFile } from './wal-device.js'

/** etcd's size: a segment is left for the next one once its data reaches this. */
export const SEGMENT_BYTES = 64_000_000

/**
 * The first segment is left earlier, so that a new member need not wait until all of it is filled with zeros: only
 * this much is, the rest of its size is a hole.
 */
const FIRST_SEGMENT_BYTES = 4 * 1024 * 1024

/** Temporary names of segments being made ready, used in turn as etcd does. */
export const SUPPLY_NAMES = ['0.tmp', '1.tmp'] as const

const ZEROS: Bytes = new Uint8Array(1024 * 1024)

export interface Segment {
  readonly name: string
  readonly sequence: number
  /** Entries below this index are in earlier segments, as far as they are still in force. */
  readonly firstIndex: number
}

export function segmentOf(sequence: number, firstIndex: number): Segment {
  return { name: `${hex16(sequence)}-${hex16(firstIndex)}.wal`, sequence, firstIndex }
}

/** Null for any other file. */
export function parseSegmentName(name: string): Segment | null {
  const match = /^([0-9a-f]{16})-([0-9a-f]{16})\.wal$/.exec(name)
  if (match === null) return null
  const sequence = Number.parseInt(match[1] as string, 16)
  const firstIndex = Number.parseInt(match[2] as string, 16)
  if (!Number.isSafeInteger(sequence) || !Number.isSafeInteger(firstIndex)) return null
  return { name, sequence, firstIndex }
}

/** The segments among `names`, by sequence. */
export function segmentsOf(names: readonly string[]): Segment[] {
  const segments: Segment[] = []
  for (const name of names) {
    const segment = parseSegmentName(name)
    if (segment !== null) segments.push(segment)
  }
  return segments.sort((a, b) => a.sequence - b.sequence)
}

/** How much data a segment takes before it is left for the next one. */
export function segmentLimit(segment: Segment, segmentBytes: number): number {
  return segment.sequence === 0 ? Math.min(FIRST_SEGMENT_BYTES, segmentBytes) : segmentBytes
}

/** Position of the oldest segment that a start from a snapshot at `index` needs. */
export function neededFrom(segments: readonly Segment[], index: number): number {
  let needed = 0
  for (let i = 1; i < segments.length; i++) {
    if ((segments[i] as Segment).firstIndex <= index) needed = i
  }
  return needed
}

/** Writes zeros to file[from, to). False when the disk is full. */
export function writeZeros(file: WalFile, from: number, to: number): boolean {
  for (let at = from; at < to; at += ZEROS.length) {
    if (!file.write(ZEROS, 0, Math.min(ZEROS.length, to - at), at)) return false
  }
  return true
}

/**
 * Makes a file with `head` the segment: head synced first, then the name, so that a segment with its final name is
 * never without its head. False when the disk is full.
 */
export function installSegment(
  device: WalDevice,
  file: WalFile,
  names: { readonly temporary: string; readonly final: string },
  head: Bytes,
): boolean {
  if (!file.write(head, 0, head.length, 0)) return false
  file.sync()
  device.rename(names.temporary, names.final)
  device.syncNames()
  return true
}

function hex16(value: number): string {
  return value.toString(16).padStart(16, '0')
}

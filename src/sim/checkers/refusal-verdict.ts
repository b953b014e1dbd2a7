/** Whether a member has ended as it must when its log is damaged: with an error that says where. */

import type { BadSector } from '../devices/sim-disk.js'

const CORRUPT = /corrupt write-ahead log: \S*\/([0-9a-f]{16}-[0-9a-f]{16}\.wal) at offset \d+: ./
/** Bits that name the record's type: the records are whole, and make no sense together. */
const INCOMPLETE = /incomplete write-ahead log in \S+: ./

/** What is wrong with the error, or null. */
export function refusalProblem(text: string, { name, start }: Pick<BadSector, 'name' | 'start'>): string | null {
  const found = CORRUPT.exec(text)
  // Damage may be told by the first record of the next segment, never by an earlier one.
  if (found !== null && (found[1] as string) >= name) return null
  if (INCOMPLETE.test(text)) return null
  return `the sector at ${start} of ${name} is bad, and the member ends otherwise: ${text}`
}

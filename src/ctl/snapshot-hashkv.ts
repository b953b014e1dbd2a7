/** `raftringctl snapshot hashkv FILE`: the hash that a member with this image would answer to HashKV. */

import { hashImage } from '../snapshot/image-status.js'
import { openImage } from '../snapshot/open-image.js'
import { failed, type CommandResult } from './command-result.js'
import { printResult, type Print } from './output.js'

export function snapshotHashkv(path: string, revision: number, format: string, print: Print): CommandResult {
  const opened = openImage(path, { hash: 'ifThere' })
  if (!opened.ok) return failed(opened.message)
  const hashed = hashImage(opened.reader, revision)
  opened.close()
  if (!hashed.ok) return failed(hashed.message)
  const { hash, hashRevision, compactRevision } = hashed.result
  return printResult(format, {
    row: [
      ['hash', String(hash)],
      ['hash revision', String(hashRevision)],
      ['compact revision', String(compactRevision)],
    ],
    fields: [['Hash', hash], ['Hash revision', hashRevision], ['Compact revision', compactRevision]],
    json: { hash, hashRevision, compactRevision },
  }, print)
}
